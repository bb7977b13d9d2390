"""The engine writes, byte for byte, what the plain pydicom implementation of the same profile writes.

Values remembered from one object must not show in another, so one engine does all of them.
"""

from collections import Counter
from itertools import chain
from pathlib import Path

import pydicom.data
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.datadict import DicomDictionary

from eucaim_pipelines.deidentification.images import Deidentifier, Subject
from eucaim_pipelines.deidentification.options import Options, SourceMaps
from eucaim_pipelines.deidentification.rules.profile import Profile
from eucaim_pipelines.dicom import transfer_syntaxes, writing
from eucaim_pipelines.dicom.examination import examine
from eucaim_pipelines.errors import Refusal
from eucaim_pipelines_tests.deidentification.objects import CT, SYNTAXES
from eucaim_pipelines_tests.reference.deidentifier import deidentify

REFUSED = {"DICOMDIR", "NOT_DICOM", "SOP_CLASS_NOT_ALLOWED", "MISSING_UID", "MALFORMED", "TRUNCATED"}
REFUSED |= {"BURNED_IN_RISK", "PIXEL_STREAM_MARKER", "ARCHIVE_COMPRESSED"}
SUBJECTS = (Subject("EUCAIM-one"), Subject("EUCAIM-two"), Subject("EUCAIM-one", pooled_age=True))
TEXTS = ("", "AXIAL", "ORIGINAL\\PRIMARY", "Quintanilla", "Ñuño", "SIEMENS", "B31f", "20190604", "101112")
TEXTS += (
    "068Y",
    "1.5",
    "12\\-3",
    "1.2.840.10008.1.2",
    "1.2.826.77.4\\1.2.3",
    "DCM",
    "SCT",
    "113100",
    "x" * 70,
    "CHEST",
)
VALUES = (*(text.encode("latin-1") for text in TEXTS), b"\x01\x02", bytes(4), bytes(range(8)), b"\xff" * 6)
SEGMENTATION, REPORT = "1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.88.33"
SEGMENTS = 0x00620002
CREATORS = (b"SIEMENS MR HEADER", b"GEMS_ACQU_01", b"OTHER")
CHARACTER_SETS = (b"", b"ISO_IR 100", b"ISO_IR 192", b"ISO_IR 144", b"\\ISO 2022 IR 87", b"NONSENSE")
SEQUENCES = (0x00081140, 0x00081032, 0x0040A730, 0x0040A043, 0x00089215, 0x0040A300, 0x00620002, 0x30060020)
SEQUENCES += (0x00209222, 0x52009230, 0x00209111, 0x00540016, 0x00120064, 0x00400555)


def files(shared: Path) -> list[Path]:
    folders = (shared / "data" / "dicom", Path(pydicom.data.__file__).parent / "test_files")
    return sorted(path for path in chain(*(folder.rglob("*") for folder in folders)) if path.is_file())


def test_real_objects_come_out_equal(shared, deidentifier, pseudonyms):
    counts: Counter[str] = Counter()
    for path in files(shared):
        data = path.read_bytes()
        try:
            row = examine(data).row
            subject = Subject(pseudonyms.patient(row["PatientID"], None, row["StudyInstanceUID"]))
            ours = deidentifier.deidentify(data, subject).data
        except Refusal as refusal:
            counts[refusal.reason] += 1
            continue
        counts["equal"] += ours == deidentify(data, subject, deidentifier)
        counts["released"] += 1
    assert counts["equal"] == counts["released"] > 700
    assert set(counts) - {"equal", "released"} <= REFUSED


Elements = dict[int, tuple[str, "bytes | list[Elements]"]]


