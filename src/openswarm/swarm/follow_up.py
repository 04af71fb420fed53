"""What openswarm does after a stage without being told: disputed cells are looked at again, and
what is missing is worked on once more. Each is done once."""

from dataclasses import dataclass

from openswarm.core.table import ConflictPolicy, Key
from openswarm.swarm.coverage import has_something, missing_names
from openswarm.swarm.fill import Fill, Filler
from openswarm.swarm.merge import TableMerge


@dataclass(slots=True)
class FollowUp:
    """The follow-up of the stages of one run."""

    merge: TableMerge
    filler: Filler
    policy: ConflictPolicy
    complete: bool

    async def after_stage(self, call_id: str = "") -> None:
        """Works on what is missing, then on what is disputed."""
        if self.merge.contract is None:
            return
        if self.complete:
            await self.filler.run(gaps(self.merge), call_id=call_id)
        if self.policy == "recheck":
            await self.filler.run(disputes(self.merge), call_id=call_id)


def gaps(merge: TableMerge) -> list[Fill]:
    """The rows and cells of which nothing is there."""
    contract = merge.contract
    assert contract is not None
    fills = [
        Fill(key, (), "complete")
        for name in missing_names(merge.tables, set())
        if (key := contract.parts(name))
    ]
    for row in merge.tables.rows:
        empty = tuple(c.name for c in contract.asked if not row.cells[c.name].value)
        if empty and has_something(row, contract):
            values = tuple(row.cells[name].value for name in contract.key)
            fills.append(Fill(values, empty, "complete"))
    return fills


def disputes(merge: TableMerge) -> list[Fill]:
    """The cells for which different values were found and nobody has decided yet."""
    assert merge.contract is not None
    columns: dict[Key, list[str]] = {}
    for (key, column), conflict in merge.tables.conflicts.items():
        if conflict.kept.state == "conflict" and key in merge.tables.placed:
            columns.setdefault(key, []).append(column)
    fills = []
    for key, names in sorted(columns.items()):
        row = merge.tables.placed[key].row
        values = tuple(row.cells[name].value for name in merge.contract.key)
        asked = tuple(name for name in merge.contract.names if name in names)
        fills.append(Fill(values, asked, "recheck"))
    return fills
