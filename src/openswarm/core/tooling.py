"""What tools may do and how much at once: the user's policy and the settings of the tools.

Data and pure rules; the tools themselves, and reading of keys, are `tools`' and `modes`' business.
"""

from fnmatch import fnmatchcase
from typing import Literal

from pydantic import Field

from openswarm.core.frozen import Frozen

Verdict = Literal["allow", "ask", "deny"]
"""What happens to a call: it runs, it waits for a person's answer, or it is refused."""


STRICTEST_FIRST: tuple[Verdict, ...] = ("deny", "ask", "allow")


class Policy(Frozen):
    """Verdicts by the name of a tool, or by a pattern such as `mcp__github__*`."""

    rules: dict[str, Verdict] = Field(default_factory=dict)

    def has_rule(self, tool: str) -> bool:
        """Whether any rule is about a tool."""
        return any(fnmatchcase(tool, rule) for rule in self.rules)

    def verdict(self, tool: str, default: Verdict) -> Verdict:
        """The rule of a tool: the one with its very name, else the longest pattern that fits, of
        equally long ones the strictest."""
        if tool in self.rules:
            return self.rules[tool]
        fitting = [pattern for pattern in self.rules if fnmatchcase(tool, pattern)]
        if not fitting:
            return default
        longest = len(max(fitting, key=len))
        found = {self.rules[pattern] for pattern in fitting if len(pattern) == longest}
        return next(verdict for verdict in STRICTEST_FIRST if verdict in found)

    def over(self, other: "Policy") -> "Policy":
        """This policy, and the other one where this says nothing of the same name."""
        return Policy(rules=other.rules | self.rules)


class ResourceLimit(Frozen):
    """What a named resource admits, over the whole swarm."""

    at_once: int | None = Field(None, ge=1)
    """Calls in flight."""
    interval_s: float = Field(0.0, ge=0)
    """Seconds from the start of one call to the start of the next."""


class WebSettings(Frozen):
    """Searching and fetching."""

    search: str = ""
    """The search provider: brave, serper, tavily, exa, searxng or moonshot; '' takes the first
    that has a key."""
    searxng_url: str = ""
    """The address of a SearXNG instance, such as `http://127.0.0.1:8888`."""
    allow_hosts: tuple[str, ...] = ()
    """Hosts of private networks that may be fetched: `name` or `name:port`."""
    robots: bool = True
    """Whether robots.txt is heeded."""
    user_agent: str = ""
    """How openswarm names itself to web servers; '' is `openswarm/VERSION`."""
    host: ResourceLimit = ResourceLimit(at_once=6)
    """What each host is asked at once, where `resources` says nothing of it."""
    timeout_s: float = Field(30.0, gt=0)
    """The most that one page may take."""
    ca_bundle: str = ""
    """A file of certificates that are trusted beside the system's; '' is that of all settings."""
    browser: str = ""
    """The Chromium to start; '' looks for one on this computer."""


MIN_SECRET_CHARS = 8
"""A shorter value is no secret: taking it out of texts would tear holes into ordinary words."""


class Secret(Frozen):
    """A secret that `http_request` may use by its name."""

    env: str = Field(min_length=1)
    """The environment variable that holds it."""
    hosts: tuple[str, ...] = Field(min_length=1)
    """The only hosts that it is sent to: `name` or `name:port`."""


class HttpSettings(Frozen):
    """The tool `http_request`."""

    allow: tuple[str, ...] = ()
    """Beginnings of the addresses that may be asked, such as `https://api.example.com/v1/`."""
    secrets: dict[str, Secret] = Field(default_factory=dict)
    """By the name that a model writes: `{{secret:NAME}}`."""


class SandboxSettings(Frozen):
    """What code that a model wrote gets of this computer."""

    memory_mb: int = Field(1024, ge=64)
    """Memory of one sub-agent's code."""
    processes: int = Field(64, ge=1)
    """Processes and threads of one sub-agent's code."""
    wall_s: float = Field(120.0, gt=0)
    """Seconds of one call."""
    output_chars: int = Field(20_000, ge=200)
    """Characters of output that a call hands back; the rest is kept as an artifact."""
    file_mb: int = Field(256, ge=1)
    """The largest file that code may write."""


class ToolSettings(Frozen):
    """Everything that can be set of tools."""

    policy: dict[str, Verdict] = Field(default_factory=dict)
    """allow, ask or deny, by the name of a tool or a pattern such as `mcp__github__*`."""
    web: WebSettings = WebSettings()
    """Searching, fetching, browsing."""
    http: HttpSettings = HttpSettings()
    """`http_request`."""
    sandbox: SandboxSettings = SandboxSettings()
    """`python` and `shell`."""
    mcp_config: str = ""
    """The JSON file with MCP servers; '' is `mcp.json` in openswarm's home, if it is there."""
    resources: dict[str, ResourceLimit] = Field(default_factory=dict)
    """By name: `host:example.com`, `search:brave`, `mcp:github`, `processor`, or your own."""
