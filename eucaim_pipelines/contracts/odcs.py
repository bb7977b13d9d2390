"""Open Data Contract Standard v3.1, read strictly: its own library lets unknown keys pass below the top.

What our table contracts make of it lies in `tables`.
"""

import types
import typing
from collections.abc import Sequence
from typing import Any

import pydantic
from open_data_contract_standard.model import CustomProperty, OpenDataContractStandard

from eucaim_pipelines.contracts.positions import Document, Place

API_VERSION = "v3.1.0"
OF_TABLE = ("level", "mandatory", "filledFrom")
OF_PROPERTY = (
    *("origin", "valueSet", "unit", "concept", "requirement", "filledBy", "offsetOf", "unitOf", "unitCode"),
    *("categoryOf", "dicom", "remedy", "person"),
)
OF_RULE = ("remedy", "level", "eucaimDimension", "rowCondition", "query", "pointer", "needs",
           "atLeast")  # fmt: skip
"""Custom properties that our contracts know: of a table, of a property, of a quality rule."""


def read(document: Document) -> OpenDataContractStandard:
    """The document as a data contract.

    Raises
    ------
    ContractError
        An unknown key, a value of the wrong kind, or another version of the standard; with file and line.
    """
    _check_keys(document, OpenDataContractStandard, document.data, ())
    try:
        contract = OpenDataContractStandard(**document.data)
    except pydantic.ValidationError as problem:
        first = problem.errors(include_input=False, include_url=False)[0]
        place = tuple(part for part in first["loc"] if not str(part).endswith("_"))
        raise document.error(f"{first['msg']}.", "Write it as ODCS v3.1 says.", place) from None
    if contract.apiVersion != API_VERSION or contract.kind != "DataContract" or not contract.version:
        raise document.error(
            f"apiVersion {API_VERSION}, kind DataContract and a version are expected.", "Fill them."
        )
    return contract


def custom(
    document: Document, items: Sequence[CustomProperty] | None, place: Place, known: Sequence[str]
) -> dict[str, Any]:
    """Custom properties by name; only names that our contracts know, each once."""
    found: dict[str, Any] = {}
    for number, item in enumerate(items or []):
        here = (*place, "customProperties", number)
        if item.property not in known:
            raise document.error(
                f"Unknown custom property '{item.property}'.", f"Known here: {', '.join(known)}.", here
            )
        if item.property in found:
            raise document.error(f"'{item.property}' is said twice.", "Keep one of them.", here)
        found[str(item.property)] = item.value
    return found


def _check_keys(document: Document, model: Any, data: Any, place: Place) -> None:
    """Refuse keys that the model of ODCS does not know; the library itself lets them pass below the top."""
    if isinstance(data, list):
        for number, item in enumerate(data):
            _check_keys(document, model, item, (*place, number))
        return
    if not isinstance(data, dict) or model is None:
        return
    known = {(field.alias or name): field.annotation for name, field in model.model_fields.items()}
    for key, value in data.items():
        if key not in known:
            raise document.error(f"Unknown key '{key}'.", "Correct or remove it.", (*place, key))
        _check_keys(document, _inner_model(known[key]), value, (*place, key))


def _inner_model(annotation: Any) -> type[pydantic.BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, pydantic.BaseModel):
        return annotation
    if typing.get_origin(annotation) in (list, types.UnionType, typing.Union):
        found = [_inner_model(argument) for argument in typing.get_args(annotation)]
        return next((model for model in found if model is not None), None)
    return None
