"""What starts by itself: news become runs, everything else a reason; nothing overlaps."""

import json
import shutil
import subprocess
import sys
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime

import dagster as dg
import pytest

from eucaim_pipelines.assets.automation import failure_line
from eucaim_pipelines.assets.state import Places, dataset_state, parts, seen
from eucaim_pipelines.contracts import folder as contracts_folder
from eucaim_pipelines.definitions import build
from eucaim_pipelines.deidentification.keys.pseudonyms import SiteKey
from eucaim_pipelines.errors import SettingsError, SiteKeyError
from eucaim_pipelines.settings import Settings
from eucaim_pipelines_tests.resources.test_lock import HOLD

DATASET = "demo_lung_ct"


@pytest.fixture
def settings(tmp_path):
    (tmp_path / "landing" / DATASET / "one").mkdir(parents=True)
    (tmp_path / "landing" / DATASET / "one" / "file").write_bytes(b"1")
    (tmp_path / "landing" / DATASET / "one._COMPLETE").write_text("2026-01-31")
    (tmp_path / "sources").mkdir()
    shutil.copy(contracts_folder() / "sources" / f"{DATASET}.yaml", tmp_path / "sources")
    SiteKey.generate(tmp_path / "key")
    places = {name: tmp_path / name for name in ("landing", "restricted", "sources")}
    return Settings(release=str(tmp_path / "release"), key_file=tmp_path / "key", **places)


@pytest.fixture
def definitions(settings):
    return build(settings)


@pytest.fixture
def instance():
    with dg.DagsterInstance.local_temp() as made:
        yield made


def look(definitions, instance):
    """One look of the sensor at landing."""
    sensor = definitions.resolve_sensor_def("completed_exports")
    with dg.build_sensor_context(instance=instance, resources=places(definitions)) as context:
        return sensor(context, restricted=definitions.resources["restricted"])


def night(definitions, instance):
    """One tick of the nightly schedule."""
    schedule = definitions.resolve_schedule_def("nightly")
    with dg.build_schedule_context(
        instance=instance,
        resources=places(definitions),
        repository_def=definitions.get_repository_def(),
        scheduled_execution_time=datetime(2026, 3, 1, 2, tzinfo=UTC),
    ) as context:
        return schedule.evaluate_tick(context)


def places(definitions):
    """The resources that sensor and schedule look at."""
    return {
        name: definitions.resources[name]
        for name in ("restricted", "contracts", "pseudonymisation", "store", "traces")
    }


def finish(definitions, dataset=DATASET, tier=3):
    """Note in the ledger that a run came to its end on what lies there now."""
    here = definitions.resources
    state = seen(dataset_state(dataset, Places(**places(definitions))))
    with here["restricted"].ledger(dataset) as ledger:
        ledger.note(seen=state)
    for part in parts(tier):
        here["publications"].finished(dataset, part, state)


