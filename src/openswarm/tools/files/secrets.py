"""Which files usually hold secrets: reading one is asked about, searching passes over them."""

from fnmatch import fnmatchcase

from openswarm.tools.files.finding import Parts

NAMES = (
    ".env", ".env.*", "*.pem", "*.key", "*.p12", "*.pfx", "*.jks", "*.kdbx", "id_rsa", "id_dsa",
    "id_ecdsa", "id_ed25519", ".netrc", ".npmrc", ".pypirc", ".htpasswd", ".pgpass",
    ".git-credentials", "*.tfstate",
)  # fmt: skip
"""Names of files, in any folder, whatever their case."""
SAMPLES = (".env.example", ".env.sample", ".env.template", ".env.dist")
"""Names that look alike but are made to be read."""
PLACES = ((".git", "config"), (".kube", "config"), (".docker", "config.json"))
"""A folder's name and a file's name in it."""
FOLDERS = (".ssh", ".aws", ".gnupg", ".azure", ".gcloud")
"""Folders of which every file counts."""


def is_secret(path: Parts) -> bool:
    """Whether a file usually holds secrets, by its path."""
    folded = tuple(part.casefold() for part in path)
    if not folded or folded[-1] in SAMPLES:
        return False
    return (
        folded[-2:] in PLACES
        or any(part in FOLDERS for part in folded[:-1])
        or any(fnmatchcase(folded[-1], pattern) for pattern in NAMES)
    )


def is_git(path: Parts) -> bool:
    """Whether it belongs to git itself: what stands there can run programs of the user."""
    return any(part.casefold() == ".git" for part in path)
