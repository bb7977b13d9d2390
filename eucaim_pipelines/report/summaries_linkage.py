"""How images and clinical tables belong together, and when things happened, in days from diagnosis.

No calendar date is read here: the tables hold shifted ones or none.
"""

from collections.abc import Mapping

import duckdb
import pyarrow as pa

from eucaim_pipelines.report.summary import Bin, Group, Linkage, Share

OFFSET = "offset_from_diagnosis"
TREATMENTS = ("treatment", "radiotherapy", "surgical_procedure", "medication_administration")
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
    studies = _binned(database, [("image_study", "study_offset_from_diagnosis")])
    offsets = [
        (name, column)
        for name in TREATMENTS
        if name in tables
        for column in tables[name].column_names
        if column.endswith(OFFSET) and "end" not in column.split("_")
    ]
    treatments = _binned(database, offsets) if offsets else {}
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


def _binned(
    database: duckdb.DuckDBPyConnection, offsets: list[tuple[str, str]]
) -> dict[int, tuple[int, int]]:
    """Number of the bin to entries and patients; the number after the last bin holds what has no day."""
    edges = " ".join(f"WHEN days <= {last} THEN {n}" for n, (_, last) in enumerate(BINS) if last is not None)
    union = " UNION ALL ".join(
        f'SELECT patient_id, "{column}" AS days FROM "{name}"'  # noqa: S608
        for name, column in offsets
    )
    query = (
        f"SELECT CASE WHEN days IS NULL THEN {len(BINS)} {edges} ELSE {len(BINS) - 1} END, "  # noqa: S608
        f"count(*), count(DISTINCT patient_id) FROM ({union}) GROUP BY 1"
    )
    return {number: (entries, patients) for number, entries, patients in database.execute(query).fetchall()}
