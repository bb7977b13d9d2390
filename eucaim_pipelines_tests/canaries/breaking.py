"""Profiles whose rules are broken on purpose, and which planted values must then come out.

Nothing of the engine is replaced: a broken profile is a table with other rows.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace

from eucaim_pipelines.deidentification.rules.profile import Profile
from eucaim_pipelines_tests.canaries import kept
from eucaim_pipelines_tests.canaries.planting import Plant

Row = Mapping[str, str]
DECIDED_TOGETHER = frozenset(
    {0x00080100, 0x00080102, 0x00080104, 0x7FE00008, 0x7FE00009, 0x7FE00010},
)
"""Codes and pixel data inside items do not follow a rule of their own; see the tests of broken tables."""
REFERENCE = 0x00081155
"""An object whose references do not come out as new UIDs is refused before anybody looks."""
WRITTEN_ANEW = frozenset({0x00080005, 0x00100010, 0x00100020, 0x00120062, 0x00120063, 0x00120064, 0x00280303})
"""What stands at the top level whatever the rule says: pseudonym, character set and marks come last."""


def handler(row: Row) -> str:
    """Name of the rule of a row, without its argument."""
    return row["rule"].partition(":")[0]


def tag(row: Row) -> int:
    """Tag of a row; -1 for a row of repeating groups."""
    label = row["tag"]
    return int(label[1:5] + label[6:10], 16) if row["keyword"] and "X" not in label else -1


def kept_as_received(profile: Profile, wanted: Callable[[Row], bool]) -> tuple[Profile, dict[int, set[str]]]:
    """The profile with some rows that keep everything, that of references apart; their tags and VRs."""
    broken = [row for row in profile.rows if tag(row) not in (-1, REFERENCE) and wanted(row)]
    opened = {tag(row): set(row["vr"].split(" or ")) for row in broken}
    changed = [row | _open(opened[tag(row)]) if tag(row) in opened else row for row in profile.rows]
    return replace(profile, rows=tuple(changed), digest="broken"), opened


def also_listed(profile: Profile, plants: Iterable[Plant]) -> tuple[Profile, dict[int, set[str]]]:
    """The profile with rows for elements that it does not list, or under VRs that it does not allow."""
    opened: dict[int, set[str]] = {}
    for plant in plants:
        opened.setdefault(plant.tag, set()).add(plant.vr)
        for sequence in plant.place:
            opened.setdefault(sequence, set()).add("SQ")
    listed = {tag(row) for row in profile.rows}
    changed = [row | _open(opened[tag(row)]) if tag(row) in opened else row for row in profile.rows]
    added = [
        {"tag": f"({each >> 16:04X},{each & 0xFFFF:04X})", "keyword": f"Broken{each:08X}"}
        | {"vm": "1-n", "option": "", "why": ""}
        | _open(vrs)
        for each, vrs in opened.items()
        if each not in listed
    ]
    return replace(profile, rows=(*changed, *added), digest="broken"), opened


def _open(vrs: Collection[str]) -> dict[str, str]:
    """A rule that keeps values; a sequence is walked under any rule that does not clear it."""
    return {"vr": " or ".join(sorted(vrs)), "action": "K", "rule": "binary"}


def comes_out(plant: Plant, opened: Mapping[int, set[str]]) -> bool:
    """Whether a value must stand in the output once the rules of some tags are gone."""
    if plant.tag >> 16 == 2 or (len(plant.place) < 2 and {plant.tag, *plant.place} & WRITTEN_ANEW):
        return False
    if plant.place and plant.tag in opened and plant.tag in DECIDED_TOGETHER:
        return False
    for depth, sequence in enumerate(plant.place):
        if not ("SQ" in opened.get(sequence, ()) or kept.keeps_sequence(sequence, nested=depth > 0)):
            return False
    if plant.tag in opened and plant.vr in opened[plant.tag]:
        return True
    return kept.keeps_value(plant)
