"""Groups of people who look alike equal their definition, whatever the table."""

from collections import Counter, defaultdict

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eucaim_pipelines.quality.risk.groups import Groups, People

CELLS = st.sampled_from(["a", "b", "ü", "", None])
ROWS = st.lists(st.tuples(CELLS, CELLS, CELLS, CELLS, CELLS), min_size=1, max_size=60)
NAMES = ("sex", "age band", 'sca"nner', "drug", "stage")


def made(rows: list[tuple[str | None, ...]]) -> pa.Table:
    columns = zip(*rows, strict=True)
    return pa.table(
        {name: pa.array(column, pa.string()) for name, column in zip(NAMES, columns, strict=True)}
    )


@settings(max_examples=150, deadline=None)
@given(rows=ROWS, known=st.integers(0, 3))
def test_groups_equal_their_definition(rows: list[tuple[str | None, ...]], known: int) -> None:
    by, sensitive = NAMES[:known], NAMES[3:]
    classes: dict[tuple[str | None, ...], list[tuple[str | None, ...]]] = defaultdict(list)
    for row in rows:
        classes[row[:known]].append(row)
    sizes = [len(some) for some in classes.values()]
    with People(made(rows)) as people:
        found = people.groups(by, sensitive)
        each = people.sizes(by).to_pylist()
    assert dict(found.sizes) == Counter(sizes)
    assert (found.smallest, found.people, found.count) == (min(sizes), len(rows), len(sizes))
    assert found.unique_share == sum(size for size in sizes if size == 1) / len(rows)
    assert all(found.below(least) == sum(s for s in sizes if s < least) for least in range(8))
    assert each == [len(classes[row[:known]]) for row in rows]
    fewest = {
        n: min(len({r[3 + i] for r in some}) for some in classes.values()) for i, n in enumerate(sensitive)
    }
    assert found.diversity == fewest and found.least_diverse == min(fewest.values())


def test_nobody_makes_no_group() -> None:
    with People(made([("a",) * 5]).slice(0, 0)) as people:
        assert people.groups(["sex"], ["drug"]) == people.groups([]) == Groups()
    assert Groups().smallest is None and Groups().below(5) == 0 and Groups().unique_share == 0


@pytest.mark.parametrize("known", [["sex"], ["sex", "drug"]])
def test_a_missing_value_is_a_value_of_its_own(known: list[str]) -> None:
    with People(made([("a", None, None, None, None)] * 3 + [(None,) * 5] * 2)) as people:
        assert people.groups(known, ["stage"]) == Groups(((2, 1), (3, 1)), {"stage": 1})


def test_groups_of_different_people_add_up() -> None:
    assert Groups(((1, 2), (5, 1))).together(Groups(((1, 1), (7, 1)))) == Groups(((1, 3), (5, 1), (7, 1)))
