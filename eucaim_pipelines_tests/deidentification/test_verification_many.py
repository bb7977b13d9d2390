"""Objects of tens of thousands of texts: searched as any other, in seconds.

What is a leak is said in `test_verification_leaks`.
"""

import random
from hashlib import sha256

import pytest

from eucaim_pipelines.deidentification.verification import output as searched
from eucaim_pipelines.deidentification.verification import verifier
from eucaim_pipelines.deidentification.verification.many import positions

from .written import file

FRAMES, ITEMS = 0x52009230, 12_000
TEXTS = {
    "random": lambda number: sha256(b"%d" % number).hexdigest()[:12].encode(),
    "of one beginning": lambda number: b"1.2.826.0.1.3680043.77.%05d" % number,
    "kept numbers": lambda number: b"%d" % (1_000_000 + number),
    "short kept numbers": lambda number: b"%d" % number,
}


def pair(text):
    """A source with one text in each item, and its output, with numbers that stay."""
    kept = [
        [
            (0x00181151, "IS", b"%d" % (number + 1_000_000 * text.startswith("kept"))),
            (0x00200032, "DS", b"0.5"),
        ]
        for number in range(ITEMS)
    ]
    made = [[(0x00080050, "SH", TEXTS[text](number)), *kept[number]] for number in range(ITEMS)]
    return file([(FRAMES, "SQ", made)]), [(FRAMES, "SQ", kept)]


@pytest.mark.parametrize("text", TEXTS)
def test_thousands_of_texts_are_looked_for(text):
    original, kept = pair(text)
    found = verifier.verify(original, file(kept))
    assert found.residuals == []
    assert sum(found.explained.values()) == (ITEMS if "kept" in text else 0)
    leaking = file([*kept, (0x00081040, "LO", TEXTS[text](ITEMS - 1))])
    assert verifier.verify(original, leaking).residuals == [verifier.Residual("text", 0x00080050)]


def test_very_many_texts_are_looked_for_at_once_and_few_one_by_one(monkeypatch):
    """The proof that does not need a clock: one pass over the output, whatever the number of texts."""
    passes = []

    def watched(text, wanted):
        passes.append(len(wanted))
        return positions(text, wanted)

    monkeypatch.setattr("eucaim_pipelines.deidentification.verification.many.positions", watched)
    original, kept = pair("kept numbers")
    verifier.verify(original, file(kept))
    assert passes == [ITEMS]
    verifier.verify(file([(0x00100020, "LO", b"HOSP-00417733")]), file(kept))
    assert passes == [ITEMS]


@pytest.mark.parametrize("text", ["random", "of one beginning"])
def test_thousands_of_texts_are_looked_for_in_large_values(text):
    original, kept = pair(text)
    table = b"\1" * ((1 << 20) - 7) + TEXTS[text](ITEMS - 1) + b"\1" * 1001
    leaking = file([*kept, (0x00660016, "OF", table + b"\1" * (len(table) % 2))])
    assert verifier.verify(original, leaking).residuals == [verifier.Residual("bytes", 0x00080050)]


def test_all_at_once_finds_what_one_by_one_finds(monkeypatch):
    made = random.Random(7)  # noqa: S311 - no secret
    letters = [bytes(made.choices(b"ab", k=made.randint(6, 150))) for _ in range(300)]
    text = b"".join([bytes(made.choices(b"ab", k=3000)), *letters[::3], b"ab" * 300])
    wanted = {*letters, text[-6:], text[:6], text[-64:], text[-65:], text, b"c" * 9}
    for block in (1 << 20, 64, 1000):
        monkeypatch.setattr("eucaim_pipelines.deidentification.verification.many._BLOCK", block)
        found = positions(text, wanted)
        assert found.keys() == {each for each in wanted if each in text}
        for each, places in found.items():
            assert places == [at for at in range(len(text)) if text.startswith(each, at)]
    assert positions(b"", wanted) == positions(b"abab", wanted) == {}


def test_both_ways_of_searching_give_the_same_residuals(monkeypatch):
    persons = [[(0x00081070, "PN", b"Person%d^Anna" % number)] for number in range(40)]
    original = file([(0x00200010, "SH", b"17"), (0x00100020, "LO", b"417733"), (0x00081111, "SQ", persons)])
    text = [
        (0x00081040, "LO", b"17"),
        (0x00204000, "LT", b"by Person17 and 417733"),
        (0x00200011, "IS", b"17"),
    ]
    expected = verifier.verify(original, file(text))
    assert {residual.tag for residual in expected.residuals} == {0x00200010, 0x00100020, 0x00081070}
    monkeypatch.setattr(searched, "_FEW", 0)
    assert verifier.verify(original, file(text)) == expected
