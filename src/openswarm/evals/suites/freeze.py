"""Cuts the frozen samples out of full corpora, and notes the hashes of both.

For whoever changes a corpus: `freeze(home, folder)` writes `sample/*.json.gz` and `hashes.json`.
Nothing calls it in a run. Owns what a sample keeps.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from openswarm.evals.documents import Documents
from openswarm.evals.suites import controls, debian, elements, factbook, pydocs
from openswarm.evals.suites.catalogue import FAMILIES, Dials, Family, Material

COUNTRIES: tuple[str, ...] = (
    "ar", "bl", "br", "ci", "co", "ec", "gy", "pa", "pe", "ns", "uy", "ve",
    "af", "bg", "bt", "in", "np", "pk", "ce",
    "kz", "kg", "ti", "tx", "uz",
    "fr", "gm", "it", "sp", "po", "pl", "sw", "uk",
    "us", "ca", "mx", "ch", "ja", "ks", "eg", "sf",
)  # fmt: skip
"""The codes of the countries that the samples keep."""
ELEMENTS = 60
"""How many elements the sample keeps: every one with an even atomic number, from the lightest."""


def freeze(home: Path, folder: Path) -> dict[str, dict[str, Any]]:
    """Writes the samples and `hashes.json` into the folder of the suites; the hashes by corpus.

    What `hashes.json` says of other corpora stays as it is; under `tasks` stand those of tasks
    drawn from the samples.
    Blocks, and needs the packages or a network. Raises `SettingsError` without them.
    """
    full = [
        factbook.build(home),
        factbook.build_change(home),
        elements.build(home),
        debian.build(home),
        pydocs.build(home),
    ]
    cut = [
        _factbook(full[0]),
        _factbook(full[1]),
        _elements(full[2]),
        debian.cut_sample(full[3]),
        pydocs.cut_sample(full[4]),
    ]
    for material in cut:
        material.save(folder / "sample" / f"{material.documents.name}.json.gz")
    noted = {
        whole.documents.name: _noted(whole) | {"sample_sha256": part.documents.sha256}
        for whole, part in zip(full, cut, strict=True)
    }
    made = controls.build_made()
    noted[made.documents.name] = _noted(made) | {"sample_sha256": made.documents.sha256}
    noted["tasks"] = {name: tasks_sha256(family) for name, family in sorted(FAMILIES.items())}
    path = folder / "hashes.json"
    known = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    path.write_text(json.dumps(known | noted, indent=2, sort_keys=True) + "\n", "utf-8")
    return noted


def tasks_sha256(family: Family) -> str:
    """The hash of what 50 test tasks of a family's sample ask, and over which documents."""
    drawn = family.tasks(family.sample(), "test", 50, 0, Dials(max_rows=6))
    text = json.dumps([(task.id, task.template, task.scope) for task in drawn])
    return hashlib.sha256(text.encode()).hexdigest()


def _noted(material: Material) -> dict[str, Any]:
    return {
        "sha256": material.documents.sha256,
        "documents": len(material.documents.texts),
        "bytes": sum(len(text.encode()) for text in material.documents.texts.values()),
    }


def _factbook(material: Material) -> Material:
    kept = {}
    for code in COUNTRIES:
        record = dict(material.records["countries"][code])
        if "edges" in record:
            record["edges"] = {k: to for k, to in record["edges"].items() if to in COUNTRIES}
        kept[code] = record
    names = [name for r in kept.values() for name in r.get("documents") or [r["document"]]]
    return _only(material, names, {"countries": kept})


def _elements(material: Material) -> Material:
    found = material.records["elements"]
    numbers = set(range(2, 2 * ELEMENTS + 1, 2))
    kept = {n: r for n, r in found.items() if int(r["facts"]["atomic number"]) in numbers}
    return _only(material, [r["document"] for r in kept.values()], {"elements": kept})


def _only(material: Material, names: list[str], records: dict[str, Any]) -> Material:
    texts = {name: material.documents.texts[name] for name in sorted(names)}
    return Material(Documents(material.documents.name, texts), records)
