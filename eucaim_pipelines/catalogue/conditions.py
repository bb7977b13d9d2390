"""Whether a dataset has the one primary cancer condition that a catalogue record takes, and how to split it.

What a condition is, as rows of the tables, is said by the figure `condition` (`figures`).
"""

from collections import defaultdict
from collections.abc import Mapping

import pyarrow as pa

from eucaim_pipelines.contracts.source_model import SourceContract
from eucaim_pipelines.quality import disclosure

TABLE = "cancer_condition"
_FIELD = "cancer_condition_code"
_IMAGES_ONLY = "SPEC1000003"
_NOBODY = (
    "Deliver the diagnoses and map them to cancer_condition; or, for images without clinical data, name "
    f"{_IMAGES_ONLY} (Only-Image) in catalogue.collection_methods"
)
_FEW = "conditions of fewer than 10 people"


def others(source: SourceContract, behind: pa.Table, labels: Mapping[str, str]) -> tuple[str, ...]:
    """What is wrong where people have another primary condition than the record's, or nobody has it.

    Somebody who has the record's condition, or one that it includes, may have a second tumour besides.
    Conditions that fewer than 10 people have are not named. A collection of images alone has no diagnoses.

    Parameters
    ----------
    behind
        `value` and `patient_id` of every primary condition (`figures.rows_behind`).
    labels
        Labels of the conditions' codes.
    """
    text = source.catalogue
    if text.condition is None:
        return ()
    conditions: dict[str, set[str]] = defaultdict(set)
    for row in behind.select(["value", "patient_id"]).to_pylist():
        if row["value"] is not None:
            conditions[row["patient_id"]].add(row["value"])
    stated = {text.condition, *text.condition_includes}
    people: dict[str, set[str]] = defaultdict(set)
    for person, codes in conditions.items():
        for code in codes if not codes & stated else ():
            people[code].add(person)
    own = f"{labels.get(text.condition, text.condition)} ({text.condition})"
    if not people:
        borne_out = bool(conditions) or _IMAGES_ONLY in text.collection_methods
        return () if borne_out else (f"the tables hold no diagnosis of {own}. {_NOBODY}",)
    named = [
        f"{labels.get(code, code)} ({code})"
        for code in sorted(people)
        if len(people[code]) >= disclosure.THRESHOLD
    ]
    found = " and ".join([*named, *([_FEW] if len(named) < len(people) else [])])
    return (f"beside {own}, people have {found}. {_remedy(source)}",)


def _remedy(source: SourceContract) -> str:
    """How to split the dataset, with the field of this source contract that tells the conditions apart."""
    fields = [
        f"{spec.name}.{field}"
        for spec in source.clinical
        for mapping in spec.tables
        if mapping.table == TABLE and isinstance(field := mapping.fields.get(_FIELD), str)
    ]
    told = f" ({', '.join(dict.fromkeys(fields))})" if fields else ""
    return (
        "Split it: a source contract and exports for each condition, each with its own dataset_id, and "
        f"conditions on the diagnosis{told} in its mappings: when: [{{field: …, in: [CODE]}}]. Codes that "
        "are kinds of the record's condition belong into catalogue.condition_includes instead"
    )
