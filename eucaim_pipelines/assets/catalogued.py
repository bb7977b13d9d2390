"""The catalogue record of a tier, put together from what is staged, checked, and what it lacks.

Glue between the releasable zone and the package `catalogue`; no asset is defined here.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

import pyarrow.compute as pc
from rdflib import Graph

from eucaim_pipelines.assets import staged
from eucaim_pipelines.assets.reported import differences
from eucaim_pipelines.catalogue import (
    conditions,
    conformance,
    croissant,
    figures,
    problems,
    record,
    ro_crate,
    shapes,
    writing,
)
from eucaim_pipelines.catalogue.facts import CatalogueFacts
from eucaim_pipelines.catalogue.record import ReleaseFacts
from eucaim_pipelines.contracts.source_model import SourceContract
from eucaim_pipelines.quality import disclosure
from eucaim_pipelines.release import statements
from eucaim_pipelines.release.publication import Content, json_bytes
from eucaim_pipelines.resources.site import Contracts
from eucaim_pipelines.resources.zones import Shelf

TURTLE, JSON_LD = "catalogue.ttl", "catalogue.jsonld"
_DOCUMENTS = {
    TURTLE: ("Catalogue record, EUCAIM DCAT-AP v2.0", "text/turtle"),
    JSON_LD: ("Catalogue record, EUCAIM DCAT-AP v2.0", "application/ld+json"),
    croissant.NAME: ("Description for machine learning, Croissant 1.0", "application/ld+json"),
    staged.REPORT: ("Report", "text/html"),
    statements.NAME: ("Signed statement of de-identification", "application/json"),
}


@dataclass(frozen=True)
class RecordProblems:
    """What keeps a record from being complete and true; the facts of the verdict with these names.

    The last two are None where there is no record to look at.
    """

    catalogue_problems: tuple[str, ...] = ()
    other_conditions: tuple[str, ...] = ()
    record_violations: tuple[str, ...] | None = None
    record_disagreements: tuple[str, ...] | None = None


def stage(dataset: str, tier: int, shelf: Shelf, content: Content, contracts: Contracts) -> RecordProblems:
    """Stage the record's files, or none where the source contract lacks what only people know.

    What keeps the record from being complete and true is staged beside it.
    """
    source = contracts.source(dataset)
    found = RecordProblems(
        problems.missing(source, contracts.folder), _other_conditions(source, shelf, contracts)
    )
    files: Mapping[str, bytes] = {}
    if not found.catalogue_problems:
        facts, release = (
            staged.facts(dataset, tier, shelf, contracts),
            _release(tier, shelf, content, contracts),
        )
        graph = record.build(source, facts, release, contracts.folder)
        found = replace(
            found,
            record_violations=_violations(graph, facts, contracts),
            record_disagreements=figures.disagreements(graph, _recount(tier, source, shelf, contracts)),
        )
        written = {TURTLE: writing.turtle(graph), JSON_LD: writing.json_ld(graph)}
        files = _files(source, release, content) | written
    shelf.write_files(f"tier_{tier}/{staged.RECORD}", files)
    shelf.write_bytes(f"tier_{tier}/{staged.RECORD_PROBLEMS}", json_bytes(asdict(found)))
    return found


def record_problems(tier: int, shelf: Shelf) -> RecordProblems:
    """What was staged beside the record of a tier."""
    found = json.loads(shelf.read_bytes(f"tier_{tier}/{staged.RECORD_PROBLEMS}"))
    return RecordProblems(**{name: tuple(each) for name, each in found.items() if each is not None})


def _violations(graph: Graph, facts: CatalogueFacts, contracts: Contracts) -> tuple[str, ...]:
    """What does not conform to the profile, nor to the further shapes that the site names.

    A list that disclosure control emptied is a requirement of its own.
    """
    found = {*conformance.violations(graph, shapes.shapes(contracts.folder))}
    if contracts.generic_shapes is not None:
        found |= {*conformance.violations(graph, conformance.load_shapes(contracts.generic_shapes))}
    return tuple(each.text for each in sorted(found) if each.property not in facts.empty_properties)


def _other_conditions(source: SourceContract, shelf: Shelf, contracts: Contracts) -> tuple[str, ...]:
    figure = figures.load_figures(contracts.folder)["condition"]
    tables = {conditions.TABLE: shelf.read(f"cdm/{conditions.TABLE}")}
    behind = figures.rows_behind(figure, tables, contracts.tables())
    return conditions.others(source, behind, contracts.vocabularies()["cancer_condition"].labels)


def _recount(tier: int, source: SourceContract, shelf: Shelf, contracts: Contracts) -> figures.Recount:
    tables = {name: shelf.path(f"cdm/{name}.parquet") for name in contracts.tiers().tables(tier)}
    return figures.Recount(tables, contracts.tables(), source.catalogue.pool_small_values, contracts.folder)


def _release(tier: int, shelf: Shelf, content: Content, contracts: Contracts) -> ReleaseFacts:
    tiers, tables = contracts.tiers(), contracts.tables()
    items = [item for item, _ in (*content.table_items(), *content.object_items)]
    lines = "".join(sorted(f"{item.sha256}  {item.key}\n" for item in items))
    size = pc.sum(content.instances["object_bytes"]).as_py() or 0
    return ReleaseFacts(
        version=content.version,
        issued=content.issued,
        tier_code=tiers.tiers[tier].code,
        contracts=[tables[name] for name in tiers.tables(tier)],
        changes=_changes(tier, shelf),
        bytes=disclosure.rounded_bytes(size),
        checksum=hashlib.sha256(lines.encode()).hexdigest(),
    )


def _changes(tier: int, shelf: Shelf) -> str:
    """What changed since the release before, in numbers that may leave."""
    changes = differences(tier, shelf)
    if changes.previous is None:
        return "First release."
    told = []
    for each in changes.differences:
        counts = disclosure.shown_changes((each.added, each.changed, each.removed), each.people)
        if counts != ("0", "0", "0"):
            told.append("{}: added {}, changed {}, removed {}.".format(each.name, *counts))
    return " ".join([f"Since {changes.previous}:", *(told or ["no row and no image differs."])])


def _files(source: SourceContract, release: ReleaseFacts, content: Content) -> dict[str, bytes]:
    """The descriptions beside the record; their places count from the folder of the release."""
    items = [item for item, _ in content.table_items()]
    tables = {i.name: (f"../../{i.key.partition('/')[2]}", i.sha256) for i in items}
    return {
        croissant.NAME: json_bytes(croissant.croissant(source, release, tables)),
        ro_crate.NAME: json_bytes(ro_crate.ro_crate(source, release, _DOCUMENTS, tables)),
    }
