"""Laws of verification: whatever is planted is found, and one object never excuses another."""

import ast
from copy import deepcopy
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eucaim_pipelines.deidentification import verification
from eucaim_pipelines.deidentification.verification.verifier import Residual, Verifier, verify
from eucaim_pipelines.errors import Refusal
from eucaim_pipelines_tests.deidentification.leaking import (
    CLEAN,
    COMMENT,
    INSTITUTION,
    NAME,
    STUDY_ID,
    leaks,
    output,
    source,
)

from .written import SYNTAXES, encoded, file

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
