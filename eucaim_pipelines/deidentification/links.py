"""The crossing of the study links: which study belongs to whom, when and to which episode.

The links themselves are computed before the crossing, because afterwards they may not be recoverable.
"""

from collections.abc import Collection

import pyarrow as pa
import pyarrow.compute as pc

from eucaim_pipelines.deidentification.clinical import pooled_years
from eucaim_pipelines.deidentification.dates import DatePolicy, released_date
from eucaim_pipelines.deidentification.keys.pseudonyms import Pseudonyms

SCHEMA = pa.schema(
    [
        ("patient_id", pa.string()),
        ("study_uid", pa.string()),
        ("study_date", pa.date32()),
        ("days_from_diagnosis", pa.int64()),
        ("imaging_timepoint", pa.int64()),
        ("episode_type_code", pa.string()),
        ("age_at_study_years", pa.float64()),
    ]
)


def deidentify(
    study_links: pa.Table,
    pseudonyms: Pseudonyms,
    pooled: Collection[str],
    policy: DatePolicy = "shift",
    *,
    ages: bool = True,
) -> pa.Table:
    """Links of `SCHEMA`, sorted by patient and study; other columns are denied.

    Parameters
    ----------
    study_links
        PatientID, IssuerOfPatientID, StudyInstanceUID, StudyDate and the columns of `SCHEMA` from the fourth
        on, as received.
    pooled
        Pseudonyms of everybody who reaches 90 anywhere.
    policy
        What happens to StudyDate; days from diagnosis and timepoints stay whatever it is.
    ages
        Whether the age at the study stays.
    """
    rows = []
    for link in study_links.to_pylist():
        study = link["StudyInstanceUID"]
        person = pseudonyms.patient(link["PatientID"], link["IssuerOfPatientID"], study)
        age = link["age_at_study_years"] if ages else None
        rows.append(
            {name: link.get(name) for name in SCHEMA.names[3:6]}
            | {
                "patient_id": person,
                "study_uid": pseudonyms.uid(study, person),
                "study_date": released_date(link["StudyDate"], person, pseudonyms, policy),
                "age_at_study_years": None if age is None else pooled_years(age, person in pooled),
            }
        )
    rows.sort(key=lambda row: (str(row["patient_id"]), str(row["study_uid"])))
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def people_by_year(study_links: pa.Table, studies: Collection[str]) -> dict[int, int]:
    """How many people have one of these studies in each true calendar year.

    It is counted before the crossing, as shifted dates tell no year; what of it may cross is decided by
    disclosure control.
    """
    mine = pc.is_in(study_links["StudyInstanceUID"], pa.array(sorted(studies), pa.string()))
    told = pc.and_(pc.is_valid(study_links["StudyDate"]), pc.is_valid(study_links["PatientID"]))
    links = study_links.filter(pc.and_(mine, told))
    people = pa.table({
        "year": pc.year(links["StudyDate"]),
        "number": links["PatientID"],
        "issuer": links["IssuerOfPatientID"],
    })  # fmt: skip
    each = people.group_by(["year", "number", "issuer"]).aggregate([])
    rows = each.group_by("year").aggregate([([], "count_all")]).to_pylist()
    return {row["year"]: row["count_all"] for row in rows}
