"""How each series was acquired: numbers and codes of `data_contracts/imaging`, from the header inventory.

The concepts are those of hyper-ontology v2.0; which series there are is said by `imaging_tables`.
"""

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

    They come by series, then by name of the parameter, without a table per parameter in between.

    Parameters
    ----------
    series
        Instances by series.
    keys
        series_uid, study_uid and patient_id of every series.
    derived
        What was found out of every series beside its headers, such as `slice_orientation`.
    """
    numeric = [each for each in _numbers() if each.concept is not None]
    known: list[_Number | _Coded] = [*numeric, *_codes()]
    known.sort(key=lambda each: each.name)
    distinct = sorted({code for each in _codes() for code in each.codes.values()})
    values = np.full((len(series), len(known)), np.nan)  # a number, or the place of a code
    for place, each in enumerate(known):
        values[:, place] = _values(each, series, derived, distinct)
    of_series, which = np.nonzero(~np.isnan(values))
    found = pa.array(values[of_series, which])
    coded = pa.array([isinstance(each, _Coded) for each in known], pa.bool_()).take(pa.array(which))
    chosen = {name: whole(keys.column(name)).take(pa.array(of_series)) for name in keys.column_names}

    def said(texts: list[str | None]) -> pa.Array:
        return pa.array(texts, pa.string()).take(pa.array(which))

    places = pc.if_else(coded, found, pa.scalar(None, pa.float64())).cast(pa.int64())
    return pa.table(
        {
            "modality_id": pc.binary_join_element_wise(
                chosen["series_uid"], said([each.name for each in known]), "_"
            ),
            **chosen,
            "acquisition_parameter_code": said([each.concept for each in known]),
            "acquisition_parameter_value_code": pa.array(distinct, pa.string()).take(places),
            "acquisition_parameter_value_number": pc.if_else(coded, pa.scalar(None, pa.float64()), found),
            "acquisition_parameter_value_unit": said([getattr(each, "unit", None) for each in known]),
        }
    )


def _values(each: _Number | _Coded, series: Groups, derived: pa.Table, distinct: list[str]) -> np.ndarray:
    """Of every series its number, or the place of its code among `distinct`; not-a-number without either."""
    if isinstance(each, _Number):
        return series.smallest_number(numbers(series.table.column(each.keyword))) * each.factor
    known = each.keyword in derived.column_names
    said = derived.column(each.keyword) if known else series.smallest(each.keyword)
    places = {value: distinct.index(code) for value, code in each.codes.items()}
    return numbers(by_value(said, places.get, pa.int64()))


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
