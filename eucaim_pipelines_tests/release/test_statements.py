"""The statement of a published release is checked against the manifest that names it."""

from dataclasses import replace
from datetime import UTC, datetime

import pyarrow as pa
import pytest

from eucaim_pipelines.deidentification.keys.pseudonyms import SiteKey
from eucaim_pipelines.deidentification.keys.signing import public_key
from eucaim_pipelines.deidentification.statement import object_list_digest, sign
from eucaim_pipelines.ingest.records import MadeObject
from eucaim_pipelines.release import manifest as manifests
from eucaim_pipelines.release import statements
from eucaim_pipelines.release.conversions import Conversion
from eucaim_pipelines.release.object_tables import searched
from eucaim_pipelines.release.publication import Content, object_lists, publish
from eucaim_pipelines.resources.folder_store import FolderStore
from eucaim_pipelines_tests.deidentification.test_statement import STATED

KEY = SiteKey(bytes(range(32)))


@pytest.fixture
def released(tmp_path):
    """Publish three images of two people with a statement that is made of `changes`."""
    store, rows = FolderStore(tmp_path), []
    for number, patient in enumerate(("EUCAIM-a", "EUCAIM-a", "EUCAIM-b")):
        data = f"image {number}".encode()
        item = manifests.item("image", f"ds/imaging_data/{patient}/1/2/{number}.dcm", data)
        store.put(item.key, data)
        rows.append(
            {
                "PatientID": patient,
                "object_key": item.key,
                "object_bytes": item.bytes,
                "object_sha256": item.sha256,
            }
        )
    instances = pa.Table.from_pylist(rows)
    when = datetime(2026, 3, 1, tzinfo=UTC)
    content = Content(
        "ds", 1, when, "eucaim_pipelines 0", instances, object_lists("ds", instances), {}, {}, {}
    )

    def run(documents=True, **changes):
        lists = object_list_digest(item.sha256 for item, _ in object_lists("ds", instances))
        own = {"dataset": "ds", "object_list": lists, "objects": 3, "objects_checked": 3}
        stated = replace(STATED, **own | changes)
        manifest, _ = publish(store, content, {statements.NAME: sign(stated, KEY)} if documents else {})
        return store, manifest

    return run


def test_a_statement_of_this_release_holds(released):
    assert statements.problems(*released(), public_key(KEY)) == []


@pytest.mark.parametrize("change", [{"objects_checked": 2}, {"dataset": "other"}, {"object_list": "0" * 64}])
def test_one_that_does_not_fit_the_release_does_not_hold(released, change):
    assert len(statements.problems(*released(**change), public_key(KEY))) == 1


def test_a_release_without_a_statement_is_told(released):
    assert statements.problems(*released(documents=False), public_key(KEY)) == ["there is none"]


def test_the_search_counts_what_was_searched_and_nothing_else():
    made = [
        MadeObject("1", "P", key="a", residuals=0),
        MadeObject("2", "P", key="b", residuals=2),
        MadeObject("3", "P", key="c"),
        MadeObject("4", "P", refusal="RESIDUAL_IDENTITY"),
        MadeObject("5", "P", refusal="MALFORMED"),
    ]
    assert searched(made) == (3, 2, 0, 2, 1)
    converted = [Conversion(made[0], MadeObject("6", "P", key="d")), Conversion(made[1], made[4])]
    assert searched(made, converted) == (4, 2, 1, 2, 1)
