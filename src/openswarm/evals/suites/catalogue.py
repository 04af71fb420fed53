"""The families that there are, by name.

Imports every family, so no family may import it: what they share stands in `family`.
"""

from openswarm.evals.suites import debian, pydocs
from openswarm.evals.suites.chains import CHAIN, JOIN
from openswarm.evals.suites.controls import FACT, SEQUENTIAL
from openswarm.evals.suites.elements import ELEMENTS
from openswarm.evals.suites.factbook import FACTBOOK_CHANGE, FACTBOOK_WIDE
from openswarm.evals.suites.family import Dials, Family, Material

__all__ = ["FAMILIES", "Dials", "Family", "Material"]

FAMILIES: dict[str, Family] = {
    family.name: family
    for family in (
        FACTBOOK_WIDE,
        FACTBOOK_CHANGE,
        debian.FAMILY,
        pydocs.FAMILY,
        ELEMENTS,
        CHAIN,
        JOIN,
        FACT,
        SEQUENTIAL,
    )
}
"""Every family by its name."""
