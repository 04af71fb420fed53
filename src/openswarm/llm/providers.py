"""The providers as data: address, key variables, wire format, and how each departs from it.

Holds facts alone; `resolve` makes clients of them. Facts: each provider's own API pages,
November 2026.
"""

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

from openswarm.llm.openai_wire import Quirks


@dataclass(frozen=True, slots=True)
class Provider:
    """One provider of models, or one program that serves them on this computer."""

    name: str
    base_url: str
    keys: tuple[str, ...] = ()
    """The environment variables that may hold the key, the usual one first; () needs none."""
    wire: Literal["openai", "anthropic"] = "openai"
    address: str = ""
    """The environment variable that overrides `base_url`."""
    suggested: str = ""
    """The model that is taken when a user names none."""
    quirks: tuple[tuple[str, Quirks], ...] = ()
    """By a pattern of model names; the first that fits."""

    def quirks_of(self, model: str) -> Quirks:
        """How the wire format is departed from for this model."""
        name = model.casefold()
        return next((quirks for glob, quirks in self.quirks if fnmatchcase(name, glob)), Quirks())


_K2 = Quirks(thinking="moonshot", max_tokens="max_completion_tokens", forced_calls=False)
_MOONSHOT = (
    # K2.5 and K2.6 have a switch; later ones always think. Sampling is fixed: none is ever sent.
    ("kimi-k2.[56]*", _K2),
    ("kimi-k3*", Quirks(effort=True, max_tokens="max_completion_tokens", forced_calls=False)),
    ("*", Quirks(max_tokens="max_completion_tokens", forced_calls=False)),
)
_OPENAI = (
    ("gpt-4*", Quirks(max_tokens="max_completion_tokens")),
    ("*", Quirks(effort=True, max_tokens="max_completion_tokens")),
)
_SERVED_HERE = (("*", Quirks(thinking="template")),)

_ALL = (
    Provider(
        "moonshot",
        "https://api.moonshot.ai/v1",
        keys=("MOONSHOT_API_KEY", "KIMI_API_KEY"),
        address="MOONSHOT_BASE_URL",
        # the K2 series is closed to new accounts, and to all after December 2026
        suggested="kimi-k3.1-pro",
        quirks=_MOONSHOT,
    ),
    Provider(
        "anthropic",
        "https://api.anthropic.com",
        keys=("ANTHROPIC_API_KEY",),
        wire="anthropic",
        address="ANTHROPIC_BASE_URL",
        suggested="claude-sonnet-5-5",
    ),
    Provider(
        "openai",
        "https://api.openai.com/v1",
        keys=("OPENAI_API_KEY",),
        address="OPENAI_BASE_URL",
        suggested="gpt-6.1-sol",
        quirks=_OPENAI,
    ),
    Provider(
        "gemini",
        "https://generativelanguage.googleapis.com/v1beta/openai",
        keys=("GEMINI_API_KEY", "GOOGLE_API_KEY"),
        suggested="gemini-3.5-flash",
        quirks=(("*", Quirks(effort=True)),),
    ),
    Provider(
        "deepseek",
        "https://api.deepseek.com",
        keys=("DEEPSEEK_API_KEY",),
        suggested="deepseek-v4-pro",
        # its switch has the same form as Moonshot's
        quirks=(("*", Quirks(thinking="moonshot", effort=True, strict_schema=False)),),
    ),
    Provider(
        "xai",
        "https://api.x.ai/v1",
        keys=("XAI_API_KEY",),
        suggested="grok-4.7",
    ),
    Provider(
        "openrouter",
        "https://openrouter.ai/api/v1",
        keys=("OPENROUTER_API_KEY",),
        suggested="moonshotai/kimi-k3.1-pro",
        quirks=(("*", Quirks(effort=True)),),
    ),
    Provider(
        "together",
        "https://api.together.xyz/v1",
        keys=("TOGETHER_API_KEY",),
        suggested="moonshotai/Kimi-K3.1-Pro",
    ),
    Provider(
        "fireworks",
        "https://api.fireworks.ai/inference/v1",
        keys=("FIREWORKS_API_KEY",),
        suggested="accounts/fireworks/models/kimi-k2p6",
    ),
    Provider(
        "groq",
        "https://api.groq.com/openai/v1",
        keys=("GROQ_API_KEY",),
        suggested="openai/gpt-oss-120b",
        quirks=(("*gpt-oss*", Quirks(effort=True)),),
    ),
    Provider(
        "mistral",
        "https://api.mistral.ai/v1",
        keys=("MISTRAL_API_KEY",),
        suggested="mistral-medium-3-5",
        # it refuses fields that it does not know, and counts tokens without being asked
        quirks=(("*", Quirks(usage_option=False)),),
    ),
    Provider("ollama", "http://127.0.0.1:11434/v1", address="OLLAMA_HOST"),
    Provider("lmstudio", "http://127.0.0.1:1234/v1"),
    Provider("vllm", "http://127.0.0.1:8000/v1", quirks=_SERVED_HERE),
)

PROVIDERS = {provider.name: provider for provider in _ALL}
"""By name, in the order in which `resolve.default_spec` looks for a key."""
