"""What is taken out of text that is shared, and what is not."""

import base64
import json
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openswarm.core.settings import Endpoint, Settings
from openswarm.journal.redact import MARK, Redactor, known_secrets

KNOWN = 'Tr0ub/dor&3+"x'
HOME = Path("/srv/people/ada")
REDACTOR = Redactor([KNOWN, "98765432109"], HOME)

PEM = (
    "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nMIIEowIBAAKCAQEAvv+/x\n"
    "-----END RSA PRIVATE KEY-----"
)
GITHUB = "ghp_a1B2c3D4e5a1B2c3D4e5"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N-XgL0n3I9PlFUP0THsR8U"


@pytest.mark.requirement("journal.share")
@pytest.mark.parametrize(
    "written",
    [
        KNOWN,
        quote(KNOWN),
        quote(KNOWN, safe=""),
        quote_plus(KNOWN).lower().replace("tr0ub", "Tr0ub"),
        json.dumps(KNOWN)[1:-1],
        json.dumps(json.dumps(KNOWN)[1:-1])[1:-1],
        json.dumps(KNOWN)[1:-1].replace("/", "\\/"),
        KNOWN.replace("&", "&amp;").replace('"', "&quot;"),
        base64.b64encode(KNOWN.encode()).decode(),
        base64.urlsafe_b64encode(KNOWN.encode()).decode().rstrip("="),
    ],
)
def test_a_known_secret_is_found_however_it_is_written(written: str) -> None:
    assert REDACTOR.text(f"the key is {written}, keep it") == f"the key is {MARK}, keep it"
    assert REDACTOR.text(f"abc{written}def") == f"abc{MARK}def"


@pytest.mark.parametrize("before", ["", "u", "us", "use", "user:"])
def test_a_known_secret_is_found_inside_of_base64(before: str) -> None:
    """Wherever it begins in what was encoded; of its edges no more than bits are left."""
    after = REDACTOR.text(base64.b64encode(f"{before}{KNOWN}@host".encode()).decode())
    head, _, tail = after.partition(MARK)
    decoded = base64.b64decode(head + "A" * (-len(head) % 4))
    assert MARK in after and KNOWN.encode()[:2] not in decoded
    assert len(tail) < 12


def test_a_secret_that_a_text_ends_in_the_middle_of_is_taken_out_too() -> None:
    assert REDACTOR.text(f'{{"key": "{KNOWN[:9]}') == f'{{"key": "{MARK}'
    assert REDACTOR.text(f"with {KNOWN[:10]}…") == f"with {MARK}…"
    assert REDACTOR.text(f"with {KNOWN[:9]} and more") == f"with {KNOWN[:9]} and more"


@pytest.mark.requirement("journal.share")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("key sk-proj-AbC123def456GHI789jkl0 there", "key [redacted] there"),
        ("sk-ant-api03-AbCdEfGhIjKlMnOp_1-AA.", "[redacted]."),
        ("(AKIAIOSFODNN7EXAMPLE)", "([redacted])"),
        (GITHUB, "[redacted]"),
        ("gho_a1B2c3D4e5a1B2c3D4e5", "[redacted]"),
        ("github_pat_11ABCDEFG0aBcDeFgHiJkL_mNoPqRsT", "[redacted]"),
        ("xoxb-123456789012-abcdefghijkl", "[redacted]"),
        ("AIzaSyA1bC2dE3fG4hI5jK", "[redacted]"),
        ("hf_AbCdEfGhIjKlMnOpQrStUvWxYz", "[redacted]"),
        ("glpat-AbCdEf123456GhIjKl78", "[redacted]"),
        ("gsk_AbCdEf123456GhIjKl789012", "[redacted]"),
        (f"jwt={JWT};", "jwt=[redacted];"),
        ("Bearer%20" + JWT, "Bearer%20[redacted]"),
        ("line\\nsk-proj-AbC123def456GHI789jkl0", "line\\n[redacted]"),
        ("Bearer abc123def456.", "Bearer [redacted]."),
        ("authorization: Bearer abcdefghijkl", "authorization: Bearer [redacted]"),
        ("Basic dXNlcjpwYXNzd29yZA==", "Basic [redacted]"),
        (f"a\n{PEM}\nb", "a\n[redacted]\nb"),
        ("-----BEGIN PRIVATE KEY-----\nMIIEowIBAAKCAQEA12 cut", "[redacted] cut"),
        ("postgres://ada:s3cr3t@db/x", "postgres://[redacted]@db/x"),
        ("https://x.org/?a=1&api_key=abc&b=2", "https://x.org/?a=1&api_key=[redacted]&b=2"),
        ("export GITHUB_TOKEN=abcd", "export GITHUB_TOKEN=[redacted]"),
        ("password=hunter2", "password=[redacted]"),
        ("password: hunter2\n", "password: [redacted]\n"),
        ('api_key = "abcdef"', 'api_key = "[redacted]"'),
        ('{\\"password\\": \\"hunter2\\", \\"n', '{\\"password\\": \\"[redacted]\\", \\"n'),
        ('secret = "password=hunter2"', 'secret = "password=[redacted]"'),
        ("x-api-key: 0123456789abcdef0123", "x-api-key: [redacted]"),
    ],
)
def test_common_forms_are_taken_out(text: str, expected: str) -> None:
    assert REDACTOR.text(text) == expected
    assert REDACTOR.text(expected) == expected


