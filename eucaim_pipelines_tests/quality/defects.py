"""One small function per kind of defect, each planted in a patient of the golden dataset of its own.

What must fire beside the check a defect is made for, because it follows from it, is named in `IMPLIED`.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

from eucaim_pipelines.contracts.rules import BETWEEN, IN_SET, NOT_NULL, TOGETHER, Rule
from eucaim_pipelines_tests.quality.golden import CONTRACTS, FEMALE, MALE, Golden, Row, add_study

SPARE = 9
"""A patient without a defect, who takes what is of no use to another one."""
Plant = Callable[[Golden, int], str]
"""Changes rows of one patient; gives the pointer to the entry that is then at fault."""


def key(table: str, row: Row) -> str:
    """How results point to a row."""
    return " ".join(str(row[name]) for name in CONTRACTS[table].primary_key)


def absent(patient: int) -> str:
    """A key that no row has."""
    return f"absent-{patient}"


def cell(table: str, field: str, value: Any) -> Plant:
    """Another value in one cell; what stands beside it is filled."""

    def plant(golden: Golden, patient: int) -> str:
        row = golden.row(table, patient)
        fill_beside(row, table, field)
        row[field] = value
        return key(table, row)

    return plant


def fill_beside(row: Row, table: str, field: str) -> None:
    """Value and unit of one quantity, where they are empty; a date that the days would follow is emptied."""
    fields = CONTRACTS[table].fields
    unit = fields[field] if fields[field].unit_of else next(
        (each for each in fields.values() if each.unit_of == field), None)  # fmt: skip
    value = fields[str(unit.unit_of)] if unit else fields[field]
    if unit:
        row |= {unit.name: unit.unit_code, value.name: row[value.name] or 1}
    if value.offset_of and fields[value.offset_of].nullable:
        row[value.offset_of] = None


def dangling(table: str, field: str) -> Plant:
    """A reference to nothing."""

    def plant(golden: Golden, patient: int) -> str:
        golden.row(table, patient)[field] = absent(patient)
        return key(table, golden.row(table, patient))

    return plant


def early(table: str, field: str) -> Plant:
    """A day before the diagnosis, by date and by number."""

    def plant(golden: Golden, patient: int) -> str:
        row = golden.row(table, patient)
        diagnosed = golden.row("cancer_condition", patient)["cancer_condition_asserted_date"]
        fill_beside(row, table, field)
        row |= {field: -1, str(CONTRACTS[table].fields[field].offset_of): diagnosed - timedelta(days=1)}
        return key(table, row)

    return plant


def shifted(table: str, field: str, to: str, days: int) -> Plant:
    """A date so many days after another one of the same row."""

    def plant(golden: Golden, patient: int) -> str:
        row = golden.row(table, patient)
        row[to] = row[to] or golden.row("cancer_condition", patient)["cancer_condition_asserted_date"]
        row[field] = row[to] + timedelta(days=days)
        return key(table, row)

    return plant


def again(table: str) -> Plant:
    """A row twice, under one key."""

    def plant(golden: Golden, patient: int) -> str:
        golden.tables[table].append(dict(golden.row(table, patient)))
        return key(table, golden.row(table, patient))

    return plant


def same_content(table: str) -> Plant:
    """A row twice, under two keys."""

    def plant(golden: Golden, patient: int) -> str:
        row = golden.row(table, patient)
        (name,) = CONTRACTS[table].primary_key
        golden.tables[table].append(row | {name: f"{row[name]}-again"})
        return key(table, row)

    return plant


def derived(rule: Rule) -> Plant | None:
    """The defect that a rule is made for that follows from a contract; None for a declared one."""
    field = str(rule.field)
    if rule.id.endswith(".key.unique"):
        return again(rule.table)
    if rule.id.endswith(".rows.distinct"):
        return same_content(rule.table)
    if rule.name == "agrees_with_date":
        return lambda golden, patient: days_off(golden, patient, rule.table, field)
    if rule.name == "resolves":
        return dangling(rule.table, field)
    if rule.name == "not_before_diagnosis":
        return early(rule.table, field)
    if rule.expectation == NOT_NULL and rule.query is None:
        return cell(rule.table, field, None)
    if rule.name == "complete":
        return untold(rule.table, field)
    if rule.expectation == IN_SET and rule.query is None:
        return cell(rule.table, rule.columns[0], not_among(rule))
    if rule.expectation == TOGETHER:
        return cell(rule.table, rule.columns[1], None)
    if rule.expectation == BETWEEN and rule.query is None and rule.columns[0] in CONTRACTS[rule.table].fields:
        return cell(rule.table, rule.columns[0], beyond(rule))
    return None


def not_among(rule: Rule) -> Any:
    """A value that a set lacks."""
    values = rule.kwargs.get("value_set", ["code"])
    if isinstance(values[0], bool):
        return not values[0]
    return "images" if "table" in values else "table" if "images" in values else "CLIN9"


def beyond(rule: Rule) -> float:
    """A number just out of a range."""
    if "max_value" in rule.kwargs:
        return rule.kwargs["max_value"] + 1
    return rule.kwargs["min_value"] - 1


def days_off(golden: Golden, patient: int, table: str, field: str) -> str:
    row = golden.row(table, patient)
    date = CONTRACTS[table].fields[field].offset_of
    diagnosed = golden.row("cancer_condition", patient)["cancer_condition_asserted_date"]
    row[str(date)] = row[str(date)] or diagnosed + timedelta(days=200)
    row[field] = (row[str(date)] - diagnosed).days + 32
    if unit := next((f for f in CONTRACTS[table].fields.values() if f.unit_of == field), None):
        row[unit.name] = unit.unit_code
    if table == "treatment":  # an event without a day comes neither before it nor after it
        days = ("adverse_event_date", "adverse_event_offset_from_diagnosis", "adverse_event_offset_unit")
        golden.row("adverse_event", patient).update(dict.fromkeys(days))
    return key(table, row)


def untold(table: str, date: str) -> Plant:
    """Neither the date nor the days that may stand for it."""
    days = CONTRACTS[table].offsets[date]
    units = [name for name, each in CONTRACTS[table].fields.items() if each.unit_of == days]

    def plant(golden: Golden, patient: int) -> str:
        row = golden.row(table, patient)
        row |= dict.fromkeys((date, days, *units))
        return key(table, row)

    return plant


def images_only(golden: Golden, patient: int) -> str:
    """Known from images alone; that their population is unknown is then no finding of its own."""
    person = golden.row("patient", patient)
    person |= {"patient_source": "images", "patient_birth_sex": None, "patient_diagnostic_category": None}
    return key("patient", person)


def two_sexes(golden: Golden, patient: int) -> str:
    images = golden.images(patient)
    images[0]["PatientSex"] = "M" if images[0]["PatientSex"] == "F" else "F"
    return str(images[0]["PatientID"])


def other_sex(golden: Golden, patient: int) -> str:
    person = golden.row("patient", patient)
    person["patient_birth_sex"] = FEMALE if person["patient_birth_sex"] == MALE else MALE
    return key("patient", person)


def organ_of_the_other_sex(golden: Golden, patient: int) -> str:
    male = golden.row("patient", patient)["patient_birth_sex"] == MALE
    condition = golden.row("cancer_condition", patient)
    condition["cancer_condition_code"] = "CLIN1003317" if male else "CLIN1000179"
    return key("cancer_condition", condition)


def seen_after_last_contact(golden: Golden, patient: int) -> str:
    person = golden.row("patient", patient)
    rows = [rows[patient] for name, rows in golden.tables.items() if "patient_id" in CONTRACTS[name].fields]
    days = [value for row in rows for name, value in row.items()
            if hasattr(value, "isoformat") and "end" not in name and "contact" not in name]  # fmt: skip
    person["patient_date_of_last_contact"] = max(days) - timedelta(days=1)
    return key("patient", person)


def without_diagnosis(golden: Golden, patient: int) -> str:
    """Their diagnosis became the second one of another patient."""
    other = golden.row("cancer_condition", SPARE)
    golden.row("cancer_condition", patient).update(
        patient_id=other["patient_id"],
        cancer_condition_asserted_date=other["cancer_condition_asserted_date"] + timedelta(days=1),
        cancer_condition_age_at_diagnosis=other["cancer_condition_age_at_diagnosis"],
    )
    return key("patient", golden.row("patient", patient))


def event_before_treatment(golden: Golden, patient: int) -> str:
    event = golden.row("adverse_event", patient)
    treatment = next(
        row for row in golden.tables["treatment"] if row["treatment_id"] == event["treatment_id"]
    )
    day = treatment["treatment_start_date"] - timedelta(days=1)
    diagnosed = golden.row("cancer_condition", patient)["cancer_condition_asserted_date"]
    event |= {
        "adverse_event_date": day, "adverse_event_offset_from_diagnosis": (day - diagnosed).days,
        "adverse_event_offset_unit": "COM1000153",
    }  # fmt: skip
    return key("adverse_event", event)


def outlier(table: str, field: str, times: float) -> Plant:
    def plant(golden: Golden, patient: int) -> str:
        row = golden.row(table, patient)
        row[field] *= times
        return key(table, row)

    return plant


def without_series(golden: Golden, patient: int) -> str:
    study, series = add_study(golden, patient)
    golden.tables["image_series"].remove(series)
    golden.instances[-2:] = [each | {"Rows": None} for each in golden.instances[-2:]]
    return key("image_study", study)


def of_two_patients(golden: Golden, patient: int) -> str:
    """The study stands under a second patient too, with all that is counted of it."""
    study, image = golden.row("image_study", patient), golden.images(patient)[0]
    other, seen = golden.row("patient", SPARE)["patient_id"], golden.images(SPARE)[0]
    golden.tables["image_study"].append(
        golden.row("image_study", SPARE) | {
            "study_uid": study["study_uid"], "ImagingTimepoint": 9, "study_number_of_series": 1,
            "study_number_of_instances": 1}
    )  # fmt: skip
    golden.instances.append(
        image | {"PatientID": other, "PatientSex": seen["PatientSex"], "SOPInstanceUID": "2.25.408"}
    )
    return str(study["study_uid"])


def counted_wrong(table: str, field: str) -> Plant:
    def plant(golden: Golden, patient: int) -> str:
        row = golden.row(table, patient)
        row[field] += 1
        return key(table, row)

    return plant


def two_ages(golden: Golden, patient: int) -> str:
    golden.images(patient)[0]["PatientAge"] = "071Y"
    return key("image_study", golden.row("image_study", patient))


def another_age(golden: Golden, patient: int) -> str:
    study = golden.row("image_study", patient)
    study["patient_age_at_study_years"] += 3
    return key("image_study", study)


def timepoint_twice(golden: Golden, patient: int) -> str:
    study, _ = add_study(golden, patient)
    study["ImagingTimepoint"] = 1
    return f"{study['patient_id']} 1"


def timepoints_turned(golden: Golden, patient: int) -> str:
    study, _ = add_study(golden, patient)
    first = golden.row("image_study", patient)
    study["ImagingTimepoint"], first["ImagingTimepoint"] = 1, 2
    return key("image_study", first)


def reference_to_nothing(golden: Golden, patient: int) -> str:
    header = golden.segmentation(patient)
    header["referenced_sop_instance_uids"] = [*header["referenced_sop_instance_uids"], "2.25.404"]
    return str(header["SOPInstanceUID"])


def contours(golden: Golden, patient: int) -> dict[str, Any]:
    """The header of the structure set of a patient."""
    series = golden.row("image_series", patient)["series_uid"]
    return next(each for each in golden.instances if each["SeriesInstanceUID"] == f"{series}.contours")


def structure_set(golden: Golden, patient: int) -> str:
    """No segmentation was made from the structure set."""
    source = contours(golden, patient)
    for each in golden.instances:
        named = each["referenced_sop_instance_uids"]
        each["referenced_sop_instance_uids"] = [uid for uid in named if uid != source["SOPInstanceUID"]]
    return str(source["SeriesInstanceUID"])


def not_convertible(problem: str) -> Plant:
    """Something kept the structure set from being converted."""

    def plant(golden: Golden, patient: int) -> str:
        source = contours(golden, patient)
        golden.annotation(patient)["problems"] = [problem]
        return str(source["SeriesInstanceUID"])

    return plant


def series_in_two_studies(golden: Golden, patient: int) -> str:
    images = golden.images(patient)
    other = next(each for each in golden.instances if each["PatientID"] == images[0]["PatientID"])
    images[1]["StudyInstanceUID"] = f"{other['StudyInstanceUID']}.elsewhere"
    return str(images[1]["SeriesInstanceUID"])


def series_without_instances(golden: Golden, patient: int) -> str:
    row = golden.row("image_series", patient)
    golden.tables["image_series"].append(row | {"series_uid": "2.25.405", "pixel_digest": None})
    return f"2.25.405 {row['study_uid']}"


def instance_without_series(golden: Golden, patient: int) -> str:
    image = golden.images(patient)[0]
    lost = image | {"SOPInstanceUID": f"{image['SOPInstanceUID']}.lost", "SeriesInstanceUID": "2.25.406",
                    "StudyInstanceUID": "2.25.407"}  # fmt: skip
    golden.instances.append(lost)
    return str(lost["SOPInstanceUID"])


def instance_twice(golden: Golden, patient: int) -> str:
    image = golden.images(patient)[0]
    golden.instances.append(dict(image))
    return str(image["SOPInstanceUID"])


def same_pixels(golden: Golden, patient: int) -> str:
    _, series = add_study(golden, patient)
    first = golden.row("image_series", patient)
    series["pixel_digest"] = first["pixel_digest"]
    return str(min(series["series_uid"], first["series_uid"]))


def near_duplicate(golden: Golden, patient: int) -> str:
    """A series of another study nearly shows the same as the first one."""
    _, series = add_study(golden, patient)
    first = golden.row("image_series", patient)
    for row in (first, series):
        row["near_duplicate_group"] = patient
    return " ".join(sorted((str(first["series_uid"]), str(series["series_uid"]))))


def nearly_the_same(golden: Golden, patient: int) -> str:
    first, image = golden.row("image_series", patient), golden.images(patient)
    uid = f"{first['series_uid']}.near"
    golden.tables["image_series"].append(first | {"series_uid": uid, "pixel_digest": f"{patient:063x}-"})
    golden.instances += [
        each | {"SeriesInstanceUID": uid, "SOPInstanceUID": f"{each['SOPInstanceUID']}.near"}
        for each in image
    ]
    study = golden.row("image_study", patient)
    study["study_number_of_series"] += 1
    study["study_number_of_instances"] += len(image)
    return str(first["series_uid"])


def missing_slice(golden: Golden, patient: int) -> str:
    """Where slices are missing there is a gap, which is then no finding of its own."""
    golden.row("image_series", patient).update(missing_slices=1, slice_gaps=1)
    return series_of(golden, patient)


def turned(golden: Golden, patient: int) -> str:
    golden.images(patient)[0]["ImageOrientationPatient"] = [1.0, 0.0, 0.0, 0.0, 0.0, -1.0]
    return series_of(golden, patient)


def two_pixel_sizes(golden: Golden, patient: int) -> str:
    golden.images(patient)[0]["PixelSpacing"] = [0.9, 0.9]
    return series_of(golden, patient)


def series_of(golden: Golden, patient: int) -> str:
    return key("image_series", golden.row("image_series", patient))


def lacks(kind: str) -> Plant:
    """A segmentation without an attribute of this type."""

    def plant(golden: Golden, patient: int) -> str:
        header = golden.segmentation(patient)
        header["seg_missing"] = [{"attribute": "SegmentLabel", "type": kind}]
        return str(header["SOPInstanceUID"])

    return plant


def segmentation_of_another(golden: Golden, patient: int) -> str:
    row, other = golden.row("segmentation_series", patient), golden.row("image_series", 0)
    row |= {
        "referenced_series_uid": other["series_uid"],
        "frame_of_reference_uid": other["frame_of_reference_uid"],
    }
    return key("segmentation_series", row)


def event_of_nothing(golden: Golden, patient: int) -> str:
    row = golden.row("episode_event", patient)
    row["event_table_id"] = absent(patient)
    return key("episode_event", row)


CELLS: tuple[str, ...] = (
    "episode.episode_number.in_range",
    *(
        f"image_series.{field}.in_range"
        for field in (
            *("series_number_of_frames", "pixel_spacing_mm", "slice_thickness_mm", "slice_spacing_mm"),
            *(
                "echo_time_ms",
                "repetition_time_ms",
                "inversion_time_ms",
                "flip_angle_degrees",
                "exposure_mas",
            ),
            *("magnetic_field_strength_tesla", "tube_voltage_kv", "tube_current_ma"),
        )
    ),
    "image_series.no_repeated_positions",
    "image_study.ImagingTimepoint.in_range",
    "image_study.study_number_of_series.in_range",
    "image_study.not_long_before_diagnosis",
    "lab_test_result.lab_test_value_unit.given",
    "medication_administration.medication_dose_unit.given",
    "medication_administration.medication_effective_period.in_range",
    "medication_administration.medication_number_of_sessions.in_range",
    "medication_administration.medication_total_dose.in_range",
    "medication_administration.start_offset_from_diagnosis.not_before_diagnosis",
    "patient.in_images",
    "patient.patient_birth_sex.complete",
    "patient.patient_diagnostic_category.complete",
    "radiotherapy.radiotherapy_fractions_delivered.in_range",
    "radiotherapy.radiotherapy_number_of_sessions.in_range",
    "radiotherapy.radiotherapy_offset_from_diagnosis.not_before_diagnosis",
    "segment.algorithm_name.complete",
    "segmentation_series.number_of_segments.in_range",
    "segmentation_series.references_resolved.resolved",
    "surgical_procedure.surgical_procedure_offset_from_diagnosis.not_before_diagnosis",
    "treatment.treatment_offset_from_diagnosis.not_before_diagnosis",
    "tumor.tumor_volume.in_range",
    "tumor_marker_test.tumor_marker_test_value_unit.given",
)
"""Declared rules about one cell: the defect follows from what they expect of it."""

DECLARED: dict[str, Plant] = {
    "patient.in_clinical_tables": images_only,
    "image_series.no_missing_slices": missing_slice,
    "patient.has_diagnosis": without_diagnosis,
    "patient.one_sex_in_images": two_sexes,
    "patient.sex_agrees_with_images": other_sex,
    "patient.nothing_after_last_contact": seen_after_last_contact,
    "patient.cause_of_death_of_the_deceased": cell("patient", "patient_deceased", False),
    "cancer_condition.fits_the_sex": organ_of_the_other_sex,
    "adverse_event.not_before_treatment": event_before_treatment,
    "episode.ends_after_it_begins": shifted("episode", "episode_end_date", "episode_start_date", -1),
    "radiotherapy.ends_after_it_begins": shifted(
        "radiotherapy", "radiotherapy_end_date", "radiotherapy_start_date", -1
    ),
    "medication_administration.ends_after_it_begins": shifted(
        "medication_administration", "medication_end_date", "medication_start_date", -1
    ),
    "episode_event.event_exists": event_of_nothing,
    "radiotherapy.radiotherapy_total_dose.usual": outlier("radiotherapy", "radiotherapy_total_dose", 0.01),
    "image_study.has_series": without_series,
    "image_study.of_one_patient": of_two_patients,
    "image_study.number_of_series_agrees": counted_wrong("image_study", "study_number_of_series"),
    "image_study.number_of_instances_agrees": counted_wrong("image_study", "study_number_of_instances"),
    "image_study.one_age_in_images": two_ages,
    "image_study.age_agrees_with_diagnosis": another_age,
    "image_study.timepoints_once": timepoint_twice,
    "image_study.timepoints_in_order": timepoints_turned,
    "image_study.references_present": reference_to_nothing,
    "image_study.annotations_are_segmentations": structure_set,
    "image_series.in_one_study": series_in_two_studies,
    "image_series.has_instances": series_without_instances,
    "image_series.instances_in_series": instance_without_series,
    "image_series.instances_once": instance_twice,
    "image_series.number_of_instances_agrees": counted_wrong("image_series", "series_number_of_instances"),
    "image_series.same_pixels_once": same_pixels,
    "image_series.near_duplicates_once": near_duplicate,
    "image_series.nearly_the_same_once": nearly_the_same,
    "image_series.no_gaps": cell("image_series", "slice_gaps", 1),
    "image_series.one_orientation": turned,
    "image_series.one_spacing": two_pixel_sizes,
    "image_series.date_agrees_with_study": shifted(
        "image_series", "series_acquisition_date", "series_acquisition_date", 32
    ),
    "segmentation_series.required_attributes": lacks("1C"),
    "segmentation_series.expected_attributes": lacks("2"),
    "segmentation_series.optional_attributes": lacks("3"),
    "segmentation_series.annotated_images": not_convertible("IMAGES_MISSING"),
    "segmentation_series.contours_closed": not_convertible("NOT_CLOSED"),
    "segmentation_series.contours_do_not_cross": not_convertible("CROSSING"),
    "segmentation_series.contours_on_images": not_convertible("NO_COMMON_GRID"),
    "segmentation_series.contours_readable": not_convertible("NOTHING_DRAWN"),
    "segmentation_series.small_enough_to_convert": not_convertible("TOO_LARGE"),
    "segmentation_series.regions_say_how_made": not_convertible("NO_ALGORITHM"),
    "segmentation_series.label_maps_on_grid": not_convertible("OTHER_GRID"),
    "segmentation_series.label_maps_described": not_convertible("NOT_DESCRIBED"),
    "segmentation_series.same_frame_of_reference": cell(
        "segmentation_series", "frame_of_reference_uid", "2.25.7"
    ),
    "segmentation_series.same_patient": segmentation_of_another,
    "segmentation_series.number_of_segments_agrees": counted_wrong(
        "segmentation_series", "number_of_segments"
    ),
    **{
        f"{table}.{field}.usual": outlier(table, field, 1e-6)
        for table, field in (
            ("lab_test_result", "lab_test_value_as_number"),
            ("tumor_marker_test", "tumor_marker_test_value_as_number"),
            ("medication_administration", "medication_total_dose"),
        )
    },
    **{
        f"image_series.{field}.usual": outlier("image_series", field, 0.01)
        for field in (
            *("pixel_spacing_mm", "slice_thickness_mm", "slice_spacing_mm", "echo_time_ms", "exposure_mas"),
            *("repetition_time_ms", "tube_voltage_kv", "tube_current_ma"),
        )
    },
}
"""Rule to its defect, where the defect does not follow from what the rule expects of one cell."""

IMPLIED: dict[str, tuple[str, ...]] = {
    "cancer_condition.cancer_condition_age_at_diagnosis.complete": (
        "cancer_condition.cancer_condition_age_unit.beside_value",),
    "cancer_condition.patient_id.resolves": ("patient.has_diagnosis",),
    "medical_history.medical_history_code.complete": (
        "medical_history.medical_history_category.beside_code",),
    "procedure.procedure_code.complete": ("procedure.procedure_category.beside_code",),
    "tumor_marker_test.tumor_marker_test_code.complete": (
        "tumor_marker_test.tumor_marker_test_category.beside_code",),
    "image_study.key.unique": ("image_study.timepoints_once",),
    "image_study.patient_id.resolves": (
        "image_study.number_of_instances_agrees", "image_study.number_of_series_agrees"),
    "image_study.study_number_of_series.in_range": ("image_study.number_of_series_agrees",),
    "image_study.not_long_before_diagnosis": ("image_study.age_agrees_with_diagnosis",),
    "image_series.study_uid.resolves": ("image_series.has_instances", "image_study.has_series"),
    "image_series.patient_id.resolves": ("segmentation_series.same_patient",),
    "image_series.in_one_study": (
        "image_series.number_of_instances_agrees", "image_study.number_of_instances_agrees"),
    "image_series.instances_once": (
        "image_series.number_of_instances_agrees", "image_study.number_of_instances_agrees"),
    "image_series.tube_voltage_kv.usual": ("image_series.tube_voltage_kv.in_range",),
    **{f"image_series.{field}.in_range": (f"image_series.{field}.usual",) for field in (
        *("pixel_spacing_mm", "slice_thickness_mm", "slice_spacing_mm", "echo_time_ms", "exposure_mas"),
        *("repetition_time_ms", "tube_current_ma"))},
    "segment.key.unique": ("segmentation_series.number_of_segments_agrees",),
    "segment.segmentation_series_uid.resolves": ("segmentation_series.number_of_segments_agrees",),
    "segmentation_series.number_of_segments.in_range": ("segmentation_series.number_of_segments_agrees",),
    "segmentation_series.patient_id.resolves": ("segmentation_series.same_patient",),
    **{f"{name}.key.unique": (f"{name}.rows.distinct",) for name, contract in CONTRACTS.items()
       if contract.filled_from == "records"},
}  # fmt: skip
"""Rule to the others that fire at its defect too, because what they say follows from it."""


def defects(rules: list[Rule]) -> Iterator[tuple[str, Plant]]:
    """Every rule that has a defect, with it."""
    for rule in rules:
        plant = DECLARED.get(rule.id) or derived(rule)
        if plant is not None:
            yield rule.id, plant
