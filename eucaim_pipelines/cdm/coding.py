"""Clinical cells become codes, dates and numbers; what cannot be coded becomes a table, not a crash.

Restricted zone: patients and rows still carry the hospital's identifiers. What one cell means is decided in
`cells`; how rows relate lies in `linkage`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc

from eucaim_pipelines.cdm import cells
from eucaim_pipelines.cdm.conditions import applying
from eucaim_pipelines.cdm.imaging_codes import ImagingCodes
from eucaim_pipelines.contracts.date_formats import LATEST
from eucaim_pipelines.contracts.source_model import OFFSET_SUFFIX, FieldSource
from eucaim_pipelines.contracts.sources import ClinicalFile, SourceContract
from eucaim_pipelines.contracts.vocabularies import Vocabulary
from eucaim_pipelines.ingest.combination import EXPORT, LINE

PATIENT, RECORD_KEY, LINE_KEY = "PatientID", "record_key", "line_key"
RELATIVES_AGE = "relatives_age"
KEY_SEPARATOR = "\x1f"
TYPES = {
    "code": pa.string(),
    "episode": pa.string(),
    "study_uid": pa.string(),
    "age": pa.float64(),
    "number": pa.float64(),
    "integer": pa.int64(),
    "days": pa.int64(),
    "timepoint": pa.int64(),
    "date": pa.date32(),
    "boolean": pa.bool_(),
}
FORMED = frozenset(("date", "number", "integer", "age", "days", "boolean"))
"""Kinds whose cells are read by the form that the contract declares, not by a vocabulary."""
HARDLY_ANY = 0.9
"""From this share of unreadable cells on, the declared form is wrong rather than the cells."""
_COUNTS = [("rows", pa.int64()), ("patients", pa.int64())]
UNMAPPED = pa.schema([*((name, pa.string()) for name in ("file", "field", "vocabulary", "value")), *_COUNTS])
LESS_EXACT = pa.schema([*((name, pa.string()) for name in ("file", "field", "why")), *_COUNTS])


@dataclass(frozen=True)
class Coded:
    """The coded rows of one clinical file, and what was lost on the way.

    Attributes
    ----------
    table
        `schema(spec)`.
    unmapped
        `UNMAPPED`: values that could not be coded, as received; where a field has no vocabulary, what it is
        (date, number, …) stands in its place. Restricted.
    less_exact
        `LESS_EXACT`: how many values of a field say more than was told: `limit` (`<0.1` taken as 0.1),
        `month` (the first of the month stands for it), `year` (the first of January does). No value.
    """

    table: pa.Table
    unmapped: pa.Table
    less_exact: pa.Table


def kinds(spec: ClinicalFile) -> dict[str, str]:
    """What every field of a coded table is, and what is beside them: days of dates, where mappings apply.

    An age that is not the patient's is a `relatives_age`.
    """
    declared = {name: str(column.kind) for name, column in spec.fields.items()}
    declared |= dict.fromkeys(spec.of_relatives, RELATIVES_AGE)
    offsets = {f"{name}{OFFSET_SUFFIX}": "integer" for name, kind in declared.items() if kind == "date"}
    return declared | dict.fromkeys(spec.applying, "boolean") | offsets


def schema(spec: ClinicalFile) -> pa.Schema:
    """PatientID, record_key, the declared fields in their types, `applying`; dates without offsets yet.

    Where cells may hold several values, `line_key` comes last: the record_key of the line's first record.
    """
    fields = [(name, TYPES[column.kind]) for name, column in spec.fields.items()]
    told = [(name, pa.bool_()) for name in spec.applying]
    line = [(LINE_KEY, pa.string())] if spec.separated else []
    return pa.schema([(PATIENT, pa.string()), (RECORD_KEY, pa.string()), *fields, *told, *line])


def code_records(
    rows: pa.Table,
    spec: ClinicalFile,
    vocabularies: Mapping[str, Vocabulary],
    latest: date = LATEST,
) -> Coded:
    """Current rows of one clinical file, coded as its source contract says.

    Parameters
    ----------
    rows
        `Combined.rows` of `ingest.clinical_files.combine`: text columns named by the file's headers.
    vocabularies
        By name; they may be wider than the project's own.
    latest
        The last day that can lie in a patient's past: that of the newest export. Later dates are unmapped.

    Returns
    -------
    Coded
        `schema(spec)`; a cell that has no code, or is no date or number in the declared form, is null and
        counted among the unmapped. Ages are years with one decimal, other numbers in the unit of the field
        that they fill. A cell with several values (`separator`) gives one row for each, of which mappings
        that read no such cell apply to the first.
    """
    rows, numbers = _one_value_per_cell(rows, spec)
    patients = rows.column(spec.patient_column)
    columns, unmapped, less_exact = [], [], []
    for name, source in _passing(spec).items():
        texts = _texts(rows, source).dictionary_encode()
        code = cells.coder(name, source, spec, vocabularies, latest)
        spellings = texts.dictionary.to_pylist()
        told = [code(text) for text in spellings]
        columns.append(pa.array([cell.value for cell in told], TYPES[source.column.kind]).take(texts.indices))
        lost = pa.array(
            [None if cell.mapped else text for cell, text in zip(told, spellings, strict=True)], pa.string()
        )
        kind = source.column.value_set or source.column.kind
        unmapped.append(_counted((spec.name, name, kind), lost.take(texts.indices), patients, UNMAPPED))
        notes = pa.array([cell.note for cell in told], pa.string()).take(texts.indices)
        less_exact.append(_counted((spec.name, name), notes, patients, LESS_EXACT))
    records = pa.table(
        [patients, _record_keys(rows, numbers, spec), *columns], names=schema(spec).names[: 2 + len(columns)]
    )
    beside = list(applying(spec, records, pc.equal(numbers, 1)).values())
    if spec.separated:
        beside.append(_line_keys(rows, spec))
    table = pa.table([*records.columns, *beside], schema=schema(spec))
    return Coded(
        table.combine_chunks(),
        pa.concat_tables([UNMAPPED.empty_table(), *unmapped]),
        pa.concat_tables([LESS_EXACT.empty_table(), *less_exact]),
    )


def given_cells(rows: pa.Table, spec: ClinicalFile) -> dict[str, int]:
    """How many cells each field that goes on was given: what could have been coded."""
    rows, _ = _one_value_per_cell(rows, spec)
    return {name: len(rows) - _texts(rows, source).null_count for name, source in _passing(spec).items()}


def unreadable_columns(given: Mapping[str, int], unmapped: pa.Table, spec: ClinicalFile) -> tuple[int, int]:
    """Columns with cells of a declared form (dates, numbers, …), and those hardly a cell of which has it.

    Parameters
    ----------
    given
        `given_cells` of the file.
    unmapped
        `UNMAPPED`, of this file or of several.
    """
    formed = {name for name, column in spec.fields.items() if column.kind in FORMED and given[name]}
    lost = dict.fromkeys(formed, 0)
    for row in unmapped.select(["file", "field", "rows"]).to_pylist():
        if row["file"] == spec.name and row["field"] in formed:
            lost[row["field"]] += row["rows"]
    return len(formed), sum(lost[name] >= HARDLY_ANY * given[name] for name in formed)


def pointers(rows: pa.Table, spec: ClinicalFile) -> pa.Table:
    """Where each coded row stands in the delivered files: record_key, export, line; in the rows' order."""
    rows, numbers = _one_value_per_cell(rows, spec)
    columns = [_record_keys(rows, numbers, spec), rows.column(EXPORT), rows.column(LINE)]
    return pa.table(columns, names=[RECORD_KEY, "export", "line"])


