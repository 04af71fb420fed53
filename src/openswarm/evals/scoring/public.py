"""Readers of the public files of WideSearch, BrowseComp and DeepSearchQA, from a local path.

Nothing is fetched. A row that is not as published is an error that names file and line. Where the
files come from and their licences are said in the docs; BrowseComp's authors ask that no question
or answer be published in plain text, so nothing here writes them.
"""

import base64
import binascii
import csv
import hashlib
import io
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from openswarm.core.contract import Contract, make_column, make_contract
from openswarm.core.errors import ContractError, UserError
from openswarm.evals.scoring.checks import METRICS, PREPROCESS
from openswarm.evals.scoring.frame import normal_name
from openswarm.evals.task import ColumnCheck, EvalTask, Kind

MAX_BYTES = 256_000_000
_THOUSANDS = re.compile(r"(?<=[0-9]),(?=[0-9]{3}(?![0-9]))")
_KINDS: dict[str, Kind] = {"Single Answer": "chain", "Set Answer": "wide"}


def read_widesearch(path: Path) -> tuple[EvalTask, ...]:
    """The tasks of `widesearch.jsonl`, with the right tables of `widesearch_gold/<id>.csv` beside
    it. Blocks; raises `UserError`."""
    tasks: list[EvalTask] = []
    for number, line in enumerate(_text(path).split("\n"), 1):
        if line.strip():
            where = f"{path}, line {number}"
            tasks.append(_widesearch_task(_record(line, where), path.parent, where))
    return _distinct(tasks, path)


def read_browsecomp(path: Path) -> tuple[EvalTask, ...]:
    """The tasks of BrowseComp's CSV, whose texts are XORed with the SHA-256 of their canary and
    written in base64. Ids are `browsecomp-0001` and on: the file has none. Blocks; raises
    `UserError`."""
    tasks = []
    rows = _csv(path, ("problem", "answer", "canary"))
    for number, (where, row) in enumerate(rows, 1):
        question, answer = (
            _decoded(row[name], row["canary"], f"{where}, {name}") for name in ("problem", "answer")
        )
        tasks.append(EvalTask(
            id=f"browsecomp-{number:04}", family="browsecomp", kind="chain", split="test",
            template="browsecomp", question=question, corpus="", scope=(), answer=answer,
        ))  # fmt: skip
    return tuple(tasks)


def read_deepsearchqa(path: Path) -> tuple[EvalTask, ...]:
    """The tasks of DeepSearchQA's CSV: `problem`, `answer`, `answer_type` and, if there,
    `example_id`. Parts of a `Set Answer` are parted by commas, outside quotes and brackets.
    Blocks; raises `UserError`."""
    tasks = []
    rows = _csv(path, ("problem", "answer", "answer_type"))
    for number, (where, row) in enumerate(rows, 1):
        kind = _KINDS.get(row["answer_type"].strip())
        if kind is None:
            raise UserError(f"{where}: answer_type is neither {' nor '.join(map(repr, _KINDS))}")
        answer = row["answer"].strip()
        parts = _parts(answer) if kind == "wide" else (answer,)
        if not answer or not parts or not row["problem"].strip():
            raise UserError(f"{where}: the problem or the answer is empty")
        tasks.append(EvalTask(
            id=row.get("example_id", "").strip() or f"deepsearchqa-{number:04}",
            family="deepsearchqa", kind=kind, split="test", template="deepsearchqa",
            question=row["problem"], corpus="", scope=(), answer=answer, answers=parts,
        ))  # fmt: skip
    return _distinct(tasks, path)


def _widesearch_task(record: Mapping[str, Any], folder: Path, where: str) -> EvalTask:
    identity, query = _texts(record, ("instance_id", "query"), where)
    if not identity.replace("-", "").replace("_", "").isalnum():
        raise UserError(f"{where}: instance_id {identity[:80]!r} cannot be the name of a file")
    rules = record.get("evaluation")
    rules = _record(rules, f"{where}, evaluation") if isinstance(rules, str) else rules
    if not isinstance(rules, dict):
        raise UserError(f"{where}: evaluation is no object")
    required, unique = (_names(rules, name, where) for name in ("required", "unique_columns"))
    try:
        columns = tuple(make_column(name=name) for name in required)
        contract = make_contract(columns=columns, key=unique)
    except ContractError as error:
        raise UserError(f"{where}: {error}") from None
    pipeline = rules.get("eval_pipeline")
    if not isinstance(pipeline, dict) or not set(pipeline) <= set(required):
        raise UserError(f"{where}: eval_pipeline is no object from required columns")
    checks = {name: _check(item, f"{where}, column {name}") for name, item in pipeline.items()}
    gold = _gold(folder / "widesearch_gold" / f"{identity}.csv", contract)
    return EvalTask(
        id=identity, family="widesearch", kind="wide", split="test", template="widesearch",
        question=query, corpus="", scope=(), contract=contract, gold=gold, checks=checks,
    )  # fmt: skip


