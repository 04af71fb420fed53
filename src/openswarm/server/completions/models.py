"""The served models, as `/v1/models` lists them."""

from typing import Any

from openswarm.core.errors import OpenswarmError
from openswarm.llm.model import UNKNOWN_WINDOW, ModelInfo
from openswarm.server.names import Served, every_name, served
from openswarm.server.service import Service


def model_list(service: Service, since: int) -> dict[str, Any]:
    """All models; `since` is when the server began, in seconds."""
    names = every_name(service.options.specs)
    return {"object": "list", "data": [_object(service, entry, since) for entry in names]}


def model_object(service: Service, name: str, since: int) -> dict[str, Any]:
    """One model. Raises `ApiError` for a name that is not served."""
    return _object(service, served(name, service.options.specs), since)


def _object(service: Service, entry: Served, since: int) -> dict[str, Any]:
    info = _info(service, entry.spec)
    return {
        "id": entry.name,
        "object": "model",
        "created": since,
        "owned_by": "openswarm",
        "context_length": info.context_tokens,
        "input_modalities": ["text", "image"] if info.images else ["text"],
        "supports_reasoning": entry.mode != "instant",
        "mode": entry.mode,
    }


def _info(service: Service, spec: str) -> ModelInfo:
    """What is known of a model; one that lacks its key is listed all the same."""
    try:
        return service.model(spec).info
    except OpenswarmError:
        return ModelInfo(context_tokens=UNKNOWN_WINDOW)
