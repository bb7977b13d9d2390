"""Tables of the common data model that come from images: studies, series, their procedures, segmentations.

Clinical records are read in `clinical_tables`, episodes are made in `episodes`.
"""

from collections import Counter
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from eucaim_pipelines.cdm.imaging_codes import IMAGE, SEGMENTATION, of_kind
from eucaim_pipelines.cdm.inputs import DAY, CdmInputs, Row, grouped, unit_of
from eucaim_pipelines.cdm.linkage import dicom_date

IMAGING = "GEN1000023"
MIXED = "MIXED"
_SERIES_DATES = ("AcquisitionDate", "ContentDate", "SeriesDate")


def imaging_procedures(inputs: CdmInputs) -> list[Row]:
    """One imaging procedure per patient, study and modality of its images; `instances` counts them.

    Columns of the table `procedure` but its diagnosis, which `clinical_tables` knows.
    """
    keys = ["PatientID", "StudyInstanceUID", "Modality"]
    rows = []
    for found in grouped(of_kind(inputs.instances, IMAGE), keys, [("SOPInstanceUID", "count")]):
        link = inputs.links_by_study.get((found["PatientID"], found["StudyInstanceUID"]), {})
        offset = link.get("days_from_diagnosis")
        rows.append(
            {
                "procedure_id": "-".join(
                    (found["StudyInstanceUID"], found["Modality"] or "NONE", found["PatientID"])
                ),
                "patient_id": found["PatientID"],
                "procedure_code": inputs.codes.procedure(found["Modality"]),
                "procedure_category": IMAGING,
                "procedure_offset_from_diagnosis": offset,
                "procedure_offset_unit": unit_of(offset, DAY),
                "procedure_date": link.get("study_date"),
                "study_uid": found["StudyInstanceUID"],
                "instances": found["SOPInstanceUID_count"],
            }
        )
    return rows


def image_study(inputs: CdmInputs, episode_ids: dict[tuple[str, str], str]) -> list[Row]:
    """One row per study and patient, whatever its objects; `episode_ids`: by patient and kind of episode."""
    main_procedure: dict[tuple[str, str], Row] = {}
    for procedure in imaging_procedures(inputs):
        key = (procedure["patient_id"], procedure["study_uid"])
        best = main_procedure.setdefault(key, procedure)
        main_procedure[key] = min(best, procedure, key=lambda row: (-row["instances"], row["procedure_id"]))
    rows = []
    counts = [("SeriesInstanceUID", "count_distinct"), ("SOPInstanceUID", "count"), ("StudyDate", "min")]
    for found in grouped(inputs.instances, ["PatientID", "StudyInstanceUID"], counts):
        key = (found["PatientID"], found["StudyInstanceUID"])
        link = inputs.links_by_study.get(key, {})
        offset, episode = link.get("days_from_diagnosis"), link.get("episode_type_code")
        rows.append(
            {
                "study_uid": found["StudyInstanceUID"],
                "procedure_id": main_procedure.get(key, {}).get("procedure_id"),
                "patient_id": found["PatientID"],
                "ImagingTimepoint": link.get("imaging_timepoint"),
                "study_offset_from_diagnosis": offset,
                "study_offset_unit": unit_of(offset, DAY),
                "study_acquisition_date": link.get("study_date") or dicom_date(found["StudyDate"]),
                "study_number_of_series": found["SeriesInstanceUID_count_distinct"],
                "study_number_of_instances": found["SOPInstanceUID_count"],
                "patient_age_at_study_years": link.get("age_at_study_years"),
                "episode_type_code": episode,
                "episode_id": episode_ids.get((found["PatientID"], episode)) if episode else None,
            }
        )
    return rows


def image_series(inputs: CdmInputs) -> list[Row]:
    """One row per series of images and study (a series under two studies stays in both)."""
    keys = ["SeriesInstanceUID", "StudyInstanceUID", "PatientID"]
    values = ["SeriesNumber", "SeriesDescription", "Manufacturer", "ManufacturerModelName", "Modality",
              "BodyPartExamined", "ImageLaterality", "Laterality", *_SERIES_DATES]  # fmt: skip
    aggregates = [*((name, "min") for name in values), ("SOPInstanceUID", "count")]
    return [_series(found, inputs) for found in grouped(of_kind(inputs.instances, IMAGE), keys, aggregates)]