@pytest.mark.parametrize(
    "text",
    [
        "The risk-averse and disk-encryption-in-the-cloud-2024 people of sk-learn-contrib-models.",
        "Bearer of responsibilities, bearer authentication-mechanisms; basic understandings.",
        "Basic JavaScript/TypeScript and Basic trainings. Authorization: required for everybody",
        "one token = four characters. Token: a unit of text. Password: choose a long one",
        "max_tokens=4096, token=4096, token=None, password=None, api_key=settings.api_key",
        'api_key=$OPENAI_API_KEY password={password} token=<yours> "secret": "nobody knows it"',
        '{"token": "hello", "id": 15339, "secret": "the ingredient"}',
        "PWD=/tmp/work http://localhost:8000/a@b https://ada@example.org ada@example.org:22",
        "-----BEGIN CERTIFICATE-----\nMIIEowIBAAKCAQEA\n-----END CERTIFICATE-----",
        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "run 20261122-073616-91b650, agent root/3, call_AbC123def456GHI789 toolu_01AbC123def456",
        "xai/grok-4.7 xai-grok-4-fast-reasoning https://x.ai/blog/eyJ.a.b AKIA-1 hf_transfer",
        "Tr0ub is no secret; nor is 9876543210; /srv/people/adam, x/srv/people/ada, ~/ada",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert REDACTOR.text(text) == text


@pytest.mark.requirement("journal.share")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/srv/people/ada/docs/a.md#3", "~/docs/a.md#3"),
        ("in /srv/people/ada.", "in ~."),
        ('{"path": "/srv/people/ada"}', '{"path": "~"}'),
        ("file:///srv/people/ada/x", "file://~/x"),
        ("a:/srv/people/ada/bin", "a:~/bin"),
        ("https://example.org/srv/people/ada/x", "https://example.org/srv/people/ada/x"),
        ("/srv/people/ada.bak /srv/people/ada-2", "/srv/people/ada.bak /srv/people/ada-2"),
    ],
)
def test_the_home_folder_becomes_a_tilde_in_paths(text: str, expected: str) -> None:
    assert REDACTOR.text(text) == expected


def test_the_root_of_the_disk_is_no_home() -> None:
    assert Redactor(home=Path("/")).text("cd /tmp") == "cd /tmp"


def test_json_stays_json_and_is_read_as_such() -> None:
    text = json.dumps(
        [
            {"password": "hunter2", KNOWN: 98765432109, "note": f"é {KNOWN}\ud800"},
            {"arguments": json.dumps({"q": KNOWN, "api_key": "abcdef", "n": 1.5e3})},
        ],
        indent=1,
    )
    assert json.loads(REDACTOR.text(text)) == [
        {"password": MARK, MARK: MARK, "note": f"é {MARK}\ud800"},
        {"arguments": json.dumps({"q": MARK, "api_key": MARK, "n": 1.5e3})},
    ]


def test_of_json_only_what_is_secret_changes() -> None:
    text = '{"a" :  "\\u0074r\\/x", "a": "\\u0054r0ub\\/dor\\u00263+\\"x", "b": 1.50}'
    assert REDACTOR.text(text) == text.replace('"\\u0054r0ub\\/dor\\u00263+\\"x"', f'"{MARK}"')


def test_a_secret_that_stands_in_the_mark_itself_does_no_harm() -> None:
    redactor = Redactor(["redacted", MARK, "[redacte", "ted] now"])
    assert redactor.text("redacted now") == f"{MARK} now"
    assert redactor.text(f"{MARK} now") == f"{MARK} now"


