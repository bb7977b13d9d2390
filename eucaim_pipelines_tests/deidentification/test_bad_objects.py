"""Objects that are wrong in themselves: refused with a reason, in time, and none stops another."""

import random
from struct import pack

import pytest

from eucaim_pipelines.dicom import structure, writing
from eucaim_pipelines.dicom.examination import examine
from eucaim_pipelines.dicom.reading import parse
from eucaim_pipelines.dicom.transfer_syntaxes import Encoding
from eucaim_pipelines.errors import Refusal, contained

from .objects import CT, planted_object, to_bytes

EXPLICIT = Encoding(implicit_vr=False, little_endian=True)
IMPLICIT = Encoding(implicit_vr=True, little_endian=True)
SOURCE = to_bytes(planted_object())


def changed(changes: dict[int, tuple[str, bytes] | None], source: bytes = SOURCE) -> bytes:
    """The object with other elements, written as they are."""
    elements = {}
    for tag, (vr, value) in parse(source).elements.items():
        if not isinstance(value, list):
            elements[tag] = (vr, bytes(value))
    elements = {tag: found for tag, found in (elements | changes).items() if found is not None}
    body = [
        writing.element(tag, vr, writing.padded(vr, value), EXPLICIT)
        for tag, (vr, value) in sorted(elements.items())
    ]
    return writing.to_file(body, CT, "1.2.3", "1.2.840.10008.1.2.1")


def reason(data: bytes, deidentifier, subject) -> str:
    try:
        deidentifier.deidentify_verified(data, subject)
    except Refusal as refusal:
        return refusal.reason
    return "released"


@pytest.mark.parametrize(
    "changes",
    [
        {0x00280008: ("IS", b"1e999")},
        {0x00280010: ("FD", pack("<d", float("nan")))},
        {0x00280010: ("IS", b"4")},
        {0x00080018: ("LO", b"1.2.826.0.1.3680043.77.1")},
        {0x00080016: ("LO", CT.encode())},
        {0x0020000D: ("LO", b"1.2.826.0.1.3680043.77.2")},
        {0x0020000E: ("LO", b"1.2.826.0.1.3680043.77.3")},
        {0x00080060: ("LO", b"CT")},
        {0x00280004: ("LO", b"MONOCHROME2")},
        {0x7FE00010: ("UN", bytes(32))},
        {0x00080008: ("CS", b"\\".join([b"ORIGINAL", *[b"A"] * 30_000]))},
        {0x0008001A: ("UI", b"\\".join([b"1"] * 30_000))},
    ],
    ids=lambda changes: "-".join(f"{tag:08x} {vr}" for tag, (vr, _) in changes.items()),
)
def test_an_object_that_would_leave_damaged_is_refused(changes, deidentifier, subject):
    assert reason(changed({}), deidentifier, subject) == "released"
    assert reason(changed(changes), deidentifier, subject) == "MALFORMED"


@pytest.mark.parametrize(
    "changes",
    [
        {0x00280301: ("CS", b"yes")},
        {0x00280301: ("CS", b"YES\\YES")},
        {0x00080064: ("CS", b"")},
        {0x00080008: ("CS", b"ORIGINAL\\PRIMARY\\SCREEN_SAVE")},
        {0x00080060: ("CS", b"us")},
        {0x00080060: ("CS", b"US\\OT")},
        {0x00080060: ("CS", b"IVUS")},
        {0x00080060: ("CS", b"OT"), 0x00080016: ("UI", b"1.2.840.10008.5.1.4.1.1.6.1")},
        {0x00080060: ("CS", b"OT"), 0x00080016: ("UI", b"1.2.840.10008.5.1.4.1.1.12.1")},
        {0x00080060: ("CS", b"mg"), 0x00080008: ("CS", b"derived\\secondary")},
    ],
)
def test_what_may_show_text_is_held_back_however_it_is_written(changes, deidentifier, subject):
    assert reason(changed(changes), deidentifier, subject) == "BURNED_IN_RISK"


@pytest.mark.parametrize("value", [b"LABEL", b"overview"])
def test_a_label_of_a_slide_is_known_by_its_frame_type_too(value):
    item = writing.element(0x00089007, "CS", writing.padded("CS", b"ORIGINAL\\PRIMARY\\" + value), EXPLICIT)
    frame = writing.sequence(0x00400710, [item], EXPLICIT)
    slide = "1.2.840.10008.5.1.4.1.1.77.1.6"
    data = changed({0x00080016: ("UI", slide.encode()), 0x00080060: ("CS", b"SM")})
    start = structure.read_file_meta(data).body_start
    assert examine(data)
    body = data[start:]
    at = body.index(b"\x28\x00\x02\x00US")
    shared = writing.sequence(0x52009229, [frame], EXPLICIT)
    with pytest.raises(Refusal, match="SPECIMEN_LABEL"):
        examine(data[:start] + body[:at] + body[at:-44] + shared + body[-44:])


def test_two_million_spaces_before_a_letter_are_no_number(deidentifier, subject):
    """Patterns that try every way to share the spaces out would be at it for hours."""
    spaces = b" " * 2_000_000 + b"x "
    elements = parse(SOURCE).elements | {0x00180050: ("DS", spaces), 0x00181020: ("LO", spaces)}
    body = [
        writing.element(tag, vr, bytes(value), IMPLICIT)
        for tag, (vr, value) in sorted(elements.items())
        if not isinstance(value, list)
    ]
    data = writing.to_file(body, CT, "1.2.3", "1.2.840.10008.1.2")
    assert reason(data, deidentifier, subject) == "released"


def test_a_small_file_does_not_inflate_without_bounds():
    deflated = writing.to_file([bytes(2**27)], CT, "1.2.3", "1.2.840.10008.1.2.1.99")
    with pytest.raises(Refusal, match="TOO_LARGE"):
        parse(deflated)


def test_whatever_goes_wrong_is_a_refusal_that_says_nothing_of_it():
    with pytest.raises(Refusal, match="ENGINE_FAILED") as refused, contained():
        raise ValueError("Quintanilla")
    assert "Quintanilla" not in str(refused.value)
    assert refused.value.__cause__ is None and refused.value.__suppress_context__
    with pytest.raises(Refusal, match="TOO_LARGE"), contained():
        raise MemoryError


def test_bytes_changed_at_random_are_released_or_refused_for_a_known_reason(deidentifier, subject):
    choice, faults = random.Random(7), set()  # noqa: S311 - bytes to try
    for _ in range(1500):
        data = bytearray(SOURCE)
        for _ in range(choice.randint(1, 4)):
            data[choice.randrange(132, len(data))] = choice.choice(
                (0, 1, 0x1B, 0x5C, 0xFF, choice.randrange(256))
            )
        faults.add(reason(bytes(data), deidentifier, subject))
    assert "ENGINE_FAILED" not in faults
    assert "MALFORMED" in faults