def _passing(spec: ClinicalFile) -> dict[str, FieldSource]:
    """Fields that go on, to where their texts come from."""
    return {name: source for name, source in spec.sources.items() if name in spec.fields}


def _texts(rows: pa.Table, source: FieldSource) -> pa.Array:
    """The texts of one field, before they are read: its cell, several joined, or the first that is given."""
    found = [rows.column(header).combine_chunks() for header in source.headers]
    if source.joined is not None:
        return pc.binary_join_element_wise(*found, source.joined)
    return pc.coalesce(*found)


def _one_value_per_cell(rows: pa.Table, spec: ClinicalFile) -> tuple[pa.Table, pa.Array]:
    """Rows with one value in each cell, and the number of each row among those of its line, from 1.

    Several cells of one row are taken in parallel, first with first; one value goes with all. A cell with
    another number of values stays whole, in the first row, where it can only be unmapped.
    """
    headers = [name for name, column in spec.columns.items() if column.separator is not None]
    if not headers:
        return rows, pa.repeat(1, len(rows))
    split = {
        name: _split(rows.column(name).to_pylist(), str(spec.columns[name].separator)) for name in headers
    }
    counts = [max(map(len, values)) for values in zip(*split.values(), strict=True)]
    at = [row for row, count in enumerate(counts) for _ in range(count)]
    numbers = [number for count in counts for number in range(count)]
    found = rows.take(pa.array(at, pa.int64()))
    for name, values in split.items():
        whole = rows.column(name).to_pylist()
        column = [_nth(values[row], n, counts[row], whole[row]) for row, n in zip(at, numbers, strict=True)]
        found = found.set_column(found.column_names.index(name), name, pa.array(column, pa.string()))
    return found, pa.array([number + 1 for number in numbers], pa.int64())


