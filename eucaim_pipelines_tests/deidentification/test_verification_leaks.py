"""Whatever of a source stands anywhere in an output is found: every place, every encoding, every origin."""

import ast
from copy import deepcopy
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eucaim_pipelines.deidentification import verification
from eucaim_pipelines.deidentification.verification.verifier import Residual, Verifier, verify
from eucaim_pipelines.errors import Refusal

from .written import BIG_ENDIAN, DEFLATED, EXPLICIT, IMPLICIT, JPEG, SYNTAXES, encoded, file

NAME, INSTITUTION, COMMENT, STUDY_ID = 0x00100010, 0x00080080, 0x00204000, 0x00200010
STUDY_DATE, UID = 0x00080020, 0x00080018
IDENTITIES = {
    "name": (NAME, "PN", "Quintanilla^Berta"),
    "number": (0x00100020, "LO", "HOSP-00417733"),
    "uid": (UID, "UI", "1.2.826.0.1.3680043.77.1"),
    "date": (STUDY_DATE, "DA", "20190604"),
}
NEW_UID = b"2.25.282365146018938377379435997215908884723"
SAMPLES = [
    (0x00280002, "US", b"\1\0"),
    (0x00280010, "US", b"\2\0"),
    (0x00280011, "US", b"\2\0"),
    (0x00280100, "US", b"\x10\0"),
    (0x7FE00010, "OW", bytes(range(8))),
]
BIG_SAMPLES = [(tag, vr, value if vr == "OW" else value[::-1]) for tag, vr, value in SAMPLES]
CLEAN = [
    (UID, "UI", NEW_UID),
    (STUDY_DATE, "DA", b"20170801"),
    (NAME, "PN", b"EUCAIM-0123456789abcdef"),
]


def source(*elements, syntax=EXPLICIT, **file_parts):
    given_tags = {tag for tag, _, _ in elements}
    known = [(tag, vr, text.encode()) for tag, vr, text in IDENTITIES.values() if tag not in given_tags]
    return file([*known, *elements], syntax, **file_parts)


def output(*elements, syntax=EXPLICIT, **file_parts):
    given_tags = {tag for tag, _, _ in elements}
    samples = BIG_SAMPLES if syntax == BIG_ENDIAN else SAMPLES
    kept = [element for element in [*CLEAN, *samples] if element[0] not in given_tags]
    return file([*kept, *elements], syntax, **file_parts)


def leaks(original, released, **options):
    return verify(original, released, **options).residuals


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


LETTERS = st.text("abcdefgh .-", min_size=1, max_size=20).map(str.encode)
TEXT_TAGS = [0x00081010, 0x00081030, 0x0008103E, 0x00181030, 0x00321060, 0x00402016, 0x0040A160]
SEQUENCES = [0x00081140, 0x00081199, 0x0040A730, 0x52009230]


def data_sets(children):
    values = st.dictionaries(st.sampled_from(TEXT_TAGS), LETTERS, max_size=4)
    nested = st.dictionaries(
        st.sampled_from(SEQUENCES), st.lists(children, min_size=1, max_size=3), max_size=2
    )
    return st.tuples(values, nested, st.sampled_from(["LO", "UN", "LT", "OB", "UT"])).map(
        lambda drawn: (
            [(tag, drawn[2], value) for tag, value in drawn[0].items()]
            + [(tag, "SQ", items) for tag, items in drawn[1].items()]
        )
    )


TREES = st.recursive(data_sets(st.just([])), data_sets, max_leaves=12)


def spots(elements):
    """Every data set and item of a tree."""
    yield elements
    for _, vr, value in elements:
        if vr == "SQ":
            for item in value:
                yield from spots(item)


@settings(max_examples=150, deadline=None)
@given(tree=TREES, syntax=st.sampled_from(SYNTAXES), undefined=st.booleans(), choice=st.integers(0, 10_000))
def test_a_token_planted_anywhere_is_found(tree, syntax, undefined, choice):
    tree = deepcopy(tree)
    original = source(syntax=syntax, undefined=undefined)
    assert leaks(original, output(*tree, syntax=syntax, undefined=undefined)) == []
    places = list(spots(tree))
    places[choice % len(places)].append((0x00404005, ("LO", "UN", "UT", "OB")[choice % 4], b"x Quintanilla"))
    found = leaks(original, output(*tree, syntax=syntax, undefined=undefined))
    assert found == [Residual("bytes", NAME)]


