"""What must come of the planted files: the dispositions, counts and identities that truth.json states.

Computed from the plan alone, by the rules of exports, corrections and conflicts; no pipeline code is used.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from eucaim_pipelines.demo.plan import LABEL_MAP, DatasetPlan, Export, Made, Pixels, Planted

Verdict = tuple[str, str]
PUBLISHED: Verdict = ("published", "RELEASED")
_NOT_IMAGES = {"SEG", "RTSTRUCT"}


class _Reception:
    """One file of a completed export, in the order in which exports count."""

    def __init__(self, order: int, export: Export, planted: Planted) -> None:
        self.order, self.export, self.planted = order, export.name, planted
        self.key = f"{export.name}/{planted.path}"


def expected(plan: DatasetPlan) -> dict[str, Any]:
    """One dataset's part of truth.json: what comes of it where the extra `[ocr]` is installed.

    `pixels` says what the source contract chooses, and what comes of the dataset under each choice; `clean`
    without the extra is as `quarantine`.
    """
    receptions = list(_receptions(plan.exports))
    choices: tuple[Pixels, ...] = ("quarantine", "clean")
    outcomes = {choice: outcome(plan, dispositions(receptions, choice)) for choice in choices}
    verdicts = dispositions(receptions, plan.pixels)
    return {
        "tier_reached": plan.tier_reached,
        **outcomes[plan.pixels],
        "pixels": {
            "source_contract": plan.pixels,
            "risky_files": sorted(r.key for r in receptions if r.planted.made and r.planted.made.risky),
            **outcomes,
        },
        "patients_pooled_at_90": len(plan.pooled_patients),
        "receptions": {
            key: {"disposition": verdict[0], "reason": verdict[1]}
            for key, verdict in sorted(verdicts.items())
        },
        "rows": {name: asdict(balance) for name, balance in sorted(plan.rows.items())},
        "identities": sorted(plan.identities),
        "birth_dates": sorted(plan.birth_dates),
    }


def outcome(plan: DatasetPlan, verdicts: Mapping[str, Verdict]) -> dict[str, Any]:
    """Counts of files, people, studies, series and instances under these verdicts.

    `conversions` are segmentations that a release holds beside what was delivered: one for each structure
    set and label map, each in a series of its own. Of a label map nothing else is released.
    """
    receptions = _receptions(plan.exports)
    made = [r.planted.made for r in receptions if verdicts[r.key] == PUBLISHED and r.planted.made]
    published = [each for each in made if each.modality != LABEL_MAP]
    counts = Counter(disposition for disposition, _ in verdicts.values())
    with_images = {each.patient_id for each in published}
    images = [each for each in published if each.modality not in _NOT_IMAGES]
    return {
        "counts": {"received": len(verdicts)}
        | {name: counts[name] for name in ("published", "quarantined", "duplicate", "pending")},
        "patients": len(with_images | plan.table_patients),
        "patients_with_images": len(with_images),
        "patients_only_in_images": len(with_images - plan.table_patients),
        "patients_only_in_tables": len(plan.table_patients - with_images),
        "studies": len({each.study_uid for each in published}),
        "series": len({each.series_uid for each in published}),
        "image_series": len({each.series_uid for each in images}),
        "segmentation_series": len({each.series_uid for each in published if each.modality == "SEG"}),
        "instances": len(published),
        "conversions": sum(each.modality in ("RTSTRUCT", LABEL_MAP) for each in made),
        "instances_by_modality": dict(sorted(Counter(each.modality for each in published).items())),
        "reasons": dict(sorted(Counter(reason for _, reason in verdicts.values()).items())),
    }


def _receptions(exports: Iterable[Export]) -> Iterable[_Reception]:
    complete = [export for export in exports if export.completed is not None]
    ordered = sorted(complete, key=lambda export: (export.completed, export.name))
    for order, export in enumerate(ordered):
        for planted in export.files:
            yield _Reception(order, export, planted)


def dispositions(receptions: list[_Reception], pixels: Pixels) -> dict[str, Verdict]:
    """Disposition and reason of every reception, by its key.

    An image that may show text counts like any other among its receptions, and is held back at the end.
    """
    verdicts: dict[str, Verdict] = {}
    accepted: list[tuple[_Reception, Made]] = []
    for reception in receptions:
        planted = reception.planted
        if planted.reason is not None:
            verdicts[reception.key] = ("quarantined", planted.reason)
        elif planted.kind == "table":
            verdicts[reception.key] = ("published", "ROWS_READ")
        elif planted.made is not None:
            accepted.append((reception, planted.made))
    held = _two_patients(accepted) | _conflicts(accepted)
    winners = _winners(accepted)
    for reception, made in accepted:
        first, version = winners[made.sop_uid]
        if made.series_uid in held:
            verdicts[reception.key] = ("quarantined", held[made.series_uid])
        elif made.version != version:
            verdicts[reception.key] = ("duplicate", "SUPERSEDED")
        elif reception.key != first:
            verdicts[reception.key] = ("duplicate", "SAME_CONTENT")
        elif made.risky and pixels == "quarantine":
            verdicts[reception.key] = ("quarantined", "BURNED_IN_RISK")
        else:
            verdicts[reception.key] = PUBLISHED
    described = [r for r in receptions if r.planted.described_by is not None]
    return verdicts | {r.key: verdicts[f"{r.export}/{r.planted.described_by}"] for r in described}


def _two_patients(accepted: list[tuple[_Reception, Made]]) -> dict[str, str]:
    patients = defaultdict(set)
    for _, made in accepted:
        patients[made.series_uid].add(made.patient_id)
    return {series: "TWO_PATIENTS" for series, people in patients.items() if len(people) > 1}


def _conflicts(accepted: list[tuple[_Reception, Made]]) -> dict[str, str]:
    """Series with an instance whose newest export holds several contents of it."""
    newest: dict[str, int] = {}
    for reception, made in accepted:
        newest[made.sop_uid] = max(reception.order, newest.get(made.sop_uid, 0))
    versions = defaultdict(set)
    for reception, made in accepted:
        if reception.order == newest[made.sop_uid]:
            versions[(made.series_uid, made.sop_uid)].add(made.version)
    return {series: "UID_CONFLICT" for (series, _), contents in versions.items() if len(contents) > 1}


def _winners(accepted: list[tuple[_Reception, Made]]) -> dict[str, tuple[str, int]]:
    """Per instance the content of its newest export, and the first reception that brought it."""
    newest: dict[str, tuple[int, int]] = {}
    for reception, made in accepted:
        if made.sop_uid not in newest or reception.order >= newest[made.sop_uid][0]:
            newest[made.sop_uid] = (reception.order, made.version)
    winners: dict[str, tuple[str, int]] = {}
    for reception, made in accepted:
        version = newest[made.sop_uid][1]
        if made.version == version and made.sop_uid not in winners:
            winners[made.sop_uid] = (reception.key, version)
    return winners
