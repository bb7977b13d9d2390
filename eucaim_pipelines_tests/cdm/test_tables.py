"""Laws of the tables: they fit their contracts, do not depend on order, and refer to what exists."""

from datetime import date

import pyarrow as pa
import pytest

from eucaim_pipelines.cdm import build, depends_on
from eucaim_pipelines.contracts.sources import load_source
from eucaim_pipelines.contracts.tables import load_tables
from eucaim_pipelines_tests.cdm import examples

TABLES = load_tables()


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return examples.source(tmp_path_factory.mktemp("source"))


@pytest.fixture(scope="module")
def inputs(source):
    return examples.crossed(source)


@pytest.fixture(scope="module")
def built(inputs):
    return {name: build(name, inputs) for name in TABLES}


def rows(table):
    return table.to_pylist()


def test_every_contract_has_a_builder():
    for contract in TABLES.values():
        assert set(depends_on(contract)) <= {"instances", "clinical_records", "study_links"}


@pytest.mark.parametrize("name", TABLES)
def test_a_table_has_the_schema_of_its_contract(built, name, source):
    table = built[name]
    table.validate(full=True)
    assert table.schema.equals(TABLES[name].schema, check_metadata=True)
    mapped = {mapping.table for spec in source.clinical for mapping in spec.tables}
    assert (table.num_rows > 0) == (TABLES[name].filled_from != "records" or name in mapped)
    for field in TABLES[name].schema:
        assert field.nullable or table.column(field.name).null_count == 0


@pytest.mark.parametrize("name", TABLES)
def test_keys_are_unique_and_references_resolve(built, name):
    contract, table = TABLES[name], built[name]
    keys = [tuple(row[key] for key in contract.primary_key) for row in rows(table)]
    assert len(set(keys)) == len(keys)
    for relation in contract.relationships:
        known = set(built[relation.to_table].column(relation.to_field).to_pylist())
        assert set(table.column(relation.field).drop_null().to_pylist()) <= known


@pytest.mark.parametrize("name", ["image_study", "image_series", "procedure"])
def test_a_study_in_which_a_series_lacks_the_patient_id_keeps_its_keys_unique(source, name):
    found = [examples.instance(1, "P1", "S1", "R1"), examples.instance(1, None, "S1", "R2")]
    table = build(name, examples.crossed(source, examples.instances(found)))
    keys = [tuple(row[key] for key in TABLES[name].primary_key) for row in rows(table)]
    assert len(set(keys)) == len(keys)
    assert {"X-P1", "X-None"} <= {row["patient_id"] for row in rows(table)}


@pytest.mark.parametrize("name", TABLES)
def test_codes_are_of_their_value_sets(built, inputs, name):
    for field, vocabulary in TABLES[name].value_sets.items():
        values = set(built[name].column(field).drop_null().to_pylist())
        assert values <= inputs.vocabularies[vocabulary].codes


@pytest.mark.parametrize("name", TABLES)
def test_a_table_does_not_depend_on_the_order_of_its_inputs(source, built, name):
    inventory = examples.instances()
    backwards = inventory.take(pa.array(range(inventory.num_rows - 1, -1, -1)))
    assert build(name, examples.crossed(source, backwards)).equals(built[name])


@pytest.mark.parametrize("name", TABLES)
def test_nothing_in_gives_an_empty_table_out(source, name):
    empty = examples.crossed(source, examples.INSTANCES.empty_table())
    assert build(name, empty).schema.equals(TABLES[name].schema)


def test_people_of_images_and_tables(built):
    found = {row["patient_id"]: row for row in rows(built["patient"])}
    assert {key: row["patient_source"] for key, row in found.items()} == {
        "X-P1": "both", "X-P2": "both", "X-P3": "images", "X-P4": "table",
    }  # fmt: skip
    assert found["X-P3"]["patient_birth_sex"] == "COM1001370"  # DICOM says F; there is no row to say it
    assert found["X-P3"]["patient_diagnostic_category"] is None


def test_a_diagnosis_whose_local_code_is_not_mapped_stays_without_code(built):
    found = {row["patient_id"]: row for row in rows(built["cancer_condition"])}
    assert found["X-P2"]["cancer_condition_code"] is None
    assert found["X-P1"]["cancer_condition_code"] == "CLIN1000065"
    assert found["X-P1"]["cancer_condition_asserted_date"] == date(2020, 1, 10)
    assert found["X-P1"]["cancer_condition_age_unit"] == "COM1000151"


def test_procedures_are_of_images_and_of_records(built):
    found = [
        (
            row["patient_id"],
            row["procedure_code"],
            row["procedure_category"],
            row["procedure_offset_from_diagnosis"],
        )
        for row in rows(built["procedure"])
    ]
    assert found == [
        ("X-P1", "IMG1000026", "GEN1000023", 5),
        ("X-P1", "IMG1000026", "GEN1000023", 51),
        ("X-P2", "IMG1000026", "GEN1000023", -46),
        ("X-P3", "IMG1000026", "GEN1000023", None),
        ("X-P1", "CLIN1001712", "GEN1000021", -2),
    ]


