"""`eucaim materialise` as typed, killed at any moment, and wrong calls of it."""

import os
import re
import signal

import pytest

from eucaim_pipelines.resources.stores import open_store
from eucaim_pipelines_tests.release.made import DATASET, Made
from eucaim_pipelines_tests.release.test_materialise import assert_whole
from eucaim_pipelines_tests.whole.sites import Site, wait_for

BIG = Made(patients=20, images=40, size=200_000)


@pytest.fixture(params=["folder", "s3"])
def site(request, tmp_path):
    if request.param == "folder":
        made = Site.make(tmp_path)
        BIG.publish(open_store(str(made.release), None, "us-east-1"))
        return made
    endpoint, bucket = request.getfixturevalue("s3_endpoint"), request.getfixturevalue("bucket")
    BIG.publish(open_store(f"s3://{bucket}/some/prefix", endpoint, "us-east-1"))
    return Site.make(tmp_path, release=f"s3://{bucket}/some/prefix", s3_endpoint=endpoint)


def test_a_killed_command_leaves_no_tree_and_the_next_one_fetches_only_the_rest(site, tmp_path):
    target, partial = tmp_path / "tree", tmp_path / ".tree.partial"

    def some() -> bool:
        return sum(1 for path in partial.rglob("*.dcm") if not path.name.startswith(".")) >= 40

    process = site.start("materialise", DATASET, str(target))
    wait_for(some, process)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not target.exists()
    ran = site.eucaim("materialise", DATASET, str(target))
    assert ran.code == 0, ran.text
    there = re.search(r"(\d+) were there", ran.text)
    assert there and int(there.group(1)) >= 40
    assert_whole(target, 800)
    assert "read again and are right" in site.eucaim("materialise", DATASET, str(target)).text


def test_wrong_calls_say_what_to_do(tmp_path):
    site = Site.make(tmp_path)
    Made().publish(open_store(str(site.release), None, "us-east-1"))
    (tmp_path / "patients").write_text("P1\n\nMrs Somebody\n")
    (tmp_path / "nobody").write_text("\n")
    for args, code, said in (
        (["other", "tree"], 2, "no release at tier 3"),
        (["../x", "tree"], 2, "letters, digits"),
        ([DATASET, "tree", "--tier", "2"], 2, "no release at tier 2"),
        ([DATASET, "tree", "--patients", str(tmp_path / "patients")], 2, "line 3"),
        ([DATASET, "tree", "--patients", str(tmp_path / "nobody")], 2, "names nobody"),
        ([DATASET, "tree", "--patients", str(tmp_path / "absent")], 2, "cannot be read"),
        ([DATASET, "landing"], 2, "neither empty"),
    ):
        (tmp_path / "landing").mkdir(exist_ok=True)
        (tmp_path / "landing/export").write_text("theirs")
        ran = site.eucaim("materialise", args[0], str(tmp_path / args[1]), *args[2:])
        assert ran.code == code and said in ran.text, ran.text
        assert "Somebody" not in ran.text and not (tmp_path / "tree").exists()
