"""Which reception of an instance counts: duplicates, corrections, conflicts and mixed-up series.

Pure functions over the ledger's receptions; nothing is read or written here.
"""

from collections import defaultdict
from collections.abc import Iterable

from eucaim_pipelines.ingest.ledger import UNREADABLE
from eucaim_pipelines.ingest.records import Reception

Decision = tuple[str, str]
ACCEPTED: Decision = ("pending", "AWAITS_RELEASE")
WITHDRAWS = frozenset({"SPECIMEN_LABEL"})
"""Refusals that say something of the picture itself: such a content counts, and withdraws an earlier one. A
picture that may show text is not refused here: it is accepted, counts like any other, and is cleaned or held
back where it would leave."""


def resolve(receptions: Iterable[Reception]) -> dict[int, Decision]:
    """Disposition and reason of every reception, before de-identification and release.

    The newest export that holds an instance says which content counts. Of equal contents the first is
    taken and the others are duplicates; older other content is superseded. Two contents in that one export
    are a conflict, and their whole series is held. A refused content neither supersedes nor contradicts,
    unless the refusal is about the picture itself (`WITHDRAWS`). A series in which two different non-empty
    patient ids occur is held too.

    Returns
    -------
    dict
        Reception id → (disposition, reason). `ACCEPTED` marks what goes on to de-identification. Label maps
        that a JSON describes are left out: they follow it.
    """
    ordered = sorted(receptions, key=lambda reception: reception.order)
    decisions = {r.id: _alone(r) for r in ordered if r.sop_instance_uid is None and r.described_by is None}
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
    if reception.refusal == UNREADABLE:
        return "pending", UNREADABLE
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
    """What counts of one instance, what is decided on the rest, and whether its newest export conflicts.

    Without a conflict one reception counts; in a conflict all that bring a contested content are held.
    """
    whole = [r for r in group if r.refusal is None or r.refusal in WITHDRAWS]
    others: dict[int, Decision] = {r.id: _decide(r, set(), set()) for r in group if r not in whole}
    if not whole:
        return [], others, False
    newest = whole[-1].export
    current = {r.content for r in whole if r.export == newest}
    others |= {r.id: ("duplicate", "SUPERSEDED") for r in whole if r.content not in current}
    counting = [r for r in whole if r.content in current]
    if len(current) > 1:
        return counting, others, True
    others |= {r.id: ("duplicate", "SAME_CONTENT") for r in counting[1:]}
    return counting[:1], others, False


def _series_of_two_patients(chosen: Iterable[Reception]) -> set[str | None]:
    patients: dict[str | None, set[str]] = defaultdict(set)
    for reception in chosen:
        if reception.patient_id:
            patients[reception.series_instance_uid].add(reception.patient_id)
    return {series for series, people in patients.items() if len(people) > 1}


def _decide(reception: Reception, contested: set[str | None], mixed: set[str | None]) -> Decision:
    if reception.refusal is not None:
        return "quarantined", reception.refusal
    if reception.series_instance_uid in contested:
        return "quarantined", "UID_CONFLICT"
    if reception.series_instance_uid in mixed:
        return "quarantined", "TWO_PATIENTS"
    return ACCEPTED
