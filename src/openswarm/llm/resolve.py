"""From a model's name as users write it to the client that speaks to it.

    provider/name             moonshot/kimi-k2.5, anthropic/claude-sonnet-5-5, ollama/qwen3
    http://host:port/v1#name  any endpoint that speaks OpenAI's chat completions
    local/name                what runs in this process, or is started by it; also local/PATH
    scripted:FILE             replies that are written down, for tests

A key goes only where its owner meant it to go: a provider's key to the provider's address, or to
the one that the user set for it; to an address given as a URL only when the settings have an
endpoint of that address.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from openswarm.core.errors import SettingsError, UserError
from openswarm.core.settings import Endpoint as EndpointSettings
from openswarm.core.settings import Settings
from openswarm.llm.model import ChatModel, ModelInfo, Price
from openswarm.llm.openai_wire import Quirks
from openswarm.llm.prices import model_info
from openswarm.llm.providers import PROVIDERS, Provider

LOCAL_MODEL = "local/qwen2.5-coder-1.5b"
"""The model that needs no key: it runs on this computer."""
_FORMS = "write provider/name (such as moonshot/kimi-k2.5), http://host:port/v1#name or local/name"


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A model's name, taken apart. `provider` is a provider's, local, scripted or a base URL."""

    text: str
    provider: str
    name: str

    @property
    def is_url(self) -> bool:
        """Whether the provider is an address that the user gave."""
        return "://" in self.provider


def parse_spec(text: str) -> ModelSpec:
    """Takes a model's name apart. Raises `UserError` saying how to write it."""
    if text.startswith("scripted:"):
        return ModelSpec(text, "scripted", text.removeprefix("scripted:"))
    if "://" in text:
        return _parse_url(text)
    provider, slash, name = text.partition("/")
    if not slash or not name:
        raise UserError(f"{text!r} does not name a model: {_FORMS}")
    provider = provider.casefold()
    if provider != "local" and provider not in PROVIDERS:
        raise UserError(_unknown_provider(provider))
    return ModelSpec(text, provider, name)


def _parse_url(text: str) -> ModelSpec:
    base, _, name = text.partition("#")
    url = _split(base)
    if url.scheme not in ("http", "https") or not url.hostname:
        raise UserError(f"{base!r} is not the address of an endpoint: {_FORMS}")
    if url.username or url.password or url.query:
        raise UserError(
            f"the address of {url.hostname} may hold no credentials and no query: put the name of"
            " the key's environment variable into the endpoint's settings (api_key_env)"
        )
    if not name:
        raise UserError(f"{text!r} lacks the model's name: write {base}#name")
    return ModelSpec(text, base.rstrip("/"), name)


def _split(address: str) -> SplitResult:
    try:
        url = urlsplit(address)
        _ = url.port  # raises for a port that is none
    except ValueError as error:
        raise UserError(f"{address!r} is not an address: {error}") from None
    return url


def _unknown_provider(provider: str) -> str:
    known = [*PROVIDERS, "local"]
    close = get_close_matches(provider, known, n=1)
    guess = f"did you mean {close[0]!r}? " if close else ""
    return f"there is no provider {provider!r}; {guess}known are {', '.join(known)}"


def default_spec(environ: Mapping[str, str]) -> tuple[str, str]:
    """The model to take when the user names none, and why: the first provider with a key."""
    for provider in PROVIDERS.values():
        variable = _key_variable(provider.keys, environ)
        if variable:
            return f"{provider.name}/{provider.suggested}", f"{variable} is set"
    return LOCAL_MODEL, "no provider's key is set"


def resolve(text: str, settings: Settings, environ: Mapping[str, str], home: Path) -> ChatModel:
    """The client for a model. Raises `UserError` for its name, `SettingsError` for a missing key.

    `home` is the folder of local models. No connection is made yet.
    """
    spec = parse_spec(text)
    if spec.provider == "scripted":
        from openswarm.llm.scripted import ScriptedModel

        return ScriptedModel.from_file(Path(spec.name))
    if spec.provider == "local":
        return _local(spec, home)
    if spec.is_url:
        return _at_url(spec, settings, environ)
    return _of_provider(spec, PROVIDERS[spec.provider], settings, environ)


def info_of(text: str, settings: Settings) -> ModelInfo:
    """What is known of a model by its name: nothing is loaded, and no key is asked for.

    Raises `UserError` for what is no name.
    """
    spec = parse_spec(text)
    if spec.provider in ("scripted", "local"):
        return ModelInfo()
    key = spec.provider
    own = next((e for url, e in settings.endpoints.items() if url.rstrip("/") == key), None)
    return _info(spec, own or EndpointSettings())


