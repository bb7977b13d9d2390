"""The tables of the ledger's file, and what an older file lacks of them.

What they mean and how they are written is said in `ledger`.
"""

import sqlite3

_SCHEMA = """
CREATE TABLE IF NOT EXISTS exports (
    name TEXT PRIMARY KEY, kind TEXT NOT NULL, completed TEXT NOT NULL, listed INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS receptions (
    id INTEGER PRIMARY KEY, export TEXT NOT NULL REFERENCES exports(name), path TEXT NOT NULL,
    size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, bytes INTEGER NOT NULL,
    sha256 TEXT, content TEXT, clinical_file TEXT, refusal TEXT,
    sop_instance_uid TEXT, series_instance_uid TEXT, study_instance_uid TEXT, patient_id TEXT, issuer TEXT,
    disposition TEXT, reason TEXT, object_key TEXT, object_refusal TEXT, described_by TEXT,
    UNIQUE (export, path));
CREATE INDEX IF NOT EXISTS receptions_sha256 ON receptions (sha256);
CREATE TABLE IF NOT EXISTS headers (sha256 TEXT PRIMARY KEY, row TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS objects (
    sha256 TEXT NOT NULL, recipe TEXT NOT NULL, subject TEXT NOT NULL,
    refusal TEXT, key TEXT, bytes INTEGER, object_sha256 TEXT, row TEXT, actions TEXT,
    structure TEXT, unknown_terms TEXT, residuals INTEGER,
    PRIMARY KEY (sha256, recipe, subject)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS released (key TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""

_LATER = {
    "objects": {"structure": "TEXT", "unknown_terms": "TEXT", "residuals": "INTEGER"},
    "receptions": {"described_by": "TEXT"},
}
"""Columns that files written by earlier versions do not have, by table."""


def prepare(db: sqlite3.Connection) -> None:
    """Make the tables that are missing, and the columns that were added later."""
    db.executescript(_SCHEMA)
    for table, columns in _LATER.items():
        there = {row[1] for row in db.execute(f"PRAGMA table_info({table})")}
        for column, kind in columns.items():
            if column not in there:
                db.execute(f"ALTER TABLE {table} ADD COLUMN {column} {kind}")
