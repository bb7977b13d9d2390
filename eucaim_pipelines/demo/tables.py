"""Clinical tables as hospitals send them (CSV and xlsx bytes), and the balance of their rows.

What stands in the rows is the datasets' own matter; xlsx files are made reproducible here.
"""

import csv
import re
import zipfile
from collections.abc import Sequence
from datetime import date
from io import BytesIO, StringIO
from typing import Literal

from eucaim_pipelines.demo.plan import RowBalance

Cell = str | int | float | date | None
_MOMENT = (2026, 1, 1, 0, 0, 0)


def write_csv(
    header: Sequence[str], rows: Sequence[Sequence[Cell]], *, delimiter: str, encoding: str
) -> bytes:
    """Bytes of a CSV with Windows line ends."""
    text = StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode(encoding)


def write_xlsx(header: Sequence[str], rows: Sequence[Sequence[Cell]], sheet: str) -> bytes:
    """Bytes of a workbook with one sheet; equal rows give equal bytes."""
    from openpyxl import Workbook  # type: ignore[import-untyped]

    book = Workbook()
    page = book.active
    page.title = sheet
    page.append(list(header))
    for row in rows:
        page.append(list(row))
    raw = BytesIO()
    book.save(raw)
    return _without_clock(raw.getvalue())


def _without_clock(data: bytes) -> bytes:
    """The same workbook without the times at which it was written."""
    out = BytesIO()
    with zipfile.ZipFile(BytesIO(data)) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "docProps/core.xml":
                content = re.sub(rb">\d{4}-\d\d-\d\dT[\d:.]+Z<", b">2026-01-01T00:00:00Z<", content)
            member = zipfile.ZipInfo(name, _MOMENT)
            member.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(member, content)
    return out.getvalue()


def decimal_comma(value: float) -> str:
    """A number as most of Europe writes it, one decimal."""
    return f"{value:.1f}".replace(".", ",")


def balance(
    deliveries: Sequence[Sequence[tuple[str, ...]]],
    delivery: Literal["snapshot", "increment"],
    unmapped: int = 0,
    refused: int = 0,
) -> RowBalance:
    """What becomes of the rows whose keys are given, file by file in the order of their exports.

    `refused` rows come on top: they cannot be read as rows of the file, so they have no key.
    """
    received = sum(len(keys) for keys in deliveries)
    duplicates = sum(len(keys) - len(set(keys)) for keys in deliveries)
    ever = {key for keys in deliveries for key in keys}
    current = set(deliveries[-1]) if delivery == "snapshot" else ever
    removed = len(ever - current)
    return RowBalance(
        files=len(deliveries),
        received=received + refused,
        current=len(current),
        replaced=received - duplicates - len(current) - removed,
        removed=removed,
        duplicate_keys=duplicates,
        refused=refused,
        unmapped=unmapped,
    )