def _split(texts: Sequence[str | None], separator: str) -> list[list[str | None]]:
    return [[part.strip() or None for part in text.split(separator)] if text else [None] for text in texts]


def _nth(values: Sequence[str | None], number: int, count: int, whole: str | None) -> str | None:
    if len(values) == 1:
        return values[0]
    if len(values) != count:
        return whole if number == 0 else None
    return values[number]


def _record_keys(rows: pa.Table, numbers: pa.Array, spec: ClinicalFile) -> pa.Array:
    """File and key of every row; of several rows of one line the second and later ones have their number."""
    plain = _line_keys(rows, spec)
    numbered = pc.binary_join_element_wise(plain, pc.cast(numbers, pa.string()), KEY_SEPARATOR)
    return pc.if_else(pc.equal(numbers, 1), plain, numbered)


def _line_keys(rows: pa.Table, spec: ClinicalFile) -> pa.Array:
    key = [rows.column(spec.declared[field]).combine_chunks() for field in spec.key]
    return pc.binary_join_element_wise(spec.name, *key, KEY_SEPARATOR)


def _counted(head: tuple[str, ...], told: pa.Array, patients: pa.ChunkedArray, shape: pa.Schema) -> pa.Table:
    """Rows and patients of every text that is told of a field, sorted; `head` stands before each text."""
    given = pc.is_valid(told)
    table = pa.table({"told": told.filter(given), "patient": patients.filter(given)})
    found = table.group_by("told", use_threads=False).aggregate(
        [("patient", "count"), ("patient", "count_distinct")]
    )
    found = found.sort_by("told")
    names = [pa.repeat(name, len(found)) for name in head]
    counts = [found["patient_count"], found["patient_count_distinct"]]
    return pa.table([*names, found["told"], *counts], schema=shape)


def identities(rows: pa.Table, spec: ClinicalFile) -> dict[str, frozenset[str]]:
    """PatientID to every cell that identifies this patient: the identifier and the columns `is: identity`."""
    found: dict[str, set[str]] = {}
    patients = rows.column(spec.patient_column).to_pylist()
    prefix = spec.columns[spec.patient_column].prefix
    if prefix is not None:  # the holder's own number, before it became that of the images
        found = {patient: {patient.removeprefix(prefix)} for patient in patients}
    for name in spec.identity_columns:
        for patient, cell in zip(patients, rows.column(name).to_pylist(), strict=True):
            if cell is not None:
                found.setdefault(patient, set()).add(cell)
    return {patient: frozenset(cells) for patient, cells in sorted(found.items())}


def all_identities(
    rows: Mapping[str, pa.Table], specs: Iterable[ClinicalFile], instances: pa.Table
) -> dict[str, frozenset[str]]:
    """PatientID to what identifies this patient in any clinical file, and the birth date of the images.

    Parameters
    ----------
    rows
        Current rows by clinical file, as received.
    instances
        Header inventory before the crossing.
    """
    found: dict[str, set[str]] = {}
    for spec in specs:
        for patient, names in identities(rows[spec.name], spec).items():
            found.setdefault(patient.strip(), set()).update(names)
    births = instances.group_by(["PatientID", "PatientBirthDate"], use_threads=False).aggregate([])
    for row in births.to_pylist():
        if row["PatientID"] and row["PatientBirthDate"]:
            found.setdefault(row["PatientID"], set()).add(row["PatientBirthDate"])
    return {patient: frozenset(cells) for patient, cells in sorted(found.items())}


def unmapped_images(
    instances: pa.Table, source: SourceContract, vocabularies: Mapping[str, Vocabulary]
) -> pa.Table:
    """Spellings of body part, manufacturer and modality in the images that have no code (`UNMAPPED`).

    `rows` counts series; `file` is "images" and `field` the DICOM keyword.
    """
    codes = ImagingCodes(source, vocabularies)
    images = codes.images(instances)
    found = [UNMAPPED.empty_table()]
    for keyword, vocabulary, code in (
        ("BodyPartExamined", "body_part", codes.body_part),
        ("Manufacturer", "manufacturer", codes.manufacturer),
        ("Modality", "modality", codes.modality),
    ):
        grouped = images.group_by(["PatientID", "SeriesInstanceUID", keyword], use_threads=False).aggregate(
            []
        )
        told = grouped.column(keyword).combine_chunks().dictionary_encode()
        spellings = told.dictionary.to_pylist()
        lost = [None if not text or code(text) is not None else text for text in spellings]
        patients = pc.fill_null(grouped.column("PatientID"), "")
        uncoded = pa.array(lost, pa.string()).take(told.indices)
        found.append(_counted(("images", keyword, vocabulary), uncoded, patients, UNMAPPED))
    return pa.concat_tables(found)
