"""The type of the settings: one frozen tree, a docstring a field.

Reading the TOML file and the environment is `modes.settings`'s business.
"""

from typing import Literal

from pydantic import Field

from openswarm.core.frozen import Frozen
from openswarm.core.limits import Limits
from openswarm.core.tooling import ToolSettings

Strategy = Literal["none", "hide_tool_results", "summarise", "discard_all"]
"""How a conversation that nears the model's window is shortened (`agent.context`)."""


class ModelPrice(Frozen):
    """Dollars for a million tokens of one model."""

    input: float = Field(ge=0)
    output: float = Field(ge=0)
    cached: float | None = Field(None, ge=0)
    """Input that is read from the provider's cache; by default as dear as other input."""


class Endpoint(Frozen):
    """What is known of one provider or endpoint beyond its address."""

    base_url: str = ""
    """Overrides the provider's address."""
    api_key_env: str = ""
    """The environment variable that holds the key."""
    headers: dict[str, str] = Field(default_factory=dict)
    """Extra headers of every request."""
    context_tokens: int | None = None
    """The model's window, where it is not the provider's usual one."""
    prices: dict[str, ModelPrice] = Field(default_factory=dict)
    """By model name; goes before the prices that openswarm ships."""


class Settings(Frozen):
    """Everything that can be set, with its default."""

    model: str = ""
    """The default model specification; '' chooses by the keys in the environment."""
    subagent_model: str = ""
    """The default model of sub-agents; '' is the orchestrator's."""
    limits: Limits = Limits()
    """The default limits of a run."""
    endpoints: dict[str, Endpoint] = Field(default_factory=dict)
    """By provider name (`openai`, `moonshot`, …) or by base URL."""
    tools: ToolSettings = ToolSettings()
    """What tools may do, and how much at once."""
    ca_bundle: str = ""
    """A file of certificates that are trusted beside the system's."""
    keep_runs_days: int = Field(0, ge=0)
    """Finished runs older than this are removed by `openswarm runs rm`; 0 keeps all."""
    preview_usd: float = Field(0.5, ge=0)
    """A run that is estimated at more dollars than this is shown before it begins."""
    preview_subagents: int = Field(20, ge=0)
    """A run of more sub-agents than this is shown before it begins."""
    context_strategy: Strategy = "hide_tool_results"
    """What to do when a conversation nears the model's window."""
