"""Exact counts of what the tables hold: by hand on small tables, and by law on drawn ones."""

import itertools

from eucaim_pipelines.report.summaries_linkage import BINS, UNDATED
from eucaim_pipelines.report.summary import Group, Share, Summaries
from eucaim_pipelines_tests.report.tables import (
    CHEST,
    CT,
    MR,
    large,
    summaries,
    tables,
)

PEOPLE = [{"patient_id": f"p{n}", "dataset_id": "d", "patient_source": "both"} for n in range(3)]
STUDIES = [
    {"study_uid": "1", "patient_id": "p0", "ImagingTimepoint": 1, "study_offset_from_diagnosis": -40},
    {"study_uid": "2", "patient_id": "p0", "ImagingTimepoint": 2, "study_offset_from_diagnosis": 400},
    {"study_uid": "3", "patient_id": "p1", "ImagingTimepoint": 1, "study_offset_from_diagnosis": 0},
    {"study_uid": "4", "patient_id": "p2", "ImagingTimepoint": 1},
]
SERIES = [
    {
        "series_uid": "11",
        "study_uid": "1",
        "patient_id": "p0",
        "series_modality": CT,
        "series_body_site": CHEST,
    },
    {"series_uid": "12", "study_uid": "1", "patient_id": "p0", "series_modality": CT},
    {
        "series_uid": "21",
        "study_uid": "2",
        "patient_id": "p0",
        "series_modality": MR,
        "series_body_site": CHEST,
    },
    {
        "series_uid": "31",
        "study_uid": "3",
        "patient_id": "p1",
        "series_modality": CT,
        "series_body_site": CHEST,
    },
    {"series_uid": "41", "study_uid": "4", "patient_id": "p2"},
]


def small(**more: list[dict[str, object]]):
    return summaries(tables(patient=PEOPLE, image_study=STUDIES, image_series=SERIES, **more))


def shares(found, table: str, field: str) -> list[Share | None]:
    (one,) = (v.shares for v in found.completeness.variables if (v.table, v.field) == (table, field))
    return list(one)


def test_series_are_counted_with_their_patients_under_the_label_of_their_code() -> None:
    imaging = small().imaging
    assert imaging.series == Group("series", 5, 3)
    assert list(imaging.modalities) == [
        Group("Computed tomography", 3, 2), Group("", 1, 1), Group("Magnetic resonance imaging", 1, 1),
    ]  # fmt: skip
    assert Group("Chest", 3, 2) in imaging.body_parts and Group("", 2, 2) in imaging.body_parts


def test_completeness_of_images_counts_series_at_their_timepoint() -> None:
    found = small()
    assert list(found.completeness.columns) == ["All", "1", "2"]
    assert shares(found, "image_series", "series_body_site") == [
        Share("All", 5, 3, 3, 2), Share("1", 4, 2, 3, 2), Share("2", 1, 1, 1, 0),
    ]  # fmt: skip


def test_completeness_of_clinical_tables_counts_patients_seen_at_a_timepoint() -> None:
    conditions = [
        {"cancer_condition_id": "a", "patient_id": "p0", "cancer_condition_code": "CLIN1000065"},
        {"cancer_condition_id": "b", "patient_id": "p0"},
        {"cancer_condition_id": "c", "patient_id": "p1"},
    ]
    assert shares(small(cancer_condition=conditions), "cancer_condition", "cancer_condition_code") == [
        Share("All", 2, 1, 2, 1), Share("1", 2, 1, 2, 1), Share("2", 1, 1, 1, 0),
    ]  # fmt: skip


def test_late_timepoints_are_one_column() -> None:
    studies = [{"study_uid": f"{n}", "patient_id": "p0", "ImagingTimepoint": n} for n in (1, 5, 6, 7, 40)]
    found = summaries(tables(patient=PEOPLE, image_study=studies))
    assert list(found.completeness.columns) == ["All", "1", "5", "6 and later"]


def test_the_time_line_holds_every_study_once_and_says_what_has_no_day() -> None:
    bins = {each.name: each for each in small().linkage.timeline}
    assert bins["31 to 90 days before"].studies == Group("studies", 1, 1)
    assert bins["day of diagnosis"].studies == Group("studies", 1, 1)
    assert bins["1 to 2 years after"].studies == Group("studies", 1, 1)
    assert bins[UNDATED].studies == Group("studies", 1, 1)
    assert sum(each.studies.entries for each in bins.values()) == len(STUDIES)


