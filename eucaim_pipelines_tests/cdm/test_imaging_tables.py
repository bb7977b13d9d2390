"""Series as EUCAIM names them: descriptions, acquisition parameters, geometry, pixel contents."""

from datetime import date

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eucaim_pipelines.cdm import build
from eucaim_pipelines.cdm.grouping import Groups
from eucaim_pipelines.contracts.tables import load_tables
from eucaim_pipelines.contracts.vocabularies import load_all
from eucaim_pipelines.dicom.inventory_schema import schema
from eucaim_pipelines.dicom.tables import rows as csv_rows
from eucaim_pipelines_tests.cdm import examples
from eucaim_pipelines_tests.cdm.examples import instance

MR = {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.4", "Modality": "MR", "SliceThickness": None}
VOCABULARIES = load_all()


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    text = examples.SOURCE.replace(
        "imaging:\n", 'imaging:\n  harmonised: {"Torax AX": T1 weighted, "Diff": IMG1016653}\n'
    )
    return examples.load_source(examples.write_source(tmp_path_factory.mktemp("source"), text))


@pytest.fixture
def series(source):
    def of(*rows, table="image_series"):
        return build(table, examples.crossed(source, examples.instances(list(rows)))).to_pylist()

    return of


@pytest.mark.parametrize(
    ("released", "code", "label"),
    [
        ("Torax AX", "IMG1016652", "T1 weighted"),  # the holder's map, to a label
        (" torax  ax", "IMG1016652", "T1 weighted"),
        ("Diff", "IMG1016653", "Diffusion weighted"),  # the holder's map, to a code
        ("T2 WEIGHTED", "IMG1016647", "T2 weighted"),  # EUCAIM's own words
        ("DWI", "IMG1016653", "Diffusion weighted"),
        ("Localizer", None, "Localizer"),  # nothing that EUCAIM has a word for
        (None, None, None),
    ],
)
def test_descriptions_are_harmonised_and_the_original_stands_beside(series, released, code, label):
    [row] = series(instance(1, "P1", "S1", "R1", SeriesDescription=released))
    names = ("series_description_original", "series_description_code", "series_description")
    assert tuple(row[name] for name in names) == (released, code, label)


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ([{"DiffusionBValue": 0.0}, {"DiffusionBValue": 800.0}], "IMG1016653"),
        ([{"DiffusionBValue": 0.0}], None),
        ([{"ImageType": ["DERIVED", "PRIMARY", "ADC"]}] * 2, "IMG1016700"),
        ([{"ImageType": ["DERIVED", "PRIMARY", "ADC"]}, {"ImageType": ["ORIGINAL", "PRIMARY"]}], None),
        ([{"ImageType": ["DERIVED", "PRIMARY", "ADC"], "DiffusionBValue": 800.0}], "IMG1016700"),
        ([{"DiffusionBValue": 800.0, "SeriesDescription": "T2"}], "IMG1016647"),  # words come first
        ([{"DiffusionBValue": 800.0, "Modality": "CT"}], None),
        ([{"EchoTime": 90.0, "RepetitionTime": 4000.0}], None),  # looks like T2, which is a guess
    ],
)
def test_the_header_speaks_only_where_it_is_beyond_doubt(series, rows, code):
    found = series(*(instance(n, "P1", "S1", "R1", **MR | row) for n, row in enumerate(rows)))
    assert [row["series_description_code"] for row in found] == [code]


def test_of_several_values_the_smallest_counts_and_empty_ones_do_not(series):
    first = {
        "Manufacturer": "",
        "EchoTime": 80.0,
        "FlipAngle": None,
        "PixelSpacing": [0.7, 0.6],
        "KVP": 120.0,
    }
    second = {"Manufacturer": "Siemens", "EchoTime": 30.0, "FlipAngle": 9.0, "PixelSpacing": [0.5, 0.6]}
    third = {"Manufacturer": "Philips", "PixelSpacing": [0.1]}
    [row] = series(*(instance(n, "P1", "S1", "R1", **one) for n, one in enumerate((first, second, third))))
    assert (row["manufacturer"], row["echo_time_ms"], row["flip_angle_degrees"]) == ("Philips", 30.0, 9.0)
    assert (row["pixel_spacing_mm"], row["tube_voltage_kv"], row["inversion_time_ms"]) == (0.5, 120.0, None)


