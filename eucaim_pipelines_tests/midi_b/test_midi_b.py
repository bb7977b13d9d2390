"""The profile reaches the marks on MIDI-B's ten actions; the scorer sees what a poor de-identifier does.

`python -m eucaim_pipelines_tests.midi_b` prints the table.
"""

import csv
from io import BytesIO
from typing import NamedTuple

import pydicom
import pytest
from pydicom import Dataset

from eucaim_pipelines import contracts
from eucaim_pipelines.deidentification.keys.pseudonyms import Pseudonyms, SiteKey
from eucaim_pipelines.deidentification.pixels.cleaning import available
from eucaim_pipelines.dicom.values import quiet
from eucaim_pipelines_tests.midi_b import pixels
from eucaim_pipelines_tests.midi_b.answers import ACTIONS, Answer, elements, passed
from eucaim_pipelines_tests.midi_b.injection import kept_attributes
from eucaim_pipelines_tests.midi_b.people import person
from eucaim_pipelines_tests.midi_b.sample import risky
from eucaim_pipelines_tests.midi_b.scoring import Scorer, midi_b

pytestmark = pytest.mark.xdist_group("midi_b")
PERFECT = (
    "text_removed",
    "date_shifted",
    "patid_consistent",
    "pixels_hidden",
    "uid_changed",
    "uid_consistent",
)
NEARLY_PERFECT = ("tag_retained", "pixels_retained")
REPORTED = ("text_notnull", "text_retained")
_NO_RULE_OF_ITS_OWN = ("clear", "map", "marks", "pattern", "vocabulary")


@pytest.fixture(scope="module")
def score(shared):
    return midi_b(shared)


def test_the_sample_is_large_enough_and_only_drawn_objects_are_held_back(score):
    assert score.objects >= 150
    assert {action: score.checks[action] > 10 for action in ACTIONS} == dict.fromkeys(ACTIONS, True)
    assert set(score.not_released) == {"BURNED_IN_RISK"}
    assert score.not_released["BURNED_IN_RISK"] <= score.checks["pixels_hidden"]


@pytest.mark.parametrize("action", PERFECT)
def test_removals_dates_uids_and_patient_ids_are_all_right(action, score):
    assert not {name: count for (which, name), count in score.failures.items() if which == action}


@pytest.mark.parametrize("action", NEARLY_PERFECT)
def test_what_research_needs_is_retained(action, score):
    assert score.share(action) >= 99.9


def test_the_table_has_a_row_of_each_action(score):
    assert sorted((*PERFECT, *NEARLY_PERFECT, *REPORTED)) == sorted(ACTIONS)
    rows = score.table().splitlines()[2:]
    assert [row.split()[0] for row in rows] == list(ACTIONS)


def test_the_committed_list_is_what_the_profile_keeps():
    path = contracts.folder() / "deidentification" / "eucaim.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    kept = set()
    for row in rows:
        label = row["tag"][1:5] + row["tag"][6:10]
        rule = row["rule"].split(":")[0]
        if set(label) <= set("0123456789ABCDEF") and label >= "0008" and rule not in _NO_RULE_OF_ITS_OWN:
            kept.add(int(label, 16))
    left_out = {0x00080103, 0x00080106, 0x00080119, 0x00080120}  # parts of a code that depend on its scheme
    assert kept - left_out == kept_attributes()


class _Untouched(NamedTuple):
    """The result of a de-identifier that does nothing."""

    data: bytes


class _Lazy:
    """A de-identifier that publishes what it gets."""

    pseudonyms = Pseudonyms(SiteKey(bytes(32)))

    def deidentify_verified(self, data, subject):
        return _Untouched(data)


def test_a_deidentifier_that_does_nothing_fails_every_removal(shared):
    score = Scorer(_Lazy()).score(shared, step=9)
    for action in ("text_removed", "date_shifted", "uid_changed", "pixels_hidden"):
        assert score.share(action) == 0, action
    for action in ("tag_retained", "text_retained", "text_notnull", "pixels_retained"):
        assert score.share(action) == 100, action


class _Forgetful(_Lazy):
    """A de-identifier that makes every identifier anew for each object and drops everything else."""

    def __init__(self):
        self.count = 0

    def deidentify_verified(self, data, subject):
        self.count += 1
        with quiet():
            ds, out = pydicom.dcmread(BytesIO(data)), BytesIO()
            ds.PatientID, ds.StudyInstanceUID = f"P{self.count}", f"2.25.{self.count}"
            for element in list(ds):
                if element.keyword not in ("PatientID", "StudyInstanceUID", "SOPClassUID"):
                    del ds[element.tag]
            ds.save_as(out)
        return _Untouched(out.getvalue())


def test_a_deidentifier_without_memory_fails_consistency_and_retention(shared):
    score = Scorer(_Forgetful()).score(shared, step=9)
    failed = {name for action, name in score.failures if action.endswith("consistent")}
    assert failed == {"PatientID", "StudyInstanceUID"}
    for action in ("tag_retained", "pixels_retained"):
        assert score.share(action) < 10, action
    assert score.share("text_removed") == 100


@pytest.mark.parametrize(
    ("answer", "value", "good"),
    [
        (Answer("text_removed", (0x00104000,), "Grünhilde Sübbelrath"), "seen by GRÜNHILDE", False),
        (Answer("text_removed", (0x00104000,), "Grünhilde of Sübbelrath"), "a matter of habit", True),
        (Answer("text_removed", (0x00104000,), "17"), "17.0", False),
        (Answer("text_retained", (0x00104000,), "liver with contrast"), "contrast, liver", True),
        (Answer("text_retained", (0x00104000,), "liver with contrast"), "liver", False),
        (Answer("text_notnull", (0x00104000,)), "", False),
        (Answer("tag_retained", (0x00104000,)), "", True),
        (Answer("date_shifted", (0x00104000,), "20170322"), "20170322", False),
        (Answer("uid_changed", (0x00104000,), "1.2.3"), "2.25.7", True),
    ],
)
def test_the_rules_of_one_element(answer, value, good):
    ds = Dataset()
    ds.PatientComments = value
    assert passed(answer, dict(elements(ds)), value.encode()) is good


def test_a_removed_text_must_not_stand_anywhere_else():
    answer = Answer("text_removed", (0x00104000,), "Щербаковский")
    assert passed(answer, {}, b"\0" * 20)
    assert not passed(answer, {}, b"\0" + "Щербаковский".encode("iso8859_5"))


def test_a_drawn_name_is_seen_until_it_is_blanked(shared):
    _, ds = next(risky(shared))
    with quiet():
        mask = pixels.draw(ds, person(0))
        blank = pydicom.dcmread(BytesIO(_file(ds)))
        samples = blank.pixel_array.copy()
        samples[mask] = 0
        blank.PixelData = samples.tobytes()
    assert mask.sum() > 500
    assert pixels.visible(mask, ds, ds)
    assert not pixels.visible(mask, ds, blank)


@pytest.mark.skipif(not available(), reason="the extra [ocr] is not installed")
def test_with_the_extra_some_drawn_objects_are_released_without_the_name(score):
    assert score.not_released["BURNED_IN_RISK"] + 3 <= score.checks["pixels_hidden"]


def _file(ds):
    out = BytesIO()
    ds.save_as(out)
    return out.getvalue()