def _gold(path: Path, contract: Contract) -> tuple[dict[str, str], ...]:
    """The right rows, the required columns alone, cells as they are written."""
    rows = []
    for where, row in _csv(path, ()):
        named = {normal_name(name): value for name, value in row.items()}
        missing = [name for name in contract.names if normal_name(name) not in named]
        if missing:
            raise UserError(f"{where}: there is no column {', '.join(missing)}")
        rows.append({name: named[normal_name(name)] for name in contract.names})
    if not rows:
        raise UserError(f"{path}: there are no rows")
    return tuple(rows)


def _check(item: object, where: str) -> ColumnCheck:
    if not isinstance(item, dict):
        raise UserError(f"{where}: the check is no object")
    steps, metrics = item.get("preprocess") or [], item.get("metric") or []
    for said, known in ((steps, PREPROCESS), (metrics, METRICS)):
        if not isinstance(said, list) or not all(name in known for name in said):
            raise UserError(f"{where}: {str(said)[:80]} is not a list of {', '.join(known)}")
    criterion = item.get("criterion")
    if isinstance(criterion, bool) or not isinstance(criterion, int | float | str | None):
        raise UserError(f"{where}: criterion is neither a number nor a text")
    try:
        return ColumnCheck(preprocess=tuple(steps), metrics=tuple(metrics), criterion=criterion)
    except ValidationError:
        raise UserError(f"{where}: criterion is too large a number") from None


def _names(rules: Mapping[str, Any], name: str, where: str) -> tuple[str, ...]:
    value = rules.get(name)
    if not isinstance(value, list) or not value or not all(isinstance(n, str) for n in value):
        raise UserError(f"{where}: {name} is no list of names")
    return tuple(value)


def _texts(record: Mapping[str, Any], names: tuple[str, ...], where: str) -> list[str]:
    for name in names:
        if not isinstance(record.get(name), str) or not record[name].strip():
            raise UserError(f"{where}: {name} is missing or no text")
    return [record[name] for name in names]


def _record(line: str, where: str) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{where}: not JSON: {error}") from None
    if not isinstance(value, dict):
        raise UserError(f"{where}: not a JSON object")
    return value


def _decoded(text: str, canary: str, where: str) -> str:
    if not canary:
        raise UserError(f"{where}: the canary is empty")
    try:
        secret = base64.b64decode(text, validate=True)
        key = hashlib.sha256(canary.encode()).digest()
        plain = bytes(byte ^ key[at % len(key)] for at, byte in enumerate(secret)).decode()
    except (binascii.Error, ValueError):
        raise UserError(f"{where}: cannot be decoded with its canary") from None
    if not plain.strip():
        raise UserError(f"{where}: empty")
    return plain


def _csv(path: Path, needed: tuple[str, ...]) -> Iterator[tuple[str, dict[str, str]]]:
    """The rows of a CSV file and where each ends; a row of another length is an error."""
    reader = csv.reader(io.StringIO(_text(path), newline=""), strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        missing = [name for name in needed if name not in header]
        if missing or len(set(header)) < len(header):
            wrong = f"there is no column {', '.join(missing)}" if missing else "a column is twice"
            raise UserError(f"{path}, line 1: {wrong}")
        for row in reader:
            where = f"{path}, line {reader.line_num}"
            if row and len(row) != len(header):
                raise UserError(f"{where}: {len(row)} cells, and the header has {len(header)}")
            if row:
                yield where, dict(zip(header, row, strict=True))
    except csv.Error as error:
        raise UserError(f"{path}, line {reader.line_num}: {error}") from None


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UserError(f"{path} is larger than {MAX_BYTES:,} bytes: not the published file")
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read: {error}") from None


def _parts(answer: str) -> tuple[str, ...]:
    """The parts of an answer: cut at commas, but within quotes, brackets and numbers."""
    parts, depth, quoted = [""], 0, False
    for at, char in enumerate(answer):
        quoted ^= char == '"'
        depth = max(0, depth + (char in "([") - (char in ")]"))
        if char == "," and not quoted and not depth and not _THOUSANDS.match(answer, at):
            parts.append("")
        else:
            parts[-1] += char
    return tuple(dict.fromkeys(part.strip().strip('"') for part in parts if part.strip()))


def _distinct(tasks: list[EvalTask], path: Path) -> tuple[EvalTask, ...]:
    """The tasks, whose ids have to differ."""
    seen: set[str] = set()
    for task in tasks:
        if task.id in seen:
            raise UserError(f"{path}: two tasks have the id {task.id}")
        seen.add(task.id)
    return tuple(tasks)
