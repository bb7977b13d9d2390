"""Received values without a code as rows to paste into the source contract. Restricted: it shows them.

How values come to be unmapped is said in `cdm.coding`; what may be told of them outside, in `report`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
from rapidfuzz import fuzz, process

from eucaim_pipelines.cdm.matching import Matcher, Near
from eucaim_pipelines.contracts.source_columns import Column
from eucaim_pipelines.contracts.sources import SourceContract
from eucaim_pipelines.contracts.words import fold
from eucaim_pipelines.onboarding.drafts import TODO
from eucaim_pipelines.onboarding.values import SURE
from eucaim_pipelines.onboarding.writing import quoted

WARNING = (
    "Values of patients as received. Keep them on this machine, and delete them when the rows are pasted."
)
IMAGES = "images"
_IMAGING = {"BodyPartExamined": "body_parts", "Manufacturer": "manufacturers"}
_NO_CODES = {
    "date": "correct `format`, or the table, which may hold dates after the delivery",
    "age": "ages are 0 to 150 years; correct `unit`, or the table",
}
Row = Mapping[str, Any]


def rows_to_paste(unmapped: pa.Table, source: SourceContract, matcher: Matcher) -> str:
    """The unmapped values of a dataset, by file and column, each with the concept that is nearest.

    Parameters
    ----------
    unmapped
        `cdm.coding.UNMAPPED`.

    Returns
    -------
    str
        Comments, and lines `"local spelling": CODE   # nearest: label (score), n rows, m patients` that fit
        under `values` of the column, or under the map of `imaging` that is named. TODO stands where no
        concept is near; columns that have no codes are one comment each, with how many cells cannot be read.
    """
    groups: dict[tuple[str, str, str], list[Row]] = {}
    for row in unmapped.to_pylist():
        groups.setdefault((row["file"], row["field"], row["vocabulary"]), []).append(row)
    lines = [f"# {WARNING}", f"# {unmapped.num_rows} value(s) of '{source.dataset_id}' have no code."]
    for (file, field, vocabulary), rows in sorted(groups.items()):
        ordered = sorted(rows, key=lambda row: (-row["rows"], row["value"]))
        lines += ["", *_group(file, field, vocabulary, ordered, source, matcher)]
    return "\n".join(lines) + "\n"


def _group(
    file: str, field: str, vocabulary: str, rows: Sequence[Row], source: SourceContract, matcher: Matcher
) -> Iterator[str]:
    column, coded = _column(file, field, source), vocabulary in matcher.vocabularies
    what = f"vocabulary {vocabulary}" if coded else vocabulary
    yield f"# {_place(file, field, source)}{', under values' if coded and column else ''}: {what}"
    if not coded:
        said = _NO_CODES.get(vocabulary, "correct the column, or the table")
        cells = sum(row["rows"] for row in rows)
        yield f"#   {cells} cell(s), {len(rows)} different, {_unread(column)}: {said}"
        return
    near = matcher.nearest_of_all([row["value"] for row in rows], [vocabulary], limit=1)
    own = {} if column is None else {s: str(v) for s, v in column.values.items() if isinstance(v, str)}
    yield from (_line(row, near[row["value"]], own) for row in rows)


def _place(file: str, field: str, source: SourceContract) -> str:
    if file == IMAGES:
        return f"imaging: {_IMAGING.get(field, 'procedures')} ({field})"
    known = {spec.name: spec for spec in source.clinical}
    if file not in known or field not in known[file].sources:
        return f"{file}: {field}, as an earlier contract named it"
    headers = ", ".join(quoted(header) for header in known[file].sources[field].headers)
    return f"{file}: column {headers}, field {field}"


def _column(file: str, field: str, source: SourceContract) -> Column | None:
    specs = {spec.name: spec for spec in source.clinical}
    found = specs[file].sources.get(field) if file in specs else None
    return None if found is None else found.column


def _unread(column: Column | None) -> str:
    if column is None or column.kind != "date":
        return "cannot be read"
    return f"do not fit the format {' or '.join(column.formats)}"


def _line(row: Row, near: tuple[Near, ...], own: Mapping[str, str]) -> str:
    """The nearest concept, or the nearest spelling that the column maps already, whichever is nearer."""
    like = process.extractOne(row["value"], list(own), processor=fold, scorer=fuzz.ratio, score_cutoff=SURE)
    if like is not None and (not near or like[1] > near[0].score):
        said = f"near {quoted(like[0])} of this column ({like[1]:.0f})"
        return f"          {quoted(row['value'])}: {own[like[0]]}   # {said}, {_counts(row)}"
    code, said = (
        (near[0].code, f"nearest: {near[0].label} ({near[0].score})") if near else (TODO, "nothing is near")
    )
    return f"          {quoted(row['value'])}: {code}   # {said}, {_counts(row)}"


def _counts(row: Row) -> str:
    return f"{row['rows']} rows, {row['patients']} patients"


def columns(unmapped: pa.Table) -> Iterable[tuple[str, str, int, int]]:
    """File, field, number of values and of rows: what may be printed anywhere on this machine."""
    counts: dict[tuple[str, str], tuple[int, int]] = {}
    for row in unmapped.select(["file", "field", "rows"]).to_pylist():
        values, rows = counts.get((row["file"], row["field"]), (0, 0))
        counts[row["file"], row["field"]] = values + 1, rows + row["rows"]
    return [(*place, *found) for place, found in sorted(counts.items())]
