"""Image series by modality, body part, manufacturer and description; their faults and parameters.

Columns that an older release of the tables lacks are left out, and so is what would be said of them.
"""

from collections.abc import Mapping

import duckdb
import pyarrow as pa

from eucaim_pipelines.contracts.tables import TableContract
from eucaim_pipelines.contracts.vocabularies import Vocabulary
from eucaim_pipelines.report.summary import Group, Imaging, Parameter

FAR, LEAST_SPREAD = 3.0, 0.1
"""An outlier lies farther than this many interquartile ranges from the middle half; the range counts as at
least this part of the median, so that equal values do not make every other one an outlier."""

_FAULTS = {
    "Slices are missing": "missing_slices > 0",
    "Slices are unevenly spaced or have gaps": "slice_gaps > 0",
    "Slices lie at one position more than once": "repeated_positions > 0",
}
_REPEATED = "The same pixels occur in another series"
_NEARLY_REPEATED = "Nearly the same pixels occur in another series"
_NOT_COMPARED = "Pixels that could not be compared with other series"
_OF_TABLE = """
SELECT m.acquisition_parameter_code AS code, coalesce(m.acquisition_parameter_value_unit, '') AS unit,
       coalesce(s.modality, '') AS modality, s.patient_id, m.acquisition_parameter_value_number AS value
FROM image_modality m JOIN (SELECT DISTINCT series_uid, patient_id, modality FROM image_series) s
USING (series_uid) WHERE m.acquisition_parameter_value_number IS NOT NULL
"""
_OF_COLUMN = """
SELECT '{name}' AS code, '{unit}' AS unit, coalesce(modality, '') AS modality, patient_id, "{column}" AS value
FROM image_series WHERE "{column}" IS NOT NULL
"""
_PARAMETERS = """
WITH used AS ({used}),
middle AS (
  SELECT code, unit, modality, count(*) AS series, count(DISTINCT patient_id) AS patients,
         min(value) AS low, quantile_disc(value, 0.25) AS q1, quantile_disc(value, 0.5) AS q2,
         quantile_disc(value, 0.75) AS q3, max(value) AS high
  FROM used GROUP BY ALL),
fences AS (SELECT *, $far * greatest(q3 - q1, $least * abs(q2)) AS reach FROM middle)
SELECT f.code, f.unit, f.modality, any_value(series), any_value(patients), any_value(low), any_value(q1),
       any_value(q2), any_value(q3), any_value(high),
       count(DISTINCT patient_id) FILTER (value <= q1), count(DISTINCT patient_id) FILTER (value >= q3),
       count(*) FILTER (value < q1 - reach OR value > q3 + reach),
       count(DISTINCT patient_id) FILTER (value < q1 - reach OR value > q3 + reach)
FROM used u JOIN fences f ON u.code = f.code AND u.unit = f.unit AND u.modality = f.modality
GROUP BY f.code, f.unit, f.modality ORDER BY 1, 2, 3
"""


def imaging(
    database: duckdb.DuckDBPyConnection,
    tables: Mapping[str, pa.Table],
    series: TableContract,
    vocabularies: Mapping[str, Vocabulary],
) -> Imaging:
    """What image_series (by its contract) and image_modality say; `database` sees both."""
    columns = set(tables["image_series"].column_names)
    every = _rows(database, "SELECT count(*), count(DISTINCT patient_id) FROM image_series")[0]
    coded = "series_description_code" in columns
    return Imaging(
        series=Group("series", *every),
        modalities=_coded(database, "series_modality", vocabularies["modality"]),
        body_parts=_coded(database, "series_body_site", vocabularies["body_part"]),
        manufacturers=_coded(database, "series_manufacturer_name", vocabularies["manufacturer"]),
        descriptions=_coded(database, "series_description_code", vocabularies["series_description"])
        if coded
        else _groups(database, "series_description"),
        unmapped=_unmapped_descriptions(database, columns) if coded else (),
        faults=_faults(database, columns),
        parameters=_parameters(database, tables, series, vocabularies),
    )


