"""Clinical files as delivered become columns of text: header, rows, reasons why a row is refused.

How lines are cut into cells lies in `table_lines`; which rows count is decided in `combination`, what a cell
means (codes, dates, numbers) in `cdm.coding`.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from eucaim_pipelines.contracts.source_model import Column
from eucaim_pipelines.contracts.sources import ClinicalFile
from eucaim_pipelines.ingest.combination import LINE, REASON, Combined, Reception, combine
from eucaim_pipelines.ingest.table_lines import Line, TableRefusal, csv_lines, xlsx_lines

__all__ = ["Combined", "Reception", "TableRefusal", "combine", "missing_columns", "read", "refuse", "schema"]

WRONG_LENGTH, WITHOUT_KEY = "ROW_LENGTH", "ROW_WITHOUT_KEY"
_ROWS_AT_ONCE = 20_000
"""As Python objects a row takes twenty times the room that it takes as columns."""


def schema(spec: ClinicalFile) -> pa.Schema:
    """Columns of a file as read: its line, why a row is refused (else null), then its columns as text."""
    return pa.schema(
        [(LINE, pa.int64()), (REASON, pa.string()), *((name, pa.string()) for name in spec.texts)]
    )


def read(content: Path | bytes, spec: ClinicalFile) -> pa.Table:
    """The rows of one delivered file, every cell as trimmed text, null where `missing` says so.

    Returns
    -------
    pa.Table
        `schema(spec)`; `#line` is where the row starts in its file (from 1). Lines that are wholly empty,
        skipped, or from the footer on are left out. Empty cells of `fill_down` hold the value above, and
        identifiers are those of the images (`take`, `pad`, `prefix`). A row with another number of cells, or
        without a good key cell, has a `#reason` and no cells.

    Raises
    ------
    TableRefusal
        NO_COLUMNS: there is no header. TABLE_COLUMNS: the columns are not those of the contract; columns
        that the contract does not list are refused too, unless it says that they do not matter.
        TABLE_ENCODING: encoding, quoting or format are not as the contract says.
    """
    data = content if isinstance(content, bytes) else content.read_bytes()
    header, lines = _opened(data, spec)
    order = _order(header, spec)
    width = len(header) if spec.other_columns == "ignore" else max(_width(header), max(order) + 1)
    rows = _rows(lines, width, spec)
    parts = [schema(spec).empty_table()]
    while block := list(islice(rows, _ROWS_AT_ONCE)):
        parts.append(_columns(block, order, spec))
    return _without_keys(_numbered(_filled_down(pa.concat_tables(parts), spec), spec), spec)


def refuse(content: Path | bytes, specs: Sequence[ClinicalFile]) -> None:
    """Read a delivered file by each of its descriptions, one for every sheet, to see whether it is refused.

    Raises
    ------
    TableRefusal
        As `read`, for any of them. TABLE_EMPTY: none of them finds a row.
    """
    found = sum(read(content, spec).num_rows for spec in specs)
    if specs and not found:
        raise TableRefusal("TABLE_EMPTY", specs[0])


def missing_columns(content: bytes, spec: ClinicalFile) -> tuple[str, ...]:
    """Columns of the contract that the header of a delivered file lacks.

    Raises
    ------
    TableRefusal
        There is no header, or the file cannot be read as the contract says.
    """
    header, _ = _opened(content, spec)
    return _missing(_names(header), spec)


def _opened(data: bytes, spec: ClinicalFile) -> tuple[list[str], Iterator[Line]]:
    """Header cells and the lines below the header; a file without header has as many cells as its first line.

    Workbooks are opened a second time once the header has told which columns hold dates.
    """
    if spec.format == "csv":
        return _header(csv_lines(data, spec), spec)
    header, _ = _header(xlsx_lines(data, spec), spec)
    forms = {_composed(name): column.formats[0] for name, column in spec.columns.items()}
    names = enumerate(_names(header))
    dates = {place: forms[name] for place, name in names if name in forms}
    return header, _header(xlsx_lines(data, spec, dates), spec)[1]


def _header(lines: Iterator[Line], spec: ClinicalFile) -> tuple[list[str], Iterator[Line]]:
    if spec.header == 0:
        first = next((found for found in lines if found[0] not in spec.skip_lines), (1, []))
        return [""] * len(first[1]), chain([first], lines)
    for line, cells in lines:
        if line >= spec.header:
            return list(cells), lines
    return [], lines


def _names(header: Sequence[str]) -> list[str]:
    """How a contract names the columns: of equal headers the second is `Name#2`, the empty third is `#3`."""
    seen: Counter[str] = Counter()
    names = []
    for place, cell in enumerate(header, start=1):
        name = _composed(cell)
        seen[name] += 1
        if not name:
            names.append(f"#{place}")
        else:
            names.append(name if seen[name] == 1 else f"{name}#{seen[name]}")
    return names


def _width(header: Sequence[str]) -> int:
    """Places up to the last header that is not empty: spreadsheets end their lines with empty cells."""
    return max((place for place, cell in enumerate(header, start=1) if cell.strip()), default=len(header))


def _missing(names: Sequence[str], spec: ClinicalFile) -> tuple[str, ...]:
    if not names:
        raise TableRefusal("NO_COLUMNS", spec)
    found = set(names)
    return tuple(name for name in spec.columns if _composed(name) not in found)


def _order(header: Sequence[str], spec: ClinicalFile) -> list[int]:
    """Place in the file of each column of the contract."""
    if spec.header and not any(cell.strip() for cell in header):
        raise TableRefusal("NO_COLUMNS", spec)
    names = _names(header)
    missing = _missing(names, spec)
    wanted = [_composed(name) for name in spec.columns]
    listed = [name for name in names[: _width(header)] if name not in wanted]
    unlisted = len(listed) if spec.other_columns == "refuse" else 0
    if missing or unlisted or len(set(names)) != len(names):
        raise TableRefusal("TABLE_COLUMNS", spec, missing, unlisted)
    return [names.index(name) for name in wanted]


def _rows(
    lines: Iterator[Line], width: int, spec: ClinicalFile
) -> Iterator[tuple[int, Sequence[str] | None]]:
    """Line and cells of every row of data; no cells where their number is wrong."""
    skipped, padded = frozenset(spec.skip_lines), spec.format == "xlsx"
    for line, cells in lines:
        if line in skipped or not "".join(cells).strip():
            continue
        if spec.footer and next(cell.strip() for cell in cells if cell.strip()).startswith(spec.footer):
            return
        if len(cells) < width and padded:  # read-only sheets cut lines short
            cells = [*cells, *[""] * (width - len(cells))]
        fits = len(cells) == width or (len(cells) > width and not any(c.strip() for c in cells[width:]))
        yield line, cells if fits else None


def _columns(
    block: Sequence[tuple[int, Sequence[str] | None]], order: Sequence[int], spec: ClinicalFile
) -> pa.Table:
    """Rows as columns of text: trimmed, null where there is no value, identifiers as those of the images."""
    lines = [line for line, _ in block]
    reasons = [None if cells is not None else WRONG_LENGTH for _, cells in block]
    nothing_fits = ("",) * (max(order) + 1)
    places = list(zip(*(nothing_fits if cells is None else cells for _, cells in block), strict=False))
    texts = []
    for place, column in zip(order, spec.columns.values(), strict=True):
        cells = pc.utf8_trim_whitespace(pa.array(places[place], pa.string()))
        nothing = pa.array(["", *spec.missing, *column.missing], pa.string())
        cells = pc.if_else(pc.is_in(cells, value_set=nothing), None, cells)
        change = _change(column)
        texts.append(cells if change is None else _by_value(cells, change))
    texts += [pa.nulls(len(block), pa.string()) for _ in spec.texts[len(spec.columns) :]]
    return pa.table([lines, reasons, *texts], schema=schema(spec))


def _change(column: Column) -> Callable[[str], str | None] | None:
    """What makes an identifier that of the images; None where nothing is to be changed."""
    if column.take is None and column.pad is None and column.prefix is None:
        return None
    pattern = re.compile(column.take or "(.*)", re.DOTALL)

    def change(cell: str) -> str | None:
        found = pattern.fullmatch(cell)
        if found is None or not found[1]:
            return None
        return (column.prefix or "") + found[1].zfill(column.pad or 0)

    return change


def _by_value(cells: pa.Array, change: Callable[[str], str | None]) -> pa.Array:
    told = cells.dictionary_encode()
    return pa.array([change(cell) for cell in told.dictionary.to_pylist()], pa.string()).take(told.indices)


def _filled_down(table: pa.Table, spec: ClinicalFile) -> pa.Table:
    """Empty cells of `fill_down` with the value above of the same patient; those of patients, of anybody."""
    headers = [spec.declared[field] for field in spec.fill_down]
    fit = pc.is_null(table[REASON])
    patient = spec.patient_column
    if patient in headers:
        filled = pc.if_else(fit, pc.fill_null_forward(table[patient]), None)
        table = table.set_column(table.column_names.index(patient), patient, filled)
    patients = table[patient].to_pylist()
    for header in headers:
        if header == patient:
            continue
        last: dict[str | None, str | None] = {}
        cells = table[header].to_pylist()
        for row, (person, cell) in enumerate(zip(patients, cells, strict=True)):
            cells[row] = last[person] = last.get(person) if cell is None else cell
        filled = pc.if_else(pc.and_(fit, pc.is_valid(table[patient])), pa.array(cells, pa.string()), None)
        table = table.set_column(table.column_names.index(header), header, filled)
    return table


def _numbered(table: pa.Table, spec: ClinicalFile) -> pa.Table:
    """The number of each row among those of its patient, where the key asks for it."""
    for name in spec.texts[len(spec.columns) :]:
        seen: Counter[str] = Counter()
        numbers: list[str | None] = []
        for patient in table[spec.patient_column].to_pylist():
            seen[patient] += 1
            numbers.append(None if patient is None else f"{seen[patient]:06d}")
        place = table.column_names.index(name)
        table = table.set_column(place, name, pa.array(numbers, pa.string()))
    return table


def _without_keys(table: pa.Table, spec: ClinicalFile) -> pa.Table:
    """Rows without patient or key get their reason, and lose their cells.

    A control character in a key could be the sign that separates the cells of keys, and is never meant.
    """
    lost = pc.is_null(table[LINE])
    for header in {spec.patient_column, *(spec.declared[field] for field in spec.key)}:
        odd = pc.match_substring_regex(table[header], r"[[:cntrl:]]")
        lost = pc.or_(lost, pc.fill_null(odd, True))
    reason = pc.if_else(pc.is_valid(table[REASON]), table[REASON], pc.if_else(lost, WITHOUT_KEY, None))
    fit = pc.is_null(reason)
    texts = [pc.if_else(fit, table[name], None) for name in spec.texts]
    return pa.table([table[LINE], reason, *texts], schema=schema(spec)).combine_chunks()


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", " ".join(name.split()))
