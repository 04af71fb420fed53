"""Known secrets are taken out of texts: which they are, in which forms, and at what cost."""

import base64
import html
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openswarm.core.tooling import HttpSettings, Secret, ToolSettings
from openswarm.journal.journal import unchanged
from openswarm.journal.redact import MARK
from openswarm.tools.secrets import known_values, make_scrub

PLAIN = "Tr0ubadour-and-3-xkcd"
ODD = 'p"ss/wörd\\ & <more>+=%'
SECRETS = (PLAIN, ODD)


def forms(value: str) -> list[str]:
    """How a server may write a value back."""
    data = value.encode()
    once = json.dumps({"key": value})
    return [
        f"the key {value} is wrong",
        f"?key={quote(value, safe='')}&x=1",
        f"key={quote_plus(value)}",
        once,
        json.dumps({"inner": once}),
        json.dumps({"outer": json.dumps({"inner": once})}),
        json.dumps({"a": value}, ensure_ascii=False),
        f"<b>{html.escape(value)}</b>",
        base64.b64encode(data).decode(),
        f"Basic {base64.b64encode(b'user:' + data).decode()}",
        f"Basic {base64.b64encode(b'u:' + data + b':x').decode()}",
        base64.urlsafe_b64encode(b"me:" + data).decode(),
        f"it ends in {value[: len(value) - 2]}",
    ]


def is_clean(text: str, value: str) -> bool:
    """Whether no half of a value can be read in a text, nor any form of it."""
    data = value.encode()
    inner = base64.b64encode(data).decode().rstrip("=")[:-2]
    encoded = (value, quote(value, safe=""), json.dumps(value)[1:-1], html.escape(value), inner)
    return not any(form in text for form in encoded) and value[: len(value) * 2 // 3] not in text


@pytest.mark.requirement("http.redaction", "http.secrets")
@pytest.mark.parametrize("value", SECRETS)
def test_a_known_value_is_taken_out_in_every_form_and_the_rest_stays(value: str) -> None:
    scrub = make_scrub(SECRETS)
    for text in forms(value):
        clean = scrub(text)
        assert MARK in clean and is_clean(clean, value), text
        assert scrub(clean) == clean
        assert (text[:1] == "{") == (clean[:1] == "{")
        if clean.startswith("{"):
            json.loads(clean)


def test_what_only_looks_like_a_secret_stays() -> None:
    text = json.dumps(
        {"password": "hunter2 of the story", "token": "sk-ant-api03-AbCdEf1234567890"}
    )
    assert make_scrub(SECRETS)(text) is text


def test_without_values_nothing_is_looked_at() -> None:
    assert make_scrub(()) is unchanged and make_scrub(["", "  "]) is unchanged
    assert unchanged(PLAIN) == PLAIN


@settings(max_examples=200, deadline=None)
@given(
    value=st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"]), min_size=8, max_size=30),
    before=st.text(max_size=20),
    depth=st.integers(0, 3),
)
def test_whatever_the_value_it_is_not_in_the_text_any_more(
    value: str, before: str, depth: int
) -> None:
    text = f"{before} {value} after"
    for _ in range(depth):
        text = json.dumps({"x": text})
    clean = make_scrub([value])(text)
    for _ in range(depth):
        clean = json.loads(clean)["x"]
    assert value not in clean.replace(MARK, "\n")


@pytest.mark.requirement("http.secrets")
def test_known_are_the_settings_secrets_and_the_keys_of_providers() -> None:
    secret = Secret(env="CRM_TOKEN", hosts=("crm.example",))
    tools = ToolSettings(http=HttpSettings(secrets={"crm": secret}))
    environ = {
        "CRM_TOKEN": "crm-value-1\n",
        "BRAVE_API_KEY": "brave-value-2",
        "GEMINI_API_KEY": "gemini-value-3",
        "OTHER_TOKEN": "of-somebody-else",
        "EXA_API_KEY": "short",
        "OPENAI_API_KEY": "",
    }
    assert known_values(tools, environ) == ("brave-value-2", "crm-value-1", "gemini-value-3")
    assert known_values(ToolSettings(), {}) == ()
