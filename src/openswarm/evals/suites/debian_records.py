"""Debian's package lists as records and as pages of prose.

Owns the strict reading of `Packages` and `Translation-en`. Knows no task and no network.
"""

import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from openswarm.core.errors import UserError

MAX_LINE_CHARS = 400_000
MAX_FIELDS = 80
DESCRIPTION_CHARS = 1600
"""Of a long description; what follows is left out, from a paragraph or a word on."""
RELATIONS = ("Depends", "Pre-Depends", "Recommends", "Suggests")

FIELD = re.compile(r"([!-9;-~]+):[ \t]*(.*)")
NAME = re.compile(r"[a-z0-9][a-z0-9+.\-]+")
VERSION = re.compile(r"(?:\d+:)?[0-9][A-Za-z0-9.+\-:~]*")
SECTION = re.compile(r"(?:[a-z\-]+/)?([a-z0-9\-]+)")
MAINTAINER = re.compile(r"\s*(.*?)\s*<[^<>]+>")
RELATION = re.compile(
    r"(?P<name>[a-z0-9][a-z0-9+.\-]+)(?::[a-z0-9\-]+)?"
    r"(?:\s*\((?P<op><<|<=|=|>=|>>)\s*(?P<version>[^\s()]+)\))?"
)


@dataclass(frozen=True, slots=True)
class Alternative:
    """One of the packages that satisfy a relation."""

    name: str
    bound: str
    """Such as `>= 2.0.12`; '' for any version."""

    def __str__(self) -> str:
        return f"{self.name} ({self.bound})" if self.bound else self.name


Relation = tuple[Alternative, ...]
"""A relation: any of its alternatives satisfies it."""


@dataclass(frozen=True, slots=True)
class Binary:
    """A binary package."""

    name: str
    source: str
    version: str
    architecture: str
    section: str
    priority: str
    installed_kb: int
    """Kibibytes on disk, as the list estimates them."""
    size: int
    """Bytes of the package file."""
    maintainer: str
    """The name; addresses are left out."""
    homepage: str
    summary: str
    description_md5: str
    relations: dict[str, tuple[Relation, ...]]

    @property
    def host(self) -> str:
        """The host of the home page; '' without one."""
        return host_of(self.homepage)


def stanzas(lines: Iterable[str]) -> Iterator[dict[str, str]]:
    """The paragraphs of a control file as fields; a continued line keeps its line break.

    Raises `UserError` for a line that is no field, a field that comes twice, and too much of both.
    """
    fields: dict[str, str] = {}
    last = ""
    for number, raw in enumerate(lines, 1):
        line = raw.rstrip("\n")
        if not line.strip():
            if fields:
                yield fields
            fields, last = {}, ""
        elif line[0] in " \t" and last:
            fields[last] += "\n" + line[1:]
        else:
            last, value = _field(line, number, fields)
            fields[last] = value
    if fields:
        yield fields


def _field(line: str, number: int, fields: dict[str, str]) -> tuple[str, str]:
    found = FIELD.fullmatch(line) if len(line) <= MAX_LINE_CHARS else None
    if found is None:
        raise UserError(f"line {number} of the list is no field: {line[:60]!r}")
    if found[1] in fields or len(fields) >= MAX_FIELDS:
        raise UserError(f"line {number} of the list: {found[1]} comes twice, or too many fields")
    return found[1], found[2].strip()


def read_binary(fields: dict[str, str]) -> Binary:
    """A package from its fields. Raises `UserError` that names the package and the field."""
    name = _matched(fields, "Package", NAME)
    return Binary(
        name=name,
        source=fields.get("Source", name).partition(" ")[0],
        version=_matched(fields, "Version", VERSION),
        architecture=_matched(fields, "Architecture", NAME),
        section=SECTION.sub(r"\1", _matched(fields, "Section", SECTION)),
        priority=_matched(fields, "Priority", NAME),
        installed_kb=_number(fields, "Installed-Size"),
        size=_number(fields, "Size"),
        maintainer=_maintainer(fields),
        homepage=fields.get("Homepage", ""),
        summary=fields.get("Description", "").partition("\n")[0],
        description_md5=fields.get("Description-md5", ""),
        relations={key: _relations(fields, key) for key in RELATIONS if key in fields},
    )


