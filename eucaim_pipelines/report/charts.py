"""Charts as inline SVG: Altair says what is drawn, vl-convert draws it; offline, always the same bytes.

Charts get texts as an edition shows them, never counts. Both libraries are imported when they are needed.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.metadata import version
from typing import Any

from markupsafe import Markup, escape

from eucaim_pipelines.contracts.positions import UNPRINTABLE
from eucaim_pipelines.report.edition import number

BLUE, ORANGE, GREEN, PURPLE = "#0072b2", "#e69f00", "#009e73", "#cc79a7"
"""Okabe and Ito's colours, which people with any kind of colour blindness tell apart."""
INK, SOFT, LINE, PAPER, HIDDEN = "#16202b", "#45525f", "#b8c2cc", "#ffffff", "#e3e7eb"
BANDS = {0: "#ee8d3d", 50: "#f9cf9f", 80: "#fdf3e0", 90: "#a6cbe8", 100: "#0b5394"}
"""Colour of a share by the percent from which on it counts: gaps are orange, what is complete is blue."""
_WIDTH, _ROW, _FONT = 720, 22, 13
_LONGEST = 48
_DIGITS = "0123456789.,"
_CHARACTER = 6.9
"""Width of a character that is allowed for, in user units; layout depends on no font of this machine."""
_IDLE = (
    r' (?:(?:xmlns(?::\w+)?|version|class|role|aria-\w+|font-family)="[^"]*"'
    r'|font-weight="normal"|opacity="1"|pointer-events="none"|stroke-miterlimit="10")'
)
"""Attributes that are said elsewhere, or that say nothing."""
_SETTINGS: Mapping[str, Any] = {
    "aria": False,
    "background": None,
    "view": {"stroke": None},
    "axis": {"labelFontSize": _FONT, "titleFontSize": _FONT, "titleFontWeight": "normal", "labelColor": INK,
             "titleColor": SOFT, "gridColor": "#e3e7eb", "domainColor": LINE, "tickColor": LINE,
             "labelLimit": 0},
    "text": {"fontSize": _FONT, "color": INK},
    "legend": {"labelFontSize": _FONT, "titleFontSize": _FONT, "labelColor": INK, "labelLimit": 0},
}  # fmt: skip


def engine() -> str:
    """Which libraries draw; another version may draw other bytes, and is part of a release's version."""
    return ", ".join(f"{name} {version(name)}" for name in ("altair", "vl-convert-python"))


def bars(name: str, title: str, rows: Sequence[tuple[str, str]], axis: str, colour: str = BLUE) -> Markup:
    """Horizontal bars, one for each label, with the text of each at its end; nothing if nothing can be drawn.

    Parameters
    ----------
    name
        Unique within a page: identifiers inside the drawing begin with it.
    title
        What a reader who cannot see the drawing is told.
    rows
        Label and shown text.
    """
    return grouped_bars(name, title, [(label, {axis: text}) for label, text in rows], {axis: colour}, axis)


def grouped_bars(
    name: str,
    title: str,
    rows: Sequence[tuple[str, Mapping[str, str]]],
    colours: Mapping[str, str],
    axis: str,
) -> Markup:
    """Bars of one or more series side by side under each label; `colours` names the series in order."""
    rows = [(_fitted(label), texts) for label, texts in rows]
    values = [
        {
            "label": label,
            "series": series,
            "text": _told(texts[series]),
            "value": number(texts[series]) or 0.0,
        }
        for label, texts in rows
        for series in colours
    ]
    longest = max((number(texts[series]) or 0.0 for _, texts in rows for series in colours), default=0.0)
    if not longest:
        return Markup()
    alt = _altair()
    left = _room(label for label, _ in rows)
    height = len(rows) * _ROW * (1 if len(colours) == 1 else 0.8 * len(colours))
    top = 1.12 * longest
    base = alt.Chart(alt.Data(values=values)).encode(
        y=alt.Y("label:N", sort=None, title=None, axis=alt.Axis(ticks=False, domain=False, labelPadding=8)),
        x=alt.X("value:Q", title=axis, scale=alt.Scale(domain=[0, top], nice=False),
                axis=alt.Axis(tickCount=5, format="d", tickMinStep=1)),
    )  # fmt: skip
    if len(colours) > 1:
        base = base.encode(
            yOffset=alt.YOffset("series:N", sort=list(colours)),
            color=alt.Color(
                "series:N",
                scale=alt.Scale(domain=list(colours), range=list(colours.values())),
                legend=alt.Legend(title=None, orient="top", direction="horizontal", offset=4),
            ),
        )
    shape = base.mark_bar() if len(colours) > 1 else base.mark_bar(color=next(iter(colours.values())))
    texts = base.mark_text(align="left", dx=5).encode(text="text:N", color=alt.value(INK))
    room = (26 if len(colours) > 1 else 6, 46)
    return _svg(name, title, shape + texts, left, _WIDTH - left - 20, height, room)


