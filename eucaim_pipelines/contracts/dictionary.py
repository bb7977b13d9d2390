"""The data dictionary: one page in Markdown that says what every table, column, rule and code is.

It follows from the contracts alone; the page that is committed is `data_contracts/DICTIONARY.md`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from eucaim_pipelines.contracts.choices import Choice
from eucaim_pipelines.contracts.fields import Field
from eucaim_pipelines.contracts.tables import TableContract
from eucaim_pipelines.contracts.vocabularies import Vocabulary

ASKED = {"always": "always", "if_available": "if available", "optional": ""}
FILLED = {
    None: "",
    "key": "the pipeline (key)",
    "patient": "the pipeline (pseudonym)",
    "dataset": "the pipeline (dataset)",
    "link": "the pipeline (link)",
    "images": "the images",
    "linkage": "the linkage",
    "nobody": "nobody: it stays empty",
}
FROM = {
    "records": "clinical records, as the source contract maps them",
    "images": "the headers of the images",
    "people": "the images and the clinical records",
    "links": "the linkage of images and clinical records",
    "catalogue": "the catalogue text of the source contract",
}
HEAD = """\
# Data dictionary

Every table of the common data model with its columns, rules and value sets. This page is written by
`make dictionary` from the contracts beside it; change those, never this page. Codes are concepts of EUCAIM's
hyper-ontology v2.0 (CC BY 4.0), and are stored without their `EUCAIM:` prefix. Units are UCUM codes. A column
marked *ours* is not of EUCAIM's model and stays out of the CSV exports.
"""


def page(
    contracts: Mapping[str, TableContract],
    vocabularies: Mapping[str, Vocabulary],
    choices: Iterable[Choice],
    tiers: Mapping[str, int],
) -> str:
    """The dictionary as Markdown; `tiers` names the lowest tier that needs a table.

    Equal contracts give an equal page.
    """
    used = _used(contracts)
    parts = [
        HEAD,
        "## Tables\n\n" + _overview(contracts, tiers),
        *(_table(contract, tiers) for contract in contracts.values()),
        "## Choices\n\nWhere EUCAIM's public artefacts contradict one another.\n\n" + _choices(choices),
        "## Value sets\n",
        *(_vocabulary(vocabulary, used.get(name, [])) for name, vocabulary in vocabularies.items()),
    ]
    return "\n".join(parts)


def _overview(contracts: Mapping[str, TableContract], tiers: Mapping[str, int]) -> str:
    rows = [
        (f"[{name}](#{name})", contract.description, str(tiers.get(name, "")), FROM[contract.filled_from])
        for name, contract in contracts.items()
    ]
    return _grid(("table", "what it holds", "tier", "filled from"), rows)


def _table(contract: TableContract, tiers: Mapping[str, int]) -> str:
    references = {each.field: f"{each.to_table}.{each.to_field}" for each in contract.relationships}
    about = f"{contract.description} {contract.granularity}"
    if contract.mandatory:
        about += " Every dataset of its tier has one."
    columns = [_field(contract, field, references) for field in contract.fields.values()]
    text = f"### {contract.name}\n\n{about} Version {contract.version}; level {contract.level}.\n\n"
    text += _grid(
        ("column", "type", "meaning", "asked for", "unit or values", "concept", "filled by"), columns
    )
    rules = [(f"`{r.id}`", r.sentence, r.dimension, r.severity, r.remedy) for r in contract.rules]
    if rules:
        text += "\n" + _grid(("rule", "what is wrong", "dimension", "severity", "what to do"), rules)
    return text


def _field(contract: TableContract, field: Field, references: Mapping[str, str]) -> Sequence[str]:
    name = f"**{field.name}**" if field.name in contract.primary_key else field.name
    values = field.unit or ""
    if field.value_set:
        values = f"[{field.value_set}](#values-{field.value_set})"
    elif field.name in references:
        values = f"refers to {references[field.name]}"
    filled = FILLED[field.filled_by] or ("a source may map it" if contract.filled_from == "records" else "")
    if field.dicom:
        filled = f"DICOM {', '.join(field.dicom)}"
    for other, what in (
        (field.unit_of, "unit of"),
        (field.category_of, "category of"),
        (field.offset_of, "days of"),
    ):
        filled = f"with {other} ({what})" if other else filled
    return (
        name + (" *ours*" if field.extension else ""),
        str(field.type),
        field.description,
        ASKED[field.requirement] if field.nullable else "always",
        values,
        field.concept or "",
        filled,
    )


def _choices(choices: Iterable[Choice]) -> str:
    rows = [
        (each.where, ", ".join(each.chosen), ", ".join(each.refused), each.reason, each.sources)
        for each in choices
    ]
    return _grid(("value set or table", "chosen", "refused", "why", "between"), rows)


def _vocabulary(vocabulary: Vocabulary, used: Sequence[str]) -> str:
    spellings: dict[str, int] = dict.fromkeys(vocabulary.codes, 0)
    for code in vocabulary.aliases.values():
        spellings[code] += 1
    head, rows = ["code", "label", "spellings"], []
    for code in (code for code in vocabulary.labels if code in vocabulary.codes):
        rows.append([f"`{code}`", vocabulary.labels[code], str(spellings[code])])
        if vocabulary.categories:
            rows[-1].append(vocabulary.categories[code])
    if vocabulary.categories:
        head.append("category")
    where = f"Used by {', '.join(used)}." if used else "Not used by a table; source contracts name it."
    anchor = f'<a id="values-{vocabulary.name}"></a>'
    fold = f"<details><summary>{len(rows)} codes</summary>\n\n{_grid(head, rows)}\n</details>\n"
    return f"{anchor}\n### Values: {vocabulary.name}\n\n{where}\n\n{fold}"


def _used(contracts: Mapping[str, TableContract]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, contract in contracts.items():
        for field, vocabulary in contract.value_sets.items():
            found.setdefault(vocabulary, []).append(f"{name}.{field}")
    return found


def _grid(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return "".join(_lines(head, rows))


def _lines(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield "| " + " | ".join(head) + " |\n"
    yield "|" + "---|" * len(head) + "\n"
    for row in rows:
        cells = (" ".join(cell.split()).replace("|", "\\|").replace("<", "&lt;") for cell in row)
        yield "| " + " | ".join(cells) + " |\n"
