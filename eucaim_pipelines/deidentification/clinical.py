"""The crossing of coded clinical rows: pseudonyms, shifted dates, pooled ages; undeclared columns are denied.

What a column is comes from the source contract; nothing is guessed from its cells.
"""

from collections.abc import Callable, Collection, Mapping
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple

import pyarrow as pa

from eucaim_pipelines.contracts.source_model import OFFSET_SUFFIX
from eucaim_pipelines.deidentification.dates import POOLED_AGE_YEARS, DatePolicy, released_date
from eucaim_pipelines.deidentification.keys.pseudonyms import Pseudonyms

_TYPES = {
    **dict.fromkeys(("code", "episode", "study_uid"), pa.string()),
    **dict.fromkeys(("age", "relatives_age", "number"), pa.float64()),
    **dict.fromkeys(("integer", "days", "timepoint"), pa.int64()),
    "date": pa.date32(),
    "boolean": pa.bool_(),
}
"""Kinds of fields that may cross, and what they are then."""
_KEYS = {"record_key": "record_id", "line_key": "line_id"}
"""Keys of a record and of the line that it comes from, to the names of their tokens."""
_OF_A_LIST = ("code", "boolean", "episode")
"""Kinds whose cells hold values of a list of ours, which name nobody."""
_LONG_ENOUGH = 6
"""Digits from which on a number without its leading zeros still counts as the identifier."""


class Crossed(NamedTuple):
    """De-identified rows of one clinical file.

    Attributes
    ----------
    table
        patient_id, record_id (and line_id where there is a line_key), then every declared field in its type.
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
    policy: DatePolicy = "shift",
    emptied: Collection[str] = (),
) -> Crossed:
    """De-identify the coded rows of one clinical file.

    Parameters
    ----------
    table
        `PatientID`, `record_key` and perhaps `line_key` as received, then typed fields.
    kinds
        Field to one of code, episode, age and relatives_age (years), date, days, number, integer, timepoint,
        boolean and study_uid; other kinds and fields are denied. Days are differences and cross as they are;
        a study_uid becomes that of the released images; a relative's age is pooled by itself alone.
    pseudonyms
        The same key and shift as for images.
    pooled
        Pseudonyms of everybody who reaches 90 anywhere.
    identities
        PatientID to the cells that name this patient; the PatientID itself always counts.
    issuers
        PatientID to the issuer under which the images know it.
    policy
        What happens to dates; it is that of the images.
    emptied
        Fields that the source does without: the column crosses, no cell does.
    """
    patients = [(cell or "").strip() for cell in table.column("PatientID").to_pylist()]
    people = {
        patient: pseudonyms.patient(patient, (issuers or {}).get(patient), "") for patient in set(patients)
    }
    names = {
        patient: _spellings({patient, *(cell.strip() for cell in (identities or {}).get(patient, ()))})
        for patient in people
    }
    columns = {"patient_id": pa.array([people[patient] for patient in patients], pa.string())}
    for name in (name for name in _KEYS if name in table.column_names):
        tokens = [pseudonyms.token("clinical record", key or "") for key in table.column(name).to_pylist()]
        columns[_KEYS[name]] = pa.array(tokens, pa.string())
    fields = [name for name in table.column_names if name not in ("PatientID", *_KEYS)]
    allowed = [name for name in fields if kinds.get(name) in _TYPES]
    caught: set[tuple[str, int]] = set()
    for name in allowed:
        kind, cells = kinds[name], []
        change = _change(kind, pseudonyms, pooled, policy)
        origin = name.removesuffix(
            OFFSET_SUFFIX
        )  # days from diagnosis would give a date away that was caught
        for row, (patient, cell) in enumerate(zip(patients, table.column(name).to_pylist(), strict=True)):
            if name in emptied:
                cell = None
            elif cell is not None and kind not in _OF_A_LIST:
                if not names[patient].isdisjoint(_forms(cell)):
                    caught.add((name, row))
                if (name, row) in caught or (origin, row) in caught:
                    cell = None
            cells.append(cell)
        pairs = zip(cells, patients, strict=True)
        changed = [None if cell is None else change(cell, people[patient]) for cell, patient in pairs]
        columns[name] = pa.array(changed, _TYPES[kind])
    return Crossed(pa.table(columns), len(caught), len(fields) - len(allowed))


def _change(
    kind: str, pseudonyms: Pseudonyms, pooled: Collection[str], policy: DatePolicy
) -> Callable[[Any, str], Any]:
    if kind == "date":
        return lambda cell, person: released_date(cell, person, pseudonyms, policy)
    if kind == "age":
        return lambda cell, person: pooled_years(cell, person in pooled)
    if kind == "relatives_age":
        return lambda cell, person: pooled_years(cell, False)
    if kind == "study_uid":
        return pseudonyms.uid
    return lambda cell, person: cell


def pooled_years(years: float, pooled: bool) -> float:
    """Years with everything from 90 on as 90; a pooled patient is 90 at every time."""
    return float(POOLED_AGE_YEARS) if pooled or years >= POOLED_AGE_YEARS else float(years)


def _spellings(identities: set[str]) -> frozenset[str]:
    """Identities as they may stand in a typed cell: a column of numbers has lost their leading zeros."""
    bare = {name.lstrip("0") for name in identities if name.isascii() and name.isdigit()}
    return frozenset(identities | {name for name in bare if len(name) >= _LONG_ENOUGH}) - {""}


def _forms(cell: Any) -> Collection[str]:
    """How a typed cell may have been written as an identifier."""
    if isinstance(cell, date):
        return _date_forms(cell)
    if isinstance(cell, float) and cell.is_integer():
        return {str(int(cell)), str(cell)}
    return {str(cell).strip()}


@lru_cache(maxsize=1 << 15)
def _date_forms(day: date) -> frozenset[str]:
    """Year first, day first and month first, with and without zeros and century, with every usual sign.

    Remembered, since a table of a million rows has a few thousand days.
    """
    found = {form.format(day) for form in ("{:%Y%m%d}", "{:%d%m%Y}", "{:%m%d%Y}")}
    for d, m in ((f"{day:%d}", f"{day:%m}"), (str(day.day), str(day.month))):
        for sign in "-./ ":
            found.add(sign.join((f"{day:%Y}", m, d)))
            found |= {
                sign.join((*first, year)) for first in ((d, m), (m, d)) for year in (f"{day:%Y}", f"{day:%y}")
            }
    return frozenset(found)
