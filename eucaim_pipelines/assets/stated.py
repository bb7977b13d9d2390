"""Evidence in words: what was done to the objects of a dataset, and the statement that the site signs.

Counts, names and digests only; no asset is defined here.
"""

import json
from hashlib import sha256

import pyarrow as pa

from eucaim_pipelines.assets import staged
from eucaim_pipelines.assets.reported import effects
from eucaim_pipelines.deidentification.images import ENGINE_VERSION, Deidentifier
from eucaim_pipelines.deidentification.rules import profile_summary
from eucaim_pipelines.deidentification.statement import Statement, object_list_digest
from eucaim_pipelines.report.content import MEANINGS
from eucaim_pipelines.resources.zones import Shelf

_TOP_REASONS = 10


def actions_text(actions: pa.Table) -> str:
    """Elements by what became of them, and the most frequent reasons, as Markdown."""
    lines = ["| what became of them | meaning | elements |", "|---|---|---:|"]
    lines += [f"| {name} | {MEANINGS[name]} | {count} |" for name, count in effects(actions).items()]
    lines += ["", "| reason | about | elements |", "|---|---|---:|"]
    top = _reasons(actions)[:_TOP_REASONS]
    lines += [f"| {reason} | {profile_summary.words(reason)} | {count} |" for reason, count in top]
    return "\n".join(lines)


def _reasons(actions: pa.Table) -> list[tuple[str, int]]:
    """Elements by reason, the most frequent first."""
    totals = actions.group_by("reason", use_threads=False).aggregate([("elements", "sum")]).to_pylist()
    return sorted(((row["reason"], row["elements_sum"]) for row in totals), key=lambda row: (-row[1], row[0]))


def statement(dataset: str, shelf: Shelf, deidentifier: Deidentifier) -> Statement:
    """What the site states of the staged objects."""
    search = json.loads(shelf.read_bytes("deidentified/searched.json"))
    newest = json.loads(shelf.read_bytes("deidentified/newest_export.json"))
    lists = staged.lists(dataset, shelf)
    evidence = sha256(shelf.read_bytes("deidentified/actions.parquet")).hexdigest()
    pseudonyms, profile = deidentifier.pseudonyms, deidentifier.profile
    names = "hmac" if pseudonyms.lethe is None else "lethe"
    return Statement(
        dataset=dataset,
        as_of=newest["completed"][:10],
        profile=profile.name,
        profile_digest=profile.digest,
        rules_digest=deidentifier.digest,
        table_editions=profile.editions,
        options=deidentifier.options._asdict() | {"pseudonyms": names},
        key_id=pseudonyms.key_id,
        engine_version=ENGINE_VERSION,
        object_list=object_list_digest(item.sha256 for item, _ in lists),
        objects=search["objects"],
        objects_checked=search["checked"],
        objects_converted=search["converted"],
        residuals_found=search["residuals"],
        objects_held_back="some" if search["held_back"] else "none",
        evidence=pseudonyms.digest("evidence", evidence),
    )


def statement_text(stated: Statement) -> str:
    """The statement in a sentence."""
    return (
        f"{stated.objects_checked} of {stated.objects} objects searched, {stated.residuals_found} identities "
        f"found in them, {stated.objects_held_back} held back, {stated.objects_converted} made from searched "
        f"ones; profile `{stated.profile}` "
        f"{stated.profile_digest[:12]}, engine {stated.engine_version}."
    )