def test_episodes_and_their_events(built):
    episodes = {row["episode_id"]: row for row in rows(built["episode"])}
    own = [row for row in episodes.values() if row["patient_id"] == "X-P1"]
    names = ("episode_type_code", "episode_number", "start_offset_from_diagnosis")
    assert [tuple(row[name] for name in names) for row in own] == [
        ("GEN1000008", 1, 0), ("GEN1000007", 2, 22),
    ]  # fmt: skip
    assert own[0]["episode_end_date"] == own[1]["episode_start_date"] == date(2020, 2, 1)
    events = [
        (episodes[row["episode_id"]]["episode_type_code"], row["event_table_name"])
        for row in rows(built["episode_event"])
        if episodes[row["episode_id"]]["patient_id"] == "X-P1"
    ]
    assert events == [
        *[("GEN1000008", table) for table in ("cancer_condition", "image_study", "procedure", "procedure")],
        *[("GEN1000007", table) for table in ("image_study", "procedure", "treatment", "treatment")],
    ]


def test_events_exist_in_their_tables(built):
    for row in rows(built["episode_event"]):
        table = row["event_table_name"]
        key = TABLES[table].primary_key[0]
        assert row["event_table_id"] in set(built[table].column(key).to_pylist())


def test_studies(built):
    first, second, *_ = rows(built["image_study"])
    assert (first["ImagingTimepoint"], second["ImagingTimepoint"]) == (1, 2)
    assert (first["study_number_of_series"], first["study_number_of_instances"]) == (2, 3)
    assert (first["study_offset_from_diagnosis"], first["study_offset_unit"]) == (5, "COM1000153")
    assert first["patient_age_at_study_years"] == 61.2
    assert first["episode_id"] != second["episode_id"]


def test_series_are_of_images_only_and_coded_with_the_spellings_of_the_source(built):
    found = {row["series_uid"]: row for row in rows(built["image_series"])}
    assert set(found) == {"P1.S1.R1", "P1.S2.R1", "P2.S1.R1", "P3.S1.R1"}
    assert found["P1.S1.R1"]["series_body_site"] == "BP1000067"  # torax, in the source's list
    assert found["P2.S1.R1"]["series_body_site"] == "BP1000067"  # missing, declared by the holder
    assert found["P2.S1.R1"]["series_manufacturer_name"] == "IMG1000044"  # ACME, in the source's list
    assert found["P3.S1.R1"]["series_manufacturer_name"] == "IMG1000047"
    assert {row["series_modality"] for row in found.values()} == {"IMG1000042"}


def test_segmentations_and_whether_their_images_are_there(built):
    first, second = rows(built["segmentation_series"])
    assert (first["references_resolved"], first["referenced_series_uid"]) == (True, "P1.S1.R1")
    assert (second["references_resolved"], second["referenced_series_uid"]) == (False, None)
    assert first["segmentation_method"] == "COM1000003"
    assert [row["label"] for row in rows(built["segment"])] == ["Tumour", "Tumour"]


@pytest.mark.parametrize(
    ("references", "resolved"), [(["R1.1"], True), (["R1.1", "gone"], False), ([], False)]
)
def test_one_reference_that_dangles_is_enough(source, references, resolved):
    segmentation = examples.instance(
        1, "P1", "S1", "R9", SOPClassUID=examples.SEG, referenced_sop_instance_uids=references
    )
    inventory = examples.instances([examples.instance(1, "P1", "S1", "R1"), segmentation])
    [row] = rows(build("segmentation_series", examples.crossed(source, inventory)))
    assert row["references_resolved"] is resolved


def test_rows_that_say_the_same_are_one_diagnosis(tmp_path, monkeypatch):
    """Registries repeat the diagnosis on every line of treatment."""
    text = examples.SOURCE.replace("key: [patient]\n", "key: [patient, psa]\n", 1)
    again = examples.PATIENTS + "P1;Núñez, Ana;M;10/01/2020;61,25;CP;;9,5;SI;\n"
    monkeypatch.setattr(
        examples, "PATIENTS", again.replace("NA;1.234", "NA;1,234").replace("CP;;;;", "CP;;1;;")
    )
    source = examples.load_source(examples.write_source(tmp_path, text))
    table = build("cancer_condition", examples.crossed(source))
    assert table["patient_id"].to_pylist().count("X-P1") == 1


def test_of_differing_records_the_most_frequent_value_counts(tmp_path, monkeypatch):
    text = examples.SOURCE.replace("key: [patient]\n", "key: [patient, psa]\n", 1)
    lines = [f"P1;Núñez, Ana;{sex};10/01/2020;61,25;CP;;{n};SI;" for n, sex in enumerate("VMM")]
    monkeypatch.setattr(examples, "PATIENTS", "\n".join([examples.PATIENTS.splitlines()[0], *lines]))
    source = examples.load_source(examples.write_source(tmp_path, text))
    found = {
        row["patient_id"]: row["patient_birth_sex"]
        for row in rows(build("patient", examples.crossed(source)))
    }
    assert found["X-P1"] == "COM1001370"


def test_a_constant_sex_is_not_told_where_characteristics_of_people_are_not(tmp_path):
    text = examples.SOURCE.replace("patient_birth_sex: sex", "patient_birth_sex: {constant: COM1001366}")
    told = build("patient", examples.crossed(load_source(examples.write_source(tmp_path, text))))
    assert "COM1001366" in told["patient_birth_sex"].to_pylist()
    text += "deidentification: {patient_characteristics: false}\n"
    inputs = examples.crossed(load_source(examples.write_source(tmp_path, text)))
    listed = [row for row in build("patient", inputs).to_pylist() if row["patient_source"] != "images"]
    assert listed
    assert {(row["patient_birth_sex"], row["patient_diagnostic_category"]) for row in listed} == {
        (None, "COM1001087")
    }
