"""How each series was acquired: numbers and codes of `data_contracts/imaging`, from the header inventory.

The concepts are those of hyper-ontology v2.0; which series there are is said by `imaging_tables`.
"""

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from eucaim_pipelines.cdm.columns import by_value, whole
from eucaim_pipelines.cdm.grouping import Groups, numbers
from eucaim_pipelines.dicom.tables import rows


class _Number(NamedTuple):
    keyword: str
    name: str
    concept: str | None
    unit: str | None
    factor: float
    field: str | None


class _Coded(NamedTuple):
    keyword: str
    name: str
    concept: str
    codes: dict[str, str]


def columns() -> set[str]:
    """Columns of the inventory that parameters come from; those of other origin are left out."""
    named = {each.keyword for each in _numbers()} | {each.keyword for each in _codes()}
    return {name for name in named if name[0].isupper()}


def number_columns(series: Groups) -> dict[str, pa.Array]:
    """Columns of image_series that hold a number of the acquisition; of several values the smallest."""
    return {
        each.field: _nullable(series.smallest_number(numbers(series.table.column(each.keyword))))
        for each in _numbers()
        if each.field is not None
    }


def parameters(series: Groups, keys: pa.Table, derived: pa.Table) -> pa.Table:
    """Rows of image_modality: one per series and parameter that it has and hyper-ontology v2.0 knows.

    Parameters
    ----------
    series
        Instances by series.
    keys
        series_uid, study_uid and patient_id of every series.
    derived
        What was found out of every series beside its headers, such as `slice_orientation`.
    """
    return pa.concat_tables([*_number_rows(series, keys), *_coded_rows(series, keys, derived)])


def _number_rows(series: Groups, keys: pa.Table) -> Iterator[pa.Table]:
    for each in _numbers():
        if each.concept is None:
            continue
        found = series.smallest_number(numbers(series.table.column(each.keyword))) * each.factor
        given = np.isfinite(found)
        unit = pa.repeat(pa.scalar(each.unit, pa.string()), int(given.sum()))
        yield _rows(keys, given, each.name, each.concept, numbers=pa.array(found[given]), unit=unit)


def _coded_rows(series: Groups, keys: pa.Table, derived: pa.Table) -> Iterator[pa.Table]:
    for each in _codes():
        known = each.keyword in derived.column_names
        values = derived.column(each.keyword) if known else series.smallest(each.keyword)
        found = by_value(values, each.codes.get, pa.string())
        yield _rows(
            keys,
            found.is_valid().to_numpy(zero_copy_only=False),
            each.name,
            each.concept,
            codes=found.drop_null(),
        )


def _rows(
    keys: pa.Table,
    given: np.ndarray,
    name: str,
    concept: str,
    codes: pa.Array | None = None,
    numbers: pa.Array | None = None,
    unit: pa.Array | None = None,
) -> pa.Table:
    chosen = keys.filter(pa.array(given))
    count = chosen.num_rows
    series = whole(chosen.column("series_uid"))
    return pa.table(
        {
            "modality_id": pc.binary_join_element_wise(series, name, "_"),
            "series_uid": series,
            "study_uid": chosen.column("study_uid"),
            "patient_id": chosen.column("patient_id"),
            "acquisition_parameter_code": pa.repeat(concept, count),
            "acquisition_parameter_value_code": pa.nulls(count, pa.string()) if codes is None else codes,
            "acquisition_parameter_value_number": (
                pa.nulls(count, pa.float64()) if numbers is None else numbers
            ),
            "acquisition_parameter_value_unit": pa.nulls(count, pa.string()) if unit is None else unit,
        }
    )


def _nullable(found: np.ndarray) -> pa.Array:
    return pa.array(found, mask=~np.isfinite(found))


@cache
def _numbers() -> tuple[_Number, ...]:
    return tuple(
        _Number(
            row["keyword"],
            row["name"],
            row["concept"] or None,
            row["unit"] or None,
            float(row["factor"] or 1),
            row["field"] or None,
        )
        for row in rows("imaging/acquisition_numbers.csv")
    )


@cache
def _codes() -> tuple[_Coded, ...]:
    found: dict[tuple[str, str, str], dict[str, str]] = {}
    for row in rows("imaging/acquisition_codes.csv"):
        key = (row["keyword"], row["name"], row["concept"])
        found.setdefault(key, {})[row["value"]] = row["code"]
    return tuple(_Coded(*key, codes) for key, codes in found.items())