def heat_map(
    name: str, title: str, rows: Sequence[tuple[str, Sequence[str]]], columns: Sequence[str], axis: str
) -> Markup:
    """One cell for each row and column, dark where the share is high; what is not shown is grey."""
    rows = [(_fitted(label), texts) for label, texts in rows]
    columns = [_fitted(column) for column in columns]
    values = [
        {"label": label, "column": column, "text": _short(text), "colour": band(text), "ink": ink(text)}
        for label, texts in rows
        for column, text in zip(columns, texts, strict=True)
    ]
    if {each["colour"] for each in values} <= {HIDDEN}:
        return Markup()
    alt = _altair()
    left = _room(label for label, _ in rows)
    base = alt.Chart(alt.Data(values=values)).encode(
        x=alt.X("column:N", sort=None, title=axis,
                axis=alt.Axis(orient="top", labelAngle=0, ticks=False, domain=False)),
        y=alt.Y("label:N", sort=None, title=None, axis=alt.Axis(ticks=False, domain=False, labelPadding=8)),
    )  # fmt: skip
    cells = base.mark_rect(stroke=PAPER, strokeWidth=2).encode(color=alt.Color("colour:N", scale=None))
    texts = base.mark_text(fontSize=12).encode(text="text:N", color=alt.Color("ink:N", scale=None))
    return _svg(name, title, cells + texts, left, _WIDTH - left - 10, len(rows) * _ROW, (46, 6))


def boxes(name: str, title: str, rows: Sequence[tuple[str, Sequence[str]]]) -> Markup:
    """The middle half of values as a bar with the median in it, and thin lines to the ends where shown.

    Each row has a scale of its own, from its lowest to its highest shown number.

    Parameters
    ----------
    rows
        Label, then lowest, lower quartile, median, upper quartile, highest as shown.
    """
    values = [found for label, texts in rows if (found := _box(label, texts))]
    if not values:
        return Markup()
    alt = _altair()
    left = _room(each["label"] for each in values)
    place = alt.Scale(domain=[0, 1], nice=False)
    base = alt.Chart(alt.Data(values=values)).encode(
        y=alt.Y("label:N", sort=None, title=None, axis=alt.Axis(ticks=False, domain=False, labelPadding=8))
    )
    ends = base.mark_rule(color=SOFT, strokeWidth=1.5).encode(
        x=alt.X("low:Q", scale=place, axis=None), x2="high:Q"
    )
    middle = base.mark_bar(color=BLUE, height=12).encode(x=alt.X("lower:Q", scale=place), x2="upper:Q")
    median = base.mark_tick(color=ORANGE, thickness=4, height=18).encode(x=alt.X("median:Q", scale=place))
    told = base.mark_text(align="left").encode(x=alt.value(_WIDTH - left - 230), text="text:N")
    width = _WIDTH - left - 250
    chart = (ends + middle + median + told).resolve_scale(x="shared")
    return _svg(name, title, chart, left, width, len(values) * 26, (6, 6), right=240)


