"""How a clinical file is called and written: its name, the pattern of its files, the options of its contract.

What stands in it is read in `sheets`.
"""

import re
from collections.abc import Sequence

from eucaim_pipelines.contracts.words import fold
from eucaim_pipelines.onboarding.drafts import TODO
from eucaim_pipelines.onboarding.profiles import Profile
from eucaim_pipelines.onboarding.sheets import Sheet


def name(sheet: Sheet) -> str:
    """The name of the file in the contract: letters of its own name, else of its sheet."""
    base = sheet.file.rpartition(".")[0]
    text = fold(re.sub(r"[\d]+", " ", base)) or fold(sheet.sheet or "") or "table"
    plain = re.sub(r"[^a-z0-9]+", "_", text.encode("ascii", "ignore").decode()).strip("_")
    return plain if plain[:1].isalpha() else "table"


def pattern(file: str) -> str:
    """The name of a file with what changes from month to month as `*`."""
    base, _, suffix = file.rpartition(".")
    fixed = re.sub(r"\d[\d._-]*", "*", base)
    return f"{fixed if '*' in fixed else base + '*'}.{suffix}".replace("**", "*")


def options(sheets: Sequence[Sheet], profiles: Sequence[Profile]) -> dict[str, object]:
    """The keys that say how the file is written, without those that say what is usual."""
    sheet = sheets[0]
    found: dict[str, object] = {"files": pattern(sheet.file), "delivery": TODO, "format": sheet.format}
    if sheet.format == "xlsx":
        found["sheet"] = sheet.sheet
    else:
        found |= {"encoding": sheet.encoding, "delimiter": sheet.delimiter}
        if any(each.comma for each in profiles):
            found["decimal"] = ","
    if sheet.header > 1:
        found["header"] = sheet.header
    if sheet.skip_lines:
        found["skip_lines"] = list(sheet.skip_lines)
    found["missing"] = ["", *sorted({spelling for each in profiles for spelling in each.missing})]
    return found
