"""Segmentations: what they refer to, who drew them, and what their segments are."""

import pytest

from eucaim_pipelines.cdm import build
from eucaim_pipelines_tests.cdm import examples
from eucaim_pipelines_tests.cdm.examples import SEG, instance


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return examples.source(tmp_path_factory.mktemp("source"))


@pytest.fixture
def made(source):
    def of(table, *rows):
        return build(table, examples.crossed(source, examples.instances(list(rows)))).to_pylist()

    return of


def seg(number, series, references, *segments):
    return instance(
        number, "P1", "S1", series, SOPClassUID=SEG, Modality="SEG", referenced_sop_instance_uids=references,
        segments=list(segments), FrameOfReferenceUID="F",
    )  # fmt: skip


IMAGES = [instance(n, "P1", "S1", series) for series in ("R1", "R2") for n in range(3)]


@pytest.mark.parametrize(
    ("references", "resolved", "most"),
    [
        (["R1.0", "R1.1"], True, "R1"),
        (["R1.0", "R2.1", "R2.2"], True, "R2"),
        (["R2.0", "R1.0"], True, "R1"),  # of equals the smallest
        (["R2.0", "gone"], False, "R2"),
        (["gone"], False, None),
        ([], False, None),
        (None, False, None),
    ],
)
def test_references_are_resolved_and_the_series_with_most_is_named(made, references, resolved, most):
    [row] = made("segmentation_series", *IMAGES, seg(1, "G", references))
    assert (row["references_resolved"], row["referenced_series_uid"]) == (resolved, most)
    assert row["frame_of_reference_uid"] == "F"


def test_every_object_of_a_series_must_refer_to_what_is_there(made):
    whole = made("segmentation_series", *IMAGES, seg(1, "G", ["R1.0"]), seg(2, "G", ["R2.0", "R2.1"]))
    assert [
        (r["references_resolved"], r["referenced_series_uid"], r["number_of_instances"]) for r in whole
    ] == [(True, "R2", 2)]
    [half] = made("segmentation_series", *IMAGES, seg(1, "G", ["R1.0"]), seg(2, "G", []))
    assert half["references_resolved"] is False


def test_a_segmentation_of_a_segmentation_is_there_but_names_no_image_series(made):
    rows = made("segmentation_series", *IMAGES, seg(1, "G", ["R1.0"]), seg(1, "H", ["G.1"]))
    assert [(row["references_resolved"], row["referenced_series_uid"]) for row in rows] == [
        (True, "R1"), (True, None)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("types", "kind", "method"),
    [
        (["MANUAL", "MANUAL"], "MANUAL", "COM1000003"),
        (["SEMIAUTOMATIC"], "SEMIAUTOMATIC", "COM1000005"),
        (["AUTOMATIC", "MANUAL"], "MIXED", None),
        ([None, "MANUAL"], "MIXED", None),
        ([None], None, None),
        ([], None, None),
    ],
)
def test_who_drew_a_segmentation(made, types, kind, method):
    segments = [{"number": n, "algorithm_type": each} for n, each in enumerate(types, 1)]
    [row] = made("segmentation_series", *IMAGES, seg(1, "G", ["R1.0"], *segments))
    found = (row["algorithm_type"], row["segmentation_method"], row["number_of_segments"])
    assert found == (kind, method, len(types))


@pytest.mark.parametrize(
    ("label", "kind", "code"),
    [
        ("Peripheral zone of prostate", "SCT:41216001", "BP1000006"),  # the label says more than the type
        ("Lésion 1", "SCT:52988006", "IMG1016402"),
        ("Tumour", None, "CLIN1036328"),
        ("Region", "99LOCAL:41216001", None),
        (None, None, None),
    ],
)
def test_segments_are_coded_by_label_or_property_type(made, label, kind, code):
    one = {
        "number": 1,
        "label": label,
        "property_type": kind,
        "algorithm_type": "MANUAL",
        "tracking_uid": "1.2",
    }
    [row] = made("segment", *IMAGES, seg(1, "G", ["R1.0"], one, {"number": None, "label": "no number"}))
    assert (row["label"], row["label_code"], row["segmentation_method"]) == (label, code, "COM1000003")
    assert (row["segmentation_instance_uid"], row["tracking_uid"]) == ("G.1", "1.2")


def test_without_segmentations_there_are_none(made):
    assert made("segmentation_series", *IMAGES) == made("segment", *IMAGES) == []