def _matched(fields: dict[str, str], key: str, pattern: re.Pattern[str]) -> str:
    value = fields.get(key, "")
    if not pattern.fullmatch(value):
        raise UserError(f"package {fields.get('Package', '')[:60]!r}: {key} is {value[:60]!r}")
    return value


def _number(fields: dict[str, str], key: str) -> int:
    value = fields.get(key, "0")
    if not (value.isascii() and value.isdigit() and len(value) <= 15):
        raise UserError(f"package {fields.get('Package', '')[:60]!r}: {key} is {value[:60]!r}")
    return int(value)


def _maintainer(fields: dict[str, str]) -> str:
    found = MAINTAINER.fullmatch(fields.get("Maintainer", ""))
    return found[1].strip('" ') if found else ""


def _relations(fields: dict[str, str], key: str) -> tuple[Relation, ...]:
    found: list[Relation] = []
    for group in filter(None, (entry.strip() for entry in fields[key].split(","))):
        matches = [RELATION.fullmatch(word.strip()) for word in group.split("|")]
        if None in matches:
            package = fields.get("Package", "")[:60]
            raise UserError(f"package {package!r}: {key} has {group[:60]!r}")
        found.append(
            tuple(
                Alternative(m["name"], f"{m['op']} {m['version']}" if m["op"] else "")
                for m in matches
                if m
            )
        )
    return tuple(found)


def descriptions(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    """The hash and the long description, as Markdown, of each paragraph of `Translation-en`."""
    for fields in stanzas(lines):
        _, _, body = fields.get("Description-en", "").partition("\n")
        yield fields.get("Description-md5", ""), _markdown(body)


def _markdown(body: str) -> str:
    """A long description: ` .` parts paragraphs, deeper lines are lists or verbatim."""
    paragraphs = re.split(r"\n\.(?:\n|$)", body)
    kept: list[str] = []
    room = DESCRIPTION_CHARS
    for paragraph in paragraphs:
        text = re.sub(r"\n(?!\s*[*\-+] )\s*", " ", paragraph.strip())
        text = re.sub(r"\n\s*[*\-+] ", "\n- ", "\n" + text).strip()
        if len(text) > room:
            kept.append(text[:room].rsplit(" ", 1)[0] + " …")
            break
        room -= len(text)
        kept.append(text)
    return "\n\n".join(filter(None, kept))


def host_of(address: str) -> str:
    """The host of an address in lower case; '' where there is none."""
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


def prose(package: Binary, description: str) -> str:
    """The page of a package: what its list says of it, in sentences under four headings.

    Which packages need it is not said. The wording is one of two, by the name's checksum.
    """
    said = _PLAIN if zlib.crc32(package.name.encode()) % 2 else _WORDY
    facts = {
        "name": package.name, "version": package.version, "section": package.section,
        "priority": package.priority, "architecture": package.architecture,
        "installed": package.installed_kb, "size": package.size, "source": package.source,
        "maintainer": package.maintainer or "nobody that the list names",
    }  # fmt: skip
    blocks = [
        f"# {package.name}: {package.summary}",
        *([description] if description else []),
        "## Release",
        said[0].format(**facts),
        "## Size",
        said[1].format(**facts),
        "## Upkeep",
        said[2].format(**facts),
        *([f"Its home page is {package.homepage}"] if package.homepage else []),
        "## Relations",
        *_relation_lines(package),
    ]
    return "\n\n".join(blocks) + "\n"


_PLAIN = (
    "Version: {version}. Section: {section}. Priority: {priority}. Architecture: {architecture}.",
    "Installed size: {installed} kB. Package file: {size} bytes.",
    "Maintainer: {maintainer}. Source package: {source}.",
)
_WORDY = (
    "The release in this distribution is {version}, built for the architecture {architecture};"
    " it belongs to the section {section} and has the priority {priority}.",
    "The package file to download holds {size} bytes, and what it installs takes {installed} kB.",
    "It is built from the source package {source} and looked after by {maintainer}.",
)
_VERBS = {
    "Depends": "depends on", "Pre-Depends": "must be unpacked after",
    "Recommends": "recommends", "Suggests": "suggests",
}  # fmt: skip


def _relation_lines(package: Binary) -> list[str]:
    lines = [
        f"{package.name} {_VERBS[key]}: "
        + ", ".join(" or ".join(map(str, relation)) for relation in package.relations[key])
        + "."
        for key in RELATIONS
        if package.relations.get(key)
    ]
    return lines or [f"{package.name} needs no other package."]
