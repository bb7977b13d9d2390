"""EUCAIM's hyper-ontology as the full file that a site may point to.

What the pipeline codes with are the vocabularies; the full file only adds spellings and suggestions.
"""

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from eucaim_pipelines.contracts.codes import known_codes
from eucaim_pipelines.contracts.vocabularies import Vocabulary, folded
from eucaim_pipelines.errors import ContractError

BASE = "https://cancerimage.eu/ontology/EUCAIM#"
CSV_COLUMNS = ("concept_code", "concept_uri", "concept_name", "omop_domain_id")
SPELLINGS = ("altlabel", "synonym", "synonyms", "acronym", "acronyms", "hasexactsynonym")
NOTATIONS = ("snomedct", "icd10", "icdo3", "ncit", "loinc", "radlex")
"""Annotations (by the last part of their IRI, in lower case) whose values stand for the concept."""
_ANONYMOUS = re.compile(r"N[0-9a-f]{32}")


@dataclass(frozen=True)
class Concept:
    """One concept: its bare code, its label, other spellings, and codes of other terminologies."""

    code: str
    label: str
    spellings: tuple[str, ...] = ()
    notations: tuple[str, ...] = ()


def load_ontology(path: Path, folder: Path | None = None) -> dict[str, Concept]:
    """Concepts of the full ontology by code; only codes that v2.0 has.

    Parameters
    ----------
    path
        The ontology as OWL (RDF/XML) or as CSV (`concept_code,concept_uri,concept_name,omop_domain_id`).

    Raises
    ------
    ContractError
        The file is missing, is neither, or holds no concept of v2.0.
    """
    stamp = path.stat() if path.is_file() else None
    if stamp is None:
        raise _error(path, "There is no such file.", "Correct the setting 'ontology'.")
    return _load(path, stamp.st_mtime_ns, stamp.st_size, known_codes(folder))


@lru_cache(maxsize=2)
def _load(path: Path, _changed: int, _size: int, known: frozenset[str]) -> dict[str, Concept]:
    read = _from_csv if path.suffix.lower() == ".csv" else _from_owl
    found = {
        concept.code: concept
        for concept in read(path)
        if concept.code in known and _ANONYMOUS.fullmatch(concept.code) is None
    }
    if not found:
        raise _error(path, "It holds no concept of hyper-ontology v2.0.", "Name the full ontology.")
    return dict(sorted(found.items()))


def widened(vocabularies: Mapping[str, Vocabulary], concepts: Mapping[str, Concept]) -> dict[str, Vocabulary]:
    """The vocabularies with further spellings for the codes that they hold; no code is added.

    A spelling that already stands for a code of the vocabulary keeps its meaning, and one that would
    stand for two is left out.
    """
    return {name: _wider(vocabulary, concepts) for name, vocabulary in vocabularies.items()}


def _wider(vocabulary: Vocabulary, concepts: Mapping[str, Concept]) -> Vocabulary:
    codes: dict[str, set[str]] = {}
    for code in sorted(vocabulary.codes & concepts.keys()):
        concept = concepts[code]
        for spelling in (concept.label, *concept.spellings, *concept.notations):
            codes.setdefault(folded(spelling), set()).add(code)
    more = {spelling: min(found) for spelling, found in codes.items() if len(found) == 1}
    return replace(vocabulary, aliases=more | dict(vocabulary.aliases))


def _from_csv(path: Path) -> Iterator[Concept]:
    for row in _csv_rows(path, CSV_COLUMNS):
        if row["concept_code"] and row["concept_name"]:
            yield Concept(row["concept_code"], " ".join(row["concept_name"].split()))


def _csv_rows(path: Path, columns: tuple[str, ...]) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            if tuple(reader.fieldnames or ()) != columns:
                raise _error(path, "The columns are others.", f"Write {','.join(columns)}.", 1)
            return list(reader)
    except (OSError, UnicodeDecodeError, csv.Error):
        raise _error(path, "The file cannot be read as UTF-8 CSV.", "Restore it.") from None


def _from_owl(path: Path) -> Iterator[Concept]:
    # late: most calls need no ontology
    from xml.sax import SAXException

    from rdflib import RDFS, Graph, URIRef
    from rdflib.exceptions import ParserError

    graph = Graph()
    try:
        graph.parse(path, format="xml")
    except (SAXException, ParserError, ValueError, OSError):
        raise _error(path, "It is not an OWL file in RDF/XML.", "Name the .owl file or a .csv.") from None
    for subject in sorted(s for s in set(graph.subjects()) if isinstance(s, URIRef) and s.startswith(BASE)):
        labels: dict[str, list[str]] = {"label": [], "spelling": [], "notation": []}
        for predicate, value in graph.predicate_objects(subject):
            name = re.split(r"[#/]", str(predicate))[-1].lower()
            kind = "label" if predicate == RDFS.label else _kind(name)
            if kind is not None:
                labels[kind].append(" ".join(str(value).split()))
        if labels["label"]:
            spellings, notations = (
                tuple(sorted(set(labels[kind]) - {""})) for kind in ("spelling", "notation")
            )
            yield Concept(str(subject).removeprefix(BASE), min(labels["label"]), spellings, notations)


def _kind(name: str) -> str | None:
    return "spelling" if name in SPELLINGS else "notation" if name in NOTATIONS else None


def _error(path: Path, what: str, remedy: str, line: int | None = None) -> ContractError:
    return ContractError(file=str(path), line=line, what=what, remedy=remedy)
