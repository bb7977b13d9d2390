"""Asset checks: the findings of each table, shown on the table; and the sweep that blocks a release.

Findings never block: a failed blocking check would skip the verdict and the lower tiers' releases.
"""

from collections.abc import Iterator, Mapping, Sequence

import dagster as dg

from eucaim_pipelines.assets import staged
from eucaim_pipelines.assets.common import guarded
from eucaim_pipelines.assets.tier import key
from eucaim_pipelines.cdm import coding
from eucaim_pipelines.contracts.rules import Rule
from eucaim_pipelines.contracts.tables import TableContract
from eucaim_pipelines.deidentification import sweep
from eucaim_pipelines.quality.findings import Finding
from eucaim_pipelines.quality.plan import evaluated_at, planned
from eucaim_pipelines.quality.tiers import Tiers
from eucaim_pipelines.release import lineage
from eucaim_pipelines.resources.site import Contracts
from eucaim_pipelines.resources.zones import ReleasableZone, RestrictedZone, Shelf

_STANDARD = "1.2.840.10008."
"""Root of the UIDs of the Standard, such as well-known frames of reference: they are kept."""
_IDENTIFYING = (
    *("PatientID", "AccessionNumber", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"),
    "FrameOfReferenceUID",
)


def finding_checks(tiers: Tiers, tables: Mapping[str, TableContract]) -> dict[int, dg.AssetChecksDefinition]:
    """One check per table, on the table, for all rules about it that a tier is the first to tell.

    Dagster writes some events for every check of every run: one for each of the hundreds of rules would take
    longer than the rules themselves.
    """
    found = {}
    held = {number: tiers.tables(number) for number in tiers.tiers}
    for number in sorted(tiers.tiers):
        rules: dict[str, list[Rule]] = {}
        for rule in planned(tables):
            if evaluated_at(rule, tables, held) == number:
                rules.setdefault(rule.table, []).append(rule)
        found[number] = _findings_of(number, rules)
    return found


def _findings_of(tier: int, rules: Mapping[str, Sequence[Rule]]) -> dg.AssetChecksDefinition:
    name = f"findings_at_tier_{tier}"  # rules may need tables of a later tier than their own
    specs = {
        table: dg.AssetCheckSpec(
            name,
            asset=dg.AssetKey(["cdm", table]),
            description="\n".join(f"- `{rule.id}` ({rule.dimension}): {rule.sentence}" for rule in some),
            additional_deps=[dg.AssetKey(key(tier, "findings"))],
            metadata={"rules": len(some)},
        )
        for table, some in rules.items()
    }

    @dg.multi_asset_check(name=f"tier_{tier}_findings", specs=[*specs.values()], can_subset=True)
    @guarded
    def show(
        context: dg.AssetCheckExecutionContext, releasable: ReleasableZone, contracts: Contracts
    ) -> Iterator[dg.AssetCheckResult]:
        dataset = _dataset(context)
        found = staged.findings(dataset, tier, releasable.shelf(dataset), contracts)
        by_id = {each.check: each for each in found}
        for table, spec in specs.items():
            if spec.key in context.selected_asset_check_keys:
                yield _shown([by_id[rule.id] for rule in rules[table]], spec)

    return show


def _shown(findings: Sequence[Finding], spec: dg.AssetCheckSpec) -> dg.AssetCheckResult:
    """Counts of each rule that found something, as a table."""
    lines = ["| rule | dimension | do not hold | checked | patients |", "|---|---|---:|---:|---:|"]
    lines += [
        f"| `{each.check}` | {each.dimension} | {each.failed} | {each.checked} | {each.patients} |"
        for each in findings
        if each.failed
    ]
    failed = sum(not each.passed for each in findings)
    told = {"findings": dg.MetadataValue.md("\n".join(lines))} if any(e.failed for e in findings) else {}
    return dg.AssetCheckResult(
        asset_key=spec.asset_key,
        check_name=spec.name,
        passed=not failed,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"rules": len(findings), "rules_failed": failed, **told},
    )


def sweep_check(tier: int, tables: tuple[str, ...]) -> dg.AssetChecksDefinition:
    """Blocks the tier's release if an identity is found in its tables, record, report or files."""

    @dg.asset_check(
        asset=dg.AssetKey(key(tier, "report")),
        name="no_identity",
        blocking=True,
        description="No identity that was received occurs in the finished tables, record and report.",
    )
    @guarded
    def no_identity(
        context: dg.AssetCheckExecutionContext,
        restricted: RestrictedZone,
        releasable: ReleasableZone,
        contracts: Contracts,
    ) -> dg.AssetCheckResult:
        dataset = _dataset(context)
        shelf = releasable.shelf(dataset)
        content, documents = staged.content(dataset, tier, shelf, contracts), staged.documents(tier, shelf)
        texts = [*documents.values(), *content.files.values()]
        finished = [shelf.read(f"cdm/{name}") for name in tables]
        finished += [shelf.read(f"deidentified/{name}") for name in ("annotations", "instances")]
        finished.append(lineage.beyond(shelf.read("deidentified/lineage"), finished[-1]))
        identities = _identities(restricted.shelf(dataset), dataset, contracts)
        in_texts = identities - sweep.kept_numbers(finished, identities)
        hits = sweep.find_identities(texts, in_texts) + sweep.find_in_tables(finished, identities)
        shelf.write_files(
            f"tier_{tier}/swept",
            {"digest": staged.everything(content, documents).encode()} if hits == 0 else {},
        )
        return dg.AssetCheckResult(
            passed=hits == 0,
            severity=dg.AssetCheckSeverity.ERROR,
            metadata={"searched_for": len(identities), "found": hits},
        )

    return no_identity


def _identities(shelf: Shelf, dataset: str, contracts: Contracts) -> set[str]:
    """Everything received that names a person or an object."""
    instances = shelf.read("dicom_instances")
    found = {value for name in _IDENTIFYING for value in instances.column(name).to_pylist() if value}
    found = {value for value in found if not value.startswith(_STANDARD)}
    rows = shelf.read_all("clinical_records")
    for spec in contracts.source(dataset).clinical:
        for cells in coding.identities(rows[spec.name], spec).values():
            found |= cells
    return found


def _dataset(context: dg.AssetCheckExecutionContext) -> str:
    return context.run.tags["dagster/partition"]
