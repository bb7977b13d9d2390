"""What entities and elements of EUCAIM's template are in the model, and the contract that follows.

Names of both generations of the model are known (`template_names.csv`); sheets are read in `template`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from rapidfuzz import fuzz, process

from eucaim_pipelines.contracts.source_columns import APPLIES_SUFFIX, OFFSET_SUFFIX, RESERVED_FIELDS
from eucaim_pipelines.contracts.vocabularies import bare
from eucaim_pipelines.contracts.words import fold
from eucaim_pipelines.errors import SettingsError
from eucaim_pipelines.onboarding.drafts import (
    TODO,
    ColumnDraft,
    FileDraft,
    SourceDraft,
    TableDraft,
    Target,
    ValueDraft,
    kind_of,
)
from eucaim_pipelines.onboarding.meanings import Meanings
from eucaim_pipelines.onboarding.row_conditions import when
from eucaim_pipelines.onboarding.template import Episode, Pair, Variable

_ALIKE = 88
_IDENTITIES = ("birth date", "name", "phone", "address")
_FORMATS = {"yyyy": "%Y", "yy": "%y", "mm": "%m", "dd": "%d"}
_DATE = re.compile(r"(?i)(yyyy|dd|mm|yy)([-/. ]?)(mm|dd)([-/. ]?)(yyyy|yy|dd)")


@dataclass(frozen=True)
class Names:
    """Fields of the model by the names that a template has for them."""

    meanings: Meanings
    older: Mapping[str, tuple[str, str]]
    known_codes: frozenset[str]

    def source(self, episodes: Sequence[Episode], dataset_id: str = TODO) -> SourceDraft:
        """The contract of a template.

        Raises
        ------
        SettingsError
            A code that hyper-ontology v2.0 lacks; with file, sheet and cell of each.
        """
        self._refuse_unknown_codes(episodes)
        files = tuple(self._file(episode) for episode in episodes)
        dates = {
            key: f"{each.name}.{mapping.fields[field]}"
            for key, field in (
                ("treatment_date", "treatment_start_date"),
                ("diagnosis_date", "cancer_condition_asserted_date"),
            )
            for each in reversed(files)
            for mapping in each.tables
            if field in mapping.fields
        }
        said = ("Imported from EUCAIM's mapping template; its examples were not looked at.",)
        return SourceDraft(dataset_id, TODO, files, dict(sorted(dates.items())), comments=said)

    def _refuse_unknown_codes(self, episodes: Sequence[Episode]) -> None:
        places = [
            f"'{episode.file}'"
            + (f" sheet '{episode.sheet}'" if episode.sheet else "")
            + f" cell {pair.cell}"
            for episode in episodes
            for variable in episode.variables
            for pair in variable.pairs
            if not any(self._is_code(code) for _, code in pair.cuts)
        ]
        if places:
            more = f" and {len(places) - 10} more" if len(places) > 10 else ""
            raise SettingsError(
                f"Codes that hyper-ontology v2.0 lacks: {'; '.join(places[:10])}{more}. "
                "Write a code, or its label, behind the comma, or remove the row."
            )

    def _is_code(self, text: str) -> bool:
        sets = self.meanings.speller.matcher.vocabularies.values()
        return bare(text) in self.known_codes or any(each.code(text) is not None for each in sets)

    def _file(self, episode: Episode) -> FileDraft:
        drafts = [self._column(variable) for variable in episode.variables]
        taken = {*RESERVED_FIELDS}
        columns = tuple(replace(draft, field=_field(draft, taken)) for draft in drafts)
        columns = _one_patient(columns)
        patient = next((str(c.field) for c in columns if c.kind == "patient_id"), TODO)
        options: dict[str, object] = {"files": TODO, "delivery": TODO}
        options |= {"format": "xlsx", "sheet": episode.sheet} if episode.sheet else {"format": "csv"}
        tables = tuple(_tables(columns))
        comments = (f"{episode.file}: {len(columns)} variables",)
        return FileDraft(
            episode.name, options | {"missing": ["", "NA"]}, (patient,), columns, tables, comments
        )

    def _column(self, variable: Variable) -> ColumnDraft:
        place = self._place(variable)
        readings = self.meanings.readings(variable.name)
        if fold(variable.element) in ("patient id", "patientid", "identifier") and place is None:
            return ColumnDraft(variable.name, "patient_id")
        if place is None or place not in self.meanings.fillable:
            if place is not None and place[1] == "patient_id":
                return ColumnDraft(variable.name, "patient_id")
            if (place is not None and place[1] == "patient_birth_date") or set(readings) & set(_IDENTITIES):
                return ColumnDraft(variable.name, "identity")
            reason = (
                "the model has no such field" if place is None else f"{place[1]} is filled by the pipeline"
            )
            return ColumnDraft(variable.name, TODO, comment=f"{variable.entity}.{variable.element}: {reason}")
        return self._filled(variable, place)

    def _place(self, variable: Variable) -> tuple[str, str] | None:
        """Table and field of an entity and element, of either generation of the model."""
        element, entity = fold(variable.element), fold(variable.entity)
        tables = {fold(name): name for name in self.meanings.tables}
        table = tables.get(entity) or tables.get(entity.removesuffix("s"))
        if table is None and entity:
            like = process.extractOne(entity, list(tables), scorer=fuzz.token_sort_ratio, score_cutoff=_ALIKE)
            table = tables[like[0]] if like else None
        if table is not None:
            names = {fold(name): name for name in self.meanings.tables[table].fields}
            for form in (element, f"{fold(table)} {element}"):
                if form in names:
                    return table, names[form]
        if element in self.older and table in (None, self.older[element][0]):
            return self.older[element]
        if table is None or not element:
            return None
        like = process.extractOne(
            f"{fold(table)} {element}", list(names), scorer=fuzz.token_set_ratio, score_cutoff=_ALIKE
        )
        return (table, names[like[0]]) if like else None

    def _filled(self, variable: Variable, place: tuple[str, str]) -> ColumnDraft:
        each = self.meanings.fillable[place]
        kind = kind_of(each)
        target = Target(*place, self._code_beside(variable, place))
        unread = f"not value,code: {', '.join(variable.unread)}" if variable.unread else ""
        if kind == "date":
            return ColumnDraft(variable.name, kind, formats=(_format(variable.standard),), targets=(target,))
        if kind == "code":
            values = tuple(self._value(pair, str(each.value_set)) for pair in variable.pairs)
            return ColumnDraft(
                variable.name, kind, None, each.value_set, values, targets=(target,), comment=unread
            )
        return ColumnDraft(variable.name, kind, targets=(target,), comment=unread)

    def _value(self, pair: Pair, vocabulary: str) -> ValueDraft:
        value, code = next((value, code) for value, code in pair.cuts if self._is_code(code))
        known = self.meanings.speller.matcher.vocabularies[vocabulary]
        found = known.code(code)
        if found is None:
            return ValueDraft(value, TODO, f"its code is none of the vocabulary {vocabulary}")
        return ValueDraft(value, found, known.labels[found])

    def _code_beside(self, variable: Variable, place: tuple[str, str]) -> dict[str, str]:
        """The code that says what a value is of: a template names it in the element or the variable."""
        stem = re.sub(r"_value_as_(number|concept)$", "", place[1])
        each = self.meanings.fillable.get((place[0], f"{stem}_code"))
        if stem == place[1] or each is None or not each.value_set:
            return {}
        texts = [variable.name, *self.meanings.readings(variable.name)]
        nears = self.meanings.speller.matcher.nearest_of_all(texts, [each.value_set], limit=1)
        best = max((near[0] for near in nears.values() if near), default=None, key=lambda near: near.score)
        return {f"{stem}_code": best.code if best and best.score >= _ALIKE else TODO}


def _format(standard: str) -> str:
    found = _DATE.search(standard)
    if found is None:
        return TODO
    return "".join(_FORMATS.get(part.lower(), part) for part in found.groups())


def _field(draft: ColumnDraft, taken: set[str]) -> str | None:
    if draft.kind == "identity":
        return None
    words = "patient" if draft.kind == "patient_id" else fold(draft.header)
    name = re.sub(r"[^a-z0-9]+", "_", words.encode("ascii", "ignore").decode()).strip("_")[:50]
    name = name if name[:1].isalpha() else f"column_{name}".rstrip("_")
    name = f"{name}_value" if name.endswith((OFFSET_SUFFIX, APPLIES_SUFFIX)) else name
    number, found = 1, name
    while found in taken:
        number += 1
        found = f"{name}_{number}"
    taken.add(found)
    return found


def _one_patient(columns: tuple[ColumnDraft, ...]) -> tuple[ColumnDraft, ...]:
    ids = [number for number, column in enumerate(columns) if column.kind == "patient_id"]
    return tuple(
        ColumnDraft(column.header, "identity") if number in ids[1:] else column
        for number, column in enumerate(columns)
    )


def _tables(columns: Sequence[ColumnDraft]) -> list[TableDraft]:
    """One mapping for each table, and one more for each code that stands beside a value."""
    groups: dict[tuple[str, tuple[tuple[str, str], ...]], dict[str, str]] = {}
    for column in columns:
        for target in column.targets:
            place = target.table, tuple(sorted(target.constants.items()))
            groups.setdefault(place, {}).setdefault(target.field, str(column.field))
    return [
        TableDraft(table, None if table == "patient" else when(table, fields), fields, dict(codes))
        for (table, codes), fields in groups.items()
    ]