def band(text: str) -> str:
    """Colour of a share as it is shown."""
    value = number(text)
    return (
        HIDDEN
        if value is None
        else next(BANDS[start] for start in sorted(BANDS, reverse=True) if value >= start)
    )


def ink(text: str) -> str:
    """Colour of letters that are read well on `band`."""
    return PAPER if band(text) == BANDS[100] else INK


def inline(name: str, title: str, svg: str) -> Markup:
    """A drawing that can stand with others in one page: identifiers of its own, and a title to read out."""
    svg = re.sub(r"<[^>]+>", lambda tag: _tag(tag[0], name), svg)
    svg = re.sub(r'<path d="(?:M0,0h0v0h0Z)?"(?: display="none")?/>', "", svg)
    size = re.search(r'^<svg width="([\d.]+)" height="([\d.]+)" viewBox="[^"]*"', svg)
    if size is None:
        raise ValueError("vl-convert made no SVG with a size.")
    told = escape(f"{title}; the table that follows holds the same numbers")
    head = f'<svg class="chart" viewBox="0 0 {size[1]} {size[2]}" role="img" aria-label="{told}"'
    return Markup(head + svg[size.end() :])  # noqa: S704 - texts were escaped by the renderer


def _tag(tag: str, name: str) -> str:
    """A tag without what the style sheet says, with identifiers of its own and places to a tenth."""
    tag = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', tag)
    tag = re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", tag)
    tag = re.sub(r'href="#([^"]+)"', rf'href="#{name}-\1"', tag)
    tag = re.sub(_IDLE, "", tag)
    return re.sub(r"-?\d+\.\d{2,}", lambda found: f"{float(found[0]):.1f}".removesuffix(".0"), tag)


@cache
def _altair() -> Any:
    import altair

    return altair


def _svg(
    name: str, title: str, chart: Any, left: float, width: float, height: float,
    room: tuple[int, int], right: int = 20,
) -> Markup:  # fmt: skip
    """Draw a chart of a fixed layout: nothing is measured in the fonts of this machine."""
    import vl_convert

    padding = {"left": left, "right": right, "top": room[0], "bottom": room[1]}
    placed = chart.properties(width=width, height=height, padding=padding, autosize="none")
    spec = placed.to_dict() | {"config": dict(_SETTINGS)}
    return inline(name, title, vl_convert.vegalite_to_svg(spec, allowed_base_urls=[]))


def _room(labels: Iterable[str]) -> float:
    """Space for the longest label, left of the drawing."""
    return 16 + _CHARACTER * max(len(label) for label in labels)


def _fitted(label: str) -> str:
    """A label that can be drawn, and leaves most of the drawing to what is drawn.

    Characters that XML does not allow are dropped, as they would end the process. Of a long label the middle
    is left out, and no part of a number with it.
    """
    label, half = UNPRINTABLE.sub("", label), _LONGEST // 2
    if len(label) <= _LONGEST:
        return label
    head, tail = label[: half - 1], label[-half:]
    return f"{head.rstrip(_DIGITS)}…{tail.lstrip(_DIGITS)}"


def _told(text: str) -> str:
    """What stands at the end of a bar; where there is nothing, nothing."""
    return "" if text == "0" else text


def _short(text: str) -> str:
    return text.partition(" (")[0]


def _box(label: str, texts: Sequence[str]) -> dict[str, Any] | None:
    low, lower, median, upper, high = (number(text) for text in texts)
    if lower is None or median is None or upper is None:
        return None
    low, high = lower if low is None else low, upper if high is None else high
    whole = (high - low) or 1.0
    shift = 0.0 if high > low else 0.5
    placed = {
        key: round((value - low) / whole + shift, 4)
        for key, value in (
            ("low", low),
            ("lower", lower),
            ("median", median),
            ("upper", upper),
            ("high", high),
        )
    }
    return {"label": _fitted(label), "text": f"median {texts[2]} ({texts[1]} to {texts[3]})", **placed}
