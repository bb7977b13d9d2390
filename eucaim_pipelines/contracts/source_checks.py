"""What a source contract names must exist: codes, files, dates, checks; errors with file and line.

The shape of the contract is checked before, by `source_model`; clinical files by `source_file_checks`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from eucaim_pipelines.contracts.positions import Document, Place
from eucaim_pipelines.contracts.source_file_checks import FileChecker
from eucaim_pipelines.contracts.source_model import SourceContract
from eucaim_pipelines.contracts.tables import TableContract
from eucaim_pipelines.contracts.vocabularies import Vocabulary

UNDECIDED = "TODO"
DIAGNOSIS = "diagnosis"
SERIES_DESCRIPTIONS = "series_description"


def check_decided(document: Document) -> None:
    """Refuse a contract in which a value still says TODO, at the first of them; the others are named too.

    Raises
    ------
    ContractError
        With file and line.
    """
    places = [place for place, value in _scalars(document.data, ()) if _undecided(value)]
    if places:
        lines = sorted({line for place in places if (line := document.line(place)) is not None})
        further = f", and so are lines {', '.join(map(str, lines[1:]))}" if lines[1:] else ""
        raise document.error(
            f"This is still to be decided{further}.",
            f"Write the value in place of {UNDECIDED}, or remove the line.",
            min(places, key=lambda place: document.line(place) or 0),
        )


@dataclass(frozen=True)
class Checker:
    """The contract's document and what its names are checked against."""

    document: Document
    vocabularies: Mapping[str, Vocabulary]
    tables: Mapping[str, TableContract]

    def check(self, source: SourceContract) -> None:
        """Raise the first ContractError that the contract holds."""
        files = FileChecker(self.document, self.vocabularies, self.tables)
        self._catalogue(source, files)
        self._imaging(source, files)
        files.unique((spec.name for spec in source.clinical), "file name", ("clinical",))
        for number, spec in enumerate(source.clinical):
            files.check(spec, ("clinical", number))
        self._linkage(source)
        for check in source.checks:
            table, _, rest = check.partition(".")
            known = self._checked_names(table) if table in self.tables else set()
            if known and rest.partition(".")[0] not in known:
                raise self.document.error(
                    f"Check '{check}': no such field.", "Correct it.", ("checks", check)
                )

    def _checked_names(self, table: str) -> set[str]:
        """What may stand after the table's name in the name of a check."""
        contract = self.tables[table]
        return {"key", "rows", *contract.fields, *(rule.name for rule in contract.rules if not rule.field)}

    def _catalogue(self, source: SourceContract, files: FileChecker) -> None:
        card = source.catalogue
        if card.condition is not None:
            files.code(card.condition, "cancer_condition", ("catalogue", "condition"))
        for key, vocabulary in (
            ("condition_includes", "cancer_condition"),
            ("types", "dataset_type"),
            ("collection_methods", "collection_method"),
            ("data_use_conditions", "data_use_condition"),
        ):
            for number, code in enumerate(getattr(card, key)):
                files.code(code, vocabulary, ("catalogue", key, number))

    def _imaging(self, source: SourceContract, files: FileChecker) -> None:
        images = source.imaging
        for vocabulary in ("body_part", "manufacturer"):
            declared = getattr(images, f"{vocabulary}_when_missing")
            if declared not in (None, self.vocabularies[vocabulary].root):
                files.code(declared, vocabulary, ("imaging", f"{vocabulary}_when_missing"))
        for key, vocabulary in (
            ("body_parts", "body_part"),
            ("manufacturers", "manufacturer"),
            ("procedures", "imaging_procedure"),
        ):
            for spelling, code in getattr(images, key).items():
                files.code(code, vocabulary, ("imaging", key, spelling))
        for name, code in source.annotations.labels.items():
            files.code(code, "segment_label", ("annotations", "labels", name))
        for released, wanted in images.harmonised.items():
            known = self.vocabularies.get(SERIES_DESCRIPTIONS)
            if known is None or known.code(wanted) is None:
                raise self.document.error(
                    f"'{wanted}' is no code and no label of the vocabulary '{SERIES_DESCRIPTIONS}'.",
                    f"See {SERIES_DESCRIPTIONS}.csv in the folder of vocabularies.",
                    ("imaging", "harmonised", released),
                )

    def _linkage(self, source: SourceContract) -> None:
        linkage = source.linkage
        if linkage.diagnosis_date is not None:
            self._date(source, linkage.diagnosis_date, ("linkage", "diagnosis_date"))
        if linkage.treatment_date is not None:
            self._date(source, linkage.treatment_date, ("linkage", "treatment_date"), ("date", "days"))
        if linkage.days_from != DIAGNOSIS:
            self._date(source, linkage.days_from, ("linkage", "days_from"))
        if linkage.timepoints is None:
            return
        specs = {spec.name: spec for spec in source.clinical}
        kinds = (
            {c.kind for c in specs[linkage.timepoints].fields.values()} if linkage.timepoints in specs else ()
        )
        if "study_uid" not in kinds or not {"timepoint", "episode", "days", "date"} & set(kinds):
            raise self.document.error(
                f"'{linkage.timepoints}' is not a clinical file with a column is: study_uid and one that is: "
                "timepoint, episode, days or date.",
                "Write the name of such a file.",
                ("linkage", "timepoints"),
            )

    def _date(
        self, source: SourceContract, reference: str, place: Place, kinds: tuple[str, ...] = ("date",)
    ) -> None:
        specs = {spec.name: spec for spec in source.clinical}
        name, _, field = reference.partition(".")
        fields = specs[name].fields if name in specs else {}
        if field not in fields or fields[field].kind not in kinds:
            raise self.document.error(
                f"'{reference}' is not a declared date.", "Write file.field of a date.", place
            )


def _scalars(data: object, place: Place) -> list[tuple[Place, object]]:
    """Every scalar of a document and every key, with its place."""
    if isinstance(data, dict):
        keys: list[tuple[Place, object]] = [((*place, key), key) for key in data]
        return keys + [found for key, value in data.items() for found in _scalars(value, (*place, key))]
    if isinstance(data, list):
        return [found for number, value in enumerate(data) for found in _scalars(value, (*place, number))]
    return [(place, data)]


def _undecided(value: object) -> bool:
    return isinstance(value, str) and (
        value == UNDECIDED or value.startswith((f"{UNDECIDED} ", f"{UNDECIDED}:"))
    )
