"""The arguments of a call, checked against the schema that a server gave.

The schema comes from outside, so checking is bounded: it follows no address, runs no pattern, and
ends after a number of steps. What is not checked here, the server checks itself.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pydantic import JsonValue, RootModel, model_validator

MAX_STEPS = 10_000
"""About a quarter of a second."""
MAX_PROBLEMS = 5
PROBLEM_CHARS = 300
UNBOUNDED = (
    "pattern", "patternProperties", "uniqueItems", "unevaluatedItems", "unevaluatedProperties",
)  # fmt: skip
"""Keywords that may cost without bound: regular expressions, and comparing all with all."""

Check = Callable[[dict[str, Any]], list[str]]
"""What is wrong with arguments."""


class Arguments(RootModel[dict[str, JsonValue]]):
    """The arguments of a call: a JSON object."""


def arguments_of(schema: Mapping[str, Any]) -> type[Arguments]:
    """The model of arguments that fit a schema."""
    check = check_of(schema)

    class Checked(Arguments):
        """Arguments that fit the tool's schema."""

        @model_validator(mode="after")
        def fits(self) -> "Checked":
            """Raises what is wrong with them. Equal ones are written alike, in whatever order the
            model wrote them, so that equal calls are known as such."""
            if problems := check(self.root):
                raise ValueError("; ".join(problems))
            self.root = {name: _ordered(self.root[name]) for name in sorted(self.root)}
            return self

    return Checked


def check_of(schema: Mapping[str, Any]) -> Check:
    """What checks arguments; a schema that cannot be used checks nothing."""
    from jsonschema import Draft7Validator, Draft202012Validator, validators
    from referencing import Registry

    old = "draft-07" in str(schema.get("$schema", ""))
    budget = _Budget()
    kind = Draft7Validator if old else Draft202012Validator
    keywords = {name: budget.counted(rule) for name, rule in kind.VALIDATORS.items()}
    keywords |= dict.fromkeys(UNBOUNDED, _unchecked)
    keywords["additionalProperties"] = _named_only(keywords["additionalProperties"])
    validator = validators.extend(kind, keywords)(schema, registry=Registry())

    def check(arguments: dict[str, Any]) -> list[str]:
        budget.left = MAX_STEPS
        problems: list[str] = []
        try:
            for error in validator.iter_errors(arguments):
                where = ".".join(str(part) for part in error.absolute_path)
                text = error.message[:PROBLEM_CHARS]
                problems.append(f"{where}: {text}" if where else text)
                if len(problems) == MAX_PROBLEMS:
                    break
        except Exception:  # noqa: BLE001 - a schema may be anything at all
            return []
        return problems

    return check


def _ordered(value: JsonValue) -> JsonValue:
    if isinstance(value, dict):
        return {name: _ordered(value[name]) for name in sorted(value)}
    if isinstance(value, list):
        return [_ordered(entry) for entry in value]
    return value


class _TooMuch(Exception):
    """The check has cost enough."""


class _Budget:
    """Steps that are left of a check."""

    left = 0

    def counted(self, rule: Any) -> Any:
        """The rule of a keyword, each use of which is a step."""

        def step(*parts: Any) -> Iterator[Any]:
            self.left -= 1
            if self.left < 0:
                raise _TooMuch
            yield from rule(*parts) or ()

        return step


def _unchecked(*_: Any) -> Iterator[Any]:
    yield from ()


def _named_only(rule: Any) -> Any:
    """The rule for properties without a name of their own, which patterns could give them."""

    def check(validator: Any, allowed: Any, instance: Any, schema: Any) -> Iterator[Any]:
        if "patternProperties" not in schema:
            yield from rule(validator, allowed, instance, schema)

    return check
