"""Events of every type, made from the types alone, with one text wherever any text may stand.

A type that is added to the union is covered without a change here. What is left out is said at
`kept`, `is_fixed` and `free_texts`.
"""

import json
import types
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from openswarm.core.events import BLOB, AnyEvent, Content, Event
from openswarm.core.messages import ToolCall


def every_event(text: str, contents: list[Content]) -> list[AnyEvent]:
    """Events of each type, so that together each member of each union in them is used.

    `contents` are what stands for text that is kept, inline and as blobs. Raises where a type
    cannot be made, or some model that an event can hold is in none.
    """
    kinds = get_args(get_args(AnyEvent)[0])
    events = [event for kind in kinds for event in models(kind, text, contents)]
    assert not classes(AnyEvent) - set().union(*map(made_of, events))
    assert not [t for event in events for t in free_texts(event) if text not in t]
    return events  # type: ignore[return-value]


def many(kind: Any, text: str, contents: list[Content], least: int = 1) -> list[Any]:
    """Values of a type that together use every member of every union; each free text is `text`."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return many(arguments[0], text, contents, shortest(arguments[1:]))
    if origin is Literal:
        return list(arguments)
    if origin in (Union, types.UnionType):
        parts = (part for part in arguments if part is not type(None))
        return [value for part in parts for value in many(part, text, contents)]
    if origin is tuple and arguments[-1] is Ellipsis:
        return tuples(many(arguments[0], text, contents), text, least)
    if origin is tuple:
        return [tuple(many(part, text, contents)[0] for part in arguments)]
    if origin is dict:
        return [{key: value} for key in many(arguments[0], text, contents)
                for value in many(arguments[1], text, contents)]  # fmt: skip
    if kind is Content:
        return contents
    if issubclass(kind, BaseModel):
        return models(kind, text, contents)
    return [text] if kind is str else [kind(1)]


def shortest(metadata: tuple[Any, ...]) -> int:
    """How many entries a field asks for."""
    parts = [p for m in metadata for p in (m.metadata if isinstance(m, FieldInfo) else (m,))]
    return max([1, *(part.min_length for part in parts if hasattr(part, "min_length"))])


def tuples(values: list[Any], text: str, least: int) -> list[tuple[Any, ...]]:
    """All values in one, each alone, and of texts one more than has to be, each another."""
    if values == [text]:
        texts = [text, *(f"{text} {number}" for number in range(1, least + 1))]
        return [tuple(texts[:-1]), tuple(texts)]
    return [tuple(values), *((value,) for value in values if len(values) > 1)]


def models(kind: type[BaseModel], text: str, contents: list[Content]) -> list[BaseModel]:
    """What can be made of the fields, trying the values of each side by side."""
    choices = {
        name: many(field.annotation, text, contents, shortest(tuple(field.metadata)))
        for name, field in kind.model_fields.items()
        if name not in kept(kind) and (field.is_required() or holds_words(field.annotation))
    }
    if BLOB in choices:
        choices[BLOB] = [content.blob for content in contents if content.blob]
    made: list[BaseModel] = []
    for number in range(max(map(len, choices.values()), default=1)):
        try:
            made.append(kind(**{n: c[number % len(c)] for n, c in choices.items()}))
        except ValidationError:
            continue
    if kind is ToolCall:
        made.append(ToolCall(id=text, name=text, arguments=json.dumps({text: [text, 1]})))
    assert made, f"no {kind.__name__} could be made"
    return made


def kept(kind: type[BaseModel]) -> set[str]:
    """The envelope of an event: written by openswarm from numbers alone (`run` from the clock,
    `agent` and `parent` by counting), so nothing from outside can stand in it."""
    return set(Event.model_fields) if issubclass(kind, Event) else set()


def holds_words(kind: Any) -> bool:
    """Whether a type has text in it, free or of a few words."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return any(holds_words(field.annotation) for field in kind.model_fields.values())
    return kind is str or get_origin(kind) is Literal or any(map(holds_words, get_args(kind)))


def is_fixed(kind: Any) -> bool:
    """Whether a type takes a few words only, so that no secret fits in."""
    parts = [part for part in get_args(kind) if part is not type(None)]
    return get_origin(kind) is Literal or (bool(parts) and all(map(is_fixed, parts)))


def without_fixed(value: Any, kind: Any) -> Any:
    """A mapping to a few words as its keys alone; anything else as it is."""
    is_mapping = get_origin(kind) is dict and is_fixed(get_args(kind)[1])
    return tuple(value) if is_mapping else value


def free_texts(value: Any) -> Iterator[str]:
    """Every text of an event that anything could stand in; not the names of blobs, which are
    hashes."""
    match value:
        case str():
            yield value
        case Content(blob=blob) if blob:
            return
        case BaseModel():
            fields = {
                n: f for n, f in type(value).model_fields.items() if n not in kept(type(value))
            }
            for name, field in fields.items():
                if not is_fixed(field.annotation) and name != BLOB:
                    yield from free_texts(without_fixed(getattr(value, name), field.annotation))
        case dict():
            yield from value
            yield from (text for entry in value.values() for text in free_texts(entry))
        case tuple():
            yield from (text for entry in value for text in free_texts(entry))


def classes(kind: Any) -> set[type[BaseModel]]:
    """The models that a type is made of."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return {kind}.union(*(classes(field.annotation) for field in kind.model_fields.values()))
    return set().union(*map(classes, get_args(kind)))


def made_of(value: Any) -> set[type[BaseModel]]:
    """The models that a value is made of."""
    match value:
        case BaseModel():
            return {type(value)}.union(
                *(made_of(getattr(value, n)) for n in type(value).model_fields)
            )
        case dict():
            return made_of(tuple(value.values()))
        case tuple():
            return set().union(*map(made_of, value))
    return set()
