"""The list of reports that `eucaim reports` shows first.

What a report says lies in `page`; where it is found, in `resources.reports`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from eucaim_pipelines.report.page import environment


@dataclass(frozen=True)
class Listed:
    """A dataset with its reports: tier to (what it is called, path of its address)."""

    dataset: str
    tiers: Mapping[int, Sequence[tuple[str, str]]]


def render_index(listed: Sequence[Listed]) -> bytes:
    """A page that links to every report, UTF-8."""
    return environment().get_template("index.html.jinja").render(listed=listed).encode("utf-8")


def render_closed() -> bytes:
    """What one reads who asks for a local edition without the token, UTF-8."""
    return environment().get_template("closed.html.jinja").render().encode("utf-8")