@contextmanager
def held_elsewhere(restricted):
    """Another process works on the dataset."""
    command = [sys.executable, "-c", HOLD.replace('"ds"', f'"{DATASET}"'), str(restricted)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "held\n"
        yield
        holder.kill()


def test_both_run_by_default(definitions):
    assert (
        definitions.resolve_sensor_def("completed_exports").default_status is dg.DefaultSensorStatus.RUNNING
    )
    schedule = definitions.resolve_schedule_def("nightly")
    assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING
    assert (schedule.cron_schedule, schedule.execution_timezone) == ("0 2 * * *", "Europe/Brussels")


def test_a_completed_export_registers_its_dataset_and_launches_one_run(definitions, instance):
    tick = look(definitions, instance)
    assert [run.partition_key for run in tick.run_requests] == [DATASET]
    assert [list(each.partition_keys) for each in tick.dynamic_partitions_requests] == [[DATASET]]


def test_what_the_ledger_has_seen_is_no_news(definitions, instance):
    finish(definitions)
    assert "new in landing" in look(definitions, instance).skip_message


def test_an_export_without_its_marker_is_no_news(definitions, instance, settings):
    (settings.landing / DATASET / "one._COMPLETE").unlink()
    assert isinstance(look(definitions, instance), dg.SkipReason)


def test_a_dataset_that_somebody_works_on_is_left_alone(definitions, instance, settings):
    with held_elsewhere(settings.restricted):
        assert isinstance(look(definitions, instance), dg.SkipReason)


def test_an_export_that_cannot_be_listed_hides_no_other(definitions, instance, settings):
    other = settings.landing / "other"
    other.mkdir()
    (other / "gone").symlink_to(settings.landing / "nowhere")
    (other / "gone._COMPLETE").write_text("2026-01-31")
    result = look(definitions, instance)
    assert [run.partition_key for run in result.run_requests] == [DATASET]


def test_a_landing_that_cannot_be_read_is_a_reason(definitions, instance, settings):
    shutil.rmtree(settings.landing)
    assert "setting 'landing'" in look(definitions, instance).skip_message


def test_at_night_a_dataset_with_unpublished_work_goes_to_its_tier(definitions, instance):
    instance.add_dynamic_partitions("dataset", [DATASET])
    (run,) = night(definitions, instance).run_requests
    assert (run.partition_key, run.tags["eucaim/tier"]) == (DATASET, "3")
    assert dg.AssetKey(["tier_3", "release"]) in run.asset_selection


def test_at_night_nothing_runs_without_news(definitions, instance):
    instance.add_dynamic_partitions("dataset", [DATASET])
    finish(definitions)
    assert not night(definitions, instance).run_requests


@pytest.mark.parametrize("change", ["landing", "contracts", "key", "failed run"])
def test_at_night_whatever_shapes_the_release_is_news(definitions, instance, settings, change):
    instance.add_dynamic_partitions("dataset", [DATASET])
    finish(definitions, tier=2 if change == "failed run" else 3)
    if change == "landing":
        (settings.landing / DATASET / "one" / "another").write_bytes(b"2")
    elif change == "contracts":
        source = settings.sources / f"{DATASET}.yaml"
        source.write_text(source.read_text(encoding="utf-8") + "\n# looked at\n", encoding="utf-8")
    elif change == "key":
        settings.key_file.unlink()
        SiteKey.generate(settings.key_file)
    assert len(night(definitions, instance).run_requests) == 1


@pytest.mark.parametrize("trouble", ["locked", "no contract", "broken contract"])
def test_at_night_trouble_with_one_dataset_is_a_reason_and_not_the_end(
    definitions, instance, settings, trouble
):
    instance.add_dynamic_partitions("dataset", [DATASET, "other"])
    source = settings.sources / f"{DATASET}.yaml"
    other = source.read_text(encoding="utf-8").replace(f"dataset_id: {DATASET}", "dataset_id: other")
    (settings.sources / "other.yaml").write_text(other, encoding="utf-8")
    if trouble == "no contract":
        source.unlink()
    elif trouble == "broken contract":
        source.write_text("dataset_id: [", encoding="utf-8")
    with held_elsewhere(settings.restricted) if trouble == "locked" else nullcontext():
        runs = night(definitions, instance).run_requests
    assert [run.partition_key for run in runs] == ["other"]


def test_a_failed_run_is_one_line_without_values():
    run = dg.DagsterRun(job_name="publish_tier_1", run_id="r", tags={"dagster/partition": DATASET})
    line = failure_line(run, ["deidentified__instances", None])
    assert "\n" not in line
    assert json.loads(line)["steps"] == ["deidentified__instances"]
    assert json.loads(line)["dataset"] == DATASET


def test_nothing_starts_without_a_key_or_with_a_wrong_schedule(settings):
    settings.key_file.chmod(0o644)
    with pytest.raises(SiteKeyError):
        build(settings)
    settings.key_file.chmod(0o600)
    with pytest.raises(SettingsError, match="'schedule'"):
        build(settings.model_copy(update={"schedule": "every night"}))