def _series(found: Row, inputs: CdmInputs) -> Row:
    days = (dicom_date(found[name]) for name in _SERIES_DATES)
    return {
        "series_uid": found["SeriesInstanceUID"],
        "study_uid": found["StudyInstanceUID"],
        "series_number": found["SeriesNumber"],
        "series_description": found["SeriesDescription"] or None,
        "series_manufacturer_name": inputs.codes.manufacturer(found["Manufacturer"]),
        "series_acquisition_date": next((day for day in days if day is not None), None),
        "series_modality": inputs.codes.modality(found["Modality"]),
        "series_body_site": inputs.codes.body_part(found["BodyPartExamined"]),
        "patient_id": found["PatientID"],
        "modality": found["Modality"] or None,
        "body_part_examined": found["BodyPartExamined"] or None,
        "manufacturer": found["Manufacturer"] or None,
        "manufacturer_model_name": found["ManufacturerModelName"] or None,
        "image_laterality": found["ImageLaterality"] or found["Laterality"] or None,
        "series_number_of_instances": found["SOPInstanceUID_count"],
    }


def segmentation_series(inputs: CdmInputs) -> list[Row]:
    """One row per series of segmentations, with whether all images that it refers to are in the dataset."""
    segmentations = of_kind(inputs.instances, SEGMENTATION)
    present, series_of = _referenced(inputs.instances, segmentations)
    rows: dict[tuple[str, str], Row] = {}
    references: dict[tuple[str, str], Counter[str]] = {}
    types: dict[tuple[str, str], set[str]] = {}
    for found in _wanted(segmentations):
        key = (found["SeriesInstanceUID"], found["StudyInstanceUID"])
        uids = found["referenced_sop_instance_uids"] or []
        row = rows.setdefault(
            key,
            {
                "segmentation_series_uid": key[0],
                "study_uid": key[1],
                "patient_id": found["PatientID"],
                "references_resolved": True,
                "number_of_segments": 0,
            },
        )
        row["references_resolved"] &= bool(uids) and present.issuperset(uids)
        row["number_of_segments"] += len(found["segments"] or [])
        references.setdefault(key, Counter()).update(series_of[uid] for uid in uids if uid in series_of)
        types.setdefault(key, set()).update(s["algorithm_type"] or "" for s in found["segments"] or [])
    for key, row in rows.items():
        most = min(references[key].items(), key=lambda item: (-item[1], item[0]), default=(None, 0))
        kind = next(iter(types[key]), "") if len(types[key]) <= 1 else MIXED
        row["referenced_series_uid"] = most[0]
        row["algorithm_type"] = kind or None
        row["segmentation_method"] = inputs.vocabularies["segmentation_method"].code(kind)
    return list(rows.values())


def segment(inputs: CdmInputs) -> list[Row]:
    """One row per segment of an instance, in the words that DICOM has for it."""
    names = ("label", "description", "algorithm_type", "algorithm_name", "property_category", "property_type")
    return [
        {
            "segmentation_series_uid": found["SeriesInstanceUID"],
            "segmentation_instance_uid": found["SOPInstanceUID"],
            "segment_number": one["number"],
            **{name: one[name] or None for name in names},
        }
        for found in _wanted(of_kind(inputs.instances, SEGMENTATION))
        for one in found["segments"] or []
        if one["number"] is not None
    ]


def _wanted(segmentations: pa.Table) -> Iterator[Row]:
    columns = ["PatientID", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID",
               "referenced_sop_instance_uids", "segments"]  # fmt: skip
    yield from segmentations.select(columns).to_pylist()


def _referenced(instances: pa.Table, segmentations: pa.Table) -> tuple[set[str], dict[str, str]]:
    """Of all instances that segmentations refer to: those that are present, and the series of the images."""
    wanted = pc.unique(pc.list_flatten(segmentations.column("referenced_sop_instance_uids")))
    found = instances.filter(pc.is_in(instances.column("SOPInstanceUID"), wanted))
    images = of_kind(found, IMAGE).select(["SOPInstanceUID", "SeriesInstanceUID"])
    series = dict(zip(*(column.to_pylist() for column in images.columns), strict=True))
    return set(found.column("SOPInstanceUID").to_pylist()), series
