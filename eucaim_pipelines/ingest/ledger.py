"""The ledger of one dataset: what was received, what it holds, and its one disposition with a reason.

SQLite in the restricted zone. Which disposition a reception gets is decided in `resolution`, not here.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from eucaim_pipelines.errors import DataError, MachineError
from eucaim_pipelines.ingest.exports import Export
from eucaim_pipelines.ingest.records import MadeObject, Reading, Reception

_SCHEMA = """
CREATE TABLE IF NOT EXISTS exports (
    name TEXT PRIMARY KEY, kind TEXT NOT NULL, completed TEXT NOT NULL, listed INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS receptions (
    id INTEGER PRIMARY KEY, export TEXT NOT NULL REFERENCES exports(name), path TEXT NOT NULL,
    size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, bytes INTEGER NOT NULL,
    sha256 TEXT, content TEXT, clinical_file TEXT, refusal TEXT,
    sop_instance_uid TEXT, series_instance_uid TEXT, study_instance_uid TEXT, patient_id TEXT, issuer TEXT,
    disposition TEXT, reason TEXT, object_key TEXT, object_refusal TEXT,
    UNIQUE (export, path));
CREATE INDEX IF NOT EXISTS receptions_sha256 ON receptions (sha256);
CREATE TABLE IF NOT EXISTS headers (sha256 TEXT PRIMARY KEY, row TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS objects (
    sha256 TEXT NOT NULL, recipe TEXT NOT NULL, subject TEXT NOT NULL,
    refusal TEXT, key TEXT, bytes INTEGER, object_sha256 TEXT, row TEXT, actions TEXT,
    PRIMARY KEY (sha256, recipe, subject)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS released (key TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""

DISPOSITIONS = ("published", "quarantined", "duplicate", "pending")


class Ledger:
    """The ledger's file, opened; use as a context manager.

    Every method that writes commits on return, so that a crash leaves whole readings only.
    """

    def __init__(self, path: Path) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._db = sqlite3.connect(path, timeout=30, isolation_level=None)
            self._db.row_factory = sqlite3.Row
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.executescript(_SCHEMA)
        except (OSError, sqlite3.Error):
            raise MachineError(
                "The ledger in the restricted zone cannot be opened or written. Check disk and permissions."
            ) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        try:
            self._db.execute("BEGIN IMMEDIATE")
            yield
            self._db.execute("COMMIT")
        except sqlite3.Error:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise MachineError("The ledger cannot be written. Check disk space and permissions.") from None
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    def known(self, export: str) -> dict[str, tuple[int, int, str | None]]:
        """path → (size, mtime in ns, SHA-256) of what was read of an export before."""
        rows = self._db.execute(
            "SELECT path, size, mtime_ns, sha256 FROM receptions WHERE export = ?", (export,)
        )
        return {row["path"]: (row["size"], row["mtime_ns"], row["sha256"]) for row in rows}

    def reread_tables(self) -> None:
        """Forget how files that are no DICOM were read: a new source contract may read them otherwise."""
        with self._transaction():
            self._db.execute(
                "UPDATE receptions SET size = -1 WHERE sop_instance_uid IS NULL"
                " AND (clinical_file IS NOT NULL OR refusal = 'NOT_DICOM')"
            )

    def register(self, export: Export, listed: int) -> None:
        """Note an export and how many files were listed in it."""
        with self._transaction():
            self._db.execute(
                "INSERT INTO exports (name, kind, completed, listed) VALUES (?, ?, ?, ?)"
                " ON CONFLICT (name) DO UPDATE SET kind = excluded.kind, completed = excluded.completed,"
                " listed = excluded.listed",
                (export.name, export.kind, export.completed.isoformat(), listed),
            )

    def record(self, export: str, readings: Iterable[Reading]) -> None:
        """Write down what was read; a path that was read before and has changed is replaced."""
        with self._transaction():
            for reading in readings:
                self._record(export, reading)

    def _record(self, export: str, reading: Reading) -> None:
        header, entry = reading.header or {}, reading.entry
        self._db.execute(
            "INSERT OR REPLACE INTO receptions (export, path, size, mtime_ns, bytes, sha256, content,"
            " clinical_file, refusal, sop_instance_uid, series_instance_uid, study_instance_uid, patient_id,"
            " issuer) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(
                    export,
                    entry.path,
                    entry.size,
                    entry.mtime_ns,
                    entry.bytes,
                    reading.sha256,
                    reading.content,
                ),
                *(reading.clinical_file, reading.refusal),
                *(header.get(k) for k in ("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID")),
                *(_trimmed(header.get(k)) for k in ("PatientID", "IssuerOfPatientID")),
            ),
        )
        if reading.header is not None and reading.sha256 is not None:
            self._db.execute(
                "INSERT OR REPLACE INTO headers (sha256, row) VALUES (?, ?)",
                (reading.sha256, json.dumps(dict(reading.header))),
            )

    def receptions(self) -> list[Reception]:
        """All receptions, ordered by the marker's time of their export, its name, and path."""
        rows = self._db.execute(
            "SELECT r.*, e.completed FROM receptions r JOIN exports e ON e.name = r.export"
            " ORDER BY e.completed, r.export, r.path"
        )
        return [
            Reception(
                order=(row["completed"], row["export"], row["path"]),
                **{name: row[name] for name in Reception.__dataclass_fields__ if name != "order"},
            )
            for row in rows
        ]

    def dispose(self, decisions: Mapping[int, tuple[str, str]]) -> None:
        """Give receptions their disposition and reason."""
        with self._transaction():
            self._db.executemany(
                "UPDATE receptions SET disposition = ?, reason = ? WHERE id = ?",
                [(disposition, reason, key) for key, (disposition, reason) in decisions.items()],
            )

    def assign(self, made: Mapping[int, MadeObject]) -> None:
        """Note what de-identification made of each accepted reception, then settle."""
        with self._transaction():
            self._db.execute("UPDATE receptions SET object_key = NULL, object_refusal = NULL")
            self._db.executemany(
                "UPDATE receptions SET object_key = ?, object_refusal = ? WHERE id = ?",
                [(item.key, item.refusal, key) for key, item in made.items()],
            )
        self.settle()

    def settle(self) -> None:
        """Accepted receptions become published, quarantined or pending by what was made and released.

        Published means that the newest release names the object; it is refused if de-identification was.
        """
        accepted = "reason IN ('AWAITS_RELEASE', 'RELEASED')"
        with self._transaction():
            self._db.execute(
                f"UPDATE receptions SET disposition = 'pending', reason = 'AWAITS_RELEASE' WHERE {accepted}"  # noqa: S608
            )
            self._db.execute(
                "UPDATE receptions SET disposition = 'published', reason = 'RELEASED' WHERE reason ="
                " 'AWAITS_RELEASE' AND object_key IN (SELECT key FROM released)"
            )
            self._db.execute(
                "UPDATE receptions SET disposition = 'quarantined', reason = object_refusal WHERE reason ="
                " 'AWAITS_RELEASE' AND object_refusal IS NOT NULL"
            )

    def once_released(self) -> list[tuple[str, str, int]]:
        """(disposition, reason, count) that hold once a release names every object that was made."""
        rows = self._db.execute(
            "SELECT CASE WHEN waiting THEN 'published' ELSE disposition END AS d,"
            " CASE WHEN waiting THEN 'RELEASED' ELSE reason END AS r, COUNT(*) AS n FROM (SELECT disposition,"
            " reason, reason = 'AWAITS_RELEASE' AND object_key IS NOT NULL AS waiting FROM receptions)"
            " GROUP BY d, r ORDER BY d, r"
        )
        return [(row["d"], row["r"], row["n"]) for row in rows]

    def headers(self, hashes: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Header rows, as received, by the SHA-256 of their file."""
        wanted = set(hashes)
        rows = self._db.execute("SELECT sha256, row FROM headers")
        return {row["sha256"]: json.loads(row["row"]) for row in rows if row["sha256"] in wanted}

    def made(self, recipe: str) -> dict[tuple[str, str], MadeObject]:
        """What de-identification made under `recipe`, by (input hash, subject)."""
        rows = self._db.execute("SELECT * FROM objects WHERE recipe = ?", (recipe,))
        return {(row["sha256"], row["subject"]): _made(row) for row in rows}

    def remember(self, recipe: str, made: Iterable[MadeObject]) -> None:
        """Write down what de-identification made, so that it is not done again."""
        with self._transaction():
            self._db.executemany(
                "INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (
                        *(m.sha256, recipe, m.subject, m.refusal, m.key, m.bytes, m.object_sha256),
                        *(json.dumps(dict(m.row)) if m.row is not None else None, json.dumps(m.actions)),
                    )
                    for m in made
                ],
            )

    def release_names(self, keys: Iterable[str]) -> None:
        """The object keys that the newest release names."""
        with self._transaction():
            self._db.execute("DELETE FROM released")
            self._db.executemany("INSERT OR IGNORE INTO released VALUES (?)", [(key,) for key in keys])
        self.settle()

    def released(self) -> set[str]:
        """Object keys that the newest release names."""
        return {row["key"] for row in self._db.execute("SELECT key FROM released")}

    def note(self, **facts: str) -> None:
        """Remember facts of the dataset's last runs, such as the state of landing that was read."""
        with self._transaction():
            self._db.executemany("INSERT OR REPLACE INTO facts VALUES (?, ?)", list(facts.items()))

    def fact(self, name: str) -> str | None:
        """A fact noted earlier."""
        row = self._db.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return row["value"] if row else None

    def exports(self) -> list[tuple[str, str, int]]:
        """(name, completed as ISO time, files listed) of every export, oldest first."""
        rows = self._db.execute("SELECT name, completed, listed FROM exports ORDER BY completed, name")
        return [(row["name"], row["completed"], row["listed"]) for row in rows]

    def balance(self) -> dict[str, int]:
        """received, published, quarantined, duplicate, pending; `undecided` counts receptions without any."""
        counts = dict.fromkeys(("received", *DISPOSITIONS, "undecided"), 0)
        rows = self._db.execute("SELECT disposition, COUNT(*) AS n FROM receptions GROUP BY disposition")
        for row in rows:
            counts[row["disposition"] or "undecided"] += row["n"]
            counts["received"] += row["n"]
        return counts

    def check_balance(self) -> None:
        """Every file that was listed has exactly one disposition with a reason.

        Raises
        ------
        DataError
            With the counts that do not agree.
        """
        counts = self.balance()
        placed = sum(counts[name] for name in DISPOSITIONS)
        listed = sum(row[2] for row in self.exports())
        bare = self._db.execute("SELECT COUNT(*) FROM receptions WHERE reason IS NULL").fetchone()[0]
        if placed != counts["received"] or bare or listed > counts["received"]:
            raise DataError(
                f"The ledger does not balance: {counts['received']} received, {placed} with a disposition, "
                f"{bare} without a reason, {listed} listed in landing. Nothing is released until it does."
            )


def _trimmed(value: Any) -> str | None:
    text = str(value).strip() if value is not None else ""
    return text or None


def _made(row: sqlite3.Row) -> MadeObject:
    return MadeObject(
        sha256=row["sha256"],
        subject=row["subject"],
        refusal=row["refusal"],
        key=row["key"],
        bytes=row["bytes"],
        object_sha256=row["object_sha256"],
        row=json.loads(row["row"]) if row["row"] else None,
        actions=tuple(tuple(action) for action in json.loads(row["actions"])),
    )
