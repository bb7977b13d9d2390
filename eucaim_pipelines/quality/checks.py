"""Runs checks: which rows each one looks at, what holds of them, and which entries do not hold.

Which checks there are is planned in `plan`; rows are selected in `selection` and judged in `expectations`.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from eucaim_pipelines.contracts.rules import INSTANCES, Rule
from eucaim_pipelines.contracts.tables import TableContract
from eucaim_pipelines.contracts.vocabularies import Vocabulary
from eucaim_pipelines.quality.expectations import Judgement, judge
from eucaim_pipelines.quality.findings import Finding, finding
from eucaim_pipelines.quality.selection import SEGMENTATIONS, SERIES, STUDY, Selection, View
from eucaim_pipelines.quality.sql import PATIENT, shared_rows

RESULTS = pa.schema([("check", pa.string()), (PATIENT, pa.string()), ("pointer", pa.string())])
"""Entries that do not hold, for the holder only: check, pseudonym of the patient, which entry it is."""


@dataclass(frozen=True)
class Outcome:
    """Findings ordered by check, and the entries that do not hold (`RESULTS`, ordered by all its columns)."""

    findings: list[Finding]
    results: pa.Table


def run(
    rules: Iterable[Rule],
    views: Mapping[str, View],
    contracts: Mapping[str, TableContract],
    vocabularies: Mapping[str, Vocabulary],
) -> Outcome:
    """Judge the rules whose tables are all among `views`; the others say nothing, not even that they hold.

    Raises
    ------
    ContractError
        A rule has a query or an expectation that cannot be run.
    """
    findings: list[Finding] = []
    results: list[pa.Table] = []
    with Selection(views) as selection:
        for query, some in _by_query([rule for rule in rules if views.keys() >= set(rule.needs)], contracts):
            rows = selection.rows(query, some[0].id)
            judged = judge(rows, some, vocabularies)
            for rule in some:
                failed = rows.take(pa.array(judged[rule.id].failed, pa.int64()))
                entries = _entries(failed, rule, contracts[rule.table])
                studies = _studies(failed, selection) if INSTANCES in views else 0
                findings.append(_finding(rule, judged[rule.id], entries, studies, contracts[rule.table]))
                results.append(entries)
            del rows, judged  # before the next query: the rows of a million series take 0.1 GB
            pa.default_memory_pool().release_unused()
    found = pa.concat_tables([RESULTS.empty_table(), *results])
    ordered = found.sort_by([(name, "ascending") for name in RESULTS.names])
    return Outcome(sorted(findings, key=lambda each: each.check), ordered)


def _by_query(
    rules: Sequence[Rule], contracts: Mapping[str, TableContract]
) -> Iterable[tuple[str, list[Rule]]]:
    """Rules that look at the same rows, together with the query that selects these."""
    groups: defaultdict[tuple[str, str | None, str | None], list[Rule]] = defaultdict(list)
    for rule in rules:
        groups[rule.table if rule.query is None else "", rule.row_condition, rule.query].append(rule)
    for (table, condition, query), some in groups.items():
        if query is None:
            yield shared_rows(some, contracts[table], contracts), some
        elif condition is None:
            yield query, some
        else:
            yield f"SELECT * FROM ({query}) WHERE {condition}", some


def _entries(failed: pa.Table, rule: Rule, contract: TableContract) -> pa.Table:
    if not failed.num_rows:
        return RESULTS.empty_table()
    nobody = pa.nulls(failed.num_rows, pa.string())
    named = [failed[name].cast(pa.string()).combine_chunks() for name in rule.pointer or contract.primary_key]
    columns = {
        "check": pa.array([rule.id] * failed.num_rows),
        PATIENT: failed[PATIENT].cast(pa.string()) if PATIENT in failed.column_names else nobody,
        "pointer": pc.binary_join_element_wise(*named, " ", null_handling="replace", null_replacement=""),
    }
    return pa.table(columns).cast(RESULTS)


def _studies(failed: pa.Table, selection: Selection) -> int:
    """Distinct imaging studies of the entries, by the study or else by the series that they name."""
    if not failed.num_rows:
        return 0
    if STUDY in failed.column_names:
        return int(pc.count_distinct(failed[STUDY], mode="only_valid").as_py())
    series = next((name for name in (SERIES, SEGMENTATIONS) if name in failed.column_names), None)
    if series is None:
        return 0
    known = selection.studies_of_series()
    places = pc.index_in(failed[series].cast(pa.string()), value_set=known[SERIES].combine_chunks())
    return int(pc.count_distinct(known[STUDY].take(places.drop_null())).as_py())


def _finding(
    rule: Rule, judgement: Judgement, entries: pa.Table, studies: int, contract: TableContract
) -> Finding:
    return finding(
        rule.id,
        table=rule.table,
        field=rule.field if rule.field in contract.fields else None,
        dimension=rule.dimension,
        severity=rule.severity,
        level=rule.level,
        checked=judgement.checked,
        failed=len(judgement.failed),
        patients=pc.count_distinct(entries[PATIENT], mode="only_valid").as_py(),
        studies=studies,
        at_least=rule.at_least,
        sentence=rule.sentence,
        remedy=rule.remedy,
    )
