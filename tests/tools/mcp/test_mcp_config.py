"""The configuration of MCP servers, and how each mistake in it is named."""

import json
from pathlib import Path
from typing import Any

import pytest

from openswarm.core.errors import SettingsError
from openswarm.core.tooling import ToolSettings
from openswarm.tools.mcp.config import ServerConfig, parse_servers, read_servers
from openswarm.tools.mcp.tools import configured
from openswarm.tools.setup import ToolSetup

pytestmark = pytest.mark.requirement("mcp.config")
ENVIRON = {"HOME": "/nowhere", "TOKEN": "t0psecret-value", "SHORT": "yes", "LINES": "a\nb"}


def one(entry: Any, name: str = "one") -> ServerConfig:
    return parse(json.dumps({"mcpServers": {name: entry}}))[0]


def parse(text: str) -> list[ServerConfig]:
    return parse_servers(text, Path("/etc/swarm/mcp.json"), ENVIRON)


def test_a_command_with_everything() -> None:
    config = one(
        {
            "command": "~/bin/serve",
            "args": ["--key", "${TOKEN}", "~/data", "${NONE:-x}", "$HOME"],
            "env": {"KEY": "${env:TOKEN}", "MODE": "${SHORT}"},
            "cwd": "work",
            "transport": "stdio",
            "startupTimeoutMs": 1500,
            "toolTimeoutMs": 2500,
            "enabledTools": ["a", "b"],
            "disabledTools": ["b"],
            "maxConcurrency": 4,
        }
    )
    assert config.command == (
        "/nowhere/bin/serve", "--key", "t0psecret-value", "/nowhere/data", "x", "$HOME",
    )  # fmt: skip
    assert config.env == {"KEY": "t0psecret-value", "MODE": "yes"}
    assert config.cwd == "/etc/swarm/work"
    assert (config.startup_s, config.tool_s, config.at_once) == (1.5, 2.5, 4)
    assert [config.takes(tool) for tool in "abc"] == [True, False, False]
    assert config.secrets == {"t0psecret-value"}
    assert "t0psecret" not in repr(config)


def test_a_url_with_a_token() -> None:
    config = one(
        {
            "type": "http",
            "url": "https://example.com/mcp?key=${TOKEN}",
            "headers": {"X-Team": "${SHORT}"},
            "bearerTokenEnvVar": "TOKEN",
        }
    )
    assert config.url == "https://example.com/mcp?key=t0psecret-value"
    assert config.headers == {"X-Team": "yes", "Authorization": "Bearer t0psecret-value"}
    assert config.takes("anything")
    assert "t0psecret" not in repr(config)


def test_programs_are_looked_for_on_the_path_or_beside_the_configuration() -> None:
    assert one({"command": "npx"}).command == ("npx",)
    assert one({"command": "./serve"}).command == ("/etc/swarm/serve",)


