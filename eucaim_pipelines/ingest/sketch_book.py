"""The book of sketches of one dataset: tiny pictures of released frames, kept so that they are made once.

SQLite in the restricted zone; made only where a source contract asks for near-duplicates. What a sketch is,
is said in `deidentification.pixels`.
"""

from collections.abc import Mapping
from pathlib import Path

from eucaim_pipelines.ingest.private_database import PrivateDatabase

_SCHEMA = """
CREATE TABLE IF NOT EXISTS sketches (
    object_sha256 TEXT NOT NULL, frame INTEGER NOT NULL, version INTEGER NOT NULL, sketch BLOB,
    PRIMARY KEY (object_sha256, frame)) WITHOUT ROWID;
"""
Sketches = Mapping[tuple[str, int], bytes | None]
"""By SHA-256 of the released object and frame, from 0; None where there can be none."""


class SketchBook(PrivateDatabase):
    """The book's file, opened; use as a context manager."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, "book of sketches", lambda db: db.executescript(_SCHEMA))

    def read(self, version: int) -> dict[tuple[str, int], bytes | None]:
        """All sketches of a version."""
        rows = self._db.execute(
            "SELECT object_sha256, frame, sketch FROM sketches WHERE version = ?", (version,)
        )
        return {(row["object_sha256"], row["frame"]): row["sketch"] for row in rows}

    def keep(self, version: int, sketches: Sketches) -> None:
        """Write down sketches, in place of those of other versions."""
        with self._transaction():
            self._db.executemany(
                "INSERT OR REPLACE INTO sketches (object_sha256, frame, version, sketch) VALUES (?, ?, ?, ?)",
                [(*name, version, sketch) for name, sketch in sketches.items()],
            )
