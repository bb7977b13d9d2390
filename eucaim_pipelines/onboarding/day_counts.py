"""Columns that count days from the diagnosis, and the field of the model that holds the days of their event.

What any other column means is decided in `meanings`.
"""

from collections.abc import Iterable, Mapping

from rapidfuzz import fuzz, process

from eucaim_pipelines.contracts.tables import TableContract
from eucaim_pipelines.contracts.words import fold
from eucaim_pipelines.onboarding.drafts import ColumnDraft, Target
from eucaim_pipelines.onboarding.lists import Lists
from eucaim_pipelines.onboarding.profiles import Profile

LIKE_HEADER = 84
"""Likeness (of 100) from which on the name of a field is taken for what a header means."""
_AROUND = frozenset(
    ("days", "day", "d", "diagnosis", "dx", "of", "the", "in", "(days)", "(d)", "[days]", "[d]")
)
_POINTING = frozenset(("to", "from", "since", "after", "until", "till", "offset", "diagnosis", "dx"))


def days(
    profile: Profile, readings: Iterable[str], tables: Mapping[str, TableContract], lists: Lists
) -> ColumnDraft | None:
    """Days from the diagnosis to an event, where the event's table has a field for them."""
    if profile.looks != "integer":
        return None
    in_days = lists.unit(profile.header) == "d"
    for reading in readings:
        words = reading.replace("_", " ").split()
        if not ((in_days or "days" in words) and _POINTING & set(words)):
            continue
        event = " ".join(word for word in words if word not in _AROUND | _POINTING)
        place = _offset(event, tables, lists)
        if place is not None:
            said = "days from the diagnosis; if from another date, say so in linkage.days_from"
            return ColumnDraft(profile.header, "days", targets=(Target(*place),), comment=said)
    return None


def _offset(event: str, tables: Mapping[str, TableContract], lists: Lists) -> tuple[str, str] | None:
    """Table and field of the days to an event: by the date that is meant, else by the field's name."""
    offsets = {
        (table.name, name): each
        for table in tables.values()
        if table.filled_from == "records"
        for name, each in table.fields.items()
        if each.offset_of is not None
    }
    dates = {
        (meaning.table, meaning.field)
        for text in (event, f"{event} date", f"date of {event}", f"{event} start", f"{event} start date")
        for meaning in lists.meanings.get(text, ())
        if meaning.kind == "date"
    }
    for (table, name), each in offsets.items():
        if (table, each.offset_of) in dates:
            return table, name
    names = {
        (table, name): fold(name.partition("_offset")[0] if name.startswith(table) else table)
        for table, name in offsets
    }
    like = process.extractOne(event, names, scorer=fuzz.token_sort_ratio, score_cutoff=LIKE_HEADER)
    return like[2] if event and like is not None else None
