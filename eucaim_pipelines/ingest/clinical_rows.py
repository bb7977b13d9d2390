"""The clinical rows that count now, from every table that was received and read.

How one file is read and deliveries combine is said in `clinical_files`.
"""

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from eucaim_pipelines.contracts.sources import ClinicalFile
from eucaim_pipelines.ingest.clinical_files import Combined, combine, read
from eucaim_pipelines.ingest.clinical_files import Reception as Delivery
from eucaim_pipelines.ingest.ledger import Ledger


def current_rows(ledger: Ledger, specs: Sequence[ClinicalFile], tables: Path) -> dict[str, Combined]:
    """Rows that count, by clinical file, with what became of all other rows."""
    received = [r for r in ledger.receptions() if r.clinical_file and r.refusal is None and r.sha256]
    return {
        spec.name: combine(
            [
                Delivery(
                    r.export, PurePosixPath(r.path).name, read((tables / str(r.sha256)).read_bytes(), spec)
                )
                for r in received
                if r.clinical_file == spec.name
            ],
            spec,
        )
        for spec in specs
    }