def is_policy_name(text: str) -> bool:
    """Whether a specification names a trained orchestrator, which leads but does no sub-agent's
    work: `local/parl-NAME`, or the path of its folder."""
    from openswarm.llm.policy.folder import is_policy
    from openswarm.llm.weights import POLICY_PREFIX

    name = text.removeprefix("local/")
    if name == text or "://" in text:
        return False
    return name.startswith(POLICY_PREFIX) or is_policy(Path(name).expanduser())


def _local(spec: ModelSpec, home: Path) -> ChatModel:
    """A model on this computer: a K2.5-shaped one from its folder, else a GGUF file."""
    from openswarm.llm.weights import is_k25, present

    if is_k25(spec.name):
        from openswarm.llm.k25_local import K25Model
        from openswarm.llm.policy.folder import is_policy, policy_model

        folder = present(spec.name, home)
        if is_policy(folder):
            return policy_model(folder, spec.text)
        return K25Model.at(folder, spec=spec.text)
    from openswarm.llm.local import LocalModel

    return LocalModel.named(spec.name, home)


def _of_provider(
    spec: ModelSpec, provider: Provider, settings: Settings, environ: Mapping[str, str]
) -> ChatModel:
    own = settings.endpoints.get(provider.name, EndpointSettings())
    base_url = own.base_url or _address(provider, environ)
    keys = (own.api_key_env,) if own.api_key_env else provider.keys
    key = _key(keys, environ)
    if keys and not key and (own.api_key_env or base_url == provider.base_url):
        raise SettingsError(
            f"{spec.text} needs a key: set {keys[0]} (export {keys[0]}=…), or take a model that"
            f" needs none, such as {LOCAL_MODEL}"
        )
    if provider.wire == "anthropic":
        return _anthropic(spec, base_url, key, own, settings)
    return _openai(spec, base_url, key, own, settings, provider.quirks_of(spec.name))


def _at_url(spec: ModelSpec, settings: Settings, environ: Mapping[str, str]) -> ChatModel:
    """An endpoint given by address: no key unless the settings say that it may have one."""
    base_url = spec.provider
    own = next((e for url, e in settings.endpoints.items() if url.rstrip("/") == base_url), None)
    if own is None:
        return _openai(spec, base_url, "", EndpointSettings(), settings, Quirks())
    key = _key((own.api_key_env or "OPENAI_API_KEY",), environ)
    if own.api_key_env and not key:
        raise SettingsError(f"the settings of {base_url} name {own.api_key_env}, which is not set")
    return _openai(spec, own.base_url or base_url, key, own, settings, Quirks())


def _openai(
    spec: ModelSpec,
    base_url: str,
    key: str,
    own: EndpointSettings,
    settings: Settings,
    quirks: Quirks,
) -> ChatModel:
    from openswarm.llm.http import Endpoint
    from openswarm.llm.openai_client import OpenAIModel

    headers = {"authorization": f"Bearer {key}"} if key else {}
    endpoint = Endpoint(base_url, headers | _own_headers(own), settings.ca_bundle)
    return OpenAIModel(spec.text, endpoint, spec.name, _info(spec, own), quirks)


def _anthropic(
    spec: ModelSpec, base_url: str, key: str, own: EndpointSettings, settings: Settings
) -> ChatModel:
    from openswarm.llm.anthropic_client import AnthropicModel, anthropic_headers
    from openswarm.llm.http import Endpoint

    headers = anthropic_headers(key, spec.name)
    base_url = base_url.rstrip("/").removesuffix("/v1")
    endpoint = Endpoint(base_url, headers | _own_headers(own), settings.ca_bundle)
    return AnthropicModel(spec.text, endpoint, spec.name, _info(spec, own))


def _own_headers(own: EndpointSettings) -> dict[str, str]:
    return {name.casefold(): value for name, value in own.headers.items()}


def _info(spec: ModelSpec, own: EndpointSettings) -> ModelInfo:
    """What is known of the model, the user's word before the table's."""
    info = model_info(spec.provider, spec.name)
    if own.context_tokens is not None:
        info = replace(info, context_tokens=own.context_tokens)
    mine = own.prices.get(spec.name)
    if mine is None:
        return info
    cached = mine.input if mine.cached is None else mine.cached
    return replace(info, price=Price(mine.input, mine.output, cached))


def _key_variable(variables: tuple[str, ...], environ: Mapping[str, str]) -> str:
    """The first of the variables that holds something, or ''."""
    return next((name for name in variables if environ.get(name, "").strip()), "")


def _key(variables: tuple[str, ...], environ: Mapping[str, str]) -> str:
    return environ.get(_key_variable(variables, environ), "").strip()


def _address(provider: Provider, environ: Mapping[str, str]) -> str:
    """The provider's address, or the one in the environment; a bare host gets the usual path."""
    given = environ.get(provider.address, "").strip().rstrip("/") if provider.address else ""
    if not given:
        return provider.base_url
    address = given if "://" in given else f"http://{given}"
    return address if _split(address).path else address + urlsplit(provider.base_url).path
