"""Clinical cells become codes, dates and numbers; what cannot be coded becomes a table, not a crash.

Restricted zone: patients and rows still carry the hospital's identifiers. How rows relate lies in `linkage`.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from eucaim_pipelines.cdm.imaging_codes import ImagingCodes
from eucaim_pipelines.contracts import date_formats
from eucaim_pipelines.contracts.source_model import OFFSET_SUFFIX
from eucaim_pipelines.contracts.sources import ClinicalFile, Column, SourceContract
from eucaim_pipelines.contracts.vocabularies import Vocabulary
from eucaim_pipelines.dicom.lifetimes import OLDEST_AGE_YEARS

PATIENT, RECORD_KEY = "PatientID", "record_key"
KEY_SEPARATOR = "\x1f"
TYPES = {
    "code": pa.string(),
    "age": pa.float64(),
    "number": pa.float64(),
    "integer": pa.int64(),
    "date": pa.date32(),
    "boolean": pa.bool_(),
    "days": pa.int64(),
    "timepoint": pa.int64(),
    "study_uid": pa.string(),
    "episode": pa.string(),
}
UNMAPPED = pa.schema(
    [
        ("file", pa.string()),
        ("field", pa.string()),
        ("vocabulary", pa.string()),
        ("value", pa.string()),
        ("rows", pa.int64()),
    ]
)
_WORDS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


@dataclass(frozen=True)
class Coded:
    """The coded rows of one clinical file, and the values that could not be coded (`UNMAPPED`).

    In `unmapped` the vocabulary of a date, number, integer, age or boolean is that word.
    """

    table: pa.Table
    unmapped: pa.Table


def kinds(spec: ClinicalFile) -> dict[str, str]:
    """What every field of a coded table is, the offsets of its dates (integers, days) included."""
    declared = {name: str(column.kind) for name, column in spec.fields.items()}
    return declared | {
        f"{name}{OFFSET_SUFFIX}": "integer" for name, kind in declared.items() if kind == "date"
    }


def schema(spec: ClinicalFile) -> pa.Schema:
    """PatientID, record_key, then the declared fields in their types; dates without offsets yet."""
    fields = [(name, TYPES[column.kind]) for name, column in spec.fields.items()]
    return pa.schema([(PATIENT, pa.string()), (RECORD_KEY, pa.string()), *fields])


def code_records(rows: pa.Table, spec: ClinicalFile, vocabularies: Mapping[str, Vocabulary]) -> Coded:
    """Current rows of one clinical file, coded as its source contract says.

    Parameters
    ----------
    rows
        `Combined.rows` of `ingest.clinical_files.combine`: text columns named by the file's headers.

    Returns
    -------
    Coded
        `schema(spec)`; a cell that has no code, or is no date or number in the declared form, is null and
        counted among the unmapped. Ages are years with one decimal.
    """
    cells = {name: rows.column(name).to_pylist() for name in spec.columns}
    key_columns = [cells[spec.declared[field]] for field in spec.key]
    record_keys = [KEY_SEPARATOR.join((spec.name, *key)) for key in zip(*key_columns, strict=True)]
    unmapped: Counter[tuple[str, str, str, str]] = Counter()
    coded: list[list[Any]] = []
    for name, column in spec.fields.items():
        memory: dict[str, Any] = {}
        values = []
        for cell in cells[spec.declared[name]]:
            if cell is not None and cell not in memory:
                memory[cell] = _coded(cell, column, spec, vocabularies)
            value = None if cell is None else memory[cell]
            if cell is not None and value is None:
                unmapped[spec.name, name, column.vocabulary or column.kind, cell] += 1
            values.append(value)
        coded.append(values)
    table = pa.table([cells[spec.patient_column], record_keys, *coded], schema=schema(spec))
    return Coded(table, _unmapped(unmapped))


def identities(rows: pa.Table, spec: ClinicalFile) -> dict[str, frozenset[str]]:
    """PatientID to every cell that identifies this patient: the identifier and the columns `is: identity`."""
    found: dict[str, set[str]] = {}
    patients = rows.column(spec.patient_column).to_pylist()
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
        for patient, cells in identities(rows[spec.name], spec).items():
            found.setdefault(patient.strip(), set()).update(cells)
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
    found: Counter[tuple[str, str, str, str]] = Counter()
    for keyword, vocabulary, code in (
        ("BodyPartExamined", "body_part", codes.body_part),
        ("Manufacturer", "manufacturer", codes.manufacturer),
        ("Modality", "modality", codes.modality),
    ):
        series = (
            codes.images(instances).group_by(["SeriesInstanceUID", keyword], use_threads=False).aggregate([])
        )
        for value in series.column(keyword).to_pylist():
            if value and code(value) is None:
                found["images", keyword, vocabulary, value] += 1
    return _unmapped(found)


def _unmapped(found: Counter[tuple[str, str, str, str]]) -> pa.Table:
    rows = [(*key, count) for key, count in sorted(found.items())]
    return pa.table(
        [list(column) for column in zip(*rows, strict=True)] or [[]] * len(UNMAPPED), schema=UNMAPPED
    )


def _coded(cell: str, column: Column, spec: ClinicalFile, vocabularies: Mapping[str, Vocabulary]) -> Any:
    if column.kind == "code":
        return _code(cell, column, vocabularies[str(column.vocabulary)])
    if column.kind == "boolean":
        return _mapped(cell, column) if column.values else _WORDS.get(cell.casefold())
    if column.kind == "date":
        return date_formats.read(cell, column.formats)
    number = _number(cell, spec.decimal)
    if number is None or (column.kind == "integer" and not number.is_integer()):
        return None
    if column.kind == "age":
        return round(number, 1) if 0 <= number <= OLDEST_AGE_YEARS else None
    return int(number) if column.kind == "integer" else number


def _code(cell: str, column: Column, vocabulary: Vocabulary) -> Any:
    """With a value map only the map and codes count: a label may mean something else in a local list."""
    if not column.values:
        return vocabulary.code(cell)
    mapped = _mapped(cell, column)
    return mapped if mapped is not None else vocabulary.bare_code(cell)


def _mapped(cell: str, column: Column) -> Any:
    """The value of this spelling, else of the only spelling that differs by letter case or spacing."""
    if cell in column.values:
        return column.values[cell]
    wanted = _folded(cell)
    found = {value for spelling, value in column.values.items() if _folded(spelling) == wanted}
    return found.pop() if len(found) == 1 else None


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()


def _number(cell: str, decimal: str) -> float | None:
    """Plain decimal notation only: with thousands separators 1.234 would be two different numbers."""
    if re.fullmatch(rf"[+-]?\d{{1,15}}({re.escape(decimal)}\d{{1,15}})?", cell, re.ASCII) is None:
        return None
    return float(cell.replace(decimal, "."))
