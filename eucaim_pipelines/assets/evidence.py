"""The crossing of counts: what was counted where the identities were, and the statement that the site signs.

The words of the statement are in `stated`, its form in the `deidentification` package.
"""

import json
from dataclasses import asdict

import dagster as dg
import pyarrow.compute as pc

from eucaim_pipelines.assets import stated
from eucaim_pipelines.assets.common import counted, guarded, placed
from eucaim_pipelines.assets.ingest import LINK_FAULTS
from eucaim_pipelines.assets.state import code_digest
from eucaim_pipelines.cdm import coding, people
from eucaim_pipelines.deidentification.keys.signing import public_key
from eucaim_pipelines.deidentification.statement import sign
from eucaim_pipelines.quality.crossed import CrossedCounts
from eucaim_pipelines.release.publication import json_bytes
from eucaim_pipelines.resources.lock import DatasetLock
from eucaim_pipelines.resources.site import Contracts, Pseudonymisation
from eucaim_pipelines.resources.zones import ReleasableZone, RestrictedZone


@dg.asset(
    key=["deidentified", "evidence"],
    deps=[
        ["restricted", "unmapped_values"],
        ["deidentified", "dispositions"],
        ["deidentified", "unmapped_fields"],
        ["deidentified", "clinical_records"],
    ],
    **placed("release", "deidentification", "json"),
)
@guarded
def evidence(
    context: dg.AssetExecutionContext,
    restricted: RestrictedZone,
    releasable: ReleasableZone,
    contracts: Contracts,
    pseudonymisation: Pseudonymisation,
    lock: DatasetLock,
) -> dg.MaterializeResult:
    """What was counted where the identities still were; by which profile and key they went, signed."""
    dataset = context.partition_key
    here, shelf, source = restricted.shelf(dataset), releasable.shelf(dataset), contracts.source(dataset)
    deidentifier = pseudonymisation.deidentifier(source, contracts)
    rows, unmapped = here.read_all("clinical_records"), here.read("unmapped_values")
    links = here.read("study_links")
    given = {spec.name: coding.given_cells(rows[spec.name], spec) for spec in source.clinical}
    formed = [coding.unreadable_columns(given[spec.name], unmapped, spec) for spec in source.clinical]
    with restricted.ledger(dataset) as ledger:
        balance = ledger.balance()
        removed, repeated = (int(ledger.fact(name) or 0) for name in ("rows_removed", "duplicate_keys"))
    counts = CrossedCounts(
        received=balance["received"],
        quarantined=balance["quarantined"],
        studies=links.num_rows,
        studies_without_patient_id=links.column("PatientID").null_count,
        coded_cells=sum(sum(cells.values()) for cells in given.values()),
        unmapped_cells=pc.sum(unmapped.column("rows")).as_py() or 0,
        clinical_rows=sum(table.num_rows for table in rows.values()),
        duplicate_keys=repeated,
        removed_rows=removed,
        pooled_patients=here.read("pooled").num_rows,
        ambiguous_patient_ids=people.ambiguous(here.read("people")),
        identity_cells=json.loads(shelf.read_bytes("deidentified/caught.json"))["identity_cells"],
        clinical_files=len(source.clinical),
        clinical_files_empty=sum(rows[spec.name].num_rows == 0 for spec in source.clinical),
        formed_columns=sum(columns for columns, _ in formed),
        unreadable_columns=sum(unreadable for _, unreadable in formed),
        **json.loads(here.read_bytes(LINK_FAULTS)),
    )
    rules = {
        "source_contract": source.digest,
        "contracts": contracts.digest(dataset),
        "deidentification": deidentifier.digest,
        "key_id": deidentifier.pseudonyms.key_id,
        "software": code_digest(),
    }
    shelf.write_bytes("deidentified/evidence.json", json_bytes({"counts": asdict(counts), "rules": rules}))
    statement = stated.statement(dataset, shelf, deidentifier)
    shelf.write_bytes("deidentified/statement.json", sign(statement, deidentifier.pseudonyms.key))
    return dg.MaterializeResult(
        metadata=counted(**asdict(counts))
        | {
            "key_id": rules["key_id"],
            "public_key": public_key(deidentifier.pseudonyms.key),
            "statement": dg.MetadataValue.md(stated.statement_text(statement)),
        }
    )