def test_servers_as_vs_code_writes_them_and_disabled_ones_are_skipped() -> None:
    servers = parse(
        '{"inputs": [], "servers": {"a": {"type": "stdio", "command": "x"},'
        ' "b": {"command": "${NOT_SET}", "enabled": false}}}'
    )
    assert [server.name for server in servers] == ["a"]
    assert parse('{"mcpServers": {}}') == []


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ({}, "needs a command or a url"),
        ({"command": "x", "url": "http://h/mcp"}, "has both a command and a url"),
        ({"commnd": "x"}, "no key 'commnd'; did you mean 'command'?"),
        ({"command": "x", "disabled": True}, "did you mean 'enabled'?"),
        ({"command": "x", "zzz": 1}, "no key 'zzz'; the keys are command, args"),
        ({"command": ""}, "command: String should have at least 1 character"),
        ({"command": ["x"]}, "command: Input should be a valid string"),
        ({"command": "x", "args": "y"}, "args: Input should be a valid list"),
        ({"command": "x", "env": {"A": 1}}, "env.A: Input should be a valid string"),
        ({"command": "x", "env": {"A=B": "1"}}, "'A=B' cannot be the name of a variable"),
        ({"command": "x", "toolTimeoutMs": 0}, "toolTimeoutMs: Input should be greater"),
        ({"command": "x", "toolTimeoutMs": "5"}, "toolTimeoutMs: Input should be a valid int"),
        ({"command": "x", "maxConcurrency": 0}, "maxConcurrency: Input should be greater"),
        ({"command": "x", "headers": {"A": "b"}}, "headers does not go with a command"),
        ({"command": "x", "bearerTokenEnvVar": "T"}, "bearerTokenEnvVar does not go with"),
        ({"command": "x", "transport": "http"}, "http does not go with a command"),
        ({"url": "http://h", "type": "stdio"}, "stdio does not go with a url"),
        ({"url": "http://h", "env": {"A": "b"}}, "env does not go with a url"),
        ({"url": "http://h", "args": ["b"]}, "args does not go with a url"),
        ({"url": "http://h/sse", "type": "sse"}, "the old transport sse is not spoken"),
        ({"url": "http://h", "transport": "carrier"}, "transport: Input should be 'stdio'"),
        ({"url": "ftp://h"}, "url must be an address such as"),
        ({"url": "http://"}, "url must be an address such as"),
        ({"url": "http://h:99999/"}, "url must be an address such as"),
        ({"url": "http://[::1/"}, "url must be an address such as"),
        ({"url": "http://h/${LINES}"}, "url must be an address such as"),
        ({"url": "http://u:p@h/"}, "take the user name out of the url"),
        ({"url": "http://h", "headers": {"A b": "c"}}, "'A b' cannot be the name of a header"),
        ({"url": "http://h", "headers": {"A": "${LINES}"}}, "header A holds a forbidden"),
        (
            {"url": "http://h", "headers": {"authorization": "x"}, "bearerTokenEnvVar": "TOKEN"},
            "keep one of bearerTokenEnvVar and the header Authorization",
        ),
        ({"url": "http://h", "bearerTokenEnvVar": "NONE"}, "environment variable NONE is not set"),
        ({"command": "x", "env": {"A": "${NONE}"}}, "env.A: the environment variable NONE is"),
        ({"command": "x", "args": ["${input:key}"]}, "${input:key} cannot be filled in"),
        ({"command": "x", "args": ["${TOKEN"]}, "${TOKEN cannot be filled in"),
        ({"command": "x", "args": ["a\0b"]}, "args: the value holds a NUL character"),
        ("npx", "must be an object"),
        (None, "must be an object"),
    ],
)
def test_a_wrong_entry_is_named_with_what_to_mend(entry: Any, told: str) -> None:
    with pytest.raises(SettingsError) as caught:
        one(entry)
    assert told in str(caught.value)
    assert "/etc/swarm/mcp.json: server 'one'" in str(caught.value)
    assert "t0psecret" not in str(caught.value)


@pytest.mark.parametrize(
    "name", ["", "a b", "a__b", "_a", "a_", "-a", "ä", "x" * 33, "a.b", "a\n", "mcp__x"]
)
def test_a_name_that_no_tool_name_can_hold_is_refused(name: str) -> None:
    with pytest.raises(SettingsError, match="the name becomes part of tool names"):
        one({"command": "x"}, name)


@pytest.mark.parametrize("name", ["a", "a_b", "GitHub-2", "x" * 32])
def test_names_that_are_taken(name: str) -> None:
    assert one({"command": "x"}, name).name == name


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"mcpServers": {\n  "a": {,}\n}}', "line 2, column 9"),
        ("", "line 1, column 1"),
        ("[]", "must look like"),
        ('{"mcpServer": {}}', "it has 'mcpServer'"),
        ("{}", "must look like"),
        ('{"mcpServers": []}', "must look like"),
        ('{"mcpServers": {}, "servers": {}}', "has both 'mcpServers' and 'servers'"),
        ('{"mcpServers": {"a": {}, "a": {}}}', "'a' stands twice"),
        ("[" * 200_000, "nested too deeply"),
    ],
)
def test_a_wrong_file_is_named_with_its_line(text: str, told: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse(text)
    assert told in str(caught.value)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    file = tmp_path / "mcp.json"
    with pytest.raises(SettingsError, match="is not there"):
        read_servers(file, {})
    with pytest.raises(SettingsError, match="cannot be read"):
        read_servers(tmp_path, {})
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match="not UTF-8"):
        read_servers(file, {})
    file.write_bytes(b" " * 1_000_001)
    with pytest.raises(SettingsError, match="larger than"):
        read_servers(file, {})
    file.write_bytes(b'\xef\xbb\xbf{"mcpServers": {}}')
    assert read_servers(file, {}) == []


def test_the_file_is_the_one_of_the_settings_or_the_one_of_the_home(tmp_path: Path) -> None:
    setup = ToolSetup(scratch=tmp_path, home=tmp_path, environ={})
    assert configured(setup) == []
    (tmp_path / "mcp.json").write_text('{"mcpServers": {"a": {"command": "x"}}}')
    assert [server.name for server in configured(setup)] == ["a"]
    named = ToolSettings(mcp_config=str(tmp_path / "other.json"))
    with pytest.raises(SettingsError, match=r"other\.json is not there"):
        configured(ToolSetup(scratch=tmp_path, home=tmp_path, settings=named, environ={}))
