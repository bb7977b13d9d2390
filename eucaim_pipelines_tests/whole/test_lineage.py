"""From every released object to its source file and back; from a figure to its rows; a changed byte is named.

Commands are called in this process, on a site that a whole run has made.
"""

import hashlib
import hmac
import io
import json
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from pathlib import Path

import dagster as dg
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eucaim_pipelines.assets.automation import job_name
from eucaim_pipelines.cli import auditing, explaining, verifying
from eucaim_pipelines.definitions import build
from eucaim_pipelines.errors import DataError, SettingsError
from eucaim_pipelines.settings import load_settings
from eucaim_pipelines_tests.assets.test_automation import night
from eucaim_pipelines_tests.release.tracing_service import serving
from eucaim_pipelines_tests.whole.conftest import Run
from eucaim_pipelines_tests.whole.holder import DATASET
from eucaim_pipelines_tests.whole.sites import KEY, Site

pytestmark = pytest.mark.xdist_group("newcomer")


@pytest.fixture(scope="module")
def site(newcomer: Run) -> Iterator[Site]:
    """The newcomer's site, whose settings are those of this process."""
    assert newcomer.ran.code == 0, newcomer.ran.text
    with pytest.MonkeyPatch.context() as patch:
        for name, value in newcomer.site.environment().items():
            patch.setenv(name, value)
        yield newcomer.site


def said(command: Callable[[], None]) -> str:
    with redirect_stdout(io.StringIO()) as out:
        command()
    return out.getvalue()


def explained(asked: str) -> str:
    return said(lambda: explaining.explain(asked, paths=False))


def landed(site: Site, suffix: str) -> dict[str, str]:
    """SHA-256 of the delivered files, and the token that each has: computed here, from the key."""
    files = [path for path in (site.landing / DATASET).rglob(f"*{suffix}") if not path.is_symlink()]
    hashes = [hashlib.sha256(path.read_bytes()).digest() for path in files]
    return {
        each.hex(): hmac.new(bytes.fromhex(KEY), b"digest of source\0" + each, hashlib.sha256).hexdigest()
        for each in hashes
    }


def lineage(site: Site) -> list[dict[str, str]]:
    """The rows that the newest Tier 3 manifest names."""
    (key,) = (i["key"] for i in site.manifest(DATASET, 3)["files"] if i["name"] == "lineage.parquet")
    assert all(key in (site.version_folder(DATASET, t) / "manifest.json").read_text() for t in (1, 2))
    rows: list[dict[str, str]] = pq.read_table(site.release / key).to_pylist()
    return rows


def test_every_object_leads_to_its_source_and_every_source_to_its_object(site: Site) -> None:
    objects = {row["source_token"]: row for row in lineage(site) if row["step"] == "object"}
    assert {row["object_key"] for row in objects.values()} == set(site.objects(DATASET, 3))
    delivered = landed(site, ".dcm")
    assert len(delivered) == len(objects) == 24
    for sha256, token in delivered.items():
        row = objects[token]
        data = (site.release / row["object_key"]).read_bytes()
        assert hashlib.sha256(data).hexdigest() == row["object_sha256"]
        there = explained(sha256[:16])
        assert f"  object {row['object_key']}" in there and f"source token {token}" in there
        for asked in (row["object_key"], row["object_sha256"], row["object_sha256"][:32], token[:12]):
            back = explained(asked)
            assert [s for s in delivered if s in back] == [sha256], asked
            assert f"rules {row['rules_digest']}, profile {row['profile_digest']}" in back
        assert sha256 in explained(row["sop_instance_uid"])


def test_tables_lead_to_their_file_and_the_file_to_tables_and_figures(site: Site) -> None:
    ((sha256, token),) = landed(site, ".csv").items()
    fed = {row["table"] for row in lineage(site) if row["source_token"] == token}
    assert fed == {"cancer_condition", "patient"}
    for told in (explained(sha256), explained(token)):
        assert f"sha256 {sha256}" in told and "rows of it are in cancer_condition, patient" in told
        assert "eucaim:hasBirthSex" in told and "numberOfRecords" not in told


def test_a_figure_leads_to_its_rows_and_these_to_files_and_lines(site: Site) -> None:
    counted = json.loads(said(lambda: explaining.explain_figure(DATASET, "numberOfRecords", as_json=True)))
    assert (counted["rows"], counted["people"], counted["tables"]) == (12, 12, ["image_study"])
    delivered = {sha256[:16] for sha256 in landed(site, ".dcm")}
    first = [row["from"].split()[1].rstrip(";") for row in counted["behind"]]
    assert len(set(first)) == 12 and set(first) <= delivered
    stated = json.loads(said(lambda: explaining.explain_figure(DATASET, "condition", as_json=True)))
    lines = {row["from"] for row in stated["behind"]}
    assert lines == {f"people, line {number} of 2026-01" for number in range(2, 14)}
    plain = said(lambda: explaining.explain_figure(DATASET, "eucaim:hasCondition", as_json=False))
    assert plain.count(", line ") == 12 and "Nobodyson" not in plain and "HC-77" not in plain


def test_what_nobody_knows_and_a_dataset_without_a_figure_are_said_so(site: Site) -> None:
    (key, *_) = site.objects(DATASET, 3)
    for unknown in (f"{key[:-36]}{'0' * 32}.dcm", "0" * 64, "2.25.1"):
        with pytest.raises(SettingsError, match="knows that"):
            explained(unknown)
    with pytest.raises(SettingsError, match="name a figure"):
        explained(DATASET)


