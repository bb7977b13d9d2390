"""Charts: the same bytes each time, identifiers of their own, colours that are told apart."""

import itertools
import re
from collections.abc import Iterable

import pytest

from eucaim_pipelines.report import charts, sections
from eucaim_pipelines.report.content import DISPOSITIONS
from eucaim_pipelines.report.edition import Edition
from eucaim_pipelines.report.figures import Table
from eucaim_pipelines.report.page import render
from eucaim_pipelines.report.summary import Group, Imaging, Parameter
from eucaim_pipelines_tests.report.test_page import contrast, make

ROWS = [("Computed tomography", "150"), ("x <b> & y", "40+"), ("few", "<10"), ("hidden", "not shown")]
HEAT = [("sex", ["100 %", "90+ %", "not shown"]), ("age", ["12 % (3 of 25)", "–", "55 %"])]
BOXES = [
    ("CT: slice thickness, mm", ["1", "1", "1.2", "5", "50"]),
    ("MR: few", ["–", *["not shown"] * 3, "–"]),
]


def drawn() -> dict[str, str]:
    two = [(label, {"A": text, "B": text}) for label, text in ROWS]
    return {
        "bars": charts.bars("one", "Series", ROWS, "Series"),
        "grouped": charts.grouped_bars("two", "Time", two, {"A": charts.BLUE, "B": charts.ORANGE}, "Number"),
        "heat": charts.heat_map("three", "Completeness", HEAT, ["All", "1", "2"], "Timepoint"),
        "boxes": charts.boxes("four", "Parameters", BOXES),
    }


def test_equal_numbers_give_equal_bytes() -> None:
    assert drawn() == drawn()


@pytest.mark.parametrize("kind", ["bars", "grouped", "heat", "boxes"])
def test_a_chart_is_one_image_to_those_who_cannot_see_it(kind: str) -> None:
    svg = drawn()[kind]
    assert re.match(r'<svg class="chart" viewBox="0 0 [\d.]+ [\d.]+" role="img" aria-label="[^"]+"', svg)
    assert len(re.findall(r"role=|aria-", svg)) == 2
    assert "http" not in svg and "font-family" not in svg and "<b>" not in svg
    assert svg.count("<g") == svg.count("</g>")


def test_what_is_not_shown_is_not_drawn() -> None:
    widths = re.findall(r'<path d="M0,[\d.]+h([\d.]+)v', charts.bars("one", "Series", ROWS, "Series"))
    assert [float(width) > 0 for width in widths[-4:]] == [True, True, False, False]
    assert "few" not in charts.boxes("four", "Parameters", BOXES)
    assert charts.bars("one", "Series", ROWS[2:], "Series") == ""
    assert charts.heat_map("three", "Completeness", [("sex", ["not shown", "–"])], ["All", "1"], "T") == ""


def test_a_number_in_words_stays_as_it_is_shown() -> None:
    rows = [("CT: dose 0.125, Gy", ["0.0012", "0.0043", "0.0062", "0.0071", "0.25"])]
    svg = charts.boxes("four", "Parameters", rows)
    assert "CT: dose 0.125, Gy" in svg and "median 0.0062 (0.0043 to 0.0071)" in svg


def _numbers(texts: Iterable[str]) -> set[str]:
    return {found for text in texts for found in re.findall(r"\d+(?:[.,]\d+)*", text)}


def _drawn_numbers(table: Table) -> set[str]:
    """Numbers in the words of a drawing, but for those that stand in a line below its axis."""
    texts = re.findall(r"<text([^>]*)>([^<]*)</text>", table.figure)
    return _numbers(text for mark, text in texts if ',17)"' not in mark)


@pytest.mark.parametrize("local", [True, False])
def test_every_number_in_the_words_of_a_drawing_stands_in_its_table(local: bool) -> None:
    edition = Edition(local, 300)
    names = ["T1 VIBE 0.625mm", 'href="#1.25" id="2.375"', f"{'x' * 22}92345{'y' * 9}67891{'z' * 22}"]
    summary = Imaging(
        series=Group("all", 900, 300),
        descriptions=[Group(name, 200 + n, 60) for n, name in enumerate(names)],
        parameters=[
            Parameter("CT", "pixel spacing 0.125", "mm", 90, 60, (0.0121, 0.0143, 0.0162, 0.0187, 0.25),
                      30, 30, Group("far", 20, 20)),
        ],
    )  # fmt: skip
    found = [*sections.imaging(summary, edition), sections.parameters(summary.parameters, edition)]
    for table in found:
        assert table is not None
        drawn = _drawn_numbers(table)
        assert drawn
        assert drawn <= _numbers([*table.columns, *(cell for row in table.rows for cell in row)])


