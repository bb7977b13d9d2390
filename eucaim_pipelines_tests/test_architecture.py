"""The walls: two zones and few crossings in the asset graph, and files that stay readable."""

import ast
from pathlib import Path

import dagster as dg
import pytest

from eucaim_pipelines.assets import all_assets, all_checks
from eucaim_pipelines.assets.automation import GROUPS, selection
from eucaim_pipelines.definitions import build
from eucaim_pipelines.deidentification.keys.pseudonyms import SiteKey
from eucaim_pipelines.resources.zones import RestrictedZone
from eucaim_pipelines.settings import Settings

PACKAGE = Path(__file__).resolve().parents[1] / "eucaim_pipelines"


@pytest.fixture(scope="module")
def graph(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    SiteKey.generate(folder / "key")
    places = {name: folder / name for name in ("landing", "restricted", "sources")}
    settings = Settings(release=str(folder / "release"), key_file=folder / "key", **places)
    return build(settings).resolve_asset_graph()


def zone(graph, key):
    return graph.get(key).tags.get("zone")


def test_every_asset_says_its_zone(graph):
    assert {key.to_user_string(): zone(graph, key) for key in graph.get_all_asset_keys()}.keys()
    assert {zone(graph, key) for key in graph.get_all_asset_keys()} == {"restricted", "release"}


def test_no_release_asset_depends_on_a_restricted_one_but_the_crossings(graph):
    crossings = {
        key.to_user_string()
        for key in graph.get_all_asset_keys()
        if zone(graph, key) == "release"
        and any(zone(graph, parent) == "restricted" for parent in graph.get(key).parent_keys)
    }
    groups = {graph.get(dg.AssetKey.from_user_string(name)).group_name for name in crossings}
    assert groups == {"deidentification"}


def test_only_crossings_are_handed_the_restricted_zone():
    """The graph could say one thing and the code do another: so the resources are looked at too."""
    holders = set()
    for definition in all_assets():
        for key in definition.keys:
            if (
                definition.tags_by_key[key]["zone"] == "release"
                and "restricted" in definition.required_resource_keys
            ):
                holders.add(definition.group_names_by_key[key])
    assert holders == {"deidentification"}


def test_every_asset_can_be_understood_in_the_ui(graph):
    for key in graph.get_all_asset_keys():
        node = graph.get(key)
        assert node.description and node.group_name in GROUPS and node.owners and node.kinds, key
        assert zone(graph, key) in node.kinds, key


def test_the_job_of_a_tier_has_the_groups_up_to_it_and_everything_upstream(graph):
    for tier in (1, 2, 3):
        chosen = selection(tier, all_checks())
        selected = set(chosen.resolve(graph))
        assert all(c.asset_key in selected for c in chosen.resolve_checks(graph))
        wanted = {k for k in graph.get_all_asset_keys() if graph.get(k).group_name in GROUPS[: 2 + tier]}
        assert selected == wanted
        assert all(set(graph.get(key).parent_keys) <= selected for key in selected)


def test_reports_and_higher_tiers_never_depend_on_a_release(graph):
    for key in graph.get_all_asset_keys():
        assert not any(parent.path[-1] == "release" for parent in graph.get(key).parent_keys), key


def test_only_the_balance_and_the_sweep_block(graph):
    blocking = {key.name for key in graph.asset_check_keys if graph.get_check_spec(key).blocking}
    assert blocking == {"ledger_balances", "no_identity"}


def test_the_restricted_zone_is_a_resource_of_its_own():
    assert set(RestrictedZone.model_fields) == {"folder", "landing", "max_file_bytes"}


@pytest.mark.parametrize(
    "path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: path.relative_to(PACKAGE).as_posix()
)
def test_a_file_is_read_in_one_sitting_and_says_what_lives_in_it(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 320
    assert ast.get_docstring(ast.parse(text)), "a module opens with what lives here"


@pytest.mark.parametrize(
    "path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: path.relative_to(PACKAGE).as_posix()
)
def test_nothing_forces_reads_walks_or_pickles(path):
    text = path.read_text(encoding="utf-8")
    for word in ("force=True", "extractall", "import pickle", "shell=True"):
        assert word not in text
