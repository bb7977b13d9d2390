"""Whatever of a source stands anywhere in an output is found: every place, every encoding, every origin."""

import pytest

from eucaim_pipelines.deidentification.verification.verifier import Residual, verify
from eucaim_pipelines_tests.deidentification.leaking import (
    COMMENT,
    IDENTITIES,
    INSTITUTION,
    NAME,
    NEW_UID,
    STUDY_DATE,
    STUDY_ID,
    UID,
    leaks,
    output,
    source,
)

from .written import DEFLATED, EXPLICIT, IMPLICIT, JPEG, SYNTAXES, encoded

PLACES = {
    "a text": lambda leak: [(INSTITUTION, "LO", leak)],
    "a long text": lambda leak: [(0x0040A160, "UT", b"x" * 70_000 + leak + b"y" * 70_000)],
    "a code string": lambda leak: [(0x00080060, "CS", leak)],
    "a decimal": lambda leak: [(0x00180050, "DS", leak)],
    "a time": lambda leak: [(0x00080030, "TM", leak)],
    "a date": lambda leak: [(0x00080023, "DA", leak)],
    "a UID": lambda leak: [(0x00080014, "UI", leak)],
    "numbers": lambda leak: [(0x00280106, "US", leak + b" " * (len(leak) % 2))],
    "three deep": lambda leak: [
        (0x00081140, "SQ", [[], [(0x0040A170, "SQ", [[(0x00081199, "SQ", [[(COMMENT, "LT", leak)]])]])]])
    ],
    "in UN": lambda leak: [(0x00100011, "UN", leak)],
    "an item in UN": lambda leak: [(0x0040E001, "UN", [[(0x00100011, "UN", [[(COMMENT, "LT", leak)]])]])],
    "a table": lambda leak: [(0x00283006, "OW", b"\1\0\2\0" + leak + b"\3" * (len(leak) % 2))],
    "a large table": lambda leak: [(0x00660016, "OF", b"\1" * ((1 << 20) - 5) + leak + b"\1" * 99)],
    "a colour profile": lambda leak: [(0x00282000, "OB", b"\0\1acsp" + leak)],
    "padding at the end": lambda leak: [(0xFFFCFFFC, "OB", leak)],
    "behind the samples": lambda leak: [(0x7FE00010, "OW", bytes(range(8)) + leak)],
    "samples of an icon": lambda leak: [(0x00880200, "SQ", [[(0x7FE00010, "OW", leak)]])],
}


@pytest.mark.parametrize("identity", IDENTITIES)
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("syntax", SYNTAXES)
def test_an_identity_is_found_in_every_element(identity, place, syntax):
    tag, _, text = IDENTITIES[identity]
    released = output(*PLACES[place](text.encode()), syntax=syntax)
    assert leaks(source(syntax=syntax), output(syntax=syntax)) == []
    assert tag in {residual.tag for residual in leaks(source(syntax=syntax), released)}
    open_ended = output(*PLACES[place](text.encode()), syntax=syntax, undefined=True)
    assert leaks(source(syntax=syntax), open_ended) == leaks(source(syntax=syntax), released)


def test_a_component_of_a_name_is_found_alone():
    assert Residual("text", NAME) in leaks(source(), output((INSTITUTION, "LO", b"Berta")))
    assert Residual("bytes", NAME) in leaks(source(), output((INSTITUTION, "LO", b"for Quintanilla ")))


@pytest.mark.parametrize(
    "elements", [[(0x00020016, "AE", b"Quintanilla")], [(0x00020003, "UI", b"1.2.826.0.1.3680043.77.1")]]
)
def test_an_identity_is_found_in_the_file_meta_group(elements):
    assert leaks(source(), output(meta=elements))


@pytest.mark.parametrize("preamble", [b"Quintanilla", b"\1"])
def test_a_preamble_is_zero(preamble):
    assert Residual("bytes", 0) in leaks(source(), output(preamble=preamble))


SEGMENT = b"\xff\xfe\x00\x0dQuintanilla"
STREAMS = {
    "a comment": (b"", b"\xff\xd8" + SEGMENT + b"\xff\xda\x00\x02" + bytes(40)),
    "behind another segment": (b"", b"\xff\xd8\xff\xdb\x00\x04\xff\xda" + SEGMENT + b"\xff\xda\x00\x02"),
    "of the second frame": (b"", b"\xff\xd8\xff\xda\x00\x02" + bytes(9), b"\xff\xd8" + SEGMENT + b"\xff\xda"),
    "of JPEG 2000": (b"", b"\xff\x4f\xff\x64\x00\x0fQuintanilla\0\0\xff\x93" + bytes(40)),
    "an offset table": (b"Quintanilla\0", b"\xff\xd8\xff\xda\x00\x02"),
}


@pytest.mark.parametrize("stream", STREAMS)
def test_an_identity_is_found_in_the_segments_of_a_compressed_stream(stream):
    held = [(0x7FE00010, "OB", STREAMS[stream])]
    assert {residual.tag for residual in leaks(source(), output(*held, syntax=JPEG))} == {NAME}
    clean = [(0x7FE00010, "OB", (b"", b"\xff\xd8\xff\xda\x00\x02" + b"Quintanilla"))]
    assert leaks(source(), output(*clean, syntax=JPEG)) == [], "samples are not searched"