def test_a_character_that_no_drawing_can_hold_is_left_out() -> None:
    """Each of them would end the process."""
    odd = "".join(chr(n) for n in (*range(9), 11, 12, *range(14, 32), 0xD800, 0xDFFF, 0xFFFE, 0xFFFF))
    rows = [(f"CT{odd} 1", "40")]
    assert charts.bars("one", "Series", rows, "Series") == charts.bars(
        "one", "Series", [("CT 1", "40")], "Series"
    )
    assert "CT 1" in charts.heat_map("two", "Share", [(f"CT{odd} 1", ["40 %"])], [f"a{odd}"], "Time")
    assert "CT 1" in charts.boxes("three", "P", [(f"CT{odd} 1", ["1", "2", "3", "4", "5"])])


def test_identifiers_of_several_drawings_do_not_meet_in_one_page() -> None:
    made = '<svg width="10" height="10" viewBox="0 0 10 10"><clipPath id="clip0"></clipPath>'
    made += '<g clip-path="url(#clip0)"><use href="#clip0"/></g></svg>'
    pages = [charts.inline(name, "title", made) for name in ("one", "two")]
    assert [re.findall(r"(?:id=\"|#)([\w-]+)", page) for page in pages] == [
        ["one-clip0"] * 3,
        ["two-clip0"] * 3,
    ]


def test_layout_depends_on_no_font_of_this_machine() -> None:
    """The room for labels follows from their letters, so that a chart is as wide with any font."""
    narrow = charts.bars("one", "Series", [("iiiiiiiiii", "4")], "Series")
    wide = charts.bars("one", "Series", [("WWWWWWWWWW", "4")], "Series")
    assert narrow.replace("i" * 10, "W" * 10) == wide


def test_letters_are_read_on_every_colour_of_the_heat_map() -> None:
    for percent in range(101):
        text = f"{percent} %"
        assert contrast(charts.ink(text), charts.band(text)) >= 4.5
    assert contrast(charts.ink("not shown"), charts.band("not shown")) >= 4.5


SIMULATED = {
    "protanopia": ((0.152, 1.053, -0.205), (0.115, 0.786, 0.099), (-0.004, -0.048, 1.052)),
    "deuteranopia": ((0.367, 0.861, -0.228), (0.280, 0.673, 0.047), (-0.012, 0.043, 0.969)),
    "tritanopia": ((1.256, -0.077, -0.179), (-0.078, 0.931, 0.148), (0.005, 0.691, 0.304)),
}
"""Machado, Oliveira and Fernandes 2009, severity 1.0, for linear RGB."""


@pytest.mark.parametrize("eyes", ["trichromacy", *SIMULATED])
def test_colours_that_stand_side_by_side_are_told_apart(eyes: str) -> None:
    """At least 15 in CIELAB, several times what is just noticed, for each kind of colour blindness."""
    balance = tuple(_css(f".{name} {{ fill") for name in DISPOSITIONS)
    bands = tuple(charts.BANDS.values())
    pairs = [(charts.BLUE, charts.ORANGE), *itertools.combinations(balance, 2), *itertools.pairwise(bands)]
    near = {pair: round(_distance(*pair, eyes)) for pair in pairs if _distance(*pair, eyes) < 15}
    assert near == {}


def test_the_key_of_the_heat_map_has_its_colours() -> None:
    assert {start: _css(f".c{start} {{ background") for start in charts.BANDS} == charts.BANDS
    assert _css(".key.hidden { background") == charts.HIDDEN


def _css(rule: str) -> str:
    """Colour that the page's style sheet gives in the rule that begins so."""
    found = re.search(re.escape(rule) + r": (#[0-9a-f]{6})", render(make()).decode())
    assert found
    return found[1]


def _distance(one: str, other: str, eyes: str) -> float:
    pairs = zip(_lab(one, eyes), _lab(other, eyes), strict=True)
    return float(sum((a - b) ** 2 for a, b in pairs) ** 0.5)


def _lab(colour: str, eyes: str) -> tuple[float, float, float]:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    rgb = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    if eyes in SIMULATED:
        rgb = [max(0.0, sum(m * c for m, c in zip(row, rgb, strict=True))) for row in SIMULATED[eyes]]
    r, g, b = rgb
    x = (0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.9505
    y = 0.2126 * r + 0.7152 * g + 0.0722 * b
    z = (0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.089
    fx, fy, fz = (c ** (1 / 3) if c > 0.008856 else 7.787 * c + 16 / 116 for c in (x, y, z))
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)
