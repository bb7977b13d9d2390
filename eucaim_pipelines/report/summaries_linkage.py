"""How images and clinical tables belong together, and when things happened, in days from diagnosis.

No calendar date is read here: the tables hold shifted ones or none.
"""

from collections.abc import Mapping

import duckdb
import pyarrow as pa

from eucaim_pipelines.report.summary import Bin, Group, Linkage, Share

_OFFSET = "treatment_offset_from_diagnosis"
_STARTS = {
    "radiotherapy": "radiotherapy_offset_from_diagnosis",
    "surgical_procedure": "surgical_procedure_offset_from_diagnosis",
    "medication_administration": "start_offset_from_diagnosis",
}
BINS: tuple[tuple[str, int | None], ...] = (
    ("more than a year before", -366),
    ("181 to 365 days before", -181),
    ("91 to 180 days before", -91),
    ("31 to 90 days before", -31),
    ("1 to 30 days before", -1),
    ("day of diagnosis", 0),
    ("1 to 30 days after", 30),
    ("31 to 90 days after", 90),
    ("91 to 180 days after", 180),
    ("181 to 365 days after", 365),
    ("1 to 2 years after", 730),
    ("2 to 5 years after", 1826),
    ("more than 5 years after", None),
)
"""Name, and last day from diagnosis that belongs to the bin."""
UNDATED = "days not known"
_KNOWN = {
    "Days from diagnosis": "study_offset_from_diagnosis",
    "Timepoint of imaging": "ImagingTimepoint",
    "Age of the patient": "patient_age_at_study_years",
    "Episode of the disease": "episode_type_code",
}
_SOURCES = "SELECT coalesce(patient_source, 'both'), count(*) FROM patient GROUP BY 1"


def linkage(database: duckdb.DuckDBPyConnection, tables: Mapping[str, pa.Table]) -> Linkage:
    """What patient, image_study and the tables of treatments say."""
    sources = dict(database.execute(_SOURCES).fetchall())
    columns = tables["image_study"].column_names
    return Linkage(
        both=sum(count for name, count in sources.items() if name not in ("images", "table")),
        images_only=sources.get("images", 0),
        table_only=sources.get("table", 0),
        studies=[_known(database, name, column) for name, column in _KNOWN.items() if column in columns],
        timeline=_timeline(database, tables),
    )


def _known(database: duckdb.DuckDBPyConnection, name: str, column: str) -> Share:
    query = (
        f'SELECT count(*), count("{column}"), count(DISTINCT patient_id), '  # noqa: S608
        f'count(DISTINCT patient_id) FILTER ("{column}" IS NULL) FROM image_study'
    )
    return Share(name, *database.execute(query).fetchall()[0])


def _timeline(database: duckdb.DuckDBPyConnection, tables: Mapping[str, pa.Table]) -> list[Bin]:
    """Bins from the first to the last that is not empty, and at the end what has no day, if anything."""
    studies = _binned(database, "SELECT patient_id, study_offset_from_diagnosis AS days FROM image_study")
    treatments = _binned(database, _treatments(tables))
    used = [number for number in range(len(BINS)) if number in studies or number in treatments]
    if not used:
        return []
    undated = [len(BINS)] if len(BINS) in studies or len(BINS) in treatments else []
    names = [*(name for name, _ in BINS), UNDATED]
    return [
        Bin(
            names[number],
            Group("studies", *studies.get(number, (0, 0))),
            Group("treatments", *treatments.get(number, (0, 0))),
        )
        for number in (*range(used[0], used[-1] + 1), *undated)
    ]


def _treatments(tables: Mapping[str, pa.Table]) -> str:
    """Patient and first day of each treatment, as the treatment says, else as what was done in it says."""
    none = "SELECT NULL AS treatment_id, NULL AS patient_id, NULL::BIGINT AS days WHERE false"
    done = " UNION ALL ".join(
        [none]
        + [
            f'SELECT treatment_id, patient_id, "{column}" FROM "{name}"'  # noqa: S608
            for name, column in _STARTS.items()
            if name in tables and column in tables[name].column_names
        ]
    )
    if "treatment" not in tables:
        return f"SELECT patient_id, days FROM ({done})"  # noqa: S608
    own = "t.treatment_offset_from_diagnosis" if _OFFSET in tables["treatment"].column_names else "NULL"
    return (
        f"SELECT t.patient_id, coalesce({own}, d.days) AS days FROM treatment t LEFT JOIN "  # noqa: S608
        f"(SELECT treatment_id, min(days) AS days FROM ({done}) GROUP BY 1) d USING (treatment_id)"
    )


def _binned(database: duckdb.DuckDBPyConnection, query: str) -> dict[int, tuple[int, int]]:
    """Number of the bin to entries and patients; the number after the last bin holds what has no day."""
    edges = " ".join(f"WHEN days <= {last} THEN {n}" for n, (_, last) in enumerate(BINS) if last is not None)
    counted = (
        f"SELECT CASE WHEN days IS NULL THEN {len(BINS)} {edges} ELSE {len(BINS) - 1} END, "  # noqa: S608
        f"count(*), count(DISTINCT patient_id) FROM ({query}) GROUP BY 1"
    )
    return {number: (entries, patients) for number, entries, patients in database.execute(counted).fetchall()}
