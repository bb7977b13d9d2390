"""How many columns of the demo tables are suggested right at first, against the demo contracts.

`python -m eucaim_pipelines_tests.onboarding.measuring` prints the share, and every column that is not.
"""

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from eucaim_pipelines.cdm.matching import Matcher
from eucaim_pipelines.contracts import vocabularies
from eucaim_pipelines.contracts.sources import ClinicalFile, SourceContract, load_source
from eucaim_pipelines.contracts.tables import load_tables
from eucaim_pipelines.contracts.words import load_words
from eucaim_pipelines.demo import write_exports
from eucaim_pipelines.onboarding.drafts import ColumnDraft, SourceDraft
from eucaim_pipelines.onboarding.lists import load_lists
from eucaim_pipelines.onboarding.new_source import suggest

SOURCES = Path(__file__).parents[2] / "data_contracts" / "sources"
DATASETS = ("demo_lung_ct", "demo_prostate_mr", "demo_breast_mg")
NEVER = {"free_text": "ignore"}
"""Kinds that amount to the same: neither passes, and neither is searched for elsewhere."""


@dataclass(frozen=True)
class Compared:
    """One column: what the contract says and what was suggested (kind, fields filled, vocabulary)."""

    file: str
    header: str
    wanted: tuple[str, frozenset[str], str | None]
    suggested: tuple[str, frozenset[str], str | None]

    @property
    def mappable(self) -> bool:
        """The contract fills fields of the model with this column."""
        return bool(self.wanted[1])

    @property
    def right(self) -> bool:
        """Kind and vocabulary are those of the contract, and every suggested field is one that it fills."""
        kinds = [NEVER.get(each[0], each[0]) for each in (self.wanted, self.suggested)]
        fields = self.suggested[1] <= self.wanted[1] and bool(self.suggested[1]) == bool(self.wanted[1])
        return kinds[0] == kinds[1] and fields and self.wanted[2] == self.suggested[2]


def suggestions(landing: Path, dataset: str) -> SourceDraft:
    """The draft for the tables of a dataset's first export."""
    export = min(path for path in (landing / dataset).iterdir() if path.is_dir())
    files = sorted(path for path in export.rglob("*") if path.suffix in (".csv", ".xlsx"))
    return suggest(files, Matcher(vocabularies.load_all(), load_words()), load_tables(), load_lists())


def compare(source: SourceContract, draft: SourceDraft) -> Iterator[Compared]:
    """Every column of the contract's files beside what was suggested for it."""
    for spec in source.clinical:
        fitting = [each for each in draft.files if spec.columns.keys() <= {c.header for c in each.columns}]
        found = min(fitting, key=lambda each: len(each.columns), default=None)
        columns: Mapping[str, ColumnDraft] = {c.header: c for c in found.columns} if found else {}
        for header, column in spec.columns.items():
            wanted = column.kind, _filled(spec, column.field), column.vocabulary
            other = columns.get(header, ColumnDraft(header, "none"))
            fills = frozenset(f"{target.table}.{target.field}" for target in other.targets)
            yield Compared(spec.name, header, wanted, (other.kind, fills, other.vocabulary))


def _filled(spec: ClinicalFile, field: str | None) -> frozenset[str]:
    return frozenset(
        f"{mapping.table}.{target}"
        for mapping in spec.tables
        for target, value in mapping.fields.items()
        if field is not None and value == field
    )


def main() -> None:
    """Print the share of each dataset and of all, and what was not right."""
    with tempfile.TemporaryDirectory() as folder:
        write_exports(Path(folder))
        compared = {
            dataset: list(
                compare(
                    load_source(SOURCES / f"{dataset}.yaml"), suggestions(Path(folder) / "landing", dataset)
                )
            )
            for dataset in DATASETS
        }
    for dataset, columns in (
        *compared.items(),
        ("all", [each for found in compared.values() for each in found]),
    ):
        mappable = [each for each in columns if each.mappable]
        others = [each for each in columns if not each.mappable]
        print(  # noqa: T201
            f"{dataset}: {sum(e.right for e in mappable)} of {len(mappable)} mappable columns right, "
            f"{sum(e.right for e in others)} of {len(others)} others"
        )
        for each in columns if dataset != "all" else ():
            if not each.right:
                print(f"  {each.file} '{each.header}': {each.wanted} suggested {each.suggested}")  # noqa: T201


if __name__ == "__main__":
    main()