def verified() -> tuple[str, bool]:
    """What `eucaim verify` and `eucaim audit verify` say, and whether both hold."""
    out, whole = io.StringIO(), True
    with redirect_stdout(out):
        for command in (
            lambda: verifying.verify(DATASET, None, False, []),
            lambda: auditing.verify(None, None),
        ):
            try:
                command()
            except DataError as error:
                out.write(str(error))
                whole = False
    return out.getvalue(), whole


def kinds(site: Site) -> dict[str, Path]:
    """One file of each kind that a run writes and somebody may check."""
    manifest, folder = site.manifest(DATASET, 3), site.version_folder(DATASET, 3)
    files = {item["name"]: site.release / item["key"] for item in manifest["files"]}
    return {
        **files,
        "CURRENT": site.release / DATASET / "tier_3/CURRENT",
        "manifest": folder / "manifest.json",
        "trace": folder / "trace.json",
        "table": site.release / manifest["tables"][0]["key"],
        "objects": site.release / manifest["objects"][0]["key"],
        "image": site.release / site.objects(DATASET, 3)[0],
        "log": site.restricted / "audit.jsonl",
        "head": site.restricted / "audit.head",
    }


def test_what_is_not_touched_holds(site: Site) -> None:
    told, whole = verified()
    assert whole, told
    assert {"deidentification.json", "report.html", "catalogue.jsonld", "lineage.parquet"} <= kinds(
        site
    ).keys()


@settings(max_examples=60)
@given(data=st.data(), part=st.floats(0, 1, exclude_max=True), change=st.integers(1, 255))
def test_one_changed_byte_of_any_kind_of_file_is_named(
    site: Site, data: st.DataObject, part: float, change: int
) -> None:
    path = kinds(site)[data.draw(st.sampled_from(sorted(kinds(site))))]
    _one_byte_is_named(site, path, part, change)


def _one_byte_is_named(site: Site, path: Path, part: float, change: int) -> None:
    """`part` of the way into the file: the log grows from case to case by who looked."""
    data = path.read_bytes()
    at = int(part * len(data))
    try:
        path.write_bytes(data[:at] + bytes([data[at] ^ change]) + data[at + 1 :])
        told, whole = verified()
    finally:
        now = path.read_bytes()
        path.write_bytes(now[:at] + data[at : at + 1] + now[at + 1 :])
    assert not whole
    if path.parent == site.restricted:
        assert f"{path.name}, line {data[:at].count(10) + 1}: " in told
    else:
        assert path.relative_to(site.release).as_posix() in told


def test_the_last_line_of_the_log_that_is_gone_is_missed(site: Site) -> None:
    log = site.restricted / "audit.jsonl"
    data = log.read_bytes()
    lines = data.splitlines(keepends=True)
    try:
        log.write_bytes(b"".join(lines[:-1]))
        with pytest.raises(DataError, match=f"audit.jsonl, line {len(lines)}: it is missing"):
            auditing.verify(None, None)
    finally:
        log.write_bytes(data)


def test_a_log_that_is_gone_altogether_is_missed(site: Site) -> None:
    files = [site.restricted / name for name in ("audit.jsonl", "audit.head")]
    kept = {path: path.read_bytes() for path in files}
    try:
        for path in files:
            path.unlink()
        with pytest.raises(DataError, match="There is no audit log"):
            auditing.verify(None, None)
        assert "no line says that this was published" in verified()[0]
    finally:
        for path, data in kept.items():
            path.write_bytes(data)


def test_the_log_tells_of_the_run_its_releases_and_who_looked(site: Site) -> None:
    told = [json.loads(line) for line in said(lambda: auditing.show(DATASET, as_json=True)).splitlines()]
    events = [line["event"] for line in told]
    assert events[:5] == ["run_started", *["release_published"] * 3, "run_ended"]
    assert {"verified", "figure_explained"} <= set(events)
    for tier, line in enumerate(told[1:4], 1):
        data = (site.version_folder(DATASET, tier) / "manifest.json").read_bytes()
        assert line["told"]["manifest"] == hashlib.sha256(data).hexdigest()
    head = said(auditing.head).strip()
    auditing.verify(None, head)
    with pytest.raises(DataError, match="it is not the line that was noted"):
        auditing.verify(None, head[:-1] + ("0" if head[-1] != "0" else "1"))


def test_a_night_with_nothing_but_owed_traces_sends_them_and_makes_nothing(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The schedule asks for the releases alone; they stand unchanged, and their traces are sent once."""
    before = site.traces()
    with serving() as service, dg.DagsterInstance.local_temp() as instance:
        monkeypatch.setenv("EUCAIM_TRACE_URL", service.url)
        instance.add_dynamic_partitions("dataset", [DATASET])
        definitions = build(load_settings())
        (asked,) = night(definitions, instance).run_requests
        assert {key.path[-1] for key in asked.asset_selection} == {"release"}
        ran = definitions.resolve_job_def(job_name(3)).execute_in_process(
            instance=instance, partition_key=asked.partition_key, asset_selection=asked.asset_selection
        )
        assert ran.success
        assert site.eucaim("run", DATASET).text.count("nothing new") == 1
        assert night(definitions, instance).run_requests == []
    sent = [json.loads(body) for _, _, body in service.told]
    assert [each["resources"][0]["id"].split("/")[0] for each in sent] == ["tier_1", "tier_2", "tier_3"]
    for tier, each in enumerate(sent, 1):
        document = json.loads((site.version_folder(DATASET, tier) / "trace.json").read_bytes())
        assert each == document["trace"]["message"]
    assert site.traces() == before
