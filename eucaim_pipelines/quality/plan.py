"""Which checks exist, and the lowest tier that can tell: planned from contracts, before any data is seen.

They are run in `checks`; which of them a tier needs is in tiers.yaml.
"""

from collections.abc import Mapping
from dataclasses import replace

from eucaim_pipelines.contracts.rules import Rule
from eucaim_pipelines.contracts.tables import TableContract
from eucaim_pipelines.quality.crossed import CROSSED_CHECKS
from eucaim_pipelines.quality.derived import derived
from eucaim_pipelines.quality.sql import source_of


def planned(contracts: Mapping[str, TableContract]) -> list[Rule]:
    """Every check of the tables, by table: what follows from its contract, then what the contract declares.

    A rule that is declared takes the place of one that would follow under the same name.
    """
    rules: dict[str, Rule] = {}
    for name in sorted(contracts):
        following = {rule.id: rule for rule in derived(contracts[name], contracts)}
        rules |= following | {rule.id: rule for rule in contracts[name].rules}
    return [_with_source(rule, contracts) for rule in rules.values()]


def known_checks(contracts: Mapping[str, TableContract]) -> frozenset[str]:
    """Identifiers of every check that can run; a tier or a source contract may name no other."""
    return frozenset(rule.id for rule in planned(contracts)) | frozenset(CROSSED_CHECKS)


def evaluated_at(
    rule: Rule, contracts: Mapping[str, TableContract], held: Mapping[int, tuple[str, ...]]
) -> int | None:
    """The lowest tier that holds all tables that the rule reads; None where no tier does.

    Parameters
    ----------
    held
        Tier to the tables of its release, those of the tiers below included.
    """
    needed = set(rule.needs) & contracts.keys()
    return min((tier for tier, tables in held.items() if needed <= set(tables)), default=None)


def _with_source(rule: Rule, contracts: Mapping[str, TableContract]) -> Rule:
    """A rule without a query looks at its table, and at the one that knows whose the rows are."""
    if rule.query is not None:
        return rule
    _, needs = source_of(contracts[rule.table], contracts)
    return replace(rule, needs=tuple(dict.fromkeys((*rule.needs, *needs))))
