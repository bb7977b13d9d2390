"""On which field a row of a table hangs, in a first contract.

Which fields a file fills is decided in `files` and `template_names`.
"""

from collections.abc import Mapping

DIAGNOSIS = "cancer_condition"


def when(table: str, fields: Mapping[str, str]) -> str | None:
    """The field without which there is no row: the code, else the value, else whatever comes first.

    A diagnosis of unknown date is one all the same: it hangs on nothing but its own code, if a column has it.
    """
    if table == DIAGNOSIS:
        return fields.get(f"{DIAGNOSIS}_code")

    def rank(name: str) -> int:
        endings = ("_asserted_date", "_code", "_type", "_as_number", "_as_concept")
        return next((number for number, ending in enumerate(endings) if name.endswith(ending)), len(endings))

    return fields[min(fields, key=rank)]
