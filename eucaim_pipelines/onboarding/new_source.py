"""A first source contract from the tables that a hospital has: read, profiled, suggested, written.

Nothing of a cell goes anywhere but into the contract, and there only codes that several patients share.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from eucaim_pipelines.cdm.matching import Matcher
from eucaim_pipelines.contracts.tables import TableContract
from eucaim_pipelines.onboarding.deliveries import pattern
from eucaim_pipelines.onboarding.drafts import TODO, FileDraft, ImagingDraft, SourceDraft
from eucaim_pipelines.onboarding.files import draft_file
from eucaim_pipelines.onboarding.lists import Lists
from eucaim_pipelines.onboarding.meanings import Meanings
from eucaim_pipelines.onboarding.sheets import Sheet, read_file
from eucaim_pipelines.onboarding.spellings import FEWEST_PEOPLE
from eucaim_pipelines.onboarding.values import Speller

_LINKAGE = {
    "diagnosis_date": ("cancer_condition", "cancer_condition_asserted_date"),
    "treatment_date": ("treatment", "treatment_start_date"),
}


def suggest(
    files: Sequence[Path],
    matcher: Matcher,
    tables: Mapping[str, TableContract],
    lists: Lists,
    *,
    dataset_id: str = TODO,
    imaging: ImagingDraft | None = None,
) -> SourceDraft:
    """What is suggested for the source contract of these tables.

    Parameters
    ----------
    files
        Tables as delivered; several deliveries of one table (same header, same name but for its digits)
        become one clinical file.

    Raises
    ------
    SettingsError
        A file cannot be read as a table.
    """
    drafts = [draft for group in _deliveries(files) for draft in _drafts(group, matcher, tables, lists)]
    drafts = [_renamed(draft, number, drafts) for number, draft in enumerate(drafts)]
    return SourceDraft(
        dataset_id=dataset_id,
        condition=_condition(drafts),
        files=tuple(drafts),
        linkage=_linkage(drafts),
        imaging=imaging or ImagingDraft(),
        comments=_said(
            sum(c.left_out for d in drafts for c in d.columns) + (imaging.left_out if imaging else 0)
        ),
    )


def _said(left_out: int) -> tuple[str, ...]:
    """Which spellings stand in the contract, and how many do not: they are still to be decided."""
    rule = f"A spelling is here only if at least {FEWEST_PEOPLE} patients of its file are known to have it."
    more = f"TODO {left_out} spelling(s) are left out: `eucaim unmapped` shows those that have no code."
    return (rule, more) if left_out else (rule,)


def _deliveries(files: Sequence[Path]) -> list[list[Sheet]]:
    groups: dict[tuple[object, ...], list[Sheet]] = {}
    for path in files:
        for sheet in read_file(path):
            key = pattern(sheet.file), sheet.sheet, sheet.columns, sheet.encoding, sheet.delimiter
            groups.setdefault(key, []).append(sheet)
    return list(groups.values())


def _drafts(
    sheets: Sequence[Sheet], matcher: Matcher, tables: Mapping[str, TableContract], lists: Lists
) -> list[FileDraft]:
    language = matcher.words.language(sheets[0].columns)
    return draft_file(sheets, Meanings(tables, lists, Speller(matcher, language, lists.missing)))


def _renamed(draft: FileDraft, number: int, drafts: Sequence[FileDraft]) -> FileDraft:
    same = [earlier for earlier in drafts[:number] if earlier.name == draft.name]
    return draft if not same else FileDraft(**{**vars(draft), "name": f"{draft.name}_{len(same) + 1}"})


def _linkage(drafts: Sequence[FileDraft]) -> dict[str, str]:
    """Dates of diagnosis and treatment, of the first file that has them."""
    found: dict[str, str] = {}
    for key, (table, field) in _LINKAGE.items():
        for draft in drafts:
            names = [
                mapping.fields[field]
                for mapping in draft.tables
                if mapping.table == table and field in mapping.fields
            ]
            if names:
                found.setdefault(key, f"{draft.name}.{names[0]}")
    links = [draft.name for draft in drafts if {"study_uid", "timepoint"} <= {c.kind for c in draft.columns}]
    return found | ({"timepoints": links[0]} if len(links) == 1 else {})


def _condition(drafts: Sequence[FileDraft]) -> str:
    """The one diagnosis of the tables; TODO where there are several, or none."""
    codes = {
        str(value.value)
        for draft in drafts
        for column in draft.columns
        if any(target.field == "cancer_condition_code" for target in column.targets)
        for value in column.values
        if value.value is not None
    }
    return codes.pop() if len(codes) == 1 else TODO
