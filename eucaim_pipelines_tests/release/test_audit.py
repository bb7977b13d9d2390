"""The audit log: appended to only, each byte and each line accounted for, the end of it too."""

import json
import multiprocessing
import os
import resource
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eucaim_pipelines.deidentification.keys.pseudonyms import SiteKey
from eucaim_pipelines.deidentification.keys.signing import public_key
from eucaim_pipelines.errors import DataError, MachineError
from eucaim_pipelines.release import audit_log
from eucaim_pipelines.release.audit_check import check
from eucaim_pipelines.release.audit_log import HEAD, LOG, AuditLog

KEY, OTHER = SiteKey(bytes(range(32))), SiteKey(bytes(32))
PUBLIC = public_key(KEY)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A log of five lines, and its files' bytes."""
    folder = tmp_path_factory.mktemp("audit")
    log = AuditLog(folder, KEY)
    for number in range(5):
        log.append("release_published", "lung", tier=1, images=number)
    return folder, {name: (folder / name).read_bytes() for name in (LOG, HEAD)}


@pytest.fixture
def folder(written):
    """That log, put back as it was after each test."""
    yield written[0]
    put(*written)


def put(folder, files):
    for name, data in files.items():
        (folder / name).write_bytes(data)


def faults(folder, **more):
    return check(folder, PUBLIC, **more).fault


def test_a_log_holds_and_only_its_owner_reads_it(folder):
    assert faults(folder) is None and len(check(folder, PUBLIC).lines) == 5
    assert (folder / LOG).stat().st_mode & 0o777 == (folder / HEAD).stat().st_mode & 0o777 == 0o600
    lines = [json.loads(line) for line in (folder / LOG).read_text(encoding="utf-8").splitlines()]
    assert [line["n"] for line in lines] == [1, 2, 3, 4, 5]
    assert lines[4]["told"] == {"images": 4, "tier": 1}


def test_a_site_that_did_nothing_yet_has_nothing_at_fault(tmp_path):
    assert faults(tmp_path) is None


@given(where=st.floats(0, 1, exclude_max=True), change=st.integers(1, 255), name=st.sampled_from([LOG, HEAD]))
def test_any_changed_byte_is_named_with_its_line(written, where, change, name):
    folder, files = written
    at = int(where * len(files[name]))
    changed = bytearray(files[name])
    changed[at] ^= change
    put(folder, files | {name: bytes(changed)})
    told = faults(folder)
    line = files[name][:at].count(b"\n") + 1
    assert told is not None and told.startswith(f"{name}, line {line}: ")
    assert not check(folder, PUBLIC).interrupted
    put(folder, files)


def test_a_signature_in_other_letters_is_told(folder, written):
    signature = json.loads(written[1][HEAD])["signature"]
    put(folder, {HEAD: written[1][HEAD].replace(signature.encode(), signature.upper().encode())})
    assert faults(folder).startswith(f"{HEAD}, line 1: ")


@pytest.mark.parametrize("cut", [1, 2, 5])
def test_lines_that_are_cut_off_the_end_are_missed(folder, cut):
    lines = (folder / LOG).read_bytes().splitlines(keepends=True)
    (folder / LOG).write_bytes(b"".join(lines[:-cut]))
    assert faults(folder) == f"{LOG}, line {6 - cut}: it is missing; the head signs 5 lines"
    with pytest.raises(DataError, match="audit verify"):
        AuditLog(folder, KEY).append("run_started", "lung")


def test_a_line_that_is_taken_out_is_named(folder):
    lines = (folder / LOG).read_bytes().splitlines(keepends=True)
    (folder / LOG).write_bytes(b"".join(lines[:2] + lines[3:]))
    assert faults(folder) == f"{LOG}, line 3: it does not follow the line before"


def test_a_log_without_its_head_is_told(folder):
    (folder / HEAD).unlink()
    assert faults(folder) == f"{HEAD}, line 1: it is missing"
    with pytest.raises(DataError):
        AuditLog(folder, KEY).append("run_started")


def test_a_log_that_was_written_anew_under_another_key_is_told(folder):
    (folder / LOG).unlink()
    (folder / HEAD).unlink()
    AuditLog(folder, OTHER).append("release_published", "lung", tier=1, images=0)
    assert faults(folder) == f"{HEAD}, line 1: it was signed with another key"


