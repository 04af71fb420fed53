"""elements: tables over the chemical elements, one document an element.

Owns the corpus, read out of the SQLite file in PyPI's mendeleev (MIT), and the facts that are
asked. The package is never imported.
"""

import random
import re
import sqlite3
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from openswarm.core.errors import SettingsError
from openswarm.evals.documents import Documents
from openswarm.evals.sources import Package, fetched, members
from openswarm.evals.suites.facts import Fact
from openswarm.evals.suites.family import Dials, Family, Material, sample_file
from openswarm.evals.suites.wide import Entity, Wide, wide_tasks
from openswarm.evals.task import EvalTask, Split

MENDELEEV = Package(
    "pypi", "mendeleev", "1.3.0", "mendeleev-1.3.0-py3-none-any.whl",
    "76f415767b654634e51dead755513ef431abf200e892eab8468aa659ff218d1c",
)  # fmt: skip
DATABASE = "mendeleev/elements.db"

FACTS: tuple[Fact, ...] = (
    Fact("symbol", "chemical symbol", "text"),
    Fact("atomic number", "atomic number"),
    Fact("period", "number of the period in the periodic table"),
    Fact("discovery year", "year of discovery"),
    Fact("discoverers", "discoverers as the document names them", "text"),
    Fact("discovery place", "place of discovery as the document names it", "text"),
    Fact("atomic weight", "standard atomic weight"),
    Fact("melting point", "melting point in kelvin", unit="K"),
    Fact("boiling point", "boiling point in kelvin", unit="K"),
    Fact("density", "density in grams per cubic centimetre", unit="g/cm3"),
    Fact("electronegativity", "electronegativity on Pauling's scale"),
    Fact("ionisation energy", "first ionisation energy in electronvolts", unit="eV"),
    Fact("CAS number", "CAS registry number", "text"),
    Fact("lattice", "lattice structure in capital letters", "text"),
    Fact("crust abundance", "abundance in the earth's crust in milligrams per kilogram",
         unit="mg/kg"),
)  # fmt: skip
WIDE = Wide(
    family="elements",
    thing="element",
    things="elements",
    meaning="English name of the element, as its document is titled",
    facts=FACTS,
    conditions=("discovery year", "atomic weight", "melting point", "density",
                "atomic number", "electronegativity"),
)  # fmt: skip

_ELEMENTS = """
    SELECT e.*, s.name AS series FROM elements e LEFT JOIN series s ON s.id = e.series_id
    ORDER BY e.atomic_number
"""
_DATED = re.compile(r"\d{4}|discover|isolat|identif|synthes|first|confirm|named", re.IGNORECASE)
_MAX_ISOTOPES = 14


def build(home: Path) -> Material:
    """A document for each of the 118 elements. Raises `SettingsError` without the package."""
    data = dict(members(fetched(MENDELEEV, home), prefix=DATABASE))[DATABASE]
    base = sqlite3.connect(":memory:")
    try:
        base.deserialize(data)
        base.row_factory = sqlite3.Row
        rows = [dict(row) for row in base.execute(_ELEMENTS)]
        for row in rows:
            row |= _beside(base, row["atomic_number"])
    except sqlite3.Error as error:
        raise SettingsError(f"{MENDELEEV.file} holds no readable {DATABASE}: {error}") from None
    finally:
        base.close()
    texts = {f"{row['name'].casefold()}.md": _document(row) for row in rows}
    records = {row["name"]: _record(row) for row in rows}
    return Material(Documents("elements", texts), {"elements": records})


def _beside(base: sqlite3.Connection, number: int) -> dict[str, Any]:
    """What other tables have of an element: phases where there is one, energies, isotopes."""
    phases = base.execute(
        "SELECT melting_point, boiling_point FROM phasetransitions WHERE atomic_number = ?"
        " ORDER BY id", (number,),
    ).fetchall()  # fmt: skip
    energies = base.execute(
        "SELECT ionization_energy FROM ionizationenergies WHERE atomic_number = ?"
        " ORDER BY ion_charge LIMIT 5", (number,),
    ).fetchall()  # fmt: skip
    isotopes = base.execute(
        "SELECT mass_number, abundance, half_life, half_life_unit FROM isotopes"
        " WHERE atomic_number = ? AND (abundance IS NOT NULL OR half_life IS NOT NULL)"
        " ORDER BY abundance IS NULL, mass_number LIMIT ?", (number, _MAX_ISOTOPES),
    ).fetchall()  # fmt: skip
    melting, boiling = tuple(phases[0]) if len(phases) == 1 else (None, None)
    return {
        "melting": melting,
        "boiling": boiling,
        "energies": [shown(row[0]) for row in energies if row[0] is not None],
        "isotopes": [tuple(row) for row in isotopes],
    }


def shown(value: Any) -> str:
    """A value as the documents write it: numbers with at most eight digits, no exponent."""
    if isinstance(value, float):
        text = f"{value:.8f}" if abs(value) < 1 else f"{value:.8g}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    return "" if value is None else " ".join(str(value).split())


