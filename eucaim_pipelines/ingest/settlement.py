"""What a reception's disposition is once objects were made and a release names them, in the ledger's own SQL.

Who counts among receptions is decided in `resolution`; transactions are the ledger's.
"""

import sqlite3


def settle(db: sqlite3.Connection) -> None:
    """Accepted receptions become published, quarantined or pending by what was made and released.

    Published means that the newest release names the object; it is refused if de-identification was.
    """
    accepted = "reason IN ('AWAITS_RELEASE', 'RELEASED')"
    db.execute(
        f"UPDATE receptions SET disposition = 'pending', reason = 'AWAITS_RELEASE' WHERE {accepted}"  # noqa: S608
    )
    db.execute(
        "UPDATE receptions SET disposition = 'published', reason = 'RELEASED' WHERE reason ="
        " 'AWAITS_RELEASE' AND object_key IN (SELECT key FROM released)"
    )
    db.execute(
        "UPDATE receptions SET disposition = 'quarantined', reason = object_refusal WHERE reason ="
        " 'AWAITS_RELEASE' AND object_refusal IS NOT NULL"
    )
    follow(db)


def follow(db: sqlite3.Connection) -> None:
    """A label map has the disposition of the JSON that describes it: the pair is one annotation."""
    db.execute(
        "UPDATE receptions SET (disposition, reason, object_key, object_refusal) = (SELECT disposition,"
        " reason, object_key, object_refusal FROM receptions j WHERE j.export = receptions.export"
        " AND j.path = receptions.described_by) WHERE described_by IS NOT NULL"
    )


def once_released(db: sqlite3.Connection) -> list[tuple[str, str, int]]:
    """(disposition, reason, count) that hold once a release names every object that was made."""
    rows = db.execute(
        "SELECT CASE WHEN waiting THEN 'published' ELSE disposition END AS d,"
        " CASE WHEN waiting THEN 'RELEASED' ELSE reason END AS r, COUNT(*) AS n FROM (SELECT disposition,"
        " reason, reason = 'AWAITS_RELEASE' AND object_key IS NOT NULL AS waiting FROM receptions)"
        " GROUP BY d, r ORDER BY d, r"
    )
    return [(row["d"], row["r"], row["n"]) for row in rows]