def test_an_older_pair_is_told_by_a_head_that_was_noted(folder, written):
    last = check(folder, PUBLIC).lines[-1]
    AuditLog(folder, KEY).append("run_started", "lung")
    newer = check(folder, PUBLIC).lines[-1]
    assert faults(folder, noted=(last.n, last.hash)) is None
    put(*written)
    assert faults(folder) is None
    assert faults(folder, noted=(newer.n, newer.hash)) == f"{LOG}, line 6: it is not the line that was noted"
    assert faults(folder, noted=(5, "0" * 64)) == f"{LOG}, line 5: it is not the line that was noted"


@pytest.mark.parametrize("half", [False, True])
def test_an_interrupted_append_is_told_apart_and_completed(folder, written, half):
    AuditLog(folder, KEY).append("run_started", "lung")
    whole = (folder / LOG).read_bytes()
    (folder / HEAD).write_bytes(written[1][HEAD])
    (folder / LOG).write_bytes(whole[:-9] if half else whole)
    found = check(folder, PUBLIC)
    assert found.interrupted and found.fault is not None and found.fault.startswith(f"{LOG}, line 6: ")
    AuditLog(folder, KEY).append("run_ended", "lung")
    events = [line.event for line in check(folder, PUBLIC).lines[5:]]
    assert faults(folder) is None
    assert events == ([] if half else ["run_started"]) + ["append_completed", "run_ended"]


def test_the_first_append_may_be_interrupted_too(tmp_path):
    AuditLog(tmp_path, KEY).append("run_started")
    (tmp_path / HEAD).unlink()
    assert check(tmp_path, PUBLIC).interrupted
    AuditLog(tmp_path, KEY).append("run_ended")
    assert faults(tmp_path) is None


def test_two_lines_beyond_the_head_are_no_interrupted_append(folder, written):
    log = AuditLog(folder, KEY)
    log.append("run_started")
    log.append("run_ended")
    (folder / HEAD).write_bytes(written[1][HEAD])
    assert faults(folder) == f"{LOG}, line 6: the head does not sign it, nor what follows"
    with pytest.raises(DataError):
        log.append("run_started")


def test_a_line_beyond_the_head_must_continue_the_chain(folder, written):
    other = audit_log.Line(6, "2026-01-01T00:00:00+00:00", "run_started", None, {}, "0" * 64)
    (folder / LOG).write_bytes(written[1][LOG] + other.to_bytes())
    found = check(folder, PUBLIC)
    assert not found.interrupted and found.fault == f"{LOG}, line 6: it does not follow the line before"
    with pytest.raises(DataError):
        AuditLog(folder, KEY).append("run_ended")


def test_another_key_is_a_line_of_its_own(folder):
    AuditLog(folder, OTHER).append("run_started", "lung")
    found = check(folder, public_key(OTHER))
    assert found.fault is None
    assert [line.event for line in found.lines[5:]] == ["key_changed", "run_started"]
    assert found.lines[5].told == {"before": PUBLIC, "public_key": public_key(OTHER)}
    assert found.key_changes == [found.lines[5]]


def _append_on_a_full_disk(folder: Path) -> None:
    whole = (folder / LOG).stat().st_size + 20
    resource.setrlimit(resource.RLIMIT_FSIZE, (whole, whole))
    try:
        AuditLog(folder, KEY).append("run_started", "lung")
    except MachineError:
        os._exit(7)


def test_a_line_for_which_the_disk_has_no_room_is_not_signed(folder):
    process = multiprocessing.get_context("fork").Process(target=_append_on_a_full_disk, args=(folder,))
    process.start()
    process.join(60)
    assert process.exitcode == 7
    assert check(folder, PUBLIC).interrupted
    AuditLog(folder, KEY).append("run_ended", "lung")
    assert faults(folder) is None
    assert [line.event for line in check(folder, PUBLIC).lines[5:]] == ["append_completed", "run_ended"]


def _append(folder: Path, times: int) -> None:
    for number in range(times):
        AuditLog(folder, KEY).append("verified", "lung", wrong=number)


def test_processes_append_one_after_the_other(tmp_path):
    context = multiprocessing.get_context("fork")
    running = [context.Process(target=_append, args=(tmp_path, 25)) for _ in range(4)]
    for process in running:
        process.start()
    for process in running:
        process.join(60)
        assert process.exitcode == 0
    assert faults(tmp_path) is None and len(check(tmp_path, PUBLIC).lines) == 100
