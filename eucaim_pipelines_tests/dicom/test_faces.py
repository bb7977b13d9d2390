"""Which images may show a face, and what a site's own defacing tool may do to them."""

import pytest

from eucaim_pipelines.deidentification.pixels import faces
from eucaim_pipelines.dicom.examination import examine
from eucaim_pipelines.dicom.faces import recognizable_face
from eucaim_pipelines.errors import Refusal
from eucaim_pipelines_tests.deidentification.objects import planted_object, to_bytes

HEAD = to_bytes(planted_object(BodyPartExamined="HEAD"))


def shows_face(**changes: object) -> bool:
    return recognizable_face(examine(to_bytes(planted_object(**changes))).row)


@pytest.mark.parametrize(
    "changes",
    [
        {"BodyPartExamined": "HEAD"},
        {"BodyPartExamined": "HEADNECK", "Modality": "MR"},
        {"BodyPartExamined": "WHOLEBODY", "Modality": "PT"},
        {"BodyPartExamined": "", "SeriesDescription": "Schädel nativ"},
        {"BodyPartExamined": "", "StudyDescription": "ΕΓΚΈΦΑΛΟΣ"},
        {"BodyPartExamined": "CHEST", "ProtocolName": "CT_Neck_Thorax"},
    ],
    ids=lambda changes: "-".join(map(str, changes.values())),
)
def test_heads_necks_and_whole_bodies_show_a_face(changes):
    assert shows_face(**changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"BodyPartExamined": "CHEST"},
        {"BodyPartExamined": "", "SeriesDescription": "t2 tse head first supine"},
        {"BodyPartExamined": "SPINE", "SeriesDescription": "facet joints"},
        {"BodyPartExamined": "HEAD", "Modality": "MG"},
        {"BodyPartExamined": "", "SeriesDescription": "", "StudyDescription": ""},
    ],
    ids=lambda changes: "-".join(map(str, changes.values())),
)
def test_other_images_do_not(changes):
    assert not shows_face(**changes)


class Tool:
    """A defacing tool that gives back what it was told to."""

    version = "1"

    def __init__(self, result: object) -> None:
        self.result = result

    def clean(self, data, row):
        if isinstance(self.result, Exception):
            raise self.result
        return self.result


def test_a_tool_of_the_site_gets_faces_only():
    chest, row = to_bytes(planted_object()), examine(HEAD).row
    darker = to_bytes(planted_object(BodyPartExamined="HEAD", PixelData=bytes(32)))
    assert faces.deface(HEAD, row, Tool(darker)) == darker
    assert faces.deface(HEAD, row, None) == HEAD
    assert faces.deface(chest, examine(chest).row, Tool(darker)) == chest


@pytest.mark.parametrize(
    "result",
    [ValueError("Quintanilla"), None, b"", to_bytes(planted_object(SOPInstanceUID="1.2.3.9"))],
    ids=["raises", "nothing", "empty", "another object"],
)
def test_a_tool_that_fails_holds_the_object_back_without_a_word(result):
    with pytest.raises(Refusal) as refused:
        faces.deface(HEAD, examine(HEAD).row, Tool(result))
    assert refused.value.reason == "PIXEL_RULE_FAILED"
    assert refused.value.__cause__ is None and "Quintanilla" not in str(refused.value)


def test_another_tool_is_another_way_of_making_an_object():
    other = Tool(b"")
    other.version = "2"
    assert faces.digest(None) == "" != faces.digest(Tool(b"")) != faces.digest(other)
    assert faces.plugged_in() is None
