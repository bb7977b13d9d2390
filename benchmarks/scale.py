"""Mapping, checks and report of one large invented cohort, stage by stage, in one process.

The peer of the same run is pandas reading the finished tables once from Parquet: about the least that any
tool on data frames must do. Prints a table and asserts nothing about time.
"""

import argparse
import resource
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import cohort
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from eucaim_pipelines.cdm import CdmInputs, build, coding, linkage
from eucaim_pipelines.contracts import folder
from eucaim_pipelines.contracts.quasi_identifiers import load_quasi_identifiers
from eucaim_pipelines.contracts.rules import ANNOTATIONS, INSTANCES, LINKS, RECORDS
from eucaim_pipelines.contracts.sources import SourceContract, load_source
from eucaim_pipelines.contracts.tables import TableContract, load_tables
from eucaim_pipelines.contracts.vocabularies import Vocabulary, load_all
from eucaim_pipelines.ingest.clinical_files import Reception, combine, read
from eucaim_pipelines.quality import checks, expectations
from eucaim_pipelines.quality.plan import known_checks, planned
from eucaim_pipelines.quality.reasons import load_reasons
from eucaim_pipelines.quality.risk.assessment import assess
from eucaim_pipelines.quality.tiers import load_tiers
from eucaim_pipelines.quality.verdict import DatasetFacts, verdict
from eucaim_pipelines.release import object_tables
from eucaim_pipelines.report.content import DispositionCount, LocalDetail, Report, Sizes
from eucaim_pipelines.report.page import render
from eucaim_pipelines.report.summaries import summarise

_CROSSED = {"PatientID": "patient_id", "record_key": "record_id", "StudyInstanceUID": "study_uid",
            "StudyDate": "study_date"}  # fmt: skip


class Clock:
    """Seconds and peak memory of this process by stage, printed as they come."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time what happens inside under `name`."""
        started = time.perf_counter()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - started

    def timed(self, name: str, function: Callable) -> Callable:
        """The function, its calls timed under `name`."""

        def called(*args: object, **kwargs: object) -> object:
            with self.stage(name):
                return function(*args, **kwargs)

        return called

    def print(self, name: str, what: str = "") -> None:
        """One line of the table."""
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{name:<28}{self.seconds[name]:>8.1f} s{peak:>8.0f} MB  {what}", flush=True)


def main() -> None:
    """Make the cohort, take it to a report, say what each stage took."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--patients", type=int, default=100_000)
    options.add_argument("--series", type=int, default=1_000_000)
    chosen = options.parse_args()
    clock = Clock()
    with tempfile.TemporaryDirectory() as scratch, clock.stage("whole"):
        with clock.stage("cohort"):
            made = cohort.write(Path(scratch), chosen.patients, chosen.series)
        clock.print("cohort", "made, not measured")
        (Path(scratch) / "cohort.yaml").write_text(cohort.SOURCE, encoding="utf-8")
        source = load_source(Path(scratch) / "cohort.yaml")
        contracts, vocabularies = load_tables(), load_all()
        with clock.stage("mapping"):
            inputs = _mapped(made, source, contracts, vocabularies)
            tables = {name: build(name, inputs) for name in contracts}
        clock.print(
            "mapping", f"{sum(table.num_rows for table in tables.values()):,} rows of {len(tables)} tables"
        )
        views = {**tables, INSTANCES: inputs.instances, LINKS: inputs.links,
                 ANNOTATIONS: object_tables.ANNOTATIONS.empty_table()}  # fmt: skip
        views |= {RECORDS + name: table for name, table in inputs.records.items()}
        checks.judge = clock.timed("Great Expectations", expectations.judge)
        with clock.stage("checks"):
            outcome = checks.run(planned(contracts), views, contracts, vocabularies)
        failed = sum(finding.failed > 0 for finding in outcome.findings)
        clock.print("checks", f"{len(outcome.findings)} checks, {failed} found something")
        clock.print(
            "Great Expectations",
            f"of it, {clock.seconds['Great Expectations'] / clock.seconds['checks']:.0%}",
        )
        with clock.stage("risk"):
            fields = load_quasi_identifiers(contracts)
            risk, _ = assess(tables, None, fields.of(source), fields.hierarchies, ("now", None))
        clock.print("risk", f"{risk.known.people:,} people in {risk.known.count:,} groups")
        with clock.stage("report"):
            page = _report(source, contracts, vocabularies, tables, outcome, inputs)
        clock.print("report", f"both editions; the shareable one has {len(page) / 1e3:.0f} kB")
        for name, table in tables.items():
            pq.write_table(table, Path(scratch) / f"{name}.parquet")
        with clock.stage("pandas reads the tables"):
            rows = sum(len(pd.read_parquet(Path(scratch) / f"{name}.parquet")) for name in tables)
        clock.print("pandas reads the tables", f"{rows:,} rows")
    ours = sum(clock.seconds[name] for name in ("mapping", "checks", "report"))
    peer = clock.seconds["pandas reads the tables"]
    print(f"mapping + checks + report: {ours:.1f} s, {ours / peer:.1f} times pandas reading the tables once")


def _mapped(
    made: cohort.Cohort,
    source: SourceContract,
    contracts: Mapping[str, TableContract],
    vocabularies: Mapping[str, Vocabulary],
) -> CdmInputs:
    """From the clinical file and the inventory to what the tables are built from, without pseudonyms."""
    spec = source.clinical[0]
    rows = combine([Reception("2026-01", made.table.name, read(made.table, spec))], spec).rows
    coded = coding.code_records(rows, spec, vocabularies)
    if coded.unmapped.num_rows:
        raise SystemExit("The cohort holds values without a code: the benchmark is out of date.")
    records = linkage.add_offsets({spec.name: coded.table}, source)
    links = linkage.link_studies(made.instances, records, source)
    crossed = {name: _renamed(table) for name, table in records.items()}
    return CdmInputs(made.instances, crossed, _renamed(links), source, contracts, vocabularies)


def _renamed(table: pa.Table) -> pa.Table:
    return table.rename_columns([_CROSSED.get(name, name) for name in table.column_names])


def _report(
    source: SourceContract,
    contracts: Mapping[str, TableContract],
    vocabularies: Mapping[str, Vocabulary],
    tables: Mapping[str, pa.Table],
    outcome: checks.Outcome,
    inputs: CdmInputs,
) -> bytes:
    tiers = load_tiers(folder() / "tiers.yaml", known_checks(contracts))
    facts = DatasetFacts(tables["patient"].num_rows)
    report = Report(
        source=source,
        version="2026.01.01-00000000",
        issued="2026-01-01",
        verdicts=[verdict(tier, tiers, outcome.findings, facts) for tier in tiers.tiers],
        findings=outcome.findings,
        dispositions=[DispositionCount("file", "published", "RELEASED", inputs.instances.num_rows)],
        sizes=Sizes(*(tables[name].num_rows for name in ("patient", "image_study", "image_series")),
                    inputs.instances.num_rows),
        actions=[],
        methods={},
        reasons=load_reasons(folder() / "reasons.csv"),
        summaries=summarise(tables, contracts, vocabularies),
    )  # fmt: skip
    render(report, LocalDetail())
    return render(report)


if __name__ == "__main__":
    main()
