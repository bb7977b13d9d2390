"""Local values without a code, by column: what crosses into the release of them, and what comes near.

The values themselves stay in the restricted zone; how concepts are found is in `cdm.matching`.
"""

import csv
import io
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa

from eucaim_pipelines.quality.disclosure import THRESHOLD
from eucaim_pipelines.report.edition import Edition
from eucaim_pipelines.report.summary import Unmapped

NAME = "unmapped_fields.csv"
COLUMNS = (
    "file",
    "field",
    "vocabulary",
    "values",
    "rows",
    "patients_of_the_commonest",
    "codes_that_come_near",
)
NEAREST = 3
Nearest = Callable[[Iterable[str], Sequence[str]], Mapping[str, Sequence[Any]]]
"""Texts and the names of vocabularies to the concepts near each text, which have a label and a code."""


def columns(unmapped: pa.Table, nearest: Nearest) -> list[Unmapped]:
    """One entry per column with unmapped values (`cdm.coding.UNMAPPED`), the most rows first.

    A value that fewer than 10 patients have could be told from a concept near it: only the others have any.
    """
    values: dict[tuple[str, str, str], list[Mapping[str, Any]]] = defaultdict(list)
    for row in unmapped.to_pylist():
        values[row["file"], row["field"], row["vocabulary"]].append(row)
    found = []
    for (file, field, vocabulary), rows in values.items():
        common = [row["value"] for row in rows if row.get("patients", 0) >= THRESHOLD]
        near = suggestions(common, vocabulary, nearest)
        found.append(
            Unmapped(
                file, field, vocabulary, len(rows), sum(row["rows"] for row in rows),
                max(row.get("patients", 0) for row in rows),
                sorted({text for value in common for text in near[value]}),
            )
        )  # fmt: skip
    return sorted(found, key=lambda each: (-each.rows, each.file, each.field))


def released(columns: Sequence[Unmapped], people: int) -> bytes:
    """The columns as a release shows them: CSV, with the texts of the shareable report and no others.

    Parameters
    ----------
    people
        Patients of the dataset.
    """
    cells = Edition(local=False, people=people).unmapped(columns)
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(
        (each.file, each.field, each.vocabulary, *numbers, "; ".join(each.nearest))
        for each, numbers in zip(columns, cells, strict=True)
    )
    return file.getvalue().encode()


def suggestions(values: Iterable[str], vocabulary: str, nearest: Nearest) -> dict[str, list[str]]:
    """Label and code of the concepts near each value; none where the column is a date or a number."""
    near = nearest(values, [vocabulary])
    return {value: [f"{c.label} ({c.code})" for c in concepts[:NEAREST]] for value, concepts in near.items()}