@settings(max_examples=60, deadline=None)
@given(
    objects=st.lists(
        st.tuples(TREES, st.sampled_from([b"", b"Quintanilla", b"Berta", b"20190604"]), st.booleans()),
        min_size=2,
        max_size=5,
    )
)
def test_what_is_remembered_of_one_object_changes_nothing_for_another(objects):
    pairs = [
        (
            source(*tree, (0x00324000, "LT", word)) if kept else source(),
            output(*tree, (0x00324000, "LT", word)),
        )
        for tree, word, kept in objects
    ]
    alone = [verify(*pair) for pair in pairs]
    for order in (1, -1):
        together = Verifier()
        assert [together.verify(*pair) for pair in pairs[::order]] == alone[::order]


def test_what_one_object_explains_is_found_in_the_next():
    number = (0x00200011, "IS", b"417733")
    first = source((STUDY_ID, "SH", b"417733"), number), output(number)
    second = source((STUDY_ID, "SH", b"417733")), output(number)
    verifier = Verifier()
    assert verifier.verify(*first).residuals == []
    assert verifier.verify(*second).residuals == [Residual("text", STUDY_ID)]
    assert verifier.verify(*first).residuals == []


def test_local_codes_do_not_stay_and_public_ones_are_no_identity():
    def code(value, scheme):
        return [(0x00080100, "SH", value), (0x00080102, "SH", scheme), (0x00080104, "LO", b"Thing")]

    local = (0x00081032, "SQ", [code(b"CT-THX-417", b"99VALLE")])
    found = {residual.tag for residual in leaks(source(local), output(local))}
    assert found == {0x00080100, 0x00080102, 0x00080104}
    public = [code(b"10200004", b"SCT")[:2]]
    assert leaks(source((0x00081032, "SQ", public)), output((0x00082218, "SQ", public))) == []


def test_samples_that_nothing_is_said_of_are_searched():
    original = source()
    assert leaks(original, file([*CLEAN, (0x7FE00010, "OW", b"\1\2Quintanilla!")])) != []


def test_memory_is_bounded():
    verifier = Verifier()
    for number in range(400):
        texts = [(0x00081030 + 2 * index, "LO", b"text %d %d" % (number, index)) for index in range(40)]
        verifier.verify(source(*texts), output())
    assert verifier.remembered <= 6000


def test_what_cannot_be_read_is_refused():
    whole = output(
        (INSTITUTION, "LO", b"text"), (0x00081140, "SQ", [[(COMMENT, "LT", b"x")]]), undefined=True
    )
    assert leaks(source(), whole) == []
    twice = encoded([(INSTITUTION, "LO", b"text")])
    broken = {
        "NOT_DICOM": whole[:100],
        "TRUNCATED": whole[:-3],
        "MALFORMED": whole + twice,
        "TRANSFER_SYNTAX_NOT_ALLOWED": output(syntax="1.2.840.113619.5.2"),
    }
    for reason, data in broken.items():
        for pair in ((source(), data), (data, whole)):
            with pytest.raises(Refusal) as refused:
                verify(*pair)
            assert refused.value.reason == reason


def test_the_verifier_imports_nothing_of_what_it_verifies():
    """import-linter forbids the modules that exist; this one those to come as well."""
    own = sorted(Path(verification.__file__).parent.glob("*.py"))
    allowed = {"eucaim_pipelines", "eucaim_pipelines.contracts", "eucaim_pipelines.errors"}
    allowed |= {verification.__name__, *(f"{verification.__name__}.{path.stem}" for path in own)}
    around = ("eucaim_pipelines", "eucaim_pipelines.deidentification", verification.__name__)
    assert len(own) > 5
    for path in own:
        nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
        froms = [node for node in nodes if isinstance(node, ast.ImportFrom)]
        named = {node.module for node in froms}
        packages = [node for node in froms if node.module in around]
        named |= {f"{node.module}.{alias.name}" for node in packages for alias in node.names}
        named |= {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
        assert {name for name in named if name.startswith("eucaim_pipelines")} <= allowed, path.name
