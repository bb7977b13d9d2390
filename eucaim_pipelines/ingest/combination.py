"""The rows of many deliveries of one clinical file: which of them count, and what became of the others.

How a file is read lies in `clinical_files`; what a cell means in `cdm.coding`.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from eucaim_pipelines.contracts.sources import ClinicalFile

EXPORT, NAME, LINE, REASON = "#export", "#name", "#line", "#reason"
"""Columns beside those of a file; no header begins like this, and hospitals do have a column `name`."""
CURRENT, REPLACED, REMOVED, DUPLICATE_KEY = "ROW_CURRENT", "ROW_REPLACED", "ROW_REMOVED", "ROW_DUPLICATE_KEY"
DISPOSITIONS = pa.schema(
    [
        ("file", pa.string()),
        ("export", pa.string()),
        ("name", pa.string()),
        ("line", pa.int64()),
        ("reason", pa.string()),
    ]
)
_SEPARATOR = "\x1f"


@dataclass(frozen=True)
class Reception:
    """One delivered file of a clinical file spec: its export, its name, its rows as read."""

    export: str
    name: str
    table: pa.Table


@dataclass(frozen=True)
class Combined:
    """The rows of one clinical file spec that count, and what became of all others.

    Attributes
    ----------
    rows
        Current rows: `#export`, `#line`, then one text column per column of the contract, sorted by key.
    dispositions
        One row per row received: file (spec), export, name, line, reason (a code of reasons.csv).
    removed
        Keys that an earlier snapshot held and the newest one does not.
    duplicate_keys
        Rows whose key occurs again further down in the same export.
    before, left_out
        Keys of the last snapshot but one, and those of them that the newest one does not hold.
    """

    rows: pa.Table
    dispositions: pa.Table
    removed: int
    duplicate_keys: int
    before: int
    left_out: int

    def counts(self) -> dict[str, int]:
        """Rows by reason code; their sum is the number of rows received."""
        counted = self.dispositions.column("reason").value_counts().to_pylist()
        return {entry["values"]: entry["counts"] for entry in sorted(counted, key=lambda e: str(e["values"]))}


def combine(receptions: Iterable[Reception], spec: ClinicalFile) -> Combined:
    """The rows that count after all receptions of one clinical file, given in the order of their exports.

    A snapshot replaces what earlier exports brought (all its files of one export together); an increment
    adds rows and replaces those of equal key. Of equal keys the row read last counts. A snapshot without a
    single good row replaces nothing: an export went wrong far more often than a cohort ended.
    """
    ordered = list(receptions)
    received = _received(ordered, spec)
    heads = _heads(ordered, received, spec)
    good = heads.filter(pc.is_null(received[REASON]))
    last_of_export = _last(good, ["order", "key"])
    newest = _last(last_of_export, ["key"])
    counting, before = newest, newest.slice(0, 0)
    if spec.delivery == "snapshot":
        last = pc.max(good["order"])
        counting = newest.filter(pc.equal(newest["order"], last))
        before = _snapshot_before(last_of_export, last)
    fates = {DUPLICATE_KEY: good, REPLACED: last_of_export, REMOVED: newest, CURRENT: counting}
    reasons = received[REASON].to_numpy()
    for reason, rows in fates.items():  # each holds the next one, so that the last word stays
        reasons[rows["row"].to_numpy()] = reason
    return Combined(
        rows=_rows(received.take(counting["row"]), spec),
        dispositions=_dispositions(received, pa.array(reasons, pa.string()), spec),
        removed=newest.num_rows - counting.num_rows,
        duplicate_keys=good.num_rows - last_of_export.num_rows,
        before=before.num_rows,
        left_out=pc.sum(pc.invert(pc.is_in(before["key"], counting["key"].combine_chunks()))).as_py() or 0,
    )


def _received(receptions: list[Reception], spec: ClinicalFile) -> pa.Table:
    """All rows in the order in which they came: export, name of the file, and what was read."""
    texts = ((name, pa.string()) for name in (REASON, *spec.texts))
    shape = pa.schema([(EXPORT, pa.string()), (NAME, pa.string()), (LINE, pa.int64()), *texts])
    pieces = [shape.empty_table()]
    for reception in receptions:
        rows = reception.table.num_rows
        heads = (pa.repeat(reception.export, rows), pa.repeat(reception.name, rows))
        pieces.append(pa.table([*heads, *(reception.table[name] for name in shape.names[2:])], schema=shape))
    return pa.concat_tables(pieces)


def _heads(receptions: list[Reception], received: pa.Table, spec: ClinicalFile) -> pa.Table:
    """Of every row its place (`row`), the number of its export (`order`) and the number of its key."""
    names = list(dict.fromkeys(reception.export for reception in receptions))
    orders = [np.full(r.table.num_rows, names.index(r.export)) for r in receptions]
    keys = [received[spec.declared[field]] for field in spec.key]
    joined = pc.binary_join_element_wise(*keys, _SEPARATOR).combine_chunks()
    return pa.table(
        {
            "row": np.arange(received.num_rows),
            "order": np.concatenate([np.empty(0, np.int64), *orders]),
            "key": joined.dictionary_encode().indices,
        }
    )


def _last(rows: pa.Table, keys: list[str]) -> pa.Table:
    """The last row of each combination of the keys."""
    names = [name for name in rows.column_names if name not in keys]
    found = rows.group_by(keys, use_threads=False).aggregate([(name, "max") for name in names])
    return found.rename_columns([name.removesuffix("_max") for name in found.column_names])


def _snapshot_before(rows: pa.Table, last: pa.Scalar) -> pa.Table:
    """The rows of the newest export with rows before the last one."""
    earlier = rows.filter(pc.less(rows["order"], last))
    return earlier.filter(pc.equal(earlier["order"], pc.max(earlier["order"])))


def _rows(counting: pa.Table, spec: ClinicalFile) -> pa.Table:
    keys = [(spec.declared[field], "ascending") for field in spec.key]
    return counting.sort_by(keys).select([EXPORT, LINE, *spec.texts]).combine_chunks()


def _dispositions(received: pa.Table, reasons: pa.Array, spec: ClinicalFile) -> pa.Table:
    file = pa.repeat(pa.scalar(spec.name, pa.string()), received.num_rows)
    columns = [file, received[EXPORT], received[NAME], received[LINE], reasons]
    return pa.table(columns, schema=DISPOSITIONS)
