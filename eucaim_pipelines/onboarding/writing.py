"""A draft as YAML with comments, in the style of the demo contracts; equal drafts give equal text.

Texts are always quoted where YAML could take them for something else; nothing is decided here.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence

from eucaim_pipelines.onboarding.catalogue_lines import catalogue_lines
from eucaim_pipelines.onboarding.drafts import (
    NO_FIELD,
    TODO,
    ColumnDraft,
    FileDraft,
    ImagingDraft,
    SourceDraft,
    TableDraft,
    ValueDraft,
)

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_.*/-]*")
_SPECIAL = frozenset(("true", "false", "null", "yes", "no", "on", "off", "y", "n"))
_LONGEST = 100
_QUOTED = ("files", "delimiter", "decimal")
_HEAD = (
    "A first contract, suggested from the tables and decided by nobody. Read every line: numbers behind",
    "codes are scores of likeness (100: the word itself). Decide every TODO; `eucaim run` names the next one",
    "with its line. The playbook is data_contracts/README.md. No cell of persons, dates or texts is here.",
)
_COMMENTS = {
    "delivery": "snapshot: it replaces the delivery before; increment: it adds",
    "tier": "1 catalogue, 2 search, 3 processing: what you aim at",
}


def written(source: SourceDraft) -> str:
    """The source contract as text."""
    lines = [f"# {_said(line)}" for line in (*_HEAD, *source.comments)]
    lines += [
        f"dataset_id: {scalar(source.dataset_id)}",
        f"tier: {TODO}                         # {_COMMENTS['tier']}",
    ]
    lines += catalogue_lines(source.condition)
    lines += _imaging(source.imaging)
    lines += ["clinical:"] if source.files else []
    for each in source.files:
        lines += _file(each)
    if source.linkage:
        lines += ["linkage:", *(f"  {key}: {scalar(value)}" for key, value in source.linkage.items())]
    unfound = sum(column.comment.startswith(NO_FIELD) for each in source.files for column in each.columns)
    lines += [f"# {unfound} column(s) say '{NO_FIELD}'."] if unfound else []
    return "\n".join(lines) + "\n"


def scalar(value: object) -> str:
    """A value as YAML reads it back: plain where that is safe, else in double quotes."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return f"[{', '.join(scalar(each) for each in value)}]"
    if isinstance(value, int | float):
        return str(value)
    text = str(value)
    if _PLAIN.fullmatch(text) and text.lower() not in _SPECIAL:
        return text
    return quoted(text)


def quoted(text: str) -> str:
    """The text in double quotes; what cannot be printed, or turns text around, is written as its code."""
    return "".join(_visible(letter) for letter in json.dumps(text, ensure_ascii=False))


def _visible(letter: str) -> str:
    if letter.isprintable():
        return letter
    return f"\\u{ord(letter):04x}" if ord(letter) < 0x10000 else f"\\U{ord(letter):08x}"


def _file(draft: FileDraft) -> list[str]:
    lines = [f"  - name: {draft.name}", *(f"    # {_said(comment)}" for comment in draft.comments)]
    for key, value in draft.options.items():
        text = quoted(str(value)) if key in _QUOTED and value != TODO else scalar(value)
        text = (
            f"[{', '.join(quoted(each) for each in value)}]"
            if key == "missing" and isinstance(value, list)
            else text
        )
        lines.append(
            f"    {key}: {text}" + (f"                     # {_COMMENTS[key]}" if key in _COMMENTS else "")
        )
    lines += [f"    key: {scalar(draft.key)}", "    columns:"]
    for column in draft.columns:
        lines += _column(column)
    if draft.tables:
        lines.append("    tables:")
        for table in draft.tables:
            lines += _table(table)
    return lines


def _column(draft: ColumnDraft) -> list[str]:
    keys = {"field": draft.field, "is": draft.kind, "vocabulary": draft.vocabulary, "unit": draft.unit}
    parts = [f"{key}: {scalar(value)}" for key, value in keys.items() if value is not None]
    if draft.separator is not None:
        parts.append(f"separator: {quoted(draft.separator)}")
    if draft.formats:
        parts.append(f"format: {TODO if draft.formats == (TODO,) else quoted(draft.formats[0])}")
        if "%y" in draft.formats[0]:
            parts.append(f"century_before: {TODO}")
    said = ", ".join(filter(None, (_said(draft.comment), _counted(draft.left_out))))
    comment = f"  # {said}" if said else ""
    if not draft.values:
        return _short_or_long(f"      {quoted(draft.header)}:", parts, comment)
    lines = [f"      {quoted(draft.header)}:{comment}"]
    return [*lines, *(f"        {part}" for part in parts), "        values:", *_values(draft.values, 10)]


def _counted(left_out: int) -> str:
    return f"{left_out} spelling(s) left out" if left_out else ""


def _short_or_long(head: str, parts: Sequence[str], comment: str) -> list[str]:
    line = f"{head} {{{', '.join(parts)}}}"
    if len(line) <= _LONGEST:
        return [line + comment]
    return [head + comment, *(f"        {part}" for part in parts)]


def _values(values: Iterable[ValueDraft], indent: int) -> list[str]:
    space = " " * indent
    return [
        f"{space}{quoted(each.spelling)}: {scalar(each.value)}"
        + (f"   # {_said(each.comment)}" if each.comment else "")
        for each in values
    ]


def _table(draft: TableDraft) -> list[str]:
    lines = [f"      - table: {draft.table}"]
    if draft.when:
        lines.append(f"        when: {draft.when}")
    fields = [f"{name}: {{constant: {code}}}" for name, code in draft.constants.items()]
    fields += [f"{name}: {field}" for name, field in draft.fields.items()]
    return [*lines, "        fields:", *(f"          {each}" for each in fields)]


def _imaging(draft: ImagingDraft) -> list[str]:
    maps: Mapping[str, Sequence[ValueDraft]] = {
        "series_descriptions": draft.series_descriptions,
        "body_parts": draft.body_parts,
        "manufacturers": draft.manufacturers,
    }
    if not any(maps.values()) and not draft.comments:
        return []
    comments = filter(None, (*draft.comments, _counted(draft.left_out)))
    lines = ["imaging:", *(f"  # {_said(comment)}" for comment in comments)]
    for key, values in maps.items():
        lines += [f"  {key}:", *_values(values, 4)] if values else []
    return lines if any(maps.values()) else [*lines[:1], *lines[1:], "  body_parts: {}"]


def _said(comment: str) -> str:
    return "".join(letter for letter in " ".join(comment.split()) if letter.isprintable())
