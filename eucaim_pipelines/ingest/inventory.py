"""The ledger's accepted instances as one table: the header inventory, values as received.

Restricted zone. Which reception counts is decided in `resolution`.
"""

from collections.abc import Container

import pyarrow as pa

from eucaim_pipelines.dicom.inventory_schema import schema
from eucaim_pipelines.ingest.ledger import Ledger
from eucaim_pipelines.ingest.records import Reception
from eucaim_pipelines.ingest.resolution import resolve

_GOES_ON = ("AWAITS_RELEASE", "RELEASED", "SOURCE_GONE")


def decide(ledger: Ledger) -> None:
    """Give every reception its disposition, by what lies in the ledger now."""
    ledger.dispose(resolve(ledger.receptions()))
    ledger.settle()


def accepted(ledger: Ledger) -> list[Reception]:
    """Receptions that go on to de-identification, or have been through it."""
    return [
        r for r in ledger.receptions() if r.sop_instance_uid and r.reason in (*_GOES_ON, r.object_refusal)
    ]


def dicom_instances(ledger: Ledger) -> pa.Table:
    """One row per accepted SOP instance; columns are DICOM keywords, values as received."""
    receptions = accepted(ledger)
    headers = ledger.headers(r.sha256 for r in receptions if r.sha256)
    rows = [headers[r.sha256] for r in receptions if r.sha256]
    return pa.Table.from_pylist(rows, schema=schema())


def twins(ledger: Ledger, absent: Container[int]) -> dict[int, Reception]:
    """For receptions whose file is gone, the newest other reception of the same instance and content."""
    receptions = ledger.receptions()
    same: dict[tuple[str | None, str | None], Reception] = {
        (r.sop_instance_uid, r.content): r for r in receptions if r.reason == "SAME_CONTENT" and r.content
    }
    gone = [r for r in receptions if r.id in absent]
    found = {r.id: same.get((r.sop_instance_uid, r.content)) for r in gone}
    return {key: twin for key, twin in found.items() if twin is not None}