def test_projections_are_spaced_as_their_detector(series):
    [row] = series(instance(1, "P1", "S1", "R1", ImagerPixelSpacing=[0.07, 0.08]))
    assert row["pixel_spacing_mm"] == 0.07


def test_counts_dates_geometry_and_time(series):
    slices = [
        instance(
            n, "P1", "S1", "R1", ImagePositionPatient=[0.0, 0.0, 2.0 * place],
            ImageOrientationPatient=[1.0, 0.0, 0.0, 0.0, 1.0, 0.0], TemporalPositionIdentifier=float(phase),
            FrameOfReferenceUID="F", AcquisitionDate=None, ContentDate="20200116",
        )
        for n, (phase, place) in enumerate((p, k) for p in (1, 2, 3) for k in (0, 1, 3, 4))
    ]  # fmt: skip
    many = instance(
        1, "P1", "S1", "R2", NumberOfFrames=3, NumberOfTemporalPositions=5.0,
        frame_positions={"position": [0.0, 0.0, 0.0] * 3, "temporal": [1, 2, 2]},
    )  # fmt: skip
    declared = instance(1, "P1", "S1", "R3", NumberOfTemporalPositions=5.0)
    first, second, third = series(*slices, many, declared)
    assert (first["series_number_of_instances"], first["series_number_of_frames"]) == (12, 12)
    assert (second["series_number_of_instances"], second["series_number_of_frames"]) == (1, 3)
    assert [row["temporal_positions"] for row in (first, second, third)] == [3, 2, 5]
    assert (first["slice_spacing_mm"], first["slice_gaps"], first["missing_slices"]) == (2, 3, 3)
    assert (first["slice_orientation"], second["slice_orientation"]) == ("axial", None)
    assert (first["frame_of_reference_uid"], first["series_acquisition_date"]) == ("F", date(2020, 1, 16))
    assert third["temporal_positions"] == 5


def test_series_with_the_same_pixels_have_the_same_digest_however_ordered(series):
    digests = [f"{n:064x}" for n in (5, 17, 2**200)]
    rows = [instance(n, "P1", "S1", "R1", pixel_digest=digest) for n, digest in enumerate(digests)]
    rows += [instance(n, "P2", "S2", "R2", pixel_digest=digest) for n, digest in enumerate(digests[::-1])]
    rows += [instance(n, "P2", "S2", "R3", pixel_digest=digest) for n, digest in enumerate(digests[:2])]
    rows += [instance(1, "P2", "S2", "R4", pixel_digest=digests[0]), instance(1, "P2", "S2", "R5")]
    rows += [instance(n, "P2", "S2", "R6", pixel_digest=digests[0]) for n in range(2)]
    found = [row["pixel_digest"] for row in series(*rows)]
    assert found[0] == found[1]
    assert len({*found}) == 5
    assert found[4] is None
    assert all(len(digest) == 64 for digest in found if digest)
    assert not {*found} & {*digests}


def parameters(rows):
    return {
        (row["acquisition_parameter_code"], row["acquisition_parameter_value_number"],
         row["acquisition_parameter_value_unit"], row["acquisition_parameter_value_code"])
        for row in rows
    }  # fmt: skip


