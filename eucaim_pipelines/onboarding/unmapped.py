"""Received values without a code as rows to paste into the source contract. Restricted: it shows them.

How values come to be unmapped is said in `cdm.coding`; what may be told of them outside, in `report`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from eucaim_pipelines.cdm.matching import Matcher, Near
from eucaim_pipelines.contracts.sources import SourceContract
from eucaim_pipelines.onboarding.drafts import TODO
from eucaim_pipelines.onboarding.writing import quoted

WARNING = (
    "Values of patients as received. Keep them on this machine, and delete them when the rows are pasted."
)
IMAGES = "images"
_IMAGING = {"BodyPartExamined": "body_parts", "Manufacturer": "manufacturers"}
_NO_CODES = {
    "date": "no date in the format of its column, or after the delivery: correct `format`, or the table",
    "age": "no age of 0 to 150 years: correct `unit`, or the table",
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
        concept is near; values of columns that have no codes are comments.
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
    yield f"# {_place(file, field, source)}: vocabulary {vocabulary}"
    if vocabulary not in matcher.vocabularies:
        said = _NO_CODES.get(
            vocabulary, f"no {vocabulary} as the column says: correct the column, or the table"
        )
        yield f"# {said}"
        yield from (f"#   {quoted(row['value'])}   {_counts(row)}" for row in rows)
        return
    near = matcher.nearest_of_all([row["value"] for row in rows], [vocabulary], limit=1)
    yield from (_line(row, near[row["value"]]) for row in rows)


def _place(file: str, field: str, source: SourceContract) -> str:
    if file == IMAGES:
        return f"imaging: {_IMAGING.get(field, 'procedures')} ({field})"
    known = {spec.name: spec for spec in source.clinical}
    if file not in known or field not in known[file].sources:
        return f"{file}: {field}, as an earlier contract named it"
    headers = ", ".join(quoted(header) for header in known[file].sources[field].headers)
    return f"{file}: column {headers}, field {field}, under values"


def _line(row: Row, near: tuple[Near, ...]) -> str:
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
