"""pydicom's second reading: structures are told apart, and what it cannot convert is refused."""

import pytest

from eucaim_pipelines.dicom import reading
from eucaim_pipelines.dicom.second_reading import read_every_element, structure
from eucaim_pipelines.errors import Refusal
from eucaim_pipelines_tests.deidentification.objects import CT, SYNTAXES, planted_object, to_bytes


def of(ds, syntax=SYNTAXES[0]):
    return structure(reading.parse(to_bytes(ds, syntax)), CT)


def test_values_do_not_count_and_elements_at_any_depth_do():
    assert of(planted_object()) == of(planted_object(StudyDate="20200101", PatientName="Other"))
    deeper = planted_object()
    deeper.ReferencedImageSequence[0].ReferencedFrameNumber = 1
    assert len({of(planted_object()), of(deeper), of(planted_object(), SYNTAXES[3])}) == 3


@pytest.mark.parametrize("syntax", SYNTAXES, ids=lambda uid: uid.name)
def test_what_is_sound_is_read(syntax):
    read_every_element(to_bytes(planted_object(), syntax))


def test_a_value_that_cannot_be_converted_is_refused_without_a_word_about_it():
    data = to_bytes(planted_object(KVP="120"))
    with pytest.raises(Refusal) as refused:
        read_every_element(data.replace(b"DS\x04\x00120 ", b"DS\x04\x00Quin"))
    assert refused.value.reason == "OUTPUT_UNREADABLE"
    assert "Quin" not in str(refused.value)