@st.composite
def data_sets(draw, depth: int = 0) -> Elements:
    """Elements of every rule, with values that fit and values that do not, nested up to three deep."""
    found: Elements = {}
    if draw(st.booleans()):
        found[0x00080005] = ("CS", draw(st.sampled_from(CHARACTER_SETS)))
    for tag in draw(st.lists(st.sampled_from(TAGS), max_size=12, unique=True)):
        vr = "LO" if draw(st.integers(0, 9)) == 0 else DicomDictionary[tag][0].split(" or ")[-1]
        found[tag] = (vr, draw(st.sampled_from(VALUES)))
    if draw(st.booleans()):
        found[0x00190010] = ("LO", draw(st.sampled_from(CREATORS)))
        found[0x0019100C] = ("IS", draw(st.sampled_from((b"800", b"Quintanilla", b"-5"))))
        found[0x001910BB] = ("DS", b"0.5")
    if depth < 3:
        for tag in draw(st.lists(st.sampled_from(SEQUENCES), max_size=3, unique=True)):
            found[tag] = ("SQ", draw(st.lists(data_sets(depth + 1), max_size=2)))
    return found


def encoded(elements: Elements, encoding) -> bytes:
    parts = []
    for tag, (vr, value) in sorted(elements.items()):
        if isinstance(value, list):
            parts.append(writing.sequence(tag, [encoded(item, encoding) for item in value], encoding))
        else:
            parts.append(writing.element(tag, vr, writing.padded(vr, value), encoding))
    return b"".join(parts)


def pool() -> list[int]:
    """Two tags of each rule and VR of the profile, and the elements of a code, which are decided together."""
    found: dict[tuple[str, str, str], list[int]] = {}
    for tag, rule in Profile.load().rules(CT, "").items():
        if 0x00080000 < tag < 0x7FE00000 and tag in DicomDictionary and tag not in NEEDED | set(SEQUENCES):
            found.setdefault((rule.handler, rule.argument, DicomDictionary[tag][0]), []).append(tag)
    found = {key: tags for key, tags in found.items() if key[2] != "SQ"}
    return sorted({tag for tags in found.values() for tag in tags[:2]} | {0x00080100, 0x00080102, 0x00080104})


NEEDED = {0x00080005, 0x00080016, 0x00080018, 0x0020000D, 0x0020000E, 0x00080060, 0x00280301, 0x00080064}
NEEDED |= {0x00080008, 0x00280008, 0x00480010}
TAGS = pool()


@pytest.mark.parametrize("syntax", SYNTAXES, ids=lambda uid: uid.name)
def test_any_nest_of_elements_comes_out_equal(syntax, profile, pseudonyms):
    encoding = transfer_syntaxes.encoding(syntax)
    maps = SourceMaps({"Quintanilla": "Thorax"}, body_parts=frozenset({"AXIAL"}))
    engines = [
        Deidentifier(profile, pseudonyms, maps),
        Deidentifier(profile, pseudonyms, None, Options(dates="day_one", private_numbers=False)),
        Deidentifier(profile, pseudonyms, None, Options("remove", patient_characteristics=False)),
    ]

    @settings(max_examples=150, deadline=None, derandomize=True)
    @given(data_sets(), st.sampled_from(SUBJECTS), st.sampled_from(engines))
    def comes_out_equal(elements, subject, engine):
        data = whole(elements, syntax, encoding)
        assert engine.deidentify(data, subject).data == deidentify(data, subject, engine)

    comes_out_equal()


def whole(elements: Elements, syntax: str, encoding) -> bytes:
    """A file that may enter: a segmentation with pixels where there are segments, a report otherwise."""
    sop_class = SEGMENTATION if SEGMENTS in elements else REPORT
    needed = {0x00080016: ("UI", sop_class.encode()), 0x00080060: ("CS", b"SR")}
    needed |= dict.fromkeys((0x00080018, 0x0020000D, 0x0020000E), ("UI", b"1.2.826.0.1.3680043.77.1"))
    if SEGMENTS in elements:
        order = "little" if encoding.little_endian else "big"
        for tag, number in ((0x00280010, 4), (0x00280011, 4), (0x00280100, 8)):
            needed[tag] = ("US", number.to_bytes(2, order))
        needed[0x7FE00010] = ("OW", bytes(range(16)))
    return writing.to_file([encoded(elements | needed, encoding)], sop_class, "1.2.3", syntax)