def test_a_treatment_starts_when_it_says_or_when_what_was_done_in_it_did() -> None:
    found = small(
        treatment=[
            {"treatment_id": "a", "patient_id": "p0", "treatment_offset_from_diagnosis": 20},
            {"treatment_id": "b", "patient_id": "p1"},
            {"treatment_id": "c", "patient_id": "p2"},
        ],
        radiotherapy=[
            {"radiotherapy_id": "x", "treatment_id": "b", "patient_id": "p1",
             "radiotherapy_offset_from_diagnosis": n} for n in (100, 95)
        ],
    )  # fmt: skip
    bins = {each.name: each.treatments.entries for each in found.linkage.timeline}
    assert {name: n for name, n in bins.items() if n} == {
        "1 to 30 days after": 1, "91 to 180 days after": 1, UNDATED: 1,
    }  # fmt: skip


def test_every_day_belongs_to_one_bin() -> None:
    days = range(-800, 2200)
    studies = [
        {"study_uid": f"{day}", "patient_id": "p0", "study_offset_from_diagnosis": day} for day in days
    ]
    found = summaries(tables(patient=PEOPLE, image_study=studies)).linkage.timeline
    edges = [-801, *(last for _, last in BINS if last is not None), days[-1]]
    widths = [later - before for before, later in itertools.pairwise(edges)]
    assert [(each.name, each.studies.entries) for each in found] == [
        (name, width) for (name, _), width in zip(BINS, widths, strict=True)
    ]


def test_people_are_where_they_are_known_from() -> None:
    sources = ("both", "images", "images", "table")
    people = [
        {"patient_id": f"p{n}", "dataset_id": "d", "patient_source": source}
        for n, source in enumerate(sources)
    ]
    linkage = summaries(tables(patient=people)).linkage
    assert (linkage.both, linkage.images_only, linkage.table_only) == (1, 2, 1)


def test_partitions_of_drawn_tables_add_up() -> None:
    found = large()
    for groups in (found.imaging.modalities, found.imaging.body_parts, found.imaging.manufacturers):
        assert sum(each.entries for each in groups) == found.imaging.series.entries == 2000
    for variable in found.completeness.variables:
        whole, *parts = variable.shares
        assert whole is not None and 0 <= whole.given <= whole.base
        if variable.unit in ("series", "studies"):
            assert sum(part.base for part in parts if part) <= whole.base
        assert all(part.without <= part.people <= whole.people for part in parts if part)


def test_no_release_is_too_empty_to_be_summarised() -> None:
    found = summaries(tables())
    assert found.imaging.series == Group("series", 0, 0)
    assert found.linkage.timeline == []


def parameters(values: dict[str, list[float]], patients: int = 3) -> Summaries:
    """Series with a slice thickness (mm) each, by modality, of so many patients in turn."""
    rows = [
        {"series_uid": f"{name}.{n}", "study_uid": "1", "patient_id": f"p{n % patients}", "modality": name,
         "slice_thickness_mm": float(value)}
        for name, some in values.items() for n, value in enumerate(some)
    ]  # fmt: skip
    return summaries(tables(patient=PEOPLE, image_series=rows))


def test_a_parameter_is_told_by_modality_with_its_middle_half() -> None:
    found = parameters({"CT": [1, 2, 3, 4, 5, 6, 7, 8], "MR": [3]}).imaging.parameters
    ct, mr = (each for each in found if each.name == "slice thickness")
    assert (ct.modality, ct.series, ct.patients, ct.values) == ("CT", 8, 3, (1, 2, 4, 6, 8))
    assert (ct.below, ct.above) == (2, 3)
    assert (mr.modality, mr.series, mr.values) == ("MR", 1, (3,) * 5)


def test_an_outlier_lies_far_from_the_middle_half_and_equal_values_do_not_make_the_others_outliers() -> None:
    def outliers(*values: float) -> int:
        (one,) = (
            p for p in parameters({"CT": list(values)}).imaging.parameters if p.name == "slice thickness"
        )
        return one.outliers.entries

    assert outliers(1, 2, 3, 4, 5, 6, 7, 8) == 0
    assert outliers(1, 2, 3, 4, 5, 6, 7, 30) == 1
    assert outliers(*[5.0] * 9, 5.5) == 0, "within a third of the median"
    assert outliers(*[5.0] * 9, 50.0) == 1
