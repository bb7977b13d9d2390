"""What a release adds, changes and removes against the one before: rows by primary key, and images.

Only what differs is read: tables and lists of images have content-addressed keys. Numbers here are exact;
what of them may be told outside is decided by the report.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import duckdb
import pyarrow as pa

from eucaim_pipelines.release.manifest import Manifest, manifest_key
from eucaim_pipelines.release.parquet import decode
from eucaim_pipelines.release.publication import Content
from eucaim_pipelines.release.store import ObjectStore

IMAGES = "images"
_PATIENT = "patient_id"
_QUERY = """
WITH now AS (SELECT {key}, count(*) AS n, sum(hash({columns})::HUGEINT) AS h, min({patient}) AS who
             FROM fresh GROUP BY ALL),
was AS (SELECT {key}, count(*) AS n, sum(hash({columns})::HUGEINT) AS h, min({patient}) AS who
        FROM earlier GROUP BY ALL),
pairs AS (SELECT coalesce(now.n, 0) AS n, coalesce(was.n, 0) AS o, now.h IS DISTINCT FROM was.h AS other,
                 coalesce(now.who, was.who) AS who
          FROM now FULL JOIN was ON {same})
SELECT coalesce(sum(n - o) FILTER (n > o), 0)::BIGINT, count(*) FILTER (n = o AND other),
       coalesce(sum(o - n) FILTER (o > n), 0)::BIGINT, count(DISTINCT who) FILTER (n > o),
       count(DISTINCT who) FILTER (n = o AND other), count(DISTINCT who) FILTER (o > n)
FROM pairs
"""


@dataclass(frozen=True)
class Change:
    """Entries of one table, or images: how many there are, and what of them is new, changed and gone.

    Attributes
    ----------
    people
        Patients of the new, changed and gone ones; of a table that names no patients, 1 for any number.
    """

    name: str
    total: int
    added: int = 0
    changed: int = 0
    removed: int = 0
    people: tuple[int, int, int] = (0, 0, 0)


@dataclass(frozen=True)
class Comparison:
    """A release against an earlier one.

    Attributes
    ----------
    previous
        Version of the earlier release; None if there was none.
    columns
        `table.column` of columns that only one of the two has.
    lost
        Tables of the earlier release that the store does not hold any more.
    """

    version: str
    previous: str | None = None
    changes: Sequence[Change] = ()
    columns: Sequence[str] = ()
    lost: Sequence[str] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


def compare(
    store: ObjectStore, content: Content, previous: str | None, primary_keys: Mapping[str, Sequence[str]]
) -> Comparison:
    """Compare what will be released with the version `previous` of the same tier.

    Parameters
    ----------
    primary_keys
        Table to the columns that tell its rows apart.
    """
    data = store.get(manifest_key(content.dataset_id, content.tier, previous)) if previous else None
    if data is None:
        return Comparison(content.version)
    before = Manifest.from_bytes(data)
    earlier = {item.name: item for item in before.tables}
    changes, columns, lost = [], [], []
    for item, fresh in content.table_items():
        old = earlier.get(item.name)
        if old is not None and old.key == item.key:
            changes.append(Change(item.name, item.rows or 0))
            continue
        table = decode(fresh)
        read = store.get(old.key) if old is not None else None
        if old is not None and read is None:
            lost.append(item.name)
            continue
        was = table.slice(0, 0) if read is None else decode(read)
        columns += [f"{item.name}.{name}" for name in sorted({*table.column_names} ^ {*was.column_names})]
        changes.append(_rows(item.name, table, was, primary_keys[item.name]))
    changes.append(_images(store, content, before, lost))
    return Comparison(content.version, before.version, tuple(changes), tuple(columns), tuple(lost))


def earlier_tables(store: ObjectStore, content: Content, previous: str) -> dict[str, pa.Table]:
    """Tables of the version `previous` of the same tier, as published; none at all where one is not there.

    Who differs in what is lost could not be told, and a comparison of the rest would say that nobody does.
    """
    data = store.get(manifest_key(content.dataset_id, content.tier, previous))
    named = Manifest.from_bytes(data).tables if data is not None else ()
    read = {item.name: (item.sha256, store.get(item.key)) for item in named}
    whole = {
        name: decode(table)
        for name, (sha256, table) in read.items()
        if table is not None and hashlib.sha256(table).hexdigest() == sha256
    }
    return whole if len(whole) == len(named) else {}


def _rows(name: str, fresh: pa.Table, earlier: pa.Table, key: Sequence[str]) -> Change:
    """Rows by key: of equal keys the number counts, and whether any other cell differs."""
    both = [column for column in fresh.column_names if column in earlier.column_names]
    known = [column for column in key if column in both] or both
    quoted = {column: f'"{column}"' for column in both}
    query = _QUERY.format(
        key=", ".join(quoted[column] for column in known),
        columns=", ".join(quoted.values()),
        patient=f'"{_PATIENT}"' if _PATIENT in both else "'one'",
        same=" AND ".join(f"now.{quoted[c]} IS NOT DISTINCT FROM was.{quoted[c]}" for c in known),
    )
    with duckdb.connect(config={"enable_external_access": "false", "threads": "2"}) as database:
        database.register("fresh", fresh)
        database.register("earlier", earlier)
        (found,) = database.execute(query).fetchall()
    added, changed, removed, *people = found
    return Change(name, fresh.num_rows, added, changed, removed, (people[0], people[1], people[2]))


def _images(store: ObjectStore, content: Content, before: Manifest, lost: list[str]) -> Change:
    """Images by their key; an image whose bytes changed has another key and counts as gone and new."""
    fresh = {item.key: (item, data) for item, data in content.object_items}
    earlier = {item.key: item for item in before.objects}
    now = {key for name in fresh.keys() - earlier.keys() for key in _keys(fresh[name][1])}
    was: set[str] = set()
    for name in sorted(earlier.keys() - fresh.keys()):
        data = store.get(name)
        if data is None:
            lost.append(IMAGES)
            return Change(IMAGES, content.instances.num_rows)
        was |= _keys(data)
    added, removed = now - was, was - now
    people = (len(_people(added)), 0, len(_people(removed)))
    return Change(IMAGES, content.instances.num_rows, len(added), 0, len(removed), people)


def _keys(data: bytes) -> set[str]:
    return set(decode(data).column("key").to_pylist())


def _people(keys: set[str]) -> set[str]:
    """Patients of images, whose keys are `<dataset>/imaging_data/<patient>/…`."""
    return {key.split("/")[2] for key in keys}
