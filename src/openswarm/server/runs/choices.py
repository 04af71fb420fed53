"""What a request may choose, and what a run that is taken up may bring along.

A request names models that are served, paths inside the server's folders, and uploaded files;
so does the journal of a run, which may be a stranger's.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import anyio.to_thread

from openswarm.core.errors import UserError
from openswarm.core.task import Task
from openswarm.llm.model import ChatModel
from openswarm.modes.contracts import is_contract_file
from openswarm.server.failures import ApiError, bad_request
from openswarm.server.file_store import FileStore
from openswarm.server.service import Service

FILES_FOLDER = "files"
FILE_ID = re.compile(r"file-[A-Za-z0-9_-]{1,80}")


@dataclass(frozen=True, slots=True)
class Models:
    """The models of a run, as `modes.run` takes them."""

    lead: str | ChatModel
    others: str | ChatModel


def models_asked(service: Service, model: str, subagent_model: str) -> Models:
    """The models of a request. Raises `ApiError` for one that is not served."""
    options = service.options
    for field, spec in (("model", model), ("subagent_model", subagent_model)):
        if spec and spec not in options.specs and spec != options.subagent_spec:
            raise bad_request(
                f"{field}: this server does not serve {spec[:100]!r}; there are"
                f" {', '.join(options.specs)}",
                field,
            )
    lead = model or options.specs[0]
    others = subagent_model or options.subagent_spec or lead
    return Models(service.choice(lead), service.choice(others))


def models_before(service: Service, model: str, subagent_model: str) -> Models:
    """Those of a run that is taken up, where they are served; otherwise the server's own."""
    options = service.options
    lead = model if model in options.specs else options.specs[0]
    known = (*options.specs, options.subagent_spec)
    others = subagent_model if subagent_model in known else options.subagent_spec
    return Models(service.choice(lead), service.choice(others or lead))


def check_columns(columns: str) -> None:
    """Raises `ApiError` for a contract that is the name of a file of this computer."""
    if is_contract_file(columns):
        raise bad_request("columns: write the columns themselves; no file is read", "columns")


async def paths_asked(service: Service, field: str, paths: Sequence[str]) -> list[str]:
    """Paths, addresses and ids of uploaded files, as they are to be used. Raises `ApiError`."""
    return [await _path(service, f"{field}[{place}]", path) for place, path in enumerate(paths)]


async def file_asked(service: Service, field: str, file_id: str) -> Path:
    """Where an uploaded file lies. Raises `ApiError` for an id that there is not."""
    store = FileStore(service.options.home)
    try:
        return await anyio.to_thread.run_sync(store.path, file_id)
    except ApiError as error:
        raise bad_request(f"{field}: {error.message}", field) from None


async def check_task(service: Service, task: Task) -> None:
    """Raises `ApiError` for a run that would read, or do, what no request may."""
    if task.unsafe_no_sandbox:
        raise bad_request("the run was begun without a sandbox; go on with it on the command line")
    files = service.options.home / FILES_FOLDER
    for path in (*task.over, *task.roots, *task.attachments):
        is_upload = Path(path).is_relative_to(files) and ".." not in Path(path).parts
        if not is_upload or path in task.roots:
            await _path(service, "the run's paths", path)


async def _path(service: Service, field: str, path: str) -> str:
    if FILE_ID.fullmatch(path):
        return str(await file_asked(service, field, path))
    try:
        return (await anyio.to_thread.run_sync(service.allowed, (path,)))[0]
    except (UserError, ValueError, RuntimeError, OSError) as error:
        raise bad_request(f"{field}: {error}", field) from None
