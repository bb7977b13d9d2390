"""Which attributes of a segmentation are missing, by `data_contracts/dicom/seg_attributes.csv`.

Names and types of attributes only, never a value; what a missing one means is for the checks to say.
"""

from functools import cache
from typing import NamedTuple

from eucaim_pipelines.dicom.elements import DataSet, Value
from eucaim_pipelines.dicom.tables import rows
from eucaim_pipelines.dicom.values import items, tag_of, text


class _Condition(NamedTuple):
    tag: int
    value: str
    equal: bool


class _Attribute(NamedTuple):
    keyword: str
    tag: int
    type: str
    places: tuple[tuple[int, ...], ...]
    when: _Condition | None


def missing(ds: DataSet) -> list[dict[str, str]]:
    """Attribute and EUCAIM's type of it, for each that a segmentation lacks, in the order of the list.

    Attributes of type 2 may be empty, all others count as missing when they are. An attribute of segments or
    frames is missing when a single item lacks it. A condition that the object cannot answer counts as met.
    """
    return [
        {"attribute": each.keyword, "type": each.type}
        for each in _attributes()
        if not any(_complete(ds, place, each) for place in each.places)
    ]


def _complete(ds: DataSet, place: tuple[int, ...], attribute: _Attribute) -> bool:
    level = [ds]
    for tag in place:
        level = [item for parent in level for item in items(parent, tag)]
    return bool(level) and all(_has(item, ds, attribute) for item in level)


def _has(item: DataSet, ds: DataSet, attribute: _Attribute) -> bool:
    element = item.elements.get(attribute.tag)
    if element is not None and (attribute.type.startswith("2") or _filled(element[1])):
        return True
    return attribute.when is not None and not _applies(item, ds, attribute.when)


def _filled(value: Value) -> bool:
    return bool(value.strip(b" ") if isinstance(value, bytes) else len(value))


def _applies(item: DataSet, ds: DataSet, condition: _Condition) -> bool:
    said = text(item if condition.tag in item else ds, condition.tag)
    return (said == condition.value) == condition.equal


@cache
def _attributes() -> tuple[_Attribute, ...]:
    return tuple(
        _Attribute(
            row["attribute"],
            tag_of(row["attribute"]),
            row["type"],
            tuple(_path(place) for place in row["place"].split("|")),
            _condition(row["when"]),
        )
        for row in rows("dicom/seg_attributes.csv")
    )


def _path(place: str) -> tuple[int, ...]:
    return tuple(tag_of(keyword) for keyword in place.split(".") if keyword)


def _condition(when: str) -> _Condition | None:
    if not when:
        return None
    left, _, value = when.partition("=")
    return _Condition(tag_of(left.rstrip("!")), value, not left.endswith("!"))
