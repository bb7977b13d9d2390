"""The ledger of one dataset: what was received, what it holds, and its one disposition with a reason.

SQLite in the restricted zone. Which disposition a reception gets is decided in `resolution`, not here.
"""

import json
import sqlite3
from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from eucaim_pipelines.errors import DataError
from eucaim_pipelines.ingest import settlement
from eucaim_pipelines.ingest.exports import Export
from eucaim_pipelines.ingest.ledger_tables import prepare
from eucaim_pipelines.ingest.private_database import PrivateDatabase
from eucaim_pipelines.ingest.records import MadeObject, Reading, Reception

DISPOSITIONS = ("published", "quarantined", "duplicate", "pending")
UNREADABLE = "UNREADABLE"
"""A file that could not be read waits; its size is not remembered, so that the next run tries again."""


class Ledger(PrivateDatabase):
    """The ledger's file, opened; use as a context manager.

    Every method that writes commits on return, so that a crash leaves whole readings only.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, "ledger", prepare)

    def known(self, export: str) -> dict[str, tuple[int, int, str | None]]:
        """path → (size, mtime in ns, SHA-256) of what was read of an export before."""
        rows = self._db.execute(
            "SELECT path, size, mtime_ns, sha256 FROM receptions WHERE export = ?", (export,)
        )
        return {row["path"]: (row["size"], row["mtime_ns"], row["sha256"]) for row in rows}

    def reread(self, refused_as: str | None = None) -> None:
        """Forget what was read, so that it is read again: all of it, or what was refused for one reason."""
        with self._transaction():
            self._db.execute(
                "UPDATE receptions SET size = -1 WHERE ? IS NULL OR refusal = ?", (refused_as, refused_as)
            )

    def reinterpret(self, tables: Mapping[int, tuple[str | None, str | None]]) -> None:
        """Give kept clinical tables the file name and refusal that a new source contract gives them."""
        with self._transaction():
            self._db.executemany(
                "UPDATE receptions SET clinical_file = ?, refusal = ? WHERE id = ?",
                [(name, refusal, key) for key, (name, refusal) in tables.items()],
            )

    def register(self, export: Export) -> None:
        """Note an export; how many files it holds is noted once they were read (`listed`)."""
        with self._transaction():
            self._db.execute(
                "INSERT INTO exports (name, kind, completed) VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE"
                " SET kind = excluded.kind, completed = excluded.completed",
                (export.name, export.kind, export.completed.isoformat()),
            )

    def listed(self, export: str, paths: Collection[str]) -> None:
        """Note what an export holds, now that it was read.

        An archive that could be unpacked at last is no longer a reception itself.

        Raises
        ------
        DataError
            If a listed file has no reception: it was lost.
        """
        lost = set(paths) - self.known(export).keys()
        if lost:
            raise DataError(f"{len(lost)} listed file(s) of an export have no reception. Run it again.")
        with self._transaction():
            self._db.execute("UPDATE exports SET listed = ? WHERE name = ?", (len(paths), export))
            if export not in paths:
                self._db.execute(
                    "DELETE FROM receptions WHERE export = ? AND path = ? AND refusal = 'ARCHIVE_DAMAGED'",
                    (export, export),
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
            " issuer, described_by) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(
                    export,
                    entry.path,
                    -1 if reading.refusal == UNREADABLE else entry.size,
                    entry.mtime_ns,
                    entry.bytes,
                    reading.sha256,
                    reading.content,
                ),
                *(reading.clinical_file, reading.refusal),
                *(header.get(k) for k in ("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID")),
                *(_trimmed(header.get(k)) for k in ("PatientID", "IssuerOfPatientID")),
                reading.described_by,
            ),
        )
        if reading.header is not None and reading.sha256 is not None:
            self._db.execute(
                "INSERT OR REPLACE INTO headers (sha256, row) VALUES (?, ?)",
                (reading.sha256, json.dumps(dict(reading.header))),
            )

    def receptions(self) -> list[Reception]:
        """All receptions, ordered by the marker's time of their export, its name, and path."""
        return self._receptions("true")

    def quarantined(self) -> list[Reception]:
        """Receptions that are held back, in the same order."""
        return self._receptions("r.disposition = 'quarantined'")

    def received_as(self, first_digits: str) -> list[Reception]:
        """Receptions whose SHA-256 begins with these hexadecimal digits."""
        return self._receptions("r.sha256 >= ? AND r.sha256 < ? || 'g'", first_digits, first_digits)

    def became(self, key: str) -> list[Reception]:
        """Receptions of the instance that became an object, now or under earlier rules; others of it too."""
        made = "SELECT sha256 FROM objects WHERE key = ?"
        found = self._receptions("r.object_key = ?", key) or self._receptions(f"r.sha256 IN ({made})", key)
        same = {r.sop_instance_uid for r in found if r.sop_instance_uid}
        others = [r for r in found if r.described_by]
        return [each for uid in sorted(same) for each in self._of_instance(uid)] + others

    def _of_instance(self, uid: str) -> list[Reception]:
        return self._receptions("r.sop_instance_uid = ?", uid)

    def _receptions(self, condition: str, *values: str) -> list[Reception]:
        rows = self._db.execute(
            "SELECT r.*, e.completed FROM receptions r JOIN exports e ON e.name = r.export"  # noqa: S608
            f" WHERE {condition} ORDER BY e.completed, r.export, r.path",
            values,
        )
        return [
            Reception(
                order=(row["completed"], row["export"], row["path"]),
                **{name: row[name] for name in Reception.__dataclass_fields__ if name != "order"},
            )
            for row in rows
        ]

    def sources(self) -> dict[str, str]:
        """Key of each object to the SHA-256 of the file that it was made from, the last of several."""
        rows = self._db.execute(
            "SELECT r.object_key, r.sha256 FROM receptions r JOIN exports e ON e.name = r.export"
            " WHERE r.object_key IS NOT NULL AND r.sha256 IS NOT NULL ORDER BY e.completed, r.export, r.path"
        )
        return {row[0]: row[1] for row in rows}

    def table_files(self) -> list[tuple[str, str, str]]:
        """(export, path, SHA-256) of every clinical file that was read."""
        rows = self._db.execute(
            "SELECT export, path, sha256 FROM receptions WHERE clinical_file IS NOT NULL AND refusal IS NULL"
            " AND sha256 IS NOT NULL ORDER BY export, path"
        )
        return [(row["export"], row["path"], row["sha256"]) for row in rows]

    def dispose(self, decisions: Mapping[int, tuple[str, str]]) -> None:
        """Give receptions their disposition and reason."""
        with self._transaction():
            self._db.executemany(
                "UPDATE receptions SET disposition = ?, reason = ? WHERE id = ?",
                [(disposition, reason, key) for key, (disposition, reason) in decisions.items()],
            )
            settlement.follow(self._db)

    def assign(self, made: Mapping[int, MadeObject]) -> None:
        """Note what de-identification made of each accepted reception, then settle: what it refused before
        may be accepted now.
        """
        with self._transaction():
            self._db.execute("UPDATE receptions SET object_key = NULL, object_refusal = NULL")
            self._db.executemany(
                "UPDATE receptions SET object_key = ?, object_refusal = ?, reason = 'AWAITS_RELEASE'"
                " WHERE id = ?",
                [(item.key, item.refusal, key) for key, item in made.items()],
            )
        self.settle()

    def settle(self) -> None:
        """Accepted receptions become published, quarantined or pending (`settlement.settle`)."""
        with self._transaction():
            settlement.settle(self._db)

    def label_maps(self) -> dict[tuple[str, str], Reception]:
        """Receptions of label maps, by export and path of the JSON that describes each."""
        found = self._receptions("r.described_by IS NOT NULL")
        return {(r.export, str(r.described_by)): r for r in found}

    def once_released(self) -> list[tuple[str, str, int]]:
        """(disposition, reason, count) that hold once a release names every object that was made."""
        return settlement.once_released(self._db)

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
                "INSERT OR REPLACE INTO objects (sha256, recipe, subject, refusal, key, bytes, object_sha256,"
                " row, actions, structure, unknown_terms, residuals)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (
                        *(m.sha256, recipe, m.subject, m.refusal, m.key, m.bytes, m.object_sha256),
                        *(json.dumps(dict(m.row)) if m.row is not None else None, json.dumps(m.actions)),
                        *(m.structure, json.dumps(m.unknown_terms), m.residuals),
                    )
                    for m in made
                ],
            )

    def structures(self, recipe: str) -> frozenset[str]:
        """Structures of the objects that were made under `recipe`; one of each was read back at least."""
        rows = self._db.execute(
            "SELECT DISTINCT structure FROM objects WHERE recipe = ? AND key IS NOT NULL", (recipe,)
        )
        return frozenset(row["structure"] for row in rows if row["structure"])

    def release_names(self, keys: Iterable[str]) -> None:
        """The object keys that the newest release names."""
        with self._transaction():
            self._db.execute("DELETE FROM released")
            self._db.executemany("INSERT OR IGNORE INTO released VALUES (?)", [(key,) for key in keys])
        self.settle()

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

    def last_day(self) -> date:
        """The day on which the newest export was completed, or the next one, for clocks ahead of UTC."""
        completed = (datetime.fromisoformat(time).date() for _, time, _ in self.exports())
        return max(completed, default=date.min) + timedelta(days=1)

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
        short = self._db.execute(
            "SELECT COUNT(*) FROM exports e WHERE e.listed >"
            " (SELECT COUNT(*) FROM receptions WHERE export = e.name)"
        ).fetchone()[0]
        bare = self._db.execute("SELECT COUNT(*) FROM receptions WHERE reason IS NULL").fetchone()[0]
        if placed != counts["received"] or bare or short:
            raise DataError(
                f"The ledger does not balance: {counts['received']} received, {placed} with a disposition, "
                f"{bare} without a reason, {short} export(s) with files that have none. Nothing is released."
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
        structure=row["structure"],
        unknown_terms=tuple(tuple(term) for term in json.loads(row["unknown_terms"] or "[]")),
        residuals=row["residuals"],
    )
