"""Tables of the common data model that come from images: studies, series, procedures, acquisition parameters.

Segmentations are in `segmentation_tables`; clinical records and episodes are made elsewhere.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from eucaim_pipelines.cdm import acquisition, frames, series_descriptions
from eucaim_pipelines.cdm.columns import by_value, joined, lookup, ordered, whole
from eucaim_pipelines.cdm.geometry import slice_geometry
from eucaim_pipelines.cdm.grouping import Groups, numbers, vectors
from eucaim_pipelines.cdm.imaging_codes import IMAGE, of_kind
from eucaim_pipelines.cdm.inputs import DAY, CdmInputs
from eucaim_pipelines.cdm.linkage import dicom_date
from eucaim_pipelines.cdm.pixel_content import pixel_digests

IMAGING = "GEN1000023"
_SERIES = ("SeriesInstanceUID", "StudyInstanceUID", "PatientID")
_SERIES_DATES = ("AcquisitionDate", "ContentDate", "SeriesDate")
_PIXELS = ("PixelSpacing", "ImagerPixelSpacing", "pixel_digest",
           "near_duplicate_group", "frames_compared")  # fmt: skip


def imaging_procedures(inputs: CdmInputs) -> pa.Table:
    """One imaging procedure per patient, study and modality of its images.

    Columns of the table `procedure` but its diagnosis, which `clinical_tables` knows; beside them the study
    (`study_uid`) and how many instances it has (`instances`).
    """
    keys = ["PatientID", "StudyInstanceUID", "Modality"]
    found = Groups(of_kind(inputs.instances, IMAGE, keys), keys)
    patient, study = found.key("PatientID"), found.key("StudyInstanceUID")
    modality = found.key("Modality")
    link = _Links(inputs, patient, study)
    offset = link.value("days_from_diagnosis")
    return pa.table(
        {
            "procedure_id": pc.binary_join_element_wise(study, pc.fill_null(modality, "NONE"), patient, "-"),
            "patient_id": patient,
            "procedure_code": by_value(modality, inputs.codes.procedure, pa.string()),
            "procedure_category": pa.repeat(IMAGING, len(found)),
            "procedure_offset_from_diagnosis": offset,
            "procedure_offset_unit": _days(offset),
            "procedure_date": link.value("study_date"),
            "study_uid": study,
            "instances": pa.array(found.sizes),
        }
    )


def image_study(inputs: CdmInputs, episode_ids: dict[tuple[str, str], str]) -> pa.Table:
    """One row per study and patient, whatever its objects; `episode_ids`: by patient and kind of episode."""
    found = Groups(inputs.instances, ["PatientID", "StudyInstanceUID"])
    patient, study = found.key("PatientID"), found.key("StudyInstanceUID")
    link = _Links(inputs, patient, study)
    offset, episode = link.value("days_from_diagnosis"), link.value("episode_type_code")
    order = [("instances", "descending"), ("procedure_id", "ascending")]
    procedures = ordered(imaging_procedures(inputs), order)
    kinds = pa.table(list(zip(*episode_ids, strict=True)) or [pa.array([], pa.string())] * 2, ["who", "kind"])
    ids = pa.array(list(episode_ids.values()), pa.string())
    date = by_value(found.smallest("StudyDate"), dicom_date, pa.date32())
    return pa.table(
        {
            "study_uid": study,
            "procedure_id": lookup(
                joined(patient, study),
                joined(procedures["patient_id"], procedures["study_uid"]),
                procedures["procedure_id"],
            ),
            "patient_id": patient,
            "ImagingTimepoint": link.value("imaging_timepoint"),
            "study_offset_from_diagnosis": offset,
            "study_offset_unit": _days(offset),
            "study_acquisition_date": pc.coalesce(link.value("study_date"), date),
            "study_number_of_series": pa.array(found.distinct("SeriesInstanceUID")),
            "study_number_of_instances": pa.array(found.sizes),
            "patient_age_at_study_years": link.value("age_at_study_years"),
            "episode_type_code": episode,
            "episode_id": lookup(joined(patient, episode), joined(kinds["who"], kinds["kind"]), ids),
        }
    )


def image_series(inputs: CdmInputs) -> pa.Table:
    """One row per series of images and study (a series under two studies stays in both)."""
    used = {*_SERIES, *_SAID, *_SERIES_DATES, *_PIXELS, *frames.COLUMNS}
    used |= {*acquisition.columns(), *series_descriptions.columns()}
    series, codes = Groups(of_kind(inputs.instances, IMAGE, sorted(used)), _SERIES), inputs.codes
    value = {name: series.smallest(name) for name in _SAID}
    dates = [by_value(series.smallest(name), dicom_date, pa.date32()) for name in _SERIES_DATES]
    manufacturer, body_part = value["Manufacturer"], value["BodyPartExamined"]
    coded_manufacturer = by_value(manufacturer, codes.manufacturer, pa.string())
    coded_body_part = by_value(body_part, codes.body_part, pa.string())
    geometry = slice_geometry(series)
    return pa.table(
        _keys(series)
        | series_descriptions.harmonised(series, codes)
        | {
            "series_number": value["SeriesNumber"],
            "series_manufacturer_name": _or_declared(
                manufacturer, coded_manufacturer, codes.manufacturer(None)
            ),
            "series_acquisition_date": pc.coalesce(*dates),
            "series_modality": by_value(value["Modality"], codes.modality, pa.string()),
            "series_body_site": _or_declared(body_part, coded_body_part, codes.body_part(None)),
            "modality": value["Modality"],
            "body_part_examined": body_part,
            "manufacturer": manufacturer,
            "manufacturer_model_name": value["ManufacturerModelName"],
            "image_laterality": pc.coalesce(value["ImageLaterality"], value["Laterality"]),
            "series_number_of_instances": pa.array(series.sizes),
            "series_number_of_frames": pa.array(series.reduce(np.add, frames.number_of_frames(series.table))),
            "frame_of_reference_uid": value["FrameOfReferenceUID"],
            "rows": value["Rows"],
            "columns": value["Columns"],
            "pixel_spacing_mm": _pixel_spacing(series),
            "temporal_positions": frames.temporal_positions(series),
            "pixel_digest": pixel_digests(series),
            "near_duplicate_group": _whole_number(series, "near_duplicate_group"),
            "frames_compared": _whole_number(series, "frames_compared"),
        }
        | acquisition.number_columns(series)
        | dict(zip(geometry.column_names, geometry.columns, strict=True))
    )


def image_modality(inputs: CdmInputs) -> pa.Table:
    """One row per series and acquisition parameter that it has and hyper-ontology v2.0 knows."""
    used = {*_SERIES, "Laterality", *frames.COLUMNS, *acquisition.columns()}
    series = Groups(of_kind(inputs.instances, IMAGE, sorted(used)), _SERIES)
    laterality = pc.coalesce(series.smallest("ImageLaterality"), series.smallest("Laterality"))
    derived = slice_geometry(series).append_column("ImageLaterality", laterality)
    return acquisition.parameters(series, pa.table(_keys(series)), derived)


_SAID = ("SeriesNumber", "Manufacturer", "ManufacturerModelName", "Modality", "BodyPartExamined",
         "ImageLaterality", "Laterality", "FrameOfReferenceUID", "Rows", "Columns")  # fmt: skip


class _Links:
    """Values of the study links, in the order of some studies."""

    def __init__(self, inputs: CdmInputs, patient: pa.Array, study: pa.Array) -> None:
        self._links = inputs.links
        keys = joined(self._links["patient_id"], self._links["study_uid"])
        self._place = pc.index_in(joined(patient, study), keys)

    def value(self, column: str) -> pa.Array:
        """Of each study what its link says; null for a study without link."""
        return whole(self._links[column]).take(self._place)


def _keys(series: Groups) -> dict[str, pa.Array]:
    names = ("series_uid", "study_uid", "patient_id")
    return {name: series.key(column) for name, column in zip(names, _SERIES, strict=True)}


def _or_declared(text: pa.Array, coded: pa.Array, declared: str | None) -> pa.Array:
    """The code of a text; where there is no text, what the holder declares of all that lack it."""
    return pc.if_else(pc.is_null(text), pa.scalar(declared, pa.string()), coded)


def _pixel_spacing(series: Groups) -> pa.Array:
    """Distance between rows, mm; of projections that between rows of the detector."""
    found = np.full(len(series), np.nan)
    for keyword in ("PixelSpacing", "ImagerPixelSpacing"):
        said = series.smallest_number(vectors(series.table.column(keyword), 2)[:, 0])
        found = np.where(np.isnan(found), said, found)
    return pa.array(found, mask=np.isnan(found))


def _whole_number(series: Groups, column: str) -> pa.Array:
    """What all instances of a series say; null where they say nothing."""
    found = series.smallest_number(numbers(series.table.column(column)))
    return pa.array(found, pa.int64(), mask=np.isnan(found), safe=False)


def _days(offset: pa.Array) -> pa.Array:
    """The unit beside an offset, and none beside nothing."""
    return pc.if_else(pc.is_valid(offset), DAY, pa.scalar(None, pa.string()))