CHARACTERS = [
    ("ISO_IR 192", "utf-8", "Ñuño-Überfluß"),
    ("ISO_IR 100", "latin-1", "Ñuño-Überfluß"),
    ("ISO_IR 126", "iso8859-7", "Δημήτριος"),
    ("ISO_IR 144", "iso8859-5", "Люкceмбypг"),
    ("GB18030", "gb18030", "王小东大学附属医院"),
    ("GBK", "gbk", "王小东大学附属医院"),
    ("ISO_IR 13", "shift_jis", "ﾔﾏﾀﾞﾀﾛｳ"),
    ("\\ISO 2022 IR 149", None, "김희중대학교병원"),
]
KOREAN = b"\x1b$)C" + "김희중대학교병원".encode("euc_kr")


@pytest.mark.parametrize(("charset", "codec", "text"), CHARACTERS)
@pytest.mark.parametrize("written_as", ["utf-8", "utf-16-le", "utf-16-be", "as it was"])
def test_a_name_is_found_in_every_encoding(charset, codec, text, written_as):
    raw = KOREAN if codec is None else text.encode(codec)
    leak = raw if written_as == "as it was" else text.encode(written_as)
    original = source((0x00080005, "CS", charset.encode()), (NAME, "PN", raw + b"^X"))
    assert leaks(original, output((0x00080005, "CS", b"ISO_IR 192"))) == []
    for held in ((COMMENT, "LT", b"by " + leak + b"."), (0x00282000, "OB", leak)):
        assert {residual.tag for residual in leaks(original, output(held))} == {NAME}
    declared = output((0x00080005, "CS", charset.encode()), (COMMENT, "LT", raw))
    assert NAME in {residual.tag for residual in leaks(original, declared)}


def test_a_text_of_another_character_set_is_found_as_latin_1():
    original = source((0x00080005, "CS", b"ISO_IR 192"), (NAME, "PN", "Ñuño-Überfluß".encode()))
    assert leaks(original, output((0x00282000, "OB", "\0Ñuño-Überfluß".encode("latin-1"))))


def test_plain_text_is_found_in_wide_characters():
    for codec in ("utf-16-le", "utf-16-be", "utf-32-le"):
        held = (0x00282000, "OB", "Dr. Quintanilla".encode(codec))
        assert Residual("bytes", NAME) in leaks(source(), output(held))


def test_a_text_in_the_outputs_own_character_set_is_compared_as_text():
    """Short ones too, whose bytes differ: the output says how it is read."""
    original = source((0x00080005, "CS", b"ISO_IR 192"), (STUDY_ID, "SH", "Жук".encode()))
    held = output((0x00080005, "CS", b"ISO_IR 144"), (INSTITUTION, "LO", "Жук".encode("iso8859-5")))
    assert Residual("text", STUDY_ID) in leaks(original, held)


ORIGINS = {
    "text": ([(0x00081040, "LO", b"Vallehermoso")], {}),
    "nested": ([(0x00081140, "SQ", [[(0x00081199, "SQ", [[(COMMENT, "LT", b"Vallehermoso")]])]])], {}),
    "private text": ([(0x00290010, "LO", b"MAKER"), (0x00291010, "LO", b"Vallehermoso")], {}),
    "private bytes": ([(0x00290010, "LO", b"MAKER"), (0x00291010, "OB", b"Vallehermoso")], {}),
    "UN": ([(0x00100011, "UN", b"Vallehermoso\0\0")], {}),
    "one value of a UN": ([(0x00100011, "UN", b"AB\\Vallehermoso")], {}),
    "UN in another character set": (
        [(0x00080005, "CS", b"ISO_IR 192"), (0x00100011, "UN", "Vallehermoso\\Überfluß".encode())],
        {},
    ),
    "an item in UN": ([(0x00291010, "UN", [[(COMMENT, "LT", b"Vallehermoso")]])], {}),
    "an item in UN of known length": (
        [
            (
                0x00291010,
                "UN",
                encoded([(0x00081140, "SQ", [[(COMMENT, "LT", b"Vallehermoso")]])], IMPLICIT)[8:],
            )
        ],
        {},
    ),
    "the sender": ([], {"meta": [(0x00020016, "AE", b"Vallehermoso")]}),
    "private information": ([], {"meta": [(0x00020102, "OB", b"Vallehermoso")]}),
    "the preamble": ([], {"preamble": b"\1\2Vallehermoso\0\0"}),
}


@pytest.mark.parametrize("origin", ORIGINS)
@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, DEFLATED])
def test_an_identity_is_looked_for_wherever_the_source_has_it(origin, syntax):
    elements, outside = ORIGINS[origin]
    original = source(*elements, syntax=syntax, **outside)
    assert leaks(original, output(syntax=syntax)) == []
    assert leaks(original, output((INSTITUTION, "LO", b"of Vallehermoso"), syntax=syntax))


