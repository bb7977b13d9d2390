"""The book of clinical rows: which release brought, changed or removed each, and how the rows stand now.

SQLite in the restricted zone; keys and contents are digests. Which rows count is decided in `combination`.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from eucaim_pipelines.contracts.sources import ClinicalFile
from eucaim_pipelines.ingest.private_database import PrivateDatabase

NEW, CHANGED, UNCHANGED, REMOVED = "new", "changed", "unchanged", "removed"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS current (
    file TEXT NOT NULL, key BLOB NOT NULL, content BLOB NOT NULL, PRIMARY KEY (file, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS released (
    part TEXT NOT NULL, file TEXT NOT NULL, key BLOB NOT NULL, content BLOB NOT NULL,
    brought TEXT NOT NULL, changed TEXT, removed TEXT, PRIMARY KEY (part, file, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TEMP TABLE incoming (
    file TEXT NOT NULL, key BLOB NOT NULL, content BLOB NOT NULL, PRIMARY KEY (file, key)) WITHOUT ROWID;
"""
_STATES = """
SELECT c.file AS file, c.key AS key, CASE WHEN r.key IS NULL OR r.removed IS NOT NULL THEN 'new'
    WHEN r.content <> c.content THEN 'changed' ELSE 'unchanged' END AS state,
    CASE WHEN r.removed IS NULL THEN r.brought END AS brought,
    CASE WHEN r.removed IS NULL THEN r.changed END AS changed, NULL AS removed
FROM current c LEFT JOIN released r ON r.part = :part AND r.file = c.file AND r.key = c.key
UNION ALL
SELECT r.file, r.key, 'removed', r.brought, r.changed, r.removed FROM released r
WHERE r.part = :part AND NOT EXISTS (SELECT 1 FROM current c WHERE c.file = r.file AND c.key = r.key)
"""
STATES = pa.schema(
    [
        ("file", pa.string()),
        ("key", pa.binary()),
        ("state", pa.string()),
        ("brought", pa.string()),
        ("changed", pa.string()),
        ("removed", pa.string()),
    ]
)
_DIGEST_BYTES = 16
_SEPARATOR, _NOTHING = "\x1f", "\x00"


