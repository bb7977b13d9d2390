"""The crossing of coded clinical rows: pseudonyms, shifted dates, pooled ages; undeclared columns are denied.

What a column is comes from the source contract; nothing is guessed from its cells.
"""

from collections.abc import Callable, Collection, Mapping
from datetime import date
from typing import Any, NamedTuple

import pyarrow as pa

from eucaim_pipelines.deidentification.dates import POOLED_AGE_YEARS
from eucaim_pipelines.deidentification.pseudonyms import Pseudonyms

_KINDS = frozenset({"code", "age", "date", "number", "integer", "boolean"})
_TYPES = {"code": pa.string(), "age": pa.float64(), "date": pa.date32(), "number": pa.float64()}
_TYPES |= {"integer": pa.int64(), "boolean": pa.bool_()}


class Crossed(NamedTuple):
    """De-identified rows of one clinical file.

    Attributes
    ----------
    table
        patient_id, record_id, then every declared field in its type.
    caught
        Cells that were equal to an identity of their patient and are null now.
    denied
        Columns that are not declared and did not cross.
    """

    table: pa.Table
    caught: int
    denied: int


def deidentify(
    table: pa.Table,
    kinds: Mapping[str, str],
    pseudonyms: Pseudonyms,
    pooled: Collection[str],
    identities: Mapping[str, Collection[str]] | None = None,
    issuers: Mapping[str, str] | None = None,
) -> Crossed:
    """De-identify the coded rows of one clinical file.

    Parameters
    ----------
    table
        `PatientID` and `record_key` as received, then typed fields.
    kinds
        Field to code, age (years), date, number, integer or boolean; other kinds and fields are denied.
    pseudonyms
        The same key and shift as for images.
    pooled
        Pseudonyms of everybody who reaches 90 anywhere.
    identities
        PatientID to the cells that name this patient; the PatientID itself always counts.
    issuers
        PatientID to the issuer under which the images know it.
    """
    patients = [(cell or "").strip() for cell in table.column("PatientID").to_pylist()]
    people = {
        patient: pseudonyms.patient(patient, (issuers or {}).get(patient), "") for patient in set(patients)
    }
    names = {
        patient: frozenset({patient, *(cell.strip() for cell in (identities or {}).get(patient, ()))} - {""})
        for patient in people
    }
    record_ids = [
        pseudonyms.token("clinical record", key or "") for key in table.column("record_key").to_pylist()
    ]
    columns: dict[str, pa.Array] = {
        "patient_id": pa.array([people[patient] for patient in patients], pa.string()),
        "record_id": pa.array(record_ids, pa.string()),
    }
    caught, fields = 0, [name for name in table.column_names if name not in ("PatientID", "record_key")]
    allowed = [name for name in fields if kinds.get(name) in _KINDS]
    for name in allowed:
        kind, cells = kinds[name], []
        change = _change(kind, pseudonyms, pooled)
        for patient, cell in zip(patients, table.column(name).to_pylist(), strict=True):
            if (
                cell is not None
                and kind not in ("code", "boolean")
                and not names[patient].isdisjoint(_forms(cell))
            ):
                caught, cell = caught + 1, None
            cells.append(None if cell is None else change(cell, people[patient]))
        columns[name] = pa.array(cells, _TYPES[kind])
    return Crossed(pa.table(columns), caught, len(fields) - len(allowed))


def _change(kind: str, pseudonyms: Pseudonyms, pooled: Collection[str]) -> Callable[[Any, str], Any]:
    if kind == "date":
        return lambda cell, person: _shifted(cell, person, pseudonyms)
    if kind == "age":
        return lambda cell, person: pooled_years(cell, person in pooled)
    return lambda cell, person: cell


def _shifted(day: date, person: str, pseudonyms: Pseudonyms) -> date | None:
    try:
        return pseudonyms.shift(day, person)
    except OverflowError:
        return None


def pooled_years(years: float, pooled: bool) -> float:
    """Years with everything from 90 on as 90; a pooled patient is 90 at every time."""
    return float(POOLED_AGE_YEARS) if pooled or years >= POOLED_AGE_YEARS else float(years)


def _forms(cell: Any) -> set[str]:
    """How a typed cell may have been written as an identifier."""
    if isinstance(cell, date):
        return {
            cell.isoformat(),
            f"{cell:%Y%m%d}",
            f"{cell:%d/%m/%Y}",
            f"{cell:%d.%m.%Y}",
            f"{cell:%d-%m-%Y}",
        }
    if isinstance(cell, float) and cell.is_integer():
        return {str(int(cell)), str(cell)}
    return {str(cell).strip()}