def _rows(database: duckdb.DuckDBPyConnection, query: str, **values: float) -> list[tuple]:
    return database.execute(query, values or None).fetchall()


def _groups(database: duckdb.DuckDBPyConnection, column: str, where: str = "true") -> list[Group]:
    """Series by the value of a column, the most frequent first; an empty name where there is none."""
    query = (
        f"SELECT coalesce({column}, ''), count(*), count(DISTINCT patient_id) FROM image_series "  # noqa: S608
        f"WHERE {where} GROUP BY 1 ORDER BY 2 DESC, 1"
    )
    return [Group(*row) for row in _rows(database, query)]


def _coded(database: duckdb.DuckDBPyConnection, column: str, vocabulary: Vocabulary) -> list[Group]:
    return [
        Group(vocabulary.labels.get(each.name, each.name), each.entries, each.patients)
        for each in _groups(database, column)
    ]


def _unmapped_descriptions(database: duckdb.DuckDBPyConnection, columns: set[str]) -> list[Group]:
    text = "series_description_original" if "series_description_original" in columns else "series_description"
    return _groups(database, text, f"series_description_code IS NULL AND {text} IS NOT NULL")


def _faults(database: duckdb.DuckDBPyConnection, columns: set[str]) -> list[Group]:
    known = {name: test for name, test in _FAULTS.items() if test.split()[0] in columns}
    if "pixel_digest" in columns:
        known[_REPEATED] = (
            "pixel_digest IN (SELECT pixel_digest FROM image_series WHERE pixel_digest IS NOT NULL "
            "GROUP BY 1 HAVING count(DISTINCT series_uid) > 1)"
        )
    query = "SELECT count(*), count(DISTINCT patient_id) FROM image_series WHERE "
    if "frames_compared" in columns and _rows(database, query + "frames_compared IS NOT NULL")[0][0]:
        known[_NEARLY_REPEATED] = (
            "near_duplicate_group IN (SELECT near_duplicate_group FROM image_series GROUP BY 1 "
            "HAVING count(DISTINCT pixel_digest) > 1)"
        )
        known[_NOT_COMPARED] = "frames_compared = 0"
    return [Group(name, *_rows(database, query + test)[0]) for name, test in known.items()]


def _parameters(
    database: duckdb.DuckDBPyConnection,
    tables: Mapping[str, pa.Table],
    series: TableContract,
    vocabularies: Mapping[str, Vocabulary],
) -> list[Parameter]:
    """Parameters that the series hold themselves, and others that image_modality holds under their codes."""
    held = {
        name: field.unit
        for name, field in series.fields.items()
        if field.unit and name not in series.primary_key
    }
    columns = [name for name in held if name in tables["image_series"].column_names]
    parts = [_OF_COLUMN.format(name=_words(name), unit=held[name], column=name) for name in columns]
    if "image_modality" in tables:
        parts.append(_OF_TABLE)
    if not parts:
        return []
    named = vocabularies["acquisition_parameter"].labels if "acquisition_parameter" in vocabularies else {}
    units, own = vocabularies["units"].labels, {_words(name) for name in columns}
    found = []
    # One after the other: a million series hold ten million values, which need not be in memory together.
    rows = [
        row
        for part in parts
        for row in _rows(database, _PARAMETERS.replace("{used}", part), far=FAR, least=LEAST_SPREAD)
    ]
    for code, unit, modality, count, patients, *numbers in rows:
        name = named.get(code, code).lower()
        if code in named and name in own:
            continue
        values, (below, above, far, far_patients) = tuple(numbers[:5]), numbers[5:]
        far_ones = Group("outliers", far, far_patients)
        unit = units.get(unit, unit)
        found.append(Parameter(name, unit, modality, count, patients, values, below, above, far_ones))
    return sorted(found, key=lambda each: (each.modality, each.name, each.unit))


def _words(column: str) -> str:
    """`echo_time_ms` is "echo time": the unit has a column of its own."""
    return " ".join(column.split("_")[:-1])
