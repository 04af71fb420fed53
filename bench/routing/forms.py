"""The shape of a kind of task: variants with their phrasings, surroundings and facts."""

from dataclasses import dataclass, field

Range = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Variant:
    """Phrasings that share their facts."""

    where: str
    """Surroundings, one of which is drawn: `-`, or tools and options joined with `+`."""
    facts: dict[str, float | Range]
    """Fields of `oracle.Facts`; a pair is a range to draw from."""
    forms: str
    """A phrasing a line, with `{slots}`; `\\n` is a new line."""
    count: Range = (4, 60)
    """From where the number of items is drawn, where a slot asks for one."""
    weight: float = 1.0
    """How often this variant is taken beside the others of its kind."""

    @property
    def phrasings(self) -> list[str]:
        """The phrasings."""
        return [line.strip() for line in self.forms.strip().splitlines() if line.strip()]


@dataclass(frozen=True, slots=True)
class Kind:
    """One of the twelve kinds."""

    name: str
    variants: tuple[Variant, ...] = field(default_factory=tuple)