def test_acquisition_parameters_have_the_codes_and_units_of_eucaim(series):
    rows = series(
        instance(1, "P1", "S1", "R1", SliceThickness=1.5, CTDIvol=12.0, PatientPosition="FFS", KVP=120.0),
        table="image_modality",
    )
    assert parameters(rows) == {
        ("IMG1016306", 1.5, "COM1000152", None),
        ("IMG1000144", 0.012, "COM1001950", None),
        ("IMG1016605", None, None, "IMG1016603"),
        ("IMG1016610", None, None, "IMG1016709"),
    }
    assert {row["modality_id"] for row in rows} >= {"R1_slice_thickness", "R1_ctdi_vol"}
    mr = instance(1, "P1", "S1", "R1", EchoTime=90.0, ScanningSequence="SE\\EP", ImageLaterality="L", **MR)
    assert parameters(series(mr, table="image_modality")) == {
        ("IMG1016641", 90.0, "COM1001955", None),
        ("IMG1016640", None, None, "IMG1016664"),
        ("IMG1016305", None, None, "IMG1016670"),
    }


def test_what_the_header_does_not_say_or_eucaim_cannot_gives_no_row(series):
    rows = [
        instance(1, "P1", "S1", "R1", PatientPosition="HFP", ScanningSequence="IR", **MR),
        instance(1, "P1", "S1", "R2", PatientPosition=None, **MR),
    ]
    assert parameters(series(*rows, table="image_modality")) == {("IMG1016610", None, None, "IMG1016724")}


def test_every_code_of_the_rules_is_of_its_vocabulary():
    parameter, value = VOCABULARIES["acquisition_parameter"], VOCABULARIES["acquisition_parameter_value"]
    numbers, coded = csv_rows("imaging/acquisition_numbers.csv"), csv_rows("imaging/acquisition_codes.csv")
    assert {row["concept"] for row in (*numbers, *coded) if row["concept"]} == parameter.codes
    assert {row["code"] for row in coded} == value.codes
    assert {row["unit"] for row in numbers if row["unit"]} <= VOCABULARIES["units"].codes
    described = {row["code"] for row in csv_rows("imaging/series_descriptions.csv")}
    assert described <= VOCABULARIES["series_description"].codes


def test_rules_name_columns_that_exist():
    known = {*schema().names, "slice_orientation"}
    for name in ("acquisition_numbers", "acquisition_codes", "series_descriptions"):
        assert {row["keyword"] for row in csv_rows(f"imaging/{name}.csv")} <= known
    fields = load_tables()["image_series"].fields
    assert {row["field"] for row in csv_rows("imaging/acquisition_numbers.csv") if row["field"]} <= set(
        fields
    )
    for table in ("image_study", "image_series", "image_modality", "segmentation_series", "segment"):
        for field in load_tables()[table].fields.values():
            assert set(field.dicom) <= known


VALUES = st.one_of(st.none(), st.sampled_from(["", "a", "b", "B", "é"]))


@settings(deadline=None)
@given(st.lists(st.tuples(VALUES, VALUES, VALUES, st.one_of(st.none(), st.integers(0, 3))), max_size=30))
def test_groups_say_what_a_loop_would(rows):
    names = ("key", "other", "text", "number")
    kinds = [pa.string(), pa.string(), pa.string(), pa.int64()]
    table = pa.table([pa.array([row[i] for row in rows], kinds[i]) for i in range(4)], names=names)
    groups = Groups(table, ["key", "other"])
    found = zip(
        groups.key("key").to_pylist(), groups.key("other").to_pylist(), groups.sizes.tolist(),
        groups.smallest("text").to_pylist(), groups.smallest("number").to_pylist(),
        groups.distinct("text").tolist(), strict=True,
    )  # fmt: skip
    wanted = {}
    for key, other, text, number in rows:
        wanted.setdefault((key, other), []).append((text, number))
    assert {one[:2]: one[2:] for one in found} == {
        key: (
            len(own),
            min((text for text, _ in own if text), default=None),
            min((number for _, number in own if number is not None), default=None),
            len({text for text, _ in own if text is not None}),
        )
        for key, own in wanted.items()
    }
