"""What a shape of a public clinical table is, and how a workbook is made of rows.

No test lives here. A shape is a file's bytes, the part of a source contract that describes it, the coded
fields that follow, and the values that cannot be coded.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from openpyxl import Workbook  # type: ignore[import-untyped]


@dataclass(frozen=True)
class Shape:
    """One delivered file; `coded` is field to values in the order of the keys, by clinical file."""

    name: str
    file: str
    content: bytes
    contract: str
    coded: dict[str, dict[str, list[Any]]]
    unmapped: list[tuple[str, str]] = field(default_factory=list)
    less_exact: list[tuple[str, str]] = field(default_factory=list)
    refused: dict[str, int] = field(default_factory=dict)


def workbook(**sheets: Sequence[Sequence[object]]) -> bytes:
    """A workbook with these sheets, rows as they stand."""
    book = Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title.replace("_", " "))
        for row in rows:
            sheet.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
