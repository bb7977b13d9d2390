"""Which reception of an instance counts: duplicates, corrections, conflicts and mixed-up series.

Pure functions over the ledger's receptions; nothing is read or written here.
"""

from collections import defaultdict
from collections.abc import Iterable

from eucaim_pipelines.ingest.ledger import Reception

Decision = tuple[str, str]
ACCEPTED: Decision = ("pending", "AWAITS_RELEASE")


def resolve(receptions: Iterable[Reception]) -> dict[int, Decision]:
    """Disposition and reason of every reception, before de-identification and release.

    The newest export that holds an instance says which content counts. Of equal contents the first is
    taken and the others are duplicates; older other content is superseded. Two contents in that one export
    are a conflict, and their whole series is held. A series in which two different non-empty patient ids
    occur is held too.

    Returns
    -------
    dict
        Reception id → (disposition, reason). `ACCEPTED` marks what goes on to de-identification.
    """
    ordered = sorted(receptions, key=lambda reception: reception.order)
    decisions = {r.id: _alone(r) for r in ordered if r.sop_instance_uid is None}
    chosen: list[Reception] = []
    contested: set[str | None] = set()
    for group in _by_instance(ordered).values():
        representatives, others, conflict = _contents(group)
        decisions |= others
        chosen += representatives
        if conflict:
            contested |= {r.series_instance_uid for r in representatives}
    mixed = _series_of_two_patients(chosen)
    for reception in chosen:
        decisions[reception.id] = _decide(reception, contested, mixed)
    return decisions


def _alone(reception: Reception) -> Decision:
    """A clinical table or a file without a readable header stands for itself."""
    if reception.refusal is not None:
        return "quarantined", reception.refusal
    return "published", "ROWS_READ"


def _by_instance(ordered: Iterable[Reception]) -> dict[str, list[Reception]]:
    groups: dict[str, list[Reception]] = defaultdict(list)
    for reception in ordered:
        if reception.sop_instance_uid is not None:
            groups[reception.sop_instance_uid].append(reception)
    return groups


def _contents(group: list[Reception]) -> tuple[list[Reception], dict[int, Decision], bool]:
    """One reception per content of the newest export, the decisions on the rest, and whether it conflicts."""
    newest = group[-1].export
    current = {r.content for r in group if r.export == newest}
    representatives: dict[str | None, Reception] = {}
    others: dict[int, Decision] = {}
    for reception in group:
        if reception.content not in current:
            others[reception.id] = ("duplicate", "SUPERSEDED")
        elif reception.content in representatives:
            others[reception.id] = ("duplicate", "SAME_CONTENT")
        else:
            representatives[reception.content] = reception
    return list(representatives.values()), others, len(current) > 1


def _series_of_two_patients(chosen: Iterable[Reception]) -> set[str | None]:
    patients: dict[str | None, set[tuple[str, str | None]]] = defaultdict(set)
    for reception in chosen:
        if reception.patient_id:
            patients[reception.series_instance_uid].add((reception.patient_id, reception.issuer))
    return {series for series, people in patients.items() if len(people) > 1}


def _decide(reception: Reception, contested: set[str | None], mixed: set[str | None]) -> Decision:
    if reception.refusal is not None:
        return "quarantined", reception.refusal
    if reception.series_instance_uid in contested:
        return "quarantined", "UID_CONFLICT"
    if reception.series_instance_uid in mixed:
        return "quarantined", "TWO_PATIENTS"
    return ACCEPTED