def _record(row: Mapping[str, Any]) -> dict[str, Any]:
    """The structured side of an element: its series, and every fact that it has."""
    values = {
        "symbol": row["symbol"],
        "atomic number": row["atomic_number"],
        "period": row["period"],
        "discovery year": row["discovery_year"],
        "discoverers": row["discoverers"],
        "discovery place": row["discovery_location"],
        "atomic weight": row["atomic_weight"],
        "melting point": row["melting"],
        "boiling point": row["boiling"],
        "density": row["density"],
        "electronegativity": row["en_pauling"],
        "ionisation energy": next(iter(row["energies"]), None),
        "CAS number": row["cas"],
        "lattice": row["lattice_structure"],
        "crust abundance": row["abundance_crust"],
    }
    return {
        "document": f"{row['name'].casefold()}.md",
        "series": row["series"] or "",
        "facts": {name: text for name, value in values.items() if (text := shown(value))},
    }


def _document(row: Mapping[str, Any]) -> str:
    """An element as Markdown: a heading a section, a paragraph a statement."""
    sections = {
        "Overview": [
            f"{row['name']} has the symbol {row['symbol']} and the atomic number"
            f" {row['atomic_number']}.",
            f"It stands in period {row['period']} of the periodic table and is counted among the"
            f" series {row['series']}." if row["series"] else f"Period: {row['period']}.",
            _undated(row["description"]),
            _said("CAS registry number", row["cas"]),
        ],
        "Origin and use": [
            _said("Origin of the name", row["name_origin"]),
            _said("Where it is found", row["sources"]),
            _said("Uses", row["uses"]),
            _said("Largest producers", row["top_3_producers"]),
            _said("Largest reserves", row["top_3_reserve_holders"]),
        ],
        "Atom": [
            _said("Standard atomic weight", row["atomic_weight"]),
            _said("Electron configuration", row["electronic_configuration"]),
            _said("Electronegativity (Pauling)", row["en_pauling"]),
            _said("Electronegativity (Allen)", row["en_allen"]),
            _said("Electron affinity", row["electron_affinity"], " eV"),
            _said("Ionisation energies, from the first", ", ".join(row["energies"]), " eV"),
            _said("Dipole polarisability", row["dipole_polarizability"], " a.u."),
        ],
        "Discovery": [
            _said("Year of discovery", row["discovery_year"]),
            _said("Discoverers", row["discoverers"]),
            _said("Place of discovery", row["discovery_location"]),
        ],
        "Isotopes": [_isotope(row["name"], *isotope) for isotope in row["isotopes"]],
        "Substance": [
            _said("Melting point", row["melting"], " K"),
            _said("Boiling point", row["boiling"], " K"),
            _said("Density", row["density"], " g/cm3"),
            _said("Lattice structure", row["lattice_structure"]),
            _said("Heat of fusion", row["fusion_heat"], " kJ/mol"),
            _said("Heat of evaporation", row["evaporation_heat"], " kJ/mol"),
            _said("Thermal conductivity", row["thermal_conductivity"], " W/(m K)"),
            _said("Abundance in the earth's crust", row["abundance_crust"], " mg/kg"),
            _said("Abundance in the sea", row["abundance_sea"], " mg/L"),
        ],
    }  # fmt: skip
    blocks = [f"# {row['name']}"]
    for heading, entries in sections.items():
        said = [entry for entry in entries if entry]
        if said:
            blocks.append(f"## {heading}\n" + "\n\n".join(said))
    return "\n\n".join(blocks) + "\n"


def _said(name: str, value: Any, unit: str = "") -> str:
    text = shown(value)
    return f"{name}: {text}{unit}" if text else ""


def _isotope(name: str, mass: int, abundance: Any, half_life: Any, unit: Any) -> str:
    said = [f"{name}-{mass}"]
    if abundance is not None:
        said.append(f"makes up {shown(abundance)} % of what is found in nature")
    if half_life is not None:
        said.append(f"has a half-life of {shown(half_life)} {unit}")
    return f"{said[0]} {' and '.join(said[1:])}."


def _undated(description: str | None) -> str:
    """The sentences of a description that say nothing of the discovery, which is stated once."""
    sentences = re.split(r"(?<=\.) +", description or "")
    return " ".join(s for s in sentences if s and not _DATED.search(s))


def entities(material: Material) -> list[Entity]:
    """The elements by their atomic numbers."""
    found: Mapping[str, dict[str, Any]] = material.records["elements"]
    order = sorted(found, key=lambda name: int(found[name]["facts"]["atomic number"]))
    return [
        Entity(
            name,
            found[name]["document"],
            f"the series {found[name]['series']}" if found[name]["series"] else "",
            found[name]["facts"],
        )
        for name in order
    ]


def generate(
    material: Material, split: Split, rng: random.Random, dials: Dials
) -> Iterator[EvalTask]:
    """Tables over elements: named, all, of a series, or discovered in some years and the like."""
    return wide_tasks(WIDE, entities(material), material, split, rng, dials)


ELEMENTS = Family(
    "elements",
    "a table of facts about chemical elements, from one document an element",
    ("wide",),
    build,
    partial(sample_file, "elements"),
    generate,
)
