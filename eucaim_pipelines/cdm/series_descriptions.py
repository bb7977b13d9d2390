"""EUCAIM's own words for the series descriptions of any hospital.

What a description must look like to leave the hospital is decided in the de-identification, not here.
"""

from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from eucaim_pipelines.cdm.columns import by_value
from eucaim_pipelines.cdm.grouping import Groups, having, numbers
from eucaim_pipelines.cdm.imaging_codes import ImagingCodes
from eucaim_pipelines.dicom.tables import rows


def harmonised(series: Groups, codes: ImagingCodes) -> dict[str, pa.Array]:
    """Columns series_description, series_description_code and series_description_original of image_series.

    The code comes from the released text: by `imaging.harmonised` of the source contract, else because the
    text is a label or alias of the vocabulary. Where the text says nothing, the header may, but only by the
    rules of `data_contracts/imaging/series_descriptions.csv`, which hold beyond doubt: an ADC map calls
    itself one, and only diffusion weighted images have a b-value. Weighting is never guessed from echo and
    repetition times. The description is the label of the code, else the released text; the text stands
    beside it as it left de-identification.
    """
    original = series.smallest("SeriesDescription")
    modality = series.smallest("Modality")
    code = by_value(original, codes.description, pa.string())
    for rule in _rules():
        holds = pc.and_(pc.equal(modality, rule["modality"]), pa.array(_holds(series, rule)))
        code = pc.coalesce(code, pc.if_else(holds, rule["code"], pa.scalar(None, pa.string())))
    label = by_value(code, codes.description_label, pa.string())
    return {
        "series_description": pc.coalesce(label, original),
        "series_description_code": code,
        "series_description_original": original,
    }


def columns() -> set[str]:
    """Columns of the inventory that descriptions come from."""
    return {"SeriesDescription", "Modality", *(rule["keyword"] for rule in _rules())}


def _holds(series: Groups, rule: dict[str, str]) -> np.ndarray:
    column = series.table.column(rule["keyword"])
    if rule["test"] == "every":
        return series.reduce(np.logical_and, having(column, rule["value"]))
    largest = series.reduce(np.fmax, numbers(column))
    return np.asarray(np.nan_to_num(largest) > float(rule["value"]))


@cache
def _rules() -> tuple[dict[str, str], ...]:
    return tuple(rows("imaging/series_descriptions.csv"))
