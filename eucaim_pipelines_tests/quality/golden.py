"""The golden dataset: every table of the model and the headers of its images, drawn from contracts, clean.

Each patient has one row of nearly every table, and can carry one defect; these are in `defects`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pyarrow as pa

from eucaim_pipelines.contracts import vocabularies
from eucaim_pipelines.contracts.rules import ANNOTATIONS, INSTANCES
from eucaim_pipelines.contracts.synthetic import rows
from eucaim_pipelines.contracts.tables import TableContract, load_tables
from eucaim_pipelines.contracts.vocabularies import Vocabulary
from eucaim_pipelines.release import object_tables
from eucaim_pipelines.release.object_tables import instances_schema

CONTRACTS: Mapping[str, TableContract] = load_tables()
VOCABULARIES: Mapping[str, Vocabulary] = vocabularies.load_all()
CAUSE_OF_DEATH = min(VOCABULARIES["cause_of_death"].codes)
MALE, FEMALE, DAYS = "COM1001366", "COM1001370", "COM1000153"
PER_SERIES = 2
"""Instances of a series."""
SEEN_TWICE, OF_ONE_SEX = 5, 12
"""So many patients have a second study, or a cancer that only people of their sex have."""
IN_PART, OTHERWISE = 15, 16
"""Of one patient little is known; one was examined and treated a little otherwise than all others."""
SAME_IN_ALL = {
    "image_series": {"modality": "CT", "near_duplicate_group": None,
                     "frames_compared": PER_SERIES, "series_description": "CT thorax", "missing_slices": 0,
                     "slice_gaps": 0, "repeated_positions": 0, "series_number_of_instances": PER_SERIES,
                     "pixel_spacing_mm": 0.7, "slice_thickness_mm": 2.0, "slice_spacing_mm": 2.0,
                     "echo_time_ms": 90.0, "repetition_time_ms": 4000.0, "tube_voltage_kv": 120.0,
                     "tube_current_ma": 200.0, "exposure_mas": 100.0},
    "segment": {"algorithm_type": "SEMIAUTOMATIC", "algorithm_name": "Contour"},
    "segmentation_series": {"number_of_segments": 1, "references_resolved": True},
    "image_study": {"study_number_of_series": 3, "study_number_of_instances": 2 * PER_SERIES + 1},
    "radiotherapy": {"radiotherapy_total_dose": 50.0, "radiotherapy_offset_from_diagnosis": 60,
                     "radiotherapy_offset_unit": DAYS,
                     "radiotherapy_modality": min(VOCABULARIES["radiotherapy_modality"].codes),
                     "radiotherapy_dose_unit": "COM1001950"},
}  # fmt: skip
"""Cells that hold the same in every row: what is usual, and what is counted."""
USUAL = {
    "lab_test_result": ("lab_test_code", "lab_test_value_as_number", "lab_test_value_unit"),
    "tumor_marker_test": (
        "tumor_marker_test_code", "tumor_marker_test_value_as_number", "tumor_marker_test_value_unit"),
    "medication_administration": ("medication_code", "medication_total_dose", "medication_dose_unit"),
}  # fmt: skip
"""Tables of which every row takes these cells from the first row that has them all."""
MEASURED = {
    "image_series": (
        *("pixel_spacing_mm", "slice_thickness_mm", "slice_spacing_mm", "echo_time_ms", "repetition_time_ms"),
        *("tube_current_ma", "exposure_mas", "tube_voltage_kv")),
    "lab_test_result": ("lab_test_value_as_number",),
    "tumor_marker_test": ("tumor_marker_test_value_as_number",),
    "medication_administration": ("medication_total_dose",),
    "radiotherapy": ("radiotherapy_total_dose",),
}  # fmt: skip
"""Numbers of which is judged whether they are usual."""

Row = dict[str, Any]


@dataclass
class Golden:
    """Rows by table, headers and annotations; patient `n` has row `n` of each table but of `dataset`."""

    tables: dict[str, list[Row]]
    instances: list[Row] = field(default_factory=list)
    annotations: list[Row] = field(default_factory=list)

    def row(self, table: str, patient: int) -> Row:
        """The row of a table that belongs to a patient."""
        return self.tables[table][min(patient, len(self.tables[table]) - 1)]

    def images(self, patient: int) -> list[Row]:
        """Headers of the images of a patient."""
        series = self.row("image_series", patient)["series_uid"]
        return [each for each in self.instances if each["SeriesInstanceUID"] == series]

    def annotation(self, patient: int) -> Row:
        """What became of the annotation of a patient."""
        wanted = self.row("image_series", patient)["patient_id"]
        return next(each for each in self.annotations if each["patient_id"] == wanted)

    def segmentation(self, patient: int) -> Row:
        """Header of the segmentation of a patient."""
        series = self.row("segmentation_series", patient)["segmentation_series_uid"]
        return next(each for each in self.instances if each["SeriesInstanceUID"] == series)

    def views(self) -> dict[str, pa.Table]:
        """What checks read."""
        tables = {
            name: pa.Table.from_pylist(rows, schema=CONTRACTS[name].schema)
            for name, rows in self.tables.items()
        }
        return tables | {
            INSTANCES: pa.Table.from_pylist(self.instances, schema=instances_schema()),
            ANNOTATIONS: pa.Table.from_pylist(self.annotations, schema=object_tables.ANNOTATIONS),
        }


def clean(patients: int) -> Golden:
    """A dataset in which nothing is wrong."""
    sizes = dict.fromkeys(CONTRACTS, patients) | {"dataset": 1}
    drawn = rows(CONTRACTS, VOCABULARIES, sizes, seed=3)
    golden = Golden({name: table.to_pylist() for name, table in drawn.items()})
    for table, cells in SAME_IN_ALL.items():
        for row in golden.tables[table]:
            row |= cells
    for table, names in USUAL.items():
        first = next(r for r in golden.tables[table] if all(r[name] is not None for name in names))
        for row in golden.tables[table]:
            row |= {name: first[name] for name in names}
    for patient in range(patients):
        _agree(golden, patient)
        golden.instances += _headers(golden, patient)
        series = golden.row("image_series", patient)
        golden.annotations.append(
            {
                "patient_id": series["patient_id"],
                "series_uid": f"{series['series_uid']}.contours",
                "problems": [],
            }
        )
    _date_events(golden)
    for patient in range(SEEN_TWICE):
        add_study(golden, patient)
    _vary(golden)
    return golden


def _date_events(golden: Golden) -> None:
    """An event happens a month after its treatment: a defect in days does the same to everyone."""
    started = {
        row["treatment_id"]: row["treatment_offset_from_diagnosis"] for row in golden.tables["treatment"]
    }
    diagnosed = {
        row["patient_id"]: row["cancer_condition_asserted_date"] for row in golden.tables["cancer_condition"]
    }
    for event in golden.tables["adverse_event"]:
        day, since = started.get(event["treatment_id"]), diagnosed[event["patient_id"]]
        if day is not None:
            dated = event["adverse_event_date"] is not None and since is not None
            event |= {"adverse_event_date": since + timedelta(days=day + 30) if dated else None,
                      "adverse_event_offset_from_diagnosis": day + 30,
                      "adverse_event_offset_unit": DAYS}  # fmt: skip


def _vary(golden: Golden) -> None:
    """What may be missing or differ does so somewhere: it must be no finding."""
    golden.row("segment", IN_PART).update(algorithm_type="MANUAL", algorithm_name=None)
    for table, (_, *measured) in USUAL.items():
        golden.row(table, IN_PART).update(dict.fromkeys(measured))
    for table, numbers in MEASURED.items():
        row = golden.row(table, OTHERWISE)
        row |= {name: 1.5 * row[name] for name in numbers}


def add_study(golden: Golden, patient: int) -> tuple[Row, Row]:
    """A second study of a patient, half a year later, with one series; the rows of both, to be changed."""
    first, series = golden.row("image_study", patient), golden.row("image_series", patient)
    day = first["study_acquisition_date"] + timedelta(days=180)
    study = first | {
        "study_uid": f"{first['study_uid']}.2", "ImagingTimepoint": 2, "study_number_of_series": 1,
        "study_number_of_instances": PER_SERIES, "study_acquisition_date": day,
        "study_offset_from_diagnosis": first["study_offset_from_diagnosis"] + 180,
        "patient_age_at_study_years": first["patient_age_at_study_years"] + 0.5,
    }  # fmt: skip
    again = series | {
        "series_uid": f"{series['series_uid']}.2", "study_uid": study["study_uid"],
        "series_acquisition_date": day, "pixel_digest": f"{series['pixel_digest']}2",
    }  # fmt: skip
    golden.tables["image_study"].append(study)
    golden.tables["image_series"].append(again)
    golden.instances += list(_images(again, patient))
    return study, again


def _agree(golden: Golden, patient: int) -> None:
    """What rows of one patient say of each other."""
    person, series = golden.row("patient", patient), golden.row("image_series", patient)
    person |= {"patient_source": "both", "patient_birth_sex": FEMALE if patient % 2 else MALE}
    person |= {"patient_deceased": True, "patient_cause_of_death": CAUSE_OF_DEATH}
    study, segmentation = golden.row("image_study", patient), golden.row("segmentation_series", patient)
    series["pixel_digest"] = f"{patient:064x}"
    series["frame_of_reference_uid"] = segmentation["frame_of_reference_uid"] = f"2.25.9{patient}"
    diagnosed = golden.row("cancer_condition", patient)
    first = diagnosed["cancer_condition_asserted_date"]
    golden.row("episode", patient).update(
        episode_type_code="GEN1000008", episode_start_date=first,
        episode_end_date=first + timedelta(days=90),
        start_offset_from_diagnosis=0, start_offset_unit=DAYS,
    )  # fmt: skip
    day = first + timedelta(days=60)
    study |= {"study_acquisition_date": day, "study_offset_from_diagnosis": 60, "study_offset_unit": DAYS}
    golden.row("radiotherapy", patient).update(
        radiotherapy_start_date=day, radiotherapy_end_date=day + timedelta(days=3)
    )
    study["patient_age_at_study_years"] = diagnosed["cancer_condition_age_at_diagnosis"]
    series["series_acquisition_date"] = study["study_acquisition_date"]
    if patient < OF_ONE_SEX:
        code = "CLIN1003311" if patient % 2 else "CLIN1000075"  # ovary, prostate
        golden.row("cancer_condition", patient)["cancer_condition_code"] = code
    segmentation["referenced_series_uid"] = series["series_uid"]


def _headers(golden: Golden, patient: int) -> Iterator[Row]:
    series, segmentation = golden.row("image_series", patient), golden.row("segmentation_series", patient)
    images = list(_images(series, patient))
    yield from images
    contours = _shared(series, patient) | {
        "SOPInstanceUID": f"{series['series_uid']}.contours.0",
        "SeriesInstanceUID": f"{series['series_uid']}.contours", "Modality": "RTSTRUCT",
        "referenced_sop_instance_uids": [each["SOPInstanceUID"] for each in images],
    }  # fmt: skip
    yield contours
    for number in range(PER_SERIES):
        yield _shared(series, patient) | {
            "SOPInstanceUID": f"{segmentation['segmentation_series_uid']}.{number}",
            "SeriesInstanceUID": segmentation["segmentation_series_uid"], "Modality": "SEG", "Rows": 512,
            "referenced_sop_instance_uids": [each["SOPInstanceUID"] for each in [*images, contours]],
            "seg_missing": [],
        }  # fmt: skip


def _shared(series: Row, patient: int) -> Row:
    return {
        "StudyInstanceUID": series["study_uid"],
        "PatientID": series["patient_id"],
        "PatientSex": "F" if patient % 2 else "M",
        "PatientAge": "061Y",
        "FrameOfReferenceUID": series["frame_of_reference_uid"],
    }


def _images(series: Row, patient: int) -> Iterator[Row]:
    for number in range(PER_SERIES):
        yield _shared(series, patient) | {
            "SOPInstanceUID": f"{series['series_uid']}.{number}", "SeriesInstanceUID": series["series_uid"],
            "Modality": "CT", "Rows": 512, "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
            "PixelSpacing": [0.7, 0.7], "ImagePositionPatient": [0.0, 0.0, 2.0 * number],
            "ImageOrientationPatient": [1.0, 0.0, 0.0, 0.0, 1.0, 0.0],
            "referenced_sop_instance_uids": [],
        }  # fmt: skip
