"""What keeps a catalogue record from being complete, in plain words for the person who fills it in.

The record itself is written in `record`; mandatory properties are those of EUCAIM DCAT-AP v2.0.
"""

import re
from collections.abc import Iterator

from eucaim_pipelines.catalogue.facts import CatalogueFacts
from eucaim_pipelines.contracts.source_model import Agent, Catalogue, SourceContract

EHDS = "http://data.europa.eu/eli/reg/2025/327"
_PLACEHOLDER = re.compile(
    r"^\W*(to\s*do|tbd|tbc|t\.b\.d\.?|n/?a|none|null|unknown|empty|xxx+|\?+|-+|\.+|placeholder|lorem ipsum.*"
    r"|to be (defined|determined|confirmed|decided|completed|designated|announced).*)\W*$",
    re.IGNORECASE,
)


def problems(source: SourceContract, facts: CatalogueFacts) -> tuple[str, ...]:
    """Mandatory properties that are missing or hold a placeholder; empty when the record is complete.

    Empty value lists are not among them (`CatalogueFacts.empty_lists`): they are closed in the data, not
    in the source contract. The health data access body may be left out in the transition to the European
    Health Data Space, but a placeholder for it may not stand.
    """
    return tuple(_problems(source.catalogue, facts))


def _problems(text: Catalogue, facts: CatalogueFacts) -> Iterator[str]:
    for name, value in (
        ("title", text.title), ("description", text.description), ("provenance", text.provenance),
    ):  # fmt: skip
        yield from _said(name, value)
    for name, values in (
        ("keywords", text.keywords),
        ("health categories", text.health_categories),
        ("dataset types", text.types),
        ("collection methods", text.collection_methods),
        ("access conditions", text.access_conditions),
    ):
        if not values:
            yield f"{name} are missing"
        elif any(_PLACEHOLDER.match(each) for each in values):
            yield f"{name} hold a placeholder"
    for name, given in (
        ("access rights", text.access_rights),
        ("cancer condition", text.condition),
        ("access URL", text.access_url),
    ):
        if given is None:
            yield f"{name}: missing"
    if not any(law.startswith(EHDS) for law in text.legislation):
        yield f"applicable legislation does not name the European Health Data Space Regulation ({EHDS}/oj)"
    if text.contact is None or not (text.contact.email or text.contact.url):
        yield "contact point has neither e-mail nor page"
    yield from _agent("publisher", text.publisher)
    if text.health_data_access_body is not None:
        yield from _said("name of the health data access body", text.health_data_access_body.name)
    if facts.individuals is None:
        yield "number of individuals cannot be shown: fewer than 10"
    if facts.studies is None:
        yield "number of imaging studies cannot be shown: fewer than 10"


def _agent(role: str, agent: Agent | None) -> Iterator[str]:
    if agent is None:
        yield f"{role} is missing"
        return
    yield from _said(f"name of the {role}", agent.name)
    if not (agent.contact_email or agent.contact_url):
        yield f"{role} has no contact"


def _said(name: str, value: str) -> Iterator[str]:
    if not value.strip():
        yield f"{name} is missing"
    elif _PLACEHOLDER.match(value):
        yield f"{name} holds a placeholder"
