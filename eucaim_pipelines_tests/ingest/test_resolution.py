"""Laws of which reception counts."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from eucaim_pipelines.ingest.records import Reception
from eucaim_pipelines.ingest.resolution import ACCEPTED, resolve


def reception(number, export, content, *, sop="1.1", series="1.2", patient="P1", refusal=None):
    return Reception(
        id=number,
        export=export,
        path=f"{number}.dcm",
        order=(export, export, f"{number:06}"),
        bytes=1,
        sha256=f"file-{number}",
        content=content,
        clinical_file=None,
        refusal=refusal,
        sop_instance_uid=sop,
        series_instance_uid=series,
        study_instance_uid="1.3",
        patient_id=patient,
        issuer=None,
        disposition=None,
        reason=None,
        object_key=None,
        object_refusal=None,
    )


def test_of_equal_contents_the_first_is_taken():
    decisions = resolve([reception(1, "a", "x"), reception(2, "b", "x")])
    assert decisions == {1: ACCEPTED, 2: ("duplicate", "SAME_CONTENT")}


def test_a_later_export_corrects():
    decisions = resolve([reception(1, "a", "x"), reception(2, "b", "y")])
    assert decisions == {1: ("duplicate", "SUPERSEDED"), 2: ACCEPTED}


def test_a_correction_taken_back_brings_the_first_content_again():
    decisions = resolve([reception(1, "a", "x"), reception(2, "b", "y"), reception(3, "c", "x")])
    assert decisions == {1: ACCEPTED, 2: ("duplicate", "SUPERSEDED"), 3: ("duplicate", "SAME_CONTENT")}


def test_two_contents_in_one_export_hold_the_whole_series():
    receptions = [
        reception(1, "a", "x"),
        reception(2, "a", "y"),
        reception(3, "a", "z", sop="1.9"),
        reception(4, "a", "w", sop="1.10", series="1.11"),
    ]
    held = ("quarantined", "UID_CONFLICT")
    assert resolve(receptions) == {1: held, 2: held, 3: held, 4: ACCEPTED}


def test_a_contested_content_that_came_twice_is_held_twice():
    receptions = [reception(1, "a", "x"), reception(2, "a", "y"), reception(3, "a", "x")]
    assert set(resolve(receptions).values()) == {("quarantined", "UID_CONFLICT")}


def test_a_later_export_with_one_content_frees_the_series():
    receptions = [
        reception(1, "a", "x"),
        reception(2, "a", "y"),
        reception(3, "a", "z", sop="1.9"),
        reception(4, "b", "y"),
    ]
    assert resolve(receptions) == {
        1: ("duplicate", "SUPERSEDED"),
        2: ACCEPTED,
        3: ACCEPTED,
        4: ("duplicate", "SAME_CONTENT"),
    }


def test_two_patients_in_one_series_are_never_merged():
    receptions = [reception(1, "a", "x"), reception(2, "a", "y", sop="1.9", patient="P2")]
    assert set(resolve(receptions).values()) == {("quarantined", "TWO_PATIENTS")}


def test_an_empty_patient_id_is_no_second_patient():
    receptions = [reception(1, "a", "x"), reception(2, "a", "y", sop="1.9", patient=None)]
    assert set(resolve(receptions).values()) == {ACCEPTED}


def test_a_damaged_re_send_supersedes_nothing():
    receptions = [reception(1, "a", "x"), reception(2, "b", "y", refusal="TRUNCATED")]
    assert resolve(receptions) == {1: ACCEPTED, 2: ("quarantined", "TRUNCATED")}


def test_one_patient_with_and_without_issuer_is_one_patient():
    first, second = reception(1, "a", "x"), reception(2, "a", "y", sop="1.9")
    assert set(resolve([first, replace(second, issuer="H")]).values()) == {ACCEPTED}


def test_what_cannot_be_read_waits():
    unread = replace(reception(1, "a", None, sop=None), refusal="UNREADABLE")
    assert resolve([unread]) == {1: ("pending", "UNREADABLE")}


def test_a_picture_that_shows_a_label_withdraws_what_it_corrects():
    receptions = [reception(1, "a", "x"), reception(2, "b", "y", refusal="SPECIMEN_LABEL")]
    assert resolve(receptions) == {1: ("duplicate", "SUPERSEDED"), 2: ("quarantined", "SPECIMEN_LABEL")}


@given(
    st.lists(
        st.tuples(
            st.sampled_from("abc"), st.sampled_from("xyz"), st.sampled_from(["1.1", "1.2", None]),
            st.sampled_from("st"), st.sampled_from(["P", "Q", None]), st.sampled_from([None, "TRUNCATED"]),
        ),
        max_size=30,
    )
)  # fmt: skip
def test_every_reception_has_one_disposition_and_no_instance_is_accepted_twice(rows):
    receptions = [
        reception(n, export, content, sop=sop, series=series, patient=patient, refusal=refusal)
        for n, (export, content, sop, series, patient, refusal) in enumerate(rows)
    ]
    decisions = resolve(receptions)
    assert set(decisions) == {r.id for r in receptions}
    accepted = [r.sop_instance_uid for r in receptions if decisions[r.id] == ACCEPTED]
    assert len(accepted) == len(set(accepted))