@dataclass(frozen=True)
class RowCounts:
    """Rows of one clinical file by their state against what the last release held."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    removed: int = 0


class RowBook(PrivateDatabase):
    """The book's file, opened; use as a context manager. Every method that writes commits on return."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, "book of rows", lambda db: db.executescript(_SCHEMA))

    def hold(self, rows: Mapping[str, pa.Table], specs: Iterable[ClinicalFile], state: str) -> None:
        """Write down the rows that count now, and the state of the dataset in which they do.

        Only what differs from before is written. Where a delivery brought a row, and in which line, is not
        part of its content: the same row delivered again is unchanged.

        Parameters
        ----------
        rows
            `Combined.rows` by clinical file.
        """
        entries = [(spec.name, *_digests(rows[spec.name], spec)) for spec in specs]
        digest = _digest_of(entries)
        with self._transaction():
            if self._fact("held") != digest:
                self._replace(entries)
            self._note(held=digest, state=state)

    def stamp(self, part: str, version: str, state: str) -> None:
        """A release of this part (`tier_2`) holds the rows that count now: say so of every row with news.

        Rows that were held in another state of the dataset are not those of the release, and stay as they
        are; so does everything where no row has changed since this part was stamped last.
        """
        with self._transaction():
            held = self._fact("held")
            if held is None or self._fact("state") != state or self._fact(f"stamped_{part}") == held:
                return
            known = "SELECT 1 FROM current c WHERE c.file = released.file AND c.key = released.key"
            self._db.execute(
                f"UPDATE released SET removed = :version WHERE part = :part AND removed IS NULL"  # noqa: S608
                f" AND NOT EXISTS ({known})",
                {"part": part, "version": version},
            )
            self._db.execute(
                "INSERT INTO released SELECT :part, file, key, content, :version, NULL, NULL FROM current"
                " WHERE true ON CONFLICT (part, file, key) DO UPDATE SET content = excluded.content,"
                " brought = CASE WHEN removed IS NULL THEN brought ELSE :version END,"
                " changed = CASE WHEN removed IS NULL THEN :version END, removed = NULL"
                " WHERE removed IS NOT NULL OR content <> excluded.content",
                {"part": part, "version": version},
            )
            self._note(**{f"stamped_{part}": held})

    def counts(self, part: str) -> dict[str, RowCounts]:
        """Clinical file to its rows by state against the last release of this part."""
        gone = " WHERE NOT (state = 'removed' AND removed IS NOT NULL)"
        query = f"SELECT file, state, COUNT(*) FROM ({_STATES}){gone} GROUP BY file, state"  # noqa: S608
        found: dict[str, dict[str, int]] = {}
        for file, state, count in self._db.execute(query, {"part": part}):
            found.setdefault(file, {})[state] = count
        return {file: RowCounts(**states) for file, states in sorted(found.items())}

    def news(self, part: str, version: str) -> dict[str, RowCounts]:
        """Clinical file to its rows against the release of this part before `version`; unchanged ones as 0.

        They are the same before this version is released and after.
        """
        released = {
            file: RowCounts(new=new, changed=changed, removed=removed)
            for name, file, new, changed, removed in self.history(part)
            if name == version
        }
        found = self.counts(part)
        if not released:
            return {file: replace(counts, unchanged=0) for file, counts in found.items()}
        return {file: released.get(file, RowCounts()) for file in sorted(found.keys() | released.keys())}

    def history(self, part: str) -> list[tuple[str, str, int, int, int]]:
        """(version, clinical file, rows brought, changed, removed), by the releases of this part."""
        query = " UNION ALL ".join(
            f"SELECT {event} AS version, file, {flags} FROM released WHERE part = :part"  # noqa: S608
            f" AND {event} IS NOT NULL"
            for event, flags in (
                ("brought", "1 AS b, 0 AS c, 0 AS r"), ("changed", "0, 1, 0"), ("removed", "0, 0, 1"),
            )
        )  # fmt: skip
        total = f"SELECT version, file, SUM(b), SUM(c), SUM(r) FROM ({query}) GROUP BY version, file"  # noqa: S608
        found = self._db.execute(f"{total} ORDER BY version, file", {"part": part})
        return [(row[0], row[1], row[2], row[3], row[4]) for row in found]

    def states(self, part: str) -> pa.Table:
        """One row per row that counts or ever did (`STATES`): its state, and the releases that made it so."""
        rows = self._db.execute(f"{_STATES} ORDER BY file, key", {"part": part}).fetchall()
        columns = [list(column) for column in zip(*rows, strict=True)] or [[]] * len(STATES)
        return pa.table(columns, schema=STATES)

    def _replace(self, entries: list[tuple[str, list[bytes], list[bytes]]]) -> None:
        self._db.execute("DELETE FROM incoming")
        for file, keys, contents in entries:
            self._db.executemany(
                "INSERT INTO incoming VALUES (?, ?, ?)",
                ((file, key, content) for key, content in zip(keys, contents, strict=True)),
            )
        self._db.execute(
            "DELETE FROM current WHERE NOT EXISTS (SELECT 1 FROM incoming i"
            " WHERE i.file = current.file AND i.key = current.key)"
        )
        self._db.execute(
            "INSERT INTO current SELECT file, key, content FROM incoming WHERE true ON CONFLICT (file, key)"
            " DO UPDATE SET content = excluded.content WHERE content <> excluded.content"
        )

    def _fact(self, name: str) -> str | None:
        row = self._db.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return row[0] if row else None

    def _note(self, **facts: str) -> None:
        self._db.executemany("INSERT OR REPLACE INTO facts VALUES (?, ?)", list(facts.items()))


def _digests(rows: pa.Table, spec: ClinicalFile) -> tuple[list[bytes], list[bytes]]:
    """Digest of key and content of every row."""
    keys = _texts(rows, [spec.declared[field] for field in spec.key])
    return [_digest(text) for text in keys], [_digest(text) for text in _texts(rows, list(spec.columns))]


def _texts(rows: pa.Table, names: list[str]) -> list[str]:
    joined = pc.binary_join_element_wise(
        *(rows[name] for name in names), _SEPARATOR, null_handling="replace", null_replacement=_NOTHING
    )
    texts: list[str] = joined.to_pylist()
    return texts


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=_DIGEST_BYTES).digest()


def _digest_of(entries: list[tuple[str, list[bytes], list[bytes]]]) -> str:
    whole = hashlib.sha256()
    for file, keys, contents in entries:
        whole.update(f"{file}\n{len(keys)}\n".encode() + b"".join(keys) + b"".join(contents))
    return whole.hexdigest()
