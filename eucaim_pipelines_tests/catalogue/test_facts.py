"""Facts of the catalogue obey disclosure control."""

from typing import Any

import pyarrow as pa

from eucaim_pipelines.catalogue.facts import TABLES, CatalogueFacts, collect
from eucaim_pipelines.contracts import vocabularies
from eucaim_pipelines.contracts.tables import load_tables
from eucaim_pipelines.quality import disclosure

CONTRACTS = load_tables()


def facts(sexes: list[str], makers: list[str], **more: Any) -> CatalogueFacts:
    people = [f"EUCAIM-{i:04}" for i in range(len(sexes))]
    patient = [
        {"patient_id": p, "dataset_id": "d", "patient_source": "both", "patient_birth_sex": sex}
        for p, sex in zip(people, sexes, strict=True)
    ]
    study = [
        {"study_uid": f"1.{i}", "patient_id": p, "patient_age_at_study_years": 40.0 + i}
        for i, p in enumerate(people)
    ]
    series = [
        {"series_uid": f"2.{i}", "study_uid": f"1.{i}", "patient_id": p, "series_modality": "IMG1000042",
         "series_manufacturer_name": maker, "series_body_site": None}
        for i, (p, maker) in enumerate(zip(people, makers, strict=True))
    ]  # fmt: skip
    tables = {"patient": patient, "image_study": study, "image_series": series}
    made = {n: pa.Table.from_pylist(rows, schema=CONTRACTS[n].schema) for n, rows in tables.items()}
    return collect(made | {name: more.pop(name) for name in TABLES if name in more}, **more)


def test_small_categories_are_pooled_or_dropped() -> None:
    sexes = ["COM1001366"] * 25 + ["COM1001370"] * 5
    makers = ["IMG1000044"] * 18 + ["IMG1000046"] * 6 + ["IMG1000047"] * 6
    assert facts(sexes, makers).manufacturers == ("IMG1000044",)
    found = facts(sexes, makers, pool_small=True)
    assert found.sexes == ("COM1001366",)
    root = vocabularies.load("manufacturer").root
    assert found.manufacturers == tuple(sorted(("IMG1000044", str(root))))
    assert (found.individuals, found.studies) == (30, 30)


def test_a_list_without_a_value_is_named() -> None:
    assert facts(["COM1001366"] * 12, ["IMG1000044"] * 12).empty_lists == ("image body part",)


def test_fewer_than_ten_people_give_no_numbers_and_no_values() -> None:
    few = facts(["COM1001366"] * 9, ["IMG1000044"] * 9)
    assert (few.individuals, few.studies, few.ages) == (None, None, None)
    assert len(few.empty_lists) == 4


def test_several_series_of_one_person_are_one_person() -> None:
    makers = ["IMG1000044"] * 9 + ["IMG1000046"] * 3
    assert "equipment manufacturer" in facts(["COM1001366"] * 12, makers).empty_lists
    found = facts(["COM1001366"] * 12, makers, pool_small=True)
    assert found.manufacturers == (vocabularies.load("manufacturer").root,)


def test_segmentations_need_ten_people() -> None:
    rows = [
        {"segmentation_series_uid": f"3.{i}", "study_uid": f"1.{i % 9}", "patient_id": f"EUCAIM-{i % 9:04}",
         "references_resolved": True, "segmentation_method": "COM1000003"}
        for i in range(20)
    ]  # fmt: skip
    schema = CONTRACTS["segmentation_series"].schema
    few = facts(
        ["COM1001366"] * 12,
        ["IMG1000044"] * 12,
        segmentation_series=pa.Table.from_pylist(rows, schema=schema),
        segment=CONTRACTS["segment"].empty(),
    )
    assert few.segmented_studies is None and few.segmentation_methods == ()


def test_segmented_studies_do_not_tell_how_few_have_no_segmentation() -> None:
    def segmented(count: int, studies: int) -> int | None:
        rows = [
            {"segmentation_series_uid": f"3.{i}", "study_uid": f"1.{i}", "patient_id": f"EUCAIM-{i:04}",
             "references_resolved": True, "segmentation_method": "COM1000003"}
            for i in range(count)
        ]  # fmt: skip
        table = pa.Table.from_pylist(rows, schema=CONTRACTS["segmentation_series"].schema)
        more = {"segmentation_series": table, "segment": CONTRACTS["segment"].empty()}
        found = facts(["COM1001366"] * studies, ["IMG1000044"] * studies, **more)
        return found.segmented_studies

    assert [segmented(count, 40) for count in (30, 31, 39, 40)] == [30, None, None, 40]
    assert segmented(11, 14) is None


def test_only_true_years_with_ten_patients_become_the_period() -> None:
    years = disclosure.released_years({2014: 2, 2015: 10})
    found = facts(["COM1001366"] * 12, ["IMG1000044"] * 12, years=years)
    assert found.years == (2015, 2015)
    assert facts(["COM1001366"] * 12, ["IMG1000044"] * 12).years is None
