"""The tables and figures of every section that tells of the data, for one edition.

What may be shown is decided in `edition`, how it is drawn in `charts`; sentences stand in the templates.
"""

from collections.abc import Sequence

from eucaim_pipelines.quality.disclosure import WITHHELD
from eucaim_pipelines.report import charts
from eucaim_pipelines.report.edition import Edition
from eucaim_pipelines.report.figures import Table, numeric
from eucaim_pipelines.report.summary import (
    Changes,
    Completeness,
    Group,
    Imaging,
    Linkage,
    Parameter,
    Unmapped,
)

MOST = 20
"""Rows of one table of categories; the rest is counted."""
MOST_VARIABLES, MOST_PARAMETERS, MOST_NAMES = 60, 40, 100
_REQUIREMENTS = {"always": "required", "if_available": "if available", "optional": "optional"}


def imaging(summary: Imaging, edition: Edition) -> list[Table]:
    """Modality, body part, manufacturer, descriptions and faults."""
    kinds = (
        ("modality", "Modality", summary.modalities),
        ("body-part", "Body part", summary.body_parts),
        ("manufacturer", "Manufacturer", summary.manufacturers),
        ("description", "Harmonised series description", summary.descriptions),
    )
    found = [_categories(name, title, groups, edition) for name, title, groups in kinds if groups]
    if summary.unmapped and edition.local:
        found.append(
            _categories(
                "unmapped", "Series description without a code", summary.unmapped, edition, MOST_NAMES
            )
        )
    return found + ([_faults(summary, edition)] if summary.faults else [])


def _categories(name: str, title: str, groups: Sequence[Group], edition: Edition, most: int = MOST) -> Table:
    rows, more = edition.groups(groups, most)
    columns = (title, "Series", "Patients")
    drawn = [(label, entries) for label, entries, _ in rows[:MOST]] if len(rows) > 1 else []
    figure = charts.bars(
        f"chart-{name}", f"Series by {title.lower()}",
        drawn, "Series",
    )  # fmt: skip
    return Table(f"Series and patients by {title.lower()}", columns, rows, numeric(columns), more, figure)


def _faults(summary: Imaging, edition: Edition) -> Table:
    columns = ("What was found in the geometry and the pixels", "Series", "Patients")
    rows = [
        (each.name, edition.count(each.entries, summary.series.entries),
         edition.count(each.patients, summary.series.patients, edition.people))
        for each in summary.faults
    ]  # fmt: skip
    return Table("Gaps and repeated series", columns, rows, numeric(columns))


def parameters(found: Sequence[Parameter], edition: Edition) -> Table | None:
    """Acquisition parameters with their middle half and outliers; None where there are none to show."""
    shown = [row for each in found if (row := edition.parameter(each)) is not None]
    if not shown:
        return None
    hidden = len(found) - len(shown)
    columns = ("Modality", "Parameter", "Unit", "Series", "Patients", "Lowest", "Lower quartile", "Median",
               "Upper quartile", "Highest", "Outliers")  # fmt: skip
    figure = charts.boxes(
        "chart-parameters",
        "Middle half and median of each acquisition parameter",
        [(f"{row[0]}: {row[1]}{', ' if row[2] else ''}{row[2]}", row[5:10]) for row in shown[:MOST]],
    )
    more = [f"and {len(shown) - MOST_PARAMETERS} more"] if len(shown) > MOST_PARAMETERS else []
    more += [f"{hidden} held by fewer than 10 patients each are left out"] if hidden else []
    return Table("Acquisition parameters", columns, shown[:MOST_PARAMETERS], numeric(columns, 3),
                 "; ".join(more), figure)  # fmt: skip


