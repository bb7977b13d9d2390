"""Figures of the record by SQL: what stands behind each, and a recount that sees every difference."""

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eucaim_pipelines.catalogue.facts import collect
from eucaim_pipelines.catalogue.figures import Recount, load_figures, rows_behind
from eucaim_pipelines.contracts.tables import load_tables

CONTRACTS = load_tables()
SEXES = ("COM1001366", "COM1001370")


def table(name: str, rows: list[dict]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=CONTRACTS[name].schema)


def cohort(ages: list[float], makers: list[str | None], segmented: int = 0) -> dict[str, pa.Table]:
    people = [f"EUCAIM-{i:04}" for i in range(len(ages))]
    rows = list(zip(people, ages, makers, strict=True))
    return {
        "patient": table("patient", [
            {"patient_id": p, "dataset_id": "d", "patient_source": "both", "patient_birth_sex": SEXES[i % 2]}
            for i, p in enumerate(people)]),
        "image_study": table("image_study", [
            {"study_uid": f"1.{i}", "patient_id": p, "patient_age_at_study_years": age}
            for i, (p, age, _) in enumerate(rows)]),
        "image_series": table("image_series", [
            {"series_uid": f"2.{i}", "study_uid": f"1.{i}", "patient_id": p, "series_modality": "IMG1000042",
             "series_manufacturer_name": maker, "series_body_site": "BP1000192",
             "pixel_spacing_mm": 0.5 + i / 7, "slice_spacing_mm": 2.0}
            for i, (p, _, maker) in enumerate(rows)]),
        "segmentation_series": table("segmentation_series", [
            {"segmentation_series_uid": f"3.{i}", "study_uid": f"1.{i}", "patient_id": p,
             "segmentation_method": "COM1000003"}
            for i, (p, _, _) in enumerate(rows[:segmented])]),
        "segment": table("segment", [
            {"segmentation_series_uid": f"3.{i}", "segment_number": 1, "label_code": "BP1000021"}
            for i in range(min(segmented, len(rows)))]),
    }  # fmt: skip


def told(tables: dict[str, pa.Table], pool_small: bool) -> dict[str, tuple[str, ...]]:
    """What the record would state, by the same names as a recount."""
    facts = collect(tables, pool_small=pool_small)
    ages = facts.ages or (None, None)
    stated = {
        "healthdcatap:numberOfUniqueIndividuals": [facts.individuals],
        "healthdcatap:numberOfRecords": [facts.studies],
        "eucaim:hasBirthSex": facts.sexes,
        "healthdcatap:minTypicalAge": [ages[0]],
        "healthdcatap:maxTypicalAge": [ages[1]],
        "eucaim:hasImageModality": facts.modalities,
        "eucaim:hasEquipmentManufacturer": facts.manufacturers,
        "eucaim:hasImageBodyPart": facts.body_parts,
        "dcat:spatialResolutionInMeters": [facts.finest_spacing],
        "eucaim:hasAnnotationLabel": facts.segment_labels,
        "eucaim:hasAlgorithmType": facts.segmentation_methods,
        "eucaim:nbrOfSegmentations": [facts.segmented_studies],
    }
    return {name: tuple(sorted(str(v) for v in values if v is not None)) for name, values in stated.items()}


@settings(max_examples=40)
@given(
    people=st.lists(
        st.tuples(st.floats(0, 110), st.sampled_from(["IMG1000044", "IMG1000045", "IMG1000046", None])),
        max_size=45,
    ),
    segmented=st.integers(0, 45),
    pool_small=st.booleans(),
)
def test_two_ways_of_counting_agree_on_any_cohort(people, segmented, pool_small) -> None:
    tables = cohort([age for age, _ in people], [maker for _, maker in people], segmented)
    recount = Recount(tables, CONTRACTS, pool_small)
    assert recount.expected() == told(tables, pool_small)


def test_every_figure_has_rows_that_lead_back() -> None:
    tables = cohort([50.0] * 12, ["IMG1000044"] * 12, 12)
    tables["cancer_condition"] = table("cancer_condition", [
        {"cancer_condition_id": "c", "patient_id": "EUCAIM-0001", "cancer_condition_code": "CLIN1000065"}
    ])  # fmt: skip
    for figure in load_figures().values():
        behind = rows_behind(figure, tables, CONTRACTS)
        assert {"value", "patient_id"} <= set(behind.column_names)
        assert behind.num_rows == {"stated": 1}.get(figure.rule, 13 if "est" in figure.name[-3:] and
                                                    figure.rule != "finest" else 12)  # fmt: skip


@pytest.mark.parametrize("people", [19, 20, 21, 29])
def test_a_person_more_or_less_mostly_leaves_the_stated_number_as_it_is(people: int) -> None:
    tables = cohort([50.0] * people, ["IMG1000044"] * people)
    (number,) = Recount(tables, CONTRACTS).expected()["healthdcatap:numberOfUniqueIndividuals"]
    assert number == str(people // 10 * 10)
