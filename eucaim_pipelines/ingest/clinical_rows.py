"""The clinical rows that count now, from every table that was received and read.

How one file is read and deliveries combine is said in `clinical_files`.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from eucaim_pipelines.contracts.sources import ClinicalFile, SourceContract
from eucaim_pipelines.errors import Refusal
from eucaim_pipelines.ingest.clinical_files import Combined, combine, read, refuse
from eucaim_pipelines.ingest.clinical_files import Reception as Delivery
from eucaim_pipelines.ingest.ledger import Ledger


def current_rows(ledger: Ledger, source: SourceContract, tables: Path) -> dict[str, Combined]:
    """Rows that count, by clinical file, with what became of all other rows."""
    received = [r for r in ledger.receptions() if r.clinical_file and r.refusal is None and r.sha256]
    return {
        spec.name: combine(
            [
                Delivery(
                    r.export, PurePosixPath(r.path).name, read((tables / str(r.sha256)).read_bytes(), spec)
                )
                for r in received
                if spec in source.files_for(PurePosixPath(r.path).name)
            ],
            spec,
        )
        for spec in source.clinical
    }


def reinterpret(ledger: Ledger, source: SourceContract, tables: Path) -> None:
    """Read every kept table again as a changed source contract says, whether landing holds it or not."""
    found: dict[int, tuple[str | None, str | None]] = {}
    for reception in ledger.receptions():
        path = tables / str(reception.sha256)
        if reception.sop_instance_uid is None and path.is_file():
            found[reception.id] = _interpretation(path, source.files_for(PurePosixPath(reception.path).name))
    ledger.reinterpret(found)


def _interpretation(path: Path, specs: Sequence[ClinicalFile]) -> tuple[str | None, str | None]:
    """Which clinical file a table is, the first of those that read it, and why it is refused if it is."""
    if not specs:
        return None, "NOT_DICOM"
    try:
        refuse(path, specs)
    except Refusal as refusal:
        return specs[0].name, refusal.reason
    return specs[0].name, None


def mass_removals(combined: Mapping[str, Combined]) -> list[str]:
    """One sentence for every file whose newest snapshot left out most of the one before; counts only."""
    return [
        f"The newest snapshot of '{name}' leaves out {each.left_out} of the {each.before} rows that the one "
        "before had. Deliver them again unless their removal is meant."
        for name, each in combined.items()
        if 2 * each.left_out > each.before
    ]
