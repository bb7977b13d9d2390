"""Laws of the book of rows, over sequences of deliveries and releases: against a plain model of them."""

import sqlite3
import stat
import tempfile
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from eucaim_pipelines.contracts.sources import ClinicalFile
from eucaim_pipelines.ingest.row_book import RowBook, RowCounts

SPECS = [
    ClinicalFile.model_validate(
        {
            "name": name,
            "files": f"{name}.csv",
            "delivery": "snapshot",
            "key": ["patient", "n"],
            "columns": {
                "P": {"field": "patient", "is": "patient_id"},
                "N": {"field": "n", "is": "integer"},
                "V": {"is": "free_text"},
            },
        }
    )
    for name in ("a", "b")
]
DELIVERY = st.dictionaries(
    st.tuples(st.sampled_from("ab"), st.sampled_from(["P1", "P2"]), st.sampled_from("12")),
    st.sampled_from([None, "", "x", "y"]),
    max_size=6,
)
STEPS = st.lists(st.tuples(DELIVERY, st.sets(st.sampled_from(["tier_1", "tier_2"]))), max_size=6)


def tables(delivery, line=1):
    columns = {}
    for spec in SPECS:
        own = [(key, value) for key, value in sorted(delivery.items()) if key[0] == spec.name]
        columns[spec.name] = pa.table(
            [
                pa.array([f"e{line}"] * len(own), pa.string()),
                pa.array([line] * len(own), pa.int64()),
                pa.array([key[1] for key, _ in own], pa.string()),
                pa.array([key[2] for key, _ in own], pa.string()),
                pa.array([value for _, value in own], pa.string()),
            ],
            names=["export", "line", "P", "N", "V"],
        )
    return columns


class Model:
    """What each part's releases hold, written as plainly as can be."""

    def __init__(self):
        self.held, self.stamps = {}, {}

    def counts(self, part, now):
        held = self.held.get(part, {})
        found = {}
        for key in held.keys() | now.keys():
            state = (
                "removed" if key not in now
                else "new" if key not in held
                else "unchanged" if held[key] == now[key]
                else "changed"
            )  # fmt: skip
            found.setdefault(key[0], {}).setdefault(state, []).append(key)
        return {
            file: RowCounts(**{state: len(keys) for state, keys in states.items()})
            for file, states in found.items()
        }

    def release(self, part, version, now):
        held = self.held.get(part, {})
        for key in held.keys() | now.keys():
            if key not in held:
                self.stamps[part, key] = [version, None, None]
            elif key not in now:
                self.stamps[part, key][2] = version
            elif held[key] != now[key]:
                self.stamps[part, key][1] = version
        self.held[part] = dict(now)


@settings(max_examples=40, deadline=None)
@given(STEPS)
def test_every_row_has_the_state_and_the_releases_that_its_deliveries_gave_it(steps):
    model = Model()
    with tempfile.TemporaryDirectory() as folder, RowBook(Path(folder) / "rows.sqlite") as book:
        for number, (delivery, released) in enumerate(steps):
            state = f"state {number}"
            book.hold(tables(delivery, number), SPECS, state)
            for part in ("tier_1", "tier_2"):
                assert book.counts(part) == model.counts(part, delivery)
            for part in sorted(released):
                news = model.counts(part, delivery)
                without = {file: replace(counts, unchanged=0) for file, counts in news.items()}
                assert book.news(part, f"v{number}") == without
                book.stamp(part, f"v{number}", state)
                assert book.news(part, f"v{number}") == without, "a release changes not what it brought"
                model.release(part, f"v{number}", delivery)
                stamps = sorted(str(s) for (own, _), s in model.stamps.items() if own == part)
                rows = book.states(part).to_pylist()
                assert sorted(str([r["brought"], r["changed"], r["removed"]]) for r in rows) == stamps
                assert {r["state"] for r in rows} <= {"unchanged", "removed"}
                assert sum(row[2] for row in book.history(part)) == len(rows)


@settings(max_examples=20, deadline=None)
@given(DELIVERY)
def test_a_rerun_without_news_changes_no_stamp_whatever_its_version_and_lines(delivery):
    with tempfile.TemporaryDirectory() as folder, RowBook(Path(folder) / "rows.sqlite") as book:
        book.hold(tables(delivery), SPECS, "one")
        book.stamp("tier_1", "v1", "one")
        before = book.states("tier_1")
        book.hold(tables(delivery, line=7), SPECS, "two")
        book.stamp("tier_1", "v2", "two")
        assert book.states("tier_1").equals(before)


def test_a_release_of_another_state_stamps_nothing(tmp_path):
    with RowBook(tmp_path / "rows.sqlite") as book:
        book.stamp("tier_1", "v0", "one")
        book.hold(tables({("a", "P1", "1"): "x"}), SPECS, "one")
        book.stamp("tier_1", "v1", "another")
        assert book.counts("tier_1") == {"a": RowCounts(new=1)}


def test_a_missing_cell_is_not_an_empty_one_and_cells_do_not_run_together(tmp_path):
    with RowBook(tmp_path / "rows.sqlite") as book:
        for number, value in enumerate([None, "", "x"]):
            book.hold(tables({("a", "P1", "1"): value}), SPECS, str(number))
            if number:
                assert book.counts("tier_1") == {"a": RowCounts(changed=1)}
            book.stamp("tier_1", f"v{number}", str(number))


def test_the_file_is_private_and_holds_no_value(tmp_path):
    path = tmp_path / "rows.sqlite"
    with RowBook(path) as book:
        book.hold(tables({("a", "Perez Juan", "1"): "secret remark"}), SPECS, "s")
        book.stamp("tier_1", "v1", "s")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    everything = b"".join(each.read_bytes() for each in tmp_path.iterdir())
    assert b"Perez" not in everything and b"secret" not in everything
    rows = sqlite3.connect(path).execute("SELECT length(key), length(content) FROM current").fetchall()
    assert rows == [(16, 16)]
