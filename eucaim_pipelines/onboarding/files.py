"""One clinical file as a draft: its columns together, the tables they fill, its key, how it is written.

What a single column means is decided in `meanings`.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import combinations

from eucaim_pipelines.contracts.source_columns import (
    APPLIES_SUFFIX,
    FIELD_KINDS,
    OFFSET_SUFFIX,
    RESERVED_FIELDS,
)
from eucaim_pipelines.onboarding import deliveries, spellings
from eucaim_pipelines.onboarding.drafts import TODO, ColumnDraft, FileDraft, TableDraft, Target
from eucaim_pipelines.onboarding.meanings import Meanings
from eucaim_pipelines.onboarding.profiles import Profile, profile
from eucaim_pipelines.onboarding.row_conditions import DIAGNOSIS, when
from eucaim_pipelines.onboarding.sheets import Sheet

LOOSE_DATES = ("date", "report date", "study date", "start")
"""Meanings of dates of whatever the row tells, when it has no date of its own."""

_IDENTIFIER = "patient identifier"
_PERSONS = ("identity", "patient_id", "free_text")
_SPELLED = ("code", "boolean", "episode")
_KEYS = ("integer", "timepoint", "date", "code", "study_uid")
_TREATED = ("radiotherapy", "surgical_procedure", "medication_administration")
_STARTS = ("_start_date", "surgical_procedure_date")
_TREATMENT_START = "treatment_start_date"
_OWN_DATES = ("patient", DIAGNOSIS)
_TELLING = ("radiotherapy_modality",)
"""Fields that a row says little without, although the model does not ask for them always."""


def draft_file(sheets: Sequence[Sheet], meanings: Meanings) -> list[FileDraft]:
    """What is suggested for a clinical file, and for each column of it that holds several values in a cell.

    Parameters
    ----------
    sheets
        Deliveries of one file: tables with the same header, written in the same way.
    """
    sheet = replace(sheets[0], rows=tuple(row for each in sheets for row in each.rows))
    profiles = profile(sheet, meanings.lists)
    columns = _one_patient([meanings.column(each) for each in profiles], profiles, meanings)
    patient = next((n for n, column in enumerate(columns) if column.kind == "patient_id"), None)
    persons = [n for n, column in enumerate(columns) if column.kind in _PERSONS]
    profiles = spellings.told(profiles, sheet, patient, persons)
    columns = [
        column if column.kind in _PERSONS else _counted(meanings.column(each), each)
        for column, each in zip(columns, profiles, strict=True)
    ]
    columns = _one_target(_first_of_kind(columns, "study_uid"))
    columns = _named([_decided_dates(column) for column in _dates(columns, meanings)], meanings)
    key = _key(columns, sheets)
    name, options = deliveries.name(sheet), deliveries.options(sheets, profiles)
    comments = (f"{len(sheet.rows)} rows, {len(sheet.columns)} columns",)
    several = [column for column in columns if column.separator is not None]
    rest = [
        _set_aside(column, name) if column in several else _without_field(column, key)
        for column in _without_tables_of(several, columns)
    ]
    whole = FileDraft(name, options, key, tuple(rest), _tables(rest, meanings), comments)
    return [whole, *(_of_its_own(column, columns, whole, meanings) for column in several)]


def _counted(column: ColumnDraft, each: Profile) -> ColumnDraft:
    """The column with how many of its spellings are not told, where the contract lists them."""
    return replace(column, left_out=each.left_out) if column.kind in _SPELLED else column


def _set_aside(column: ColumnDraft, name: str) -> ColumnDraft:
    said = f"several in one cell: read in the file {name}_{column.field}"
    return ColumnDraft(column.header, "ignore", comment=said)


def _without_tables_of(several: Sequence[ColumnDraft], columns: Sequence[ColumnDraft]) -> list[ColumnDraft]:
    """The columns without the date of what is read apart, unless other columns tell of such events too."""
    others = [column for column in columns if column not in several and column.kind != "date"]
    tables = {t.table for c in several for t in c.targets} - {t.table for c in others for t in c.targets}
    return [
        column
        if column in several
        else replace(column, targets=tuple(t for t in column.targets if t.table not in tables))
        for column in columns
    ]


def _of_its_own(
    column: ColumnDraft, columns: Sequence[ColumnDraft], whole: FileDraft, meanings: Meanings
) -> FileDraft:
    """A row for each of the values in a cell would repeat what else the row says: so they are read apart.

    Beside the values stand the whole key, without which rows of one patient would be the same, and the date.
    """
    tables = {target.table for target in column.targets}
    own = [replace(c, targets=tuple(t for t in c.targets if t.table in tables)) for c in columns]
    read = tuple(
        c for c in own if c.field == column.field or c.field in whole.key or (c.kind == "date" and c.targets)
    )
    options = {**whole.options, "other_columns": "ignore"}
    name = f"{whole.name}_{column.field}"
    return FileDraft(name, options, whole.key, read, _tables(read, meanings), ("the same file again",))


def _one_patient(
    columns: list[ColumnDraft], profiles: Sequence[Profile], meanings: Meanings
) -> list[ColumnDraft]:
    """Exactly one column identifies the patient; further ones identify too, and never pass."""

    def merit(number: int) -> tuple[bool, int, int]:
        exact = _IDENTIFIER in meanings.readings(columns[number].header)
        return exact, profiles[number].filled, -number

    ids = [number for number, column in enumerate(columns) if column.kind == "patient_id"]
    if not ids:
        ids = [
            number
            for number, each in enumerate(profiles)
            if "identifier" in meanings.readings(each.header)
            and each.looks in ("integer", "words", "identifier", "text")
        ][:1]
    chosen = max(ids, key=merit, default=None)
    for number in ids:
        kind = "patient_id" if number == chosen else "identity"
        columns[number] = ColumnDraft(columns[number].header, kind)
    return columns


def _first_of_kind(columns: list[ColumnDraft], kind: str) -> list[ColumnDraft]:
    seen = False
    for number, column in enumerate(columns):
        if column.kind == kind:
            columns[number] = ColumnDraft(column.header, "ignore", comment="another UID") if seen else column
            seen = True
    return columns


def _one_target(columns: list[ColumnDraft]) -> list[ColumnDraft]:
    """Two columns for one field of one row: the second is set aside, unless another code stands beside it."""
    taken: set[tuple[str, str, tuple[tuple[str, str], ...]]] = set()
    for number, column in enumerate(columns):
        for target in column.targets:
            place = target.table, target.field, tuple(sorted(target.constants.items()))
            if place in taken:
                said = f"another column already fills {target.table}.{target.field}"
                columns[number] = replace(column, targets=(), comment=said)
            taken.add(place)
    return columns


def _dates(columns: list[ColumnDraft], meanings: Meanings) -> list[ColumnDraft]:
    """A date that says no more than "date" belongs to the events of its row that have none of their own."""
    columns = _treated(columns, meanings)
    loose = [
        number
        for number, column in enumerate(columns)
        if column.kind == "date"
        and not column.targets
        and set(meanings.readings(column.header)) & set(LOOSE_DATES)
    ]
    if len(loose) != 1:
        return columns
    filled = {target.table for column in columns for target in column.targets}
    dated = {target.table for column in columns if column.kind == "date" for target in column.targets}
    wanted = []
    for table in sorted(filled - dated - set(_OWN_DATES)):
        names = [
            n
            for t, n in meanings.fillable
            if t == table and n.endswith("_date") and not n.endswith("end_date")
        ]
        wanted += [Target(table, names[0])] if names else []
    columns[loose[0]] = replace(columns[loose[0]], targets=tuple(wanted))
    return columns


def _treated(columns: list[ColumnDraft], meanings: Meanings) -> list[ColumnDraft]:
    """What was done in a treatment began when the treatment did, unless it has a date of its own."""
    filled = {target.table for column in columns for target in column.targets}
    dated = {target.table for column in columns if column.kind == "date" for target in column.targets}
    starts = [
        Target(table, name)
        for table, name in meanings.fillable
        if table in filled - dated and table in _TREATED and name.endswith(_STARTS)
    ]
    return [
        replace(column, targets=(*column.targets, *starts))
        if any(target.field == _TREATMENT_START for target in column.targets)
        else column
        for column in columns
    ]


def _decided_dates(column: ColumnDraft) -> ColumnDraft:
    """Dates that could be read in two ways are not decided by anybody but the holder."""
    if column.kind != "date" or len(column.formats) < 2:
        return column
    said = f"{' or '.join(column.formats)}: no date of this column tells which"
    return replace(column, formats=(TODO,), comment=said)


def _named(columns: list[ColumnDraft], meanings: Meanings) -> list[ColumnDraft]:
    """A field name for every column that passes: its meaning in English, unique within the file."""
    taken = {*RESERVED_FIELDS}
    named = []
    for column in columns:
        if column.kind == "patient_id":
            named.append(replace(column, field=_unused("patient", taken)))
        elif column.kind in FIELD_KINDS or column.kind == "ignore":
            named.append(replace(column, field=_unused(_field_name(column, meanings), taken)))
        else:
            named.append(column)
    return named


def _field_name(column: ColumnDraft, meanings: Meanings) -> str:
    readings = meanings.readings(column.header)
    known = [reading for reading in readings if reading in meanings.lists.meanings]
    words = known[0] if known else min(readings, key=len, default="")
    if column.kind == "date" and "date" not in words.split():
        words = f"{words} date"
    name = re.sub(r"[^a-z0-9]+", "_", words.encode("ascii", "ignore").decode()).strip("_")
    name = name if name[:1].isalpha() else f"column_{name}".rstrip("_")
    reserved = name.endswith((OFFSET_SUFFIX, APPLIES_SUFFIX))
    return f"{name}_value" if reserved else name[:60].rstrip("_")


def _unused(name: str, taken: set[str]) -> str:
    number, found = 1, name
    while found in taken:
        number += 1
        found = f"{name}_{number}"
    taken.add(found)
    return found


def _key(columns: Sequence[ColumnDraft], sheets: Sequence[Sheet]) -> tuple[str, ...]:
    """The patient, and as few columns beside it as make a row of each delivery one of its own."""
    places = {column.field: number for number, column in enumerate(columns) if column.field}
    patient = next((column.field for column in columns if column.kind == "patient_id"), None)
    if patient is None:
        return (TODO,)
    ranked = [
        str(column.field)
        for kind in _KEYS
        for column in columns
        if column.kind == kind
        and column.separator is None
        and _never_empty(places[str(column.field)], sheets)
    ]
    for size in range(3):
        for more in combinations(ranked, size):
            if all(_unique([places[patient], *(places[name] for name in more)], sheet) for sheet in sheets):
                return (patient, *more)
    return (patient, TODO)


def _never_empty(position: int, sheets: Iterable[Sheet]) -> bool:
    return all(row[position] for sheet in sheets for row in sheet.rows)


def _unique(positions: Sequence[int], sheet: Sheet) -> bool:
    keys = [tuple(row[position] for position in positions) for row in sheet.rows]
    return len(set(keys)) == len(keys)


def _without_field(column: ColumnDraft, key: Sequence[str]) -> ColumnDraft:
    """What never passes needs a name only as a part of the key."""
    return replace(column, field=None) if column.kind == "ignore" and column.field not in key else column


def _tables(columns: Sequence[ColumnDraft], meanings: Meanings) -> tuple[TableDraft, ...]:
    """Mappings in the order of the model's tables; each marker or score with a code of its own is one."""
    groups: dict[tuple[str, tuple[tuple[str, str], ...]], dict[str, str]] = {}
    for column in columns:
        for target in column.targets:
            codes = tuple(sorted(target.constants.items()))
            groups.setdefault((target.table, codes), {})[target.field] = str(column.field)
    shared = {table: fields for (table, codes), fields in groups.items() if not codes}
    coded = {table for table, codes in groups if codes}
    drafts = []
    for (table, codes), fields in groups.items():
        if table in coded and not codes and all(name.endswith("_date") for name in fields):
            continue  # the date of the tests beside it, not of one more
        both = {
            name: f for name, f in shared.get(table, {}).items() if codes and name.endswith("_date")
        } | fields
        needed = None if table == "patient" else when(table, both)
        drafts.append(TableDraft(table, needed, both, dict(codes) | _asked_for(table, both, meanings)))
    order = list(meanings.tables)
    first = ("patient", "cancer_condition", "procedure", "treatment")
    return tuple(
        sorted(
            drafts,
            key=lambda d: (first.index(d.table) if d.table in first else len(first), order.index(d.table)),
        )
    )


def _asked_for(table: str, fields: Mapping[str, str], meanings: Meanings) -> dict[str, str]:
    """Codes that the model always asks for and no column gives: perhaps one is true of the whole dataset."""
    return {
        name: TODO
        for (of, name), each in meanings.fillable.items()
        if of == table
        and name not in fields
        and each.value_set
        and (each.requirement == "always" or name in _TELLING)
    }