def test_known_secrets_come_from_the_environment_and_the_settings() -> None:
    endpoint = Endpoint(
        api_key_env="MY_GATEWAY",
        headers={"Authorization": "Bearer abcdefgh", "X-Team": "t-1", "X-Title": "openswarm"},
    )
    environ = {
        "MOONSHOT_API_KEY": "moonshot-key", "MY_GATEWAY": "gateway-key", "WEIRD": "weird-value",
        "DB_PASSWORD": " database-pw\n", "ci_token": "lower-case", "A_SECRET": "short",
        "KEYBOARD": "keyboard-value", "EDITOR_KEY": "",
    }  # fmt: skip
    found = known_secrets(environ, Settings(endpoints={"moonshot": endpoint}), keys=("WEIRD",))
    assert set(found) == {
        "moonshot-key", "gateway-key", "database-pw", "lower-case", "weird-value",
        "Bearer abcdefgh", "abcdefgh",
    }  # fmt: skip


SHA = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
WORDS = st.sampled_from(
    [
        "the", "token", "password", "secret", "is", "a", "basic", "bearer of", "key", "api", "sk",
        "risk", "authorization", "Straße", "数据", "(see", "p. 12)", "x = y", "—", "“quote”", "\n",
        "\\n", "{", "}", "https://example.org/a?b=c&d=1#e", "ada@example.org", "root/3", "1,234.5",
        "AKIA", "eyJ", "20261122-073616-91b650", "2026-11-22", SHA, "note:", "'s", '"', "-----",
    ]
)  # fmt: skip
PROSE = st.lists(WORDS, max_size=30).map(" ".join)
SECRETS = st.sampled_from(
    [
        KNOWN, KNOWN[:9], quote(KNOWN), "98765432109", "password=", "token: ", "hunter2", JWT, PEM,
        "Bearer ", "Basic dXNlcjpwYXNzd29yZA==", "authorization:", "sk-", "eyJ",
        "AKIAIOSFODNN7EXAMPLE", "sk-proj-AbC123def456GHI789jkl0", GITHUB, "://", "u:p@h",
        "-----BEGIN PRIVATE KEY-----", "AAAAAAAAAAAAAAAAAAAA", "/srv/people/ada", MARK, "%20",
        '{"password": "hunter2"}', *"\"'\\=./[]{}:,\n ", "\\n",
    ]
)  # fmt: skip


@given(PROSE | st.text())
@settings(max_examples=300, deadline=None)
def test_text_without_secrets_is_unchanged(text: str) -> None:
    assert REDACTOR.text(text) == text
    assert REDACTOR.text(json.dumps({"text": [text]})) == json.dumps({"text": [text]})


@pytest.mark.requirement("journal.share")
@given(st.lists(SECRETS | WORDS | st.text(max_size=5), max_size=12).map("".join))
@settings(max_examples=500, deadline=None)
def test_what_was_redacted_stays_as_it_is_and_holds_no_known_secret(text: str) -> None:
    for given_text in (text, json.dumps([text, {text: text}])):
        once = REDACTOR.text(given_text)
        assert REDACTOR.text(once) == once
        assert KNOWN not in once


JSON = st.recursive(
    st.none() | st.integers() | st.booleans() | SECRETS | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(SECRETS | st.sampled_from(["password", "token"]), inner, max_size=4)
        | inner.map(json.dumps)
    ),
    max_leaves=10,
)


@given(JSON.map(json.dumps))
@settings(max_examples=300, deadline=None)
def test_valid_json_stays_valid(text: str) -> None:
    assert type(json.loads(REDACTOR.text(text))) is type(json.loads(text))


MB = 1_000_000


@pytest.mark.requirement("journal.share")
@pytest.mark.parametrize(
    ("length", "unit", "end", "expected"),
    [
        (5 * MB, "eyJ", "", ""),
        (5 * MB, "token: x ", "password=a", "password=[redacted]"),
        (MB, "a", "", ""),
        (MB, "-", "", ""),
        (MB, "sk-", "", ""),
        (MB, "disk-", f" {GITHUB}", " [redacted]"),
        (MB, "://", "u:p@h", "[redacted]@h"),
        (MB, "token", "=", "="),
        (MB, "password\\", "", ""),
        (MB, "bearer ", "", ""),
        (MB, "-----BEGIN X PRIVATE KEY ", "", ""),
        (MB, "[", "", ""),
        (MB, "Tr0ub/dor&3", " ", " "),
        (MB, "/srv/people/ada-", "", ""),
    ],
)
def test_megabytes_of_any_kind_are_read_through(
    length: int, unit: str, end: str, expected: str
) -> None:
    text = unit * (length // len(unit))
    assert REDACTOR.text(text + end) == text + expected