def completeness(summary: Completeness, edition: Edition) -> Table | None:
    """Share of entries that have a value, by variable and timepoint of imaging."""
    if not summary.variables:
        return None
    shown = summary.variables[:MOST_VARIABLES]
    cells = [edition.shares(each.shares) for each in shown]
    names = [variable_name(each.table, each.field) for each in shown]
    columns = ("Variable", "Asked for", "Share of", *(_column(name) for name in summary.columns))
    heads = [(_REQUIREMENTS[each.requirement], each.unit) for each in shown]
    rows = [(name, *head, *row) for name, head, row in zip(names, heads, cells, strict=True)]
    figure = charts.heat_map(
        "chart-completeness", "Completeness by variable and timepoint",
        list(zip(names, cells, strict=True)), summary.columns, "Timepoint of imaging",
    )  # fmt: skip
    rest = len(summary.variables) - len(shown)
    return Table("Completeness by variable and timepoint of imaging", columns, rows, numeric(columns, 3),
                 f"and {rest} more" if rest else "", figure)  # fmt: skip


def _column(name: str) -> str:
    return name if name[:1].isalpha() else f"Timepoint {name}"


def variable_name(table: str, field: str) -> str:
    """A field in words: `patient.patient_birth_sex` is "patient: birth sex"."""
    words = table.replace("_", " ")
    for prefix in (f"{table}_", f"{table.removeprefix('image_')}_"):
        field = field.removeprefix(prefix)
    return f"{words}: {field.replace('_', ' ')}"


def linkage(summary: Linkage, edition: Edition, images_only: str, table_only: str) -> list[Table]:
    """People by where they are known from, and what is known of the studies.

    Parameters
    ----------
    images_only, table_only
        These counts as the findings about them show them, so that one page shows one number.
    """
    whole = not (summary.images_only or summary.table_only)
    both = edition.count(summary.both) if edition.local or whole or not summary.both else WITHHELD
    columns = ("Patients are known from", "Patients")
    people = [("images and clinical tables", both), ("images only", images_only), ("tables only", table_only)]
    known = ("Known of the imaging studies", "Share of studies")
    studies = [(each.name, edition.shares([each])[0]) for each in summary.studies]
    return [
        Table("Patients by where they are known from", columns, people, numeric(columns)),
        Table("What is known of each imaging study", known, studies, numeric(known)),
    ]


def timeline(summary: Linkage, edition: Edition) -> Table | None:
    """Imaging studies and treatments by days from diagnosis."""
    rows = edition.timeline(summary.timeline)
    if not rows:
        return None
    columns = ("Days from diagnosis", "Imaging studies", "Treatments")
    figure = charts.grouped_bars(
        "chart-timeline", "Imaging studies and treatments by days from diagnosis",
        [(name, {columns[1]: studies, columns[2]: treatments}) for name, studies, treatments in rows],
        {columns[1]: charts.BLUE, columns[2]: charts.ORANGE}, "Number",
    )  # fmt: skip
    return Table("Imaging studies and treatments by days from diagnosis", columns, rows, numeric(columns),
                 figure=figure)  # fmt: skip


def changes(summary: Changes | None, edition: Edition) -> Table | None:
    """What was added, changed and removed since the release before; None where nothing was."""
    if summary is None:
        return None
    columns = ("What", "Now", "Added", "Changed", "Removed")
    some = [each for each in summary.differences if each.added or each.changed or each.removed]
    rows = [(each.name, *edition.difference(each)) for each in some]
    if not some:
        return None
    return Table("Added, changed and removed since the last release", columns, rows, numeric(columns))


def vocabulary(found: Sequence[Unmapped], edition: Edition) -> Table | None:
    """Columns with local values that have no code: how many and, outside, codes that come near.

    The local edition has the codes beside each value.
    """
    if not found:
        return None
    near = () if edition.local else ("Codes that come near",)
    columns = ("File and field", "Value set", "Values", "Rows", "Patients of the commonest", *near)
    rows = [
        (f"{each.file}: {each.field}", each.vocabulary, *numbers, "; ".join(each.nearest) or "–")[
            : len(columns)
        ]
        for each, numbers in zip(found, edition.unmapped(found), strict=True)
    ]
    rest = len(rows) - MOST
    more = f"and {rest} more" if rest > 0 else ""
    return Table("Local values without a code, by column", columns, rows[:MOST], frozenset({2, 3, 4}), more)
