"""`serve` and `run --web` as a newcomer starts them."""

import json
import re
import signal
import stat
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from command_line import Begin, Command, Endpoint, Script

pytestmark = pytest.mark.slow
NewEndpoint = Callable[..., Endpoint]
LIMIT_S = 20


def said_until(process: "subprocess.Popen[str]", last: str, *, err: bool = False) -> str:
    """What a process says up to a line with that text in it."""
    stream = process.stderr if err else process.stdout
    assert stream is not None
    text = ""
    while last not in text:
        line = stream.readline()
        assert line, f"it ended after {text!r}"
        text += line
    return text


def ask(url: str, token: str, value: Any = None) -> Any:
    """What the server answers."""
    data = None if value is None else json.dumps(value).encode()
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    asked = urllib.request.Request(url, data, headers)
    with urllib.request.urlopen(asked, timeout=LIMIT_S) as answer:
        return json.load(answer)


@pytest.mark.requirement("api.serve-command")
def test_serve_says_where_and_with_which_token(begin: Begin, script: Script, home: Path) -> None:
    model = script({"instant": [{"text": "Four."}]})
    process = begin("serve", "--port", "0", "--model", model)
    text = said_until(process, "Ctrl-C ends it")
    found = re.search(r"web view +(http://127\.0\.0\.1:\d+)/#token=(\S+)", text)
    assert found is not None
    address, token = found.groups()
    assert stat.S_IMODE((home / "token").stat().st_mode) == 0o600
    with pytest.raises(urllib.error.HTTPError, match="401"):
        ask(f"{address}/v1/models", "wrong")
    body = {"model": "openswarm-instant", "messages": [{"role": "user", "content": "2 + 2?"}]}
    reply = ask(f"{address}/v1/chat/completions", token, body)
    assert reply["choices"][0]["message"]["content"] == "Four."
    process.send_signal(signal.SIGTERM)
    assert process.wait(LIMIT_S) == 0
    again = begin("serve", "--port", "0", "--model", model)
    assert f"#token={token}" in said_until(again, "Ctrl-C ends it")


@pytest.mark.requirement("api.run-web")
def test_run_web_serves_the_run_while_it_is_at_work(begin: Begin, endpoint: NewEndpoint) -> None:
    model = endpoint(held=1)
    process = begin("run", "Say hello", "--mode", "agent", "--web", "--model", model.spec)
    text = said_until(process, "watch it:", err=True)
    found = re.search(r"(http://127\.0\.0\.1:\d+)/#/run/(\S+)\?token=(\S+)", text)
    assert found is not None
    address, run, token = found.groups()
    assert model.asked.wait(LIMIT_S)
    snapshot = ask(f"{address}/api/runs/{run}", token)
    assert (snapshot["alive"], snapshot["here"], snapshot["outcome"]) == (True, True, None)
    model.release.set()
    out, _ = process.communicate(timeout=LIMIT_S)
    assert (process.returncode, out) == (0, "Handed back.\n")


@pytest.mark.requirement("api.serve-command")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--model", "nonsense"], "does not name a model"),
        (["--folder", "nowhere"], "nowhere is not a folder"),
        (["--tools", "teleport"], "teleport"),
        (["--host", "256.1.1.1"], "cannot listen on 256.1.1.1"),
        (["--host", "256.1.1.1"], "--host takes an address of this computer"),
        (["--over", "no/such"], "--over no/such: there is no such file or folder"),
        (["--token", "two words"], "--token takes"),
        (["--token", "clé"], "--token takes"),
        (["--port", "70000"], "65535"),
        (["--host", ""], "one is empty"),
        (["--tools", "http"], "http_request may ask no address"),
    ],
)
def test_what_cannot_be_served_is_said_before_anything_listens(
    openswarm: Command, script: Script, arguments: list[str], said: str
) -> None:
    model = ["--model", script({"instant": [{"text": "Four."}]})]
    done = openswarm("serve", "--port", "0", *(() if "--model" in arguments else model), *arguments)
    assert done.code in (1, 2)
    assert said in done.err
    assert done.out == ""