@pytest.mark.parametrize(
    ("tag", "vr", "raw", "leak"),
    [
        (0x00080020, "DA", b"2019.06.04", b"20190604"),
        (0x0008002A, "DT", b"20190604101112.5+0200", b"20190604"),
        (0x00200010, "SH", b"A417", b"A417"),
        (0x00081048, "PN", b"Hong^Gildong=\xed\x99\x8d^X", b"Gildong"),
        (0x00081030, "LO", b"one\\Vallehermoso", b"Vallehermoso"),
    ],
)
def test_parts_of_values_are_looked_for(tag, vr, raw, leak):
    original = source((0x00080005, "CS", b"ISO_IR 192"), (tag, vr, raw))
    assert tag in {residual.tag for residual in leaks(original, output((INSTITUTION, "LO", leak)))}


@pytest.mark.parametrize(
    "uid", [NEW_UID, b"1.3.6.1.4.1.58108.2023.135122634287242766106090544603555762345", b"1.2.3"]
)
def test_a_uid_that_looks_generated_or_is_short_is_found_where_it_stays(uid):
    """Digits of generated UIDs are not searched for short numbers, but they are compared as a whole."""
    original = source((0x0020000D, "UI", uid))
    assert leaks(original, output((UID, "UI", NEW_UID[:-1] + b"2"))) == []
    kept = output((UID, "UI", NEW_UID[:-1] + b"2"), (0x0020000E, "UI", uid))
    assert leaks(original, kept) == [Residual("uid", 0x0020000D)]
    number = source((STUDY_ID, "SH", NEW_UID[8:16]))
    assert leaks(number, output()) == []


def test_a_date_that_stays_at_its_place_is_found_and_a_public_constant_is_none():
    assert leaks(source(), output((STUDY_DATE, "DA", b"20190604"))) == [Residual("date", STUDY_DATE)]
    code = [(0x00080105, "CS", b"DCMR"), (0x00080106, "DT", b"20020904")]
    local = [(0x00080105, "CS", b"99LOCAL"), (0x00080106, "DT", b"20020904")]
    assert leaks(source((0x00081032, "SQ", [code])), output((0x00081032, "SQ", [code]))) == []
    found = leaks(source((0x00081032, "SQ", [local])), output((0x00081032, "SQ", [local])))
    assert found == [Residual("date", 0x00080106)]


def test_a_day_that_stays_under_another_time_is_found():
    moment = (0x0008002A, "DT", b"20190305101112"), (0x0008002A, "DT", b"20190305111213.5")
    assert leaks(source(moment[0]), output(moment[1])) == [Residual("date", 0x0008002A)]
    assert leaks(source((STUDY_DATE, "DA", b"195103")), output((STUDY_DATE, "DA", b"195103")))


@pytest.mark.parametrize("like", [(0x0008002A, "DT", b"2019"), (0x00080014, "UI", b"2019")])
def test_a_short_text_that_equals_a_year_or_a_uid_is_still_compared_as_text(like):
    original = source(like, (STUDY_ID, "SH", b"2019"))
    assert leaks(original, output((INSTITUTION, "LO", b"2019"))) == [Residual("text", STUDY_ID)]


def test_a_date_of_the_source_at_another_place_is_no_shifted_one():
    dates = [(STUDY_DATE, "DA", b"20190604"), (0x00080021, "DA", b"20191203")]
    even = output((STUDY_DATE, "DA", b"20181204"), (0x00080021, "DA", b"20190604"))
    assert verify(source(*dates), even).residuals == [], "both moved by 26 weeks"
    odd = output((STUDY_DATE, "DA", b"20170801"), (0x00080021, "DA", b"20190604"))
    assert leaks(source(*dates), odd) == [Residual("bytes", STUDY_DATE)]


def test_private_elements_stay_only_where_they_are_listed():
    listed = [(0x00190010, "LO", b"SIEMENS MR HEADER"), (0x0019100C, "IS", b"1000")]
    assert leaks(source(*listed), output(*listed)) == []
    other = [(0x00190010, "LO", b"SIEMENS MR HEADER"), (0x0019100D, "IS", b"1000")]
    assert leaks(source(*other), output(*other)) == [Residual("private", 0x0019100D)]
    maker = [(0x00290010, "LO", b"MAKER"), (0x00291010, "SQ", [[(COMMENT, "LT", b"x")]])]
    assert leaks(source(), output(*maker)) == [
        Residual("private", 0x00290010),
        Residual("private", 0x00291010),
    ]


def test_a_private_number_is_no_place_for_an_identity():
    listed = [(0x00190010, "LO", b"SIEMENS MR HEADER"), (0x0019100C, "IS", b"417733")]
    original = source(
        (0x00190010, "LO", b"SIEMENS MR HEADER"), (0x0019100C, "IS", b"1000"), (STUDY_ID, "SH", b"417733")
    )
    assert leaks(original, output(*listed)) == [Residual("text", STUDY_ID)]
