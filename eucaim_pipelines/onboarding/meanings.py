"""What a column is and which field it fills: its header's meaning, tried against what its cells look like.

How a file's columns together become tables is said in `files`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import pyarrow as pa
from rapidfuzz import fuzz, process

from eucaim_pipelines.cdm.matching import Near
from eucaim_pipelines.contracts.fields import Field
from eucaim_pipelines.contracts.source_file_checks import PEOPLE
from eucaim_pipelines.contracts.tables import TableContract
from eucaim_pipelines.contracts.words import fold
from eucaim_pipelines.onboarding.day_counts import LIKE_HEADER, days
from eucaim_pipelines.onboarding.drafts import NO_FIELD, TODO, ColumnDraft, Target, kind_of
from eucaim_pipelines.onboarding.lists import Lists, Meaning
from eucaim_pipelines.onboarding.profiles import Profile
from eucaim_pipelines.onboarding.values import Speller

NEVER_PASS = ("identity", "free_text", "ignore")
_TYPES: dict[str, Callable[[pa.DataType], bool]] = {
    "code": pa.types.is_string,
    "date": pa.types.is_date,
    "boolean": pa.types.is_boolean,
    "number": pa.types.is_floating,
    **dict.fromkeys(
        ("age", "integer", "days"), lambda kind: pa.types.is_integer(kind) or pa.types.is_floating(kind)
    ),
}
_NUMBER, _CONCEPT, _CODE = "_value_as_number", "_value_as_concept", "_code"
_SURE_HEADER, _MOST_ROWS, _FEW_ROWS = 90, 0.8, 0.2
_FEW_CODES, _DIGIT = 6, 9
_OLDEST_YEARS, _DAYS_OF_A_LIFE = 120, 1000


@dataclass(frozen=True)
class Meanings:
    """The model's fields that a source may fill, and what headers and cells say of them."""

    tables: Mapping[str, TableContract]
    lists: Lists
    speller: Speller

    @cached_property
    def fillable(self) -> dict[tuple[str, str], Field]:
        """Fields that a source contract may map, by table and name."""
        return {
            (table.name, name): each
            for table in self.tables.values()
            if table.filled_from == "records" or table.name == PEOPLE
            for name, each in table.fields.items()
            if each.filled_by is None
            and each.offset_of is None and each.unit_of is None and each.category_of is None
        }  # fmt: skip

    def readings(self, header: str) -> tuple[str, ...]:
        """What a header may mean, in folded English; also without what stands in brackets and its unit."""
        plain = header.partition("(")[0].partition("[")[0].strip() or header
        shorter = plain.rpartition(" ")[0] if self.lists.unit(header) else plain
        texts = dict.fromkeys((header, plain, shorter or plain))
        words, language = self.speller.matcher.words, self.speller.language
        return tuple(
            dict.fromkeys(each for text in texts for each in (*words.english(text, language), fold(text)))
        )

    def column(self, profile: Profile) -> ColumnDraft:
        """What is suggested for one column, tried in this order: header, concept in the header, cells."""
        readings = self.readings(profile.header)
        told = list(self._told(readings))
        if profile.looks in ("contact", "person") and (not told or told[0].kind not in NEVER_PASS):
            return ColumnDraft(profile.header, "identity")
        for draft in (days(profile, readings, self.tables, self.lists), self._in_brackets(profile)):
            if draft is not None and not (told and told[0].kind in NEVER_PASS):
                return draft
        for meaning in told:
            draft = self._as(meaning, profile)
            if draft is not None:
                return draft
        for draft in (
            self._concept(profile, readings),
            self._alike(profile, readings),
            self._by_cells(profile),
        ):
            if draft is not None:
                return draft
        return self._unknown(profile)

    def _told(self, readings: Iterable[str]) -> Iterator[Meaning]:
        """Meanings of the header: whole, else of the listed term it is most like."""
        seen = list(readings)
        for reading in seen:
            yield from self.lists.meanings.get(reading, ())
        for reading in seen:
            like = process.extractOne(
                reading, self.lists.meanings, scorer=fuzz.token_sort_ratio, score_cutoff=_SURE_HEADER
            )
            if like is not None:
                yield from self.lists.meanings[like[2]] if isinstance(like[2], str) else ()

    def _as(self, meaning: Meaning, profile: Profile) -> ColumnDraft | None:
        """The column as this meaning has it, if its cells look like that and the model has the field."""
        if meaning.kind in NEVER_PASS:
            return ColumnDraft(profile.header, meaning.kind)
        if meaning.kind == "code" and (meaning.table, meaning.field) not in self.fillable:
            return None
        target = (Target(meaning.table, meaning.field),) if self._fits(meaning) else ()
        if profile.looks == "empty":
            return ColumnDraft(profile.header, "ignore", comment="no cell is filled")
        reading = {
            "patient_id": self._plain,
            "study_uid": self._uid,
            "timepoint": self._whole,
            "episode": self._episode,
            "code": self._code,
            "date": self._date,
            "days": self._whole,
            "age": self._age,
            "number": self._number,
            "integer": self._whole,
            "boolean": self._boolean,
        }
        return reading[meaning.kind](profile, meaning.kind, target)

    def _fits(self, meaning: Meaning) -> bool:
        """Whether such a column can fill the field that is meant."""
        each = self.fillable.get((meaning.table, meaning.field))
        return each is not None and _TYPES[meaning.kind](each.type)

    def _plain(self, profile: Profile, kind: str, target: tuple[Target, ...]) -> ColumnDraft | None:
        numbered = profile.looks in ("integer", "uid") or profile.distinct > 1
        return (
            ColumnDraft(profile.header, kind, targets=target)
            if numbered and profile.looks != "date"
            else None
        )

    def _uid(self, profile: Profile, kind: str, target: tuple[Target, ...]) -> ColumnDraft | None:
        return ColumnDraft(profile.header, kind) if profile.looks == "uid" else None

    def _whole(self, profile: Profile, kind: str, target: tuple[Target, ...]) -> ColumnDraft | None:
        return ColumnDraft(profile.header, kind, targets=target) if profile.looks == "integer" else None

    def _episode(self, profile: Profile, kind: str, target: tuple[Target, ...]) -> ColumnDraft | None:
        spellings = [spelling for spelling, _ in profile.spellings]
        values = self.speller.codes(spellings, "episode_type")
        return ColumnDraft(profile.header, kind, values=values) if spellings else None

    def _number(self, profile: Profile, kind: str, target: tuple[Target, ...]) -> ColumnDraft | None:
        if profile.looks not in ("integer", "number"):
            return None
        unit = self.lists.unit(profile.header)
        return ColumnDraft(profile.header, kind, unit=unit, targets=target, comment=profile.limits_said)

    def _age(self, profile: Profile, kind: str, target: tuple[Target, ...]) -> ColumnDraft | None:
        if profile.looks not in ("integer", "number") or profile.low < 0:
            return None
        unit = self.lists.unit(profile.header)
        if profile.high <= _OLDEST_YEARS:
            return ColumnDraft(
                profile.header, kind, unit=unit if unit in ("mo", "wk", "d") else None, targets=target
            )
        unit = unit if unit in ("mo", "wk", "d") else "d" if profile.high > 12 * _DAYS_OF_A_LIFE else TODO
        return ColumnDraft(profile.header, kind, unit=unit, targets=target, comment="too large for years")

    def _date(self, profile: Profile, kind: str, target: tuple[Target, ...]) -> ColumnDraft | None:
        if profile.looks != "date":
            return None
        return ColumnDraft(profile.header, kind, formats=profile.formats, targets=target)

    def _boolean(self, profile: Profile, kind: str, target: tuple[Target, ...]) -> ColumnDraft | None:
        spellings = [spelling for spelling, _ in profile.spellings]
        vital = "vital status" in self.readings(profile.header)
        values = (
            self.speller.truths(spellings, vital, profile.legend)
            if profile.looks in ("words", "integer")
            else None
        )
        return None if values is None else ColumnDraft(profile.header, kind, values=values, targets=target)

    def _code(self, profile: Profile, kind: str, target: tuple[Target, ...]) -> ColumnDraft | None:
        if profile.looks not in ("words", "integer") or not target:
            return None
        where = self._better(profile, target[0])
        vocabulary = self.fillable[where.table, where.field].value_set
        if vocabulary is None or (profile.looks == "integer" and not profile.spellings):
            return None
        topics = (profile.header,)
        spellings = [spelling for spelling, _ in profile.spellings]
        values = self.speller.codes(spellings, vocabulary, topics, profile.legend)
        draft = ColumnDraft(profile.header, kind, None, vocabulary, values, targets=(where,))
        return replace(draft, separator=profile.separator)

    def _better(self, profile: Profile, target: Target) -> Target:
        """Another field of the table, if the cells hold its codes and hardly any of the one meant."""
        meant = self.fillable[target.table, target.field].value_set
        if meant is None or not profile.spellings or self.speller.fit(profile.spellings, meant) > _FEW_ROWS:
            return target
        for (table, name), each in self.fillable.items():
            fits = table == target.table != PEOPLE and each.value_set not in (None, meant)
            if fits and self.speller.fit(profile.spellings, str(each.value_set)) >= _MOST_ROWS:
                return Target(table, name)
        return target

    def _concept(self, profile: Profile, readings: Iterable[str]) -> ColumnDraft | None:
        """A header that names a marker, a test, a score: its number or concept fills that table."""
        coded = {
            table: str(each.value_set)
            for (table, name), each in self.fillable.items()
            if name.endswith(_CODE) and each.value_set
            and ((table, name.removesuffix(_CODE) + _NUMBER) in self.fillable
                 or (table, name.removesuffix(_CODE) + _CONCEPT) in self.fillable)
        }  # fmt: skip
        texts = [profile.header, *readings]
        nears = self.speller.matcher.nearest_of_all(texts, sorted(set(coded.values())), limit=1)
        best = max((near[0] for near in nears.values() if near), default=None, key=lambda near: near.score)
        if best is None or best.score < _SURE_HEADER:
            return None
        table = next(name for name, vocabulary in coded.items() if vocabulary == best.vocabulary)
        stem = next(n for t, n in self.fillable if t == table and n.endswith(_CODE)).removesuffix(_CODE)
        code = {stem + _CODE: best.code}
        concept = self.fillable.get((table, stem + _CONCEPT))
        if concept is not None and concept.value_set and (profile.spellings or profile.looks == "words"):
            topics = (profile.header, *self._spellings(best))
            fit = self.speller.fit(profile.spellings, concept.value_set, topics, profile.legend)
            listed = profile.looks == "integer" and profile.distinct <= _FEW_CODES and profile.high <= _DIGIT
            if profile.looks == "words" or fit >= _MOST_ROWS or listed:
                spellings = [spelling for spelling, _ in profile.spellings]
                values = self.speller.codes(spellings, concept.value_set, topics, profile.legend)
                draft = ColumnDraft(profile.header, "code", None, concept.value_set, values)
                return replace(draft, targets=(Target(table, stem + _CONCEPT, code),), comment=best.label)
        if profile.looks in ("integer", "number") and (table, stem + _NUMBER) in self.fillable:
            unit = self.lists.unit(profile.header)
            target = Target(table, stem + _NUMBER, code | self._unit_code(table, stem, unit))
            return ColumnDraft(
                profile.header,
                "number",
                unit=unit,
                targets=(target,),
                comment=best.label + profile.limits_said,
            )
        return None

    def _in_brackets(self, profile: Profile) -> ColumnDraft | None:
        """Numbers whose unit is a concept of its own: `Smoking (pack-years)` tells no smoking status."""
        inside = profile.header.replace("[", "(").replace("]", ")").rpartition("(")[2].partition(")")[0]
        if "(" not in profile.header.replace("[", "(") or profile.looks not in ("integer", "number"):
            return None
        if not inside.strip() or self.lists.unit(profile.header):
            return None
        within = replace(profile, header=inside.strip())
        draft = self._concept(within, self.readings(within.header))
        known = draft is not None and draft.kind == "number"
        return replace(draft, header=profile.header) if draft is not None and known else None

    def _spellings(self, near: Near) -> list[str]:
        """How a concept is written, its label first."""
        aliases = self.speller.matcher.vocabularies[near.vocabulary].aliases
        return [near.label, *sorted(alias for alias, code in aliases.items() if code == near.code)]

    def _unit_code(self, table: str, stem: str, unit: str | None) -> dict[str, str]:
        """The code of the unit that stands beside a number, where the table has a field for it."""
        units = self.speller.matcher.vocabularies["units"]
        code = units.code(unit)
        return {f"{stem}_value_unit": code} if code and (table, f"{stem}_value_unit") in self.fillable else {}

    def _alike(self, profile: Profile, readings: Iterable[str]) -> ColumnDraft | None:
        """The field whose name is most like the header, as far as its type allows."""
        names = {place: fold(place[1]) for place in self.fillable}
        for reading in readings:
            for _, _, place in process.extract(
                reading, names, scorer=fuzz.token_sort_ratio, score_cutoff=LIKE_HEADER
            ):
                kind = kind_of(self.fillable[place])
                draft = self._as(Meaning(kind, *place), profile)
                if draft is not None:
                    return draft
        return None

    def _by_cells(self, profile: Profile) -> ColumnDraft | None:
        """The vocabulary that holds nearly all cells, where only one does: the first field that has it."""
        if (
            profile.looks != "words"
            or len(profile.spellings) < 2
            or self.speller.truths([s for s, _ in profile.spellings])
        ):
            return None
        sets = dict.fromkeys(each.value_set for each in self.fillable.values() if each.value_set)
        fits = [name for name in sets if self.speller.fit(profile.spellings, str(name)) >= _MOST_ROWS]
        if len(fits) != 1:
            return None
        place = next(place for place, each in self.fillable.items() if each.value_set == fits[0])
        if place[1].endswith((_CONCEPT, _CODE)):
            return None
        return self._as(Meaning("code", *place), profile)

    def _unknown(self, profile: Profile) -> ColumnDraft:
        """What no field of the model was found for: it never passes, unless somebody decides otherwise."""
        if profile.looks == "text":
            return ColumnDraft(profile.header, "free_text")
        if profile.looks == "identifier":
            return ColumnDraft(profile.header, "identity", comment="every cell is another one, with digits")
        said = f"{profile.looks}, {profile.distinct} different" if profile.filled else "no cell is filled"
        return ColumnDraft(profile.header, "ignore", comment=f"{NO_FIELD} ({said})")
