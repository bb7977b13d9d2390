"""The file that says timepoint and episode of each study, and what it says of studies that are not there.

Restricted zone. Its form is EUCAIM's imaging_timepoints; what counts where it is silent is in `linkage`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from eucaim_pipelines.cdm.coding import PATIENT
from eucaim_pipelines.cdm.columns import joined, ordered, whole
from eucaim_pipelines.contracts.sources import SourceContract

_SCHEMA = pa.schema(
    [
        ("place", pa.string()),
        (PATIENT, pa.string()),
        ("study", pa.string()),
        ("timepoint", pa.int64()),
        ("episode", pa.string()),
        ("days", pa.int64()),
        ("date", pa.date32()),
    ]
)
_APART = 2**40
"""Numbers of one person lie further apart from those of the next than timepoints can."""
_KINDS = {
    "study_uid": "study",
    "timepoint": "timepoint",
    "episode": "episode",
    "days": "days",
    "date": "date",
}


@dataclass(frozen=True)
class LinkFaults:
    """What does not agree between the link file and the images; counts only.

    Attributes
    ----------
    link_rows
        Rows of the link file.
    link_rows_without_study
        Those that name a study that was not received.
    link_rows_of_another_patient
        Those that name a study which the images give to another patient.
    studies_with_timepoint, timepoints_out_of_order
        Studies with a timepoint, and those whose number is below 1, is that of a study of the same patient
        on another day, or is not above that of an earlier one.
    """

    link_rows: int = 0
    link_rows_without_study: int = 0
    link_rows_of_another_patient: int = 0
    studies_with_timepoint: int = 0
    timepoints_out_of_order: int = 0


def without_link_file(tables: Mapping[str, pa.Table], source: SourceContract) -> dict[str, pa.Table]:
    """Tables by clinical file, without a link file that fills no table of the model.

    It says where studies belong, not that there is anything clinical about their patients.
    """
    name = source.linkage.timepoints
    silent = name is not None and not source.file(name).tables
    return {file: table for file, table in tables.items() if not (silent and file == name)}


def link_file(coded: Mapping[str, pa.Table], source: SourceContract) -> pa.Table:
    """What the link file of the source contract says: one row per patient and study that it names.

    Returns
    -------
    pa.Table
        place (PatientID and study as one text), PatientID, study, timepoint, episode (code), days (from the
        diagnosis), date (of the study); the last four are null where the file does not say them. Empty
        without a link file.
    """
    name = source.linkage.timepoints
    if name is None or name not in coded:
        return _SCHEMA.empty_table()
    table = coded[name]
    columns = {
        _KINDS[c.kind]: table[field] for field, c in source.file(name).fields.items() if c.kind in _KINDS
    }
    cells = {PATIENT: table[PATIENT], "place": joined(table[PATIENT], columns["study"]), **columns}
    absent = {field.name: pa.nulls(table.num_rows, field.type) for field in _SCHEMA}
    found = pa.table([(absent | cells)[name] for name in _SCHEMA.names], schema=_SCHEMA)
    return found.filter(pc.is_valid(found["study"]))


def link_faults(links: pa.Table, told: pa.Table) -> LinkFaults:
    """Compare the study links (`linkage.STUDY_LINKS`) with what the link file says (`link_file`)."""
    known = pc.is_in(told["study"], value_set=whole(links["StudyInstanceUID"]))
    places = joined(links[PATIENT], links["StudyInstanceUID"])
    elsewhere = pc.and_(known, pc.invert(pc.is_in(told["place"], value_set=places)))
    numbered = links.filter(pc.is_valid(links["imaging_timepoint"]))
    return LinkFaults(
        link_rows=told.num_rows,
        link_rows_without_study=_count(pc.invert(known)),
        link_rows_of_another_patient=_count(elsewhere),
        studies_with_timepoint=numbered.num_rows,
        timepoints_out_of_order=int(_out_of_order(numbered).sum()),
    )


def _out_of_order(studies: pa.Table) -> np.ndarray:
    """Which studies have a number below 1, or one that an earlier day of their person reaches already."""
    person = joined(studies[PATIENT], studies["IssuerOfPatientID"])
    person = pc.if_else(pc.is_null(studies[PATIENT]), studies["StudyInstanceUID"], person)
    number = whole(studies["imaging_timepoint"]).to_numpy()
    table = pa.table([person, studies["StudyDate"], number], ["person", "day", "number"])
    dated = ordered(table.drop_null(), [("person", "ascending"), ("day", "ascending")])
    people = whole(dated["person"].dictionary_encode()).indices.to_numpy().astype(np.int64)
    days = whole(pc.cast(dated["day"], pa.int32())).to_numpy()
    numbers = people * _APART + np.clip(whole(dated["number"]).to_numpy(), -_APART // 4, _APART // 4)
    highest = np.maximum.accumulate(numbers) if len(numbers) else numbers
    places = np.arange(len(numbers))
    new = np.ones(len(numbers), bool)
    new[1:] = (people[1:] != people[:-1]) | (days[1:] != days[:-1])
    first = np.maximum.accumulate(np.where(new, places, 0)) if len(numbers) else places
    reached = (first > 0) & (highest[first - 1] >= numbers)
    return np.append((reached | (whole(dated["number"]).to_numpy() < 1)), number[_undated(table)] < 1)


def _undated(table: pa.Table) -> np.ndarray:
    return np.asarray(pc.is_null(whole(table["day"])).to_numpy(zero_copy_only=False))


def _count(flags: pa.ChunkedArray) -> int:
    return pc.sum(flags).as_py() or 0
