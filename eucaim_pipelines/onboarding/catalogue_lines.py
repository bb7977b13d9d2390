"""The part `catalogue` of a first contract: every property that the record must have, to be filled in.

What a record must have is said in data_contracts/catalogue/properties.csv; how a draft is written, in
`writing`.
"""

from functools import cache
from typing import get_args

from eucaim_pipelines.contracts import vocabularies
from eucaim_pipelines.contracts.source_catalogue import Catalogue
from eucaim_pipelines.onboarding.drafts import TODO

_LAW = "http://data.europa.eu/eli/reg/2025/327/oj"
_ELECTRONIC_RECORDS, _PROCESSED = "EHRS", "SPEC1000018"


def catalogue_lines(condition: str) -> list[str]:
    """Lines of YAML: what is true of every dataset is filled in, TODO stands for what only people know."""
    rights = _choices(Catalogue.model_fields["access_rights"].annotation)
    ways = _choices(Catalogue.model_fields["access_conditions"].annotation)
    return [
        "catalogue:",
        f"  title: {TODO}",
        f"  description: {TODO}",
        f"  keywords: [{TODO}]",
        "  contact:                          # whom users of the catalogue ask: email, or url, or both",
        f"    name: {TODO}",
        f"    email: {TODO}",
        "  publisher:                        # who provides the dataset: contact_email, or contact_url",
        f"    name: {TODO}",
        f"    contact_email: {TODO}",
        f"  access_rights: {TODO}               # {', '.join(rights)}",
        f"  access_conditions: [{TODO}]         # one or several of {', '.join(ways)}",
        f"  access_url: {TODO}                  # the page where access is asked for",
        f"  legislation: [{_LAW}]",
        f"  health_categories: [{_ELECTRONIC_RECORDS}]         # electronic health data from records",
        f"  types: [{_PROCESSED}]              # {_codes('dataset_type')}",
        f"  condition: {condition}                  # the one primary cancer of the dataset",
        f"  collection_methods: [{TODO}]        # {_codes('collection_method')}",
        f"  provenance: {TODO}                  # where the data come from, and how they were made",
        "  # If known: health_data_access_body, custodian, legal_basis, purposes, licence, retention,",
        "  # population_coverage, languages, and what else data_contracts/catalogue/properties.csv lists",
    ]


def _choices(annotation: object) -> list[str]:
    """The texts that a type allows, in order, however deep they stand in it."""
    found: list[str] = []
    for each in get_args(annotation):
        found += [each] if isinstance(each, str) else _choices(each)
    return found


@cache
def _codes(name: str) -> str:
    known = vocabularies.load_all()[name]
    return ", ".join(f"{code} {known.labels[code]}" for code in sorted(known.codes))
