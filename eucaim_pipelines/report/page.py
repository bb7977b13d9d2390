"""Renders a report as one self-contained HTML page, in the local or the shareable edition.

What it says comes from `content`; which numbers may be shown, from `quality.disclosure`.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import jinja2
from markupsafe import Markup, escape

from eucaim_pipelines.quality.findings import DIMENSIONS, LEVELS, Finding
from eucaim_pipelines.quality.verdict import tier_reached
from eucaim_pipelines.report import risk, sections
from eucaim_pipelines.report.balance import BALANCED_CHECKS, IMAGES_ONLY, TABLE_ONLY, balances
from eucaim_pipelines.report.content import DATES, EFFECTS, FORMATS, MEANINGS, RECEIVED, LocalDetail, Report
from eucaim_pipelines.report.edition import Edition
from eucaim_pipelines.report.matrix import matrix
from eucaim_pipelines.report.numbers import Numbers, weight
from eucaim_pipelines.report.priorities import first_things, short_of

_LOCAL_ROWS = 500
"""Most entries that one list of the local edition prints; the rest is counted, and stands in the tables."""


def render(report: Report, local: LocalDetail | None = None) -> bytes:
    """The page, UTF-8: no script, no request to any host, the same bytes for the same arguments.

    Parameters
    ----------
    local
        Given for the local edition, which shows exact numbers and this detail and stays in the
        restricted zone. Without it the page is the shareable edition, under disclosure control.
    """
    numbers = Numbers(report, local is not None)
    reached = tier_reached(report.verdicts)
    shown_balances = balances(report, local=local is not None)
    page = (
        environment()
        .get_template("page.html.jinja")
        .render(
            report=report,
            local=local,
            limit=_LOCAL_ROWS,
            formats=FORMATS,
            effects=list(EFFECTS),
            meanings=MEANINGS,
            received=RECEIVED,
            dates=DATES[report.source.deidentification.dates],
            numbers=numbers,
            sizes=numbers.sizes(shown_balances),
            short_of=short_of,
            reached=reached,
            sentence=_sentence(report, reached),
            priorities=first_things(report, numbers, shown_balances, local),
            balances=shown_balances,
            elsewhere=BALANCED_CHECKS if local is None else frozenset(),
            dimensions=[_dimension(report.findings, name, numbers) for name in DIMENSIONS],
            thresholds=sorted(
                {text for v in report.verdicts for each in v.requirements for text in each.changes}
            ),
            levels=LEVELS,
            matrix=matrix(
                report.findings,
                {check for v in report.verdicts for each in v.unmet for check in each.short.fields},
            ),
            risk=risk.section(report, local is not None),
            **_data(report, numbers),
        )
    )
    return page.encode("utf-8")


def _data(report: Report, numbers: Numbers) -> dict[str, object]:
    """The sections that tell of the data, by the name that the templates have for them."""
    summaries, edition = report.summaries, Edition(numbers.local, report.sizes.patients)
    by_check = {each.check: each for each in report.findings}
    apart = [
        numbers.patients(by_check[check]) if check in by_check else "–" for check in (IMAGES_ONLY, TABLE_ONLY)
    ]
    return {
        "changed": sections.changes(summaries.changes, edition),
        "complete": sections.completeness(summaries.completeness, edition),
        "imaging": sections.imaging(summaries.imaging, edition),
        "parameters": sections.parameters(summaries.imaging.parameters, edition),
        "linkage": sections.linkage(summaries.linkage, edition, *apart),
        "timeline": sections.timeline(summaries.linkage, edition),
        "vocabulary": sections.vocabulary(summaries.unmapped, edition),
    }


def _sentence(report: Report, reached: int) -> str:
    """The verdict in a sentence."""
    aimed = report.source.tier
    judged = {verdict.tier: verdict for verdict in report.verdicts}
    if reached == 0:
        start = "This dataset does not reach any tier yet"
    elif reached >= aimed:
        start = f"This dataset reaches Tier {reached}" + (", the tier it aims at" if reached == aimed else "")
    else:
        start = f"This dataset reaches Tier {reached}; it aims at Tier {aimed}"
    following = judged.get(reached + 1)
    if following is None or reached >= aimed:
        return f"{start}."
    missing = len(following.unmet)
    things = "one requirement is" if missing == 1 else f"{missing} requirements are"
    return f"{start}. For Tier {reached + 1}, {things} not met."


@dataclass(frozen=True)
class _Dimension:
    """Findings of one dimension: those that found something, the heaviest first, and the rest by table.

    Findings of checks that only inform stand last among those that found something.
    """

    name: str
    found: tuple[Finding, ...]
    in_order: Mapping[str, int]
    idle: Mapping[str, int]

    @property
    def informing(self) -> int:
        """How many of `found` are for information only."""
        return sum(each.informs for each in self.found)


def _dimension(findings: Sequence[Finding], name: str, numbers: Numbers) -> _Dimension:
    some = [each for each in findings if each.dimension == name]
    found = sorted(
        (each for each in some if each.failed),
        key=lambda each: (
            each.informs,
            each.passed,
            each.severity,
            -weight(numbers.patients(each)),
            -weight(numbers.entries(each)),
            each.check,
        ),
    )
    in_order = Counter(each.table for each in some if each.checked and not each.failed)
    idle = Counter(each.table for each in some if not each.checked)
    return _Dimension(name, tuple(found), dict(sorted(in_order.items())), dict(sorted(idle.items())))


@cache
def environment() -> jinja2.Environment:
    """Where templates are found, and the filters that they use."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    made.filters["percent"] = _percent
    made.filters["breakable"] = _breakable
    return made


def _percent(share: float) -> str:
    """A share of 0 to 1 to one decimal; less than all never reads 100 %, and some never 0 %."""
    text = f"{share * 100:.1f}".removesuffix(".0")
    whole = {"100": "> 99.9" if share < 1 else "100", "0": "< 0.1" if share > 0 else "0"}
    return f"{whole.get(text, text)} %"


def _breakable(name: str) -> Markup:
    """A long identifier that may break after its dots and underscores."""
    text = str(escape(name))
    return Markup(text.replace(".", ".<wbr>").replace("_", "_<wbr>"))  # noqa: S704 - escaped above
