"""Valid rows of every table, drawn from the contracts alone: for tests and for measuring at scale.

No pixel, no header and no local spelling is made here; invented deliveries of hospitals are in `demo`.
"""

import zlib
from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from eucaim_pipelines.contracts.synthetic_columns import LONGEST, PATIENT, Columns, Placed
from eucaim_pipelines.contracts.tables import TableContract
from eucaim_pipelines.contracts.vocabularies import Vocabulary

DATE_OF_DIAGNOSIS = "COM1001941"
"""Concept of the field that days are counted from."""
TREATMENT = "treatment"
EPISODE = "episode"
BETWEEN_ROWS = 100
"""Days within which the first rows of a patient are."""
COUNTED = (
    ("image_study", "study_number_of_series", "image_series", None),
    ("image_study", "study_number_of_instances", "image_series", "series_number_of_instances"),
    ("segmentation_series", "number_of_segments", "segment", None),
)
"""Table and field that count the rows of another table, or add up a field of them."""


def rows(
    contracts: Mapping[str, TableContract],
    vocabularies: Mapping[str, Vocabulary],
    sizes: Mapping[str, int],
    seed: int = 0,
) -> dict[str, pa.Table]:
    """Tables of so many rows each, in the schemas of their contracts; tables not named are empty.

    Types, nullability, value sets, units, ranges, keys and relationships hold, days and dates agree, ages
    follow the days, and nothing happens after the last contact; there is one dataset. Equal arguments give
    equal tables.

    Raises
    ------
    ValueError
        Rows are asked for, but none of the table that each of them must belong to.
    """
    placed: dict[str, Placed] = {}
    for name in _in_order(contracts):
        placed[name] = _place(contracts[name], contracts, placed, sizes, seed)
    last = max((int(each.offset.max()) for each in placed.values() if len(each.offset)), default=0) + LONGEST
    made = {
        name: Columns(contracts[name], contracts, vocabularies, placed, last, seed).made()
        for name in sorted(contracts)
    }
    return _counted(made, placed)


def _owner(contract: TableContract) -> str | None:
    """The table that every row must belong to, beside the patient."""
    for relation in contract.relationships:
        if relation.to_table != PATIENT and not contract.fields[relation.field].nullable:
            return relation.to_table
    return None


def _in_order(contracts: Mapping[str, TableContract]) -> list[str]:
    """Names of the tables, each after the one that it belongs to."""

    def depth(name: str) -> int:
        owner = _owner(contracts[name])
        return 0 if owner is None else 1 + depth(owner)

    return sorted(contracts, key=lambda name: (name != PATIENT, depth(name), name))


def _place(
    contract: TableContract,
    contracts: Mapping[str, TableContract],
    placed: Mapping[str, Placed],
    sizes: Mapping[str, int],
    seed: int,
) -> Placed:
    count = sizes.get(contract.name, 0)
    if contract.name == PATIENT:
        return Placed(np.arange(count), np.zeros(count, int), np.zeros(count, int))
    owner = _owner(contract) or PATIENT
    owners = len(placed[owner].patient)
    if count and not owners:
        raise ValueError(f"Rows of '{contract.name}' need rows of '{owner}'.")
    belongs = np.arange(count) * owners // max(count, 1)
    place = np.arange(count) - np.searchsorted(belongs, belongs, side="left")
    draw = np.random.default_rng([seed, zlib.crc32(contract.name.encode())])
    offset = place * 120 + draw.integers(0, BETWEEN_ROWS, count)
    if any(relation.to_table == TREATMENT for relation in contract.relationships):
        offset = offset + BETWEEN_ROWS  # what belongs to a treatment does not come before it
    if any(each.concept == DATE_OF_DIAGNOSIS for each in contract.fields.values()):
        offset = place * 400
    if contract.name == EPISODE:
        offset = np.zeros(count, int)  # days are counted from where the episode of the diagnosis begins
    above = {name: up[belongs] for name, up in placed[owner].above.items()}
    if owner != PATIENT:
        offset = placed[owner].offset[belongs]
        above[owner] = belongs
    return Placed(placed[owner].patient[belongs], place, offset, above)


def _counted(made: dict[str, pa.Table], placed: Mapping[str, Placed]) -> dict[str, pa.Table]:
    """The tables, with what belongs to a row counted in it."""
    for table, name, below, summed in COUNTED:
        if table not in made or below not in made or name not in made[table].column_names:
            continue
        weights = pc.fill_null(made[below][summed], 0).to_numpy() if summed else None
        counts = np.bincount(placed[below].above[table], weights, minlength=made[table].num_rows)
        at = made[table].column_names.index(name)
        cells = pa.array(counts.astype(int))
        made[table] = made[table].set_column(at, made[table].schema.field(name), cells)
    return made
