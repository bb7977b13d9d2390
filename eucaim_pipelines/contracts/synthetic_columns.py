"""The columns of synthetic rows: each cell drawn as its field's contract allows.

Which patient and owner a row belongs to was decided in `synthetic`.
"""

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from eucaim_pipelines.contracts.fields import Field
from eucaim_pipelines.contracts.rules import BETWEEN, IN_SET, NOT_NULL
from eucaim_pipelines.contracts.tables import Relationship, TableContract
from eucaim_pipelines.contracts.vocabularies import Vocabulary

PATIENT, CONDITION = "patient", "cancer_condition"
DATE_OF_LAST_CONTACT = "COM1001949"
"""Concept of the field after which nothing happens."""
WITH_CANCER = "COM1001087"
"""Population of the patients who have a diagnosis; the others are of any other population."""
APART = frozenset({"near_duplicate_group"})
"""Numbers that rows share where they are alike: each drawn row has its own."""
ORDINALS = frozenset({"ImagingTimepoint", "episode_number", "series_number", "segment_number"})
"""Fields that number the rows of one patient, study or series from 1."""
OF_ONE_SEX = frozenset(
    ("CLIN1003311", "CLIN1003316", "CLIN1003317", "CLIN1000075", "CLIN1000179", "CLIN1008742", "CLIN1016155",
     "CLIN1033194")
)  # fmt: skip
"""Cancers of the ovary, the uterus and the prostate: never drawn, because sexes are drawn on their own."""
FRAME_OF_REFERENCE = "frame_of_reference_uid"
DECEASED, CAUSE_OF_DEATH = "patient_deceased", "patient_cause_of_death"
EVENTS = ("event_table_name", "event_table_id")
"""Fields that refer to a row of the table that the first of them names."""
EVENT_TABLES = ("image_study", "treatment", "procedure", CONDITION)
SPREAD = {"mm": (1, 60), "cm3": (1, 80), "Gy": (1, 70), "%": (0, 100), "kg": (45, 110), "": (0, 100)}
"""Unit to the span that numbers are drawn from, where no rule is narrower."""
FIRST_DAY, DIAGNOSIS_SPAN = 14_610, 5_000
"""First diagnoses: the first possible day since 1970, and the days within which all are."""
LONGEST = 60
"""Days that what has a beginning and an end may last."""
EMPTY = 0.1
"""Share of cells left empty where the contract does not ask for a value."""


@dataclass(frozen=True)
class Placed:
    """Whose the rows of one table are; rows of one patient, and of one owner, stand together.

    Attributes
    ----------
    patient
        Row to index of the patient.
    place
        Row to its number among those of its owner, from 0.
    offset
        Row to days from diagnosis, rising with `place`.
    above
        Table that a row belongs to, directly or not, to the row there.
    """

    patient: np.ndarray
    place: np.ndarray
    offset: np.ndarray
    above: dict[str, np.ndarray] = field(default_factory=dict)


class Columns:
    """The columns of one table, drawn one after the other; `last` is the day on which all ends."""

    def __init__(
        self,
        contract: TableContract,
        contracts: Mapping[str, TableContract],
        vocabularies: Mapping[str, Vocabulary],
        placed: Mapping[str, Placed],
        last: int,
        seed: int,
    ) -> None:
        self.contract, self.contracts, self.vocabularies = contract, contracts, vocabularies
        self.placed, self.last = placed, last
        self.mine = placed[contract.name]
        self.count = len(self.mine.patient)
        self.draw = np.random.default_rng([seed, zlib.crc32(contract.name.encode()), 1])
        people = np.random.default_rng([seed, zlib.crc32(PATIENT.encode()), 2])
        everybody = len(placed[PATIENT].patient)
        self.diagnosed = (FIRST_DAY + people.integers(0, DIAGNOSIS_SPAN, everybody))[self.mine.patient]
        self.age = (people.integers(400, 800, everybody) / 10)[self.mine.patient]
        self.links = {relation.field: relation for relation in contract.relationships}
        self.coded = next((f.name for f in contract.fields.values() if f.value_set), None)
        self.cells: dict[str, pa.Array] = {}

    def made(self) -> pa.Table:
        """The table; what stands beside another field is filled after it."""
        beside = [f for f in self.contract.fields.values() if f.unit_of or f.category_of or f.offset_of]
        late = {each.name for each in beside}
        for each in self.contract.fields.values():
            if each.name not in late:
                self.cells[each.name] = self._column(each)
        for each in beside:
            self.cells[each.name] = self._beside(each)
        self._values()
        if CAUSE_OF_DEATH in self.cells:
            died = pc.fill_null(self.cells[DECEASED], False)
            self.cells[CAUSE_OF_DEATH] = _where(
                died.to_numpy(zero_copy_only=False), self.cells[CAUSE_OF_DEATH]
            )
        arrays = [self.cells[name].cast(self.contract.fields[name].type) for name in self.contract.fields]
        return pa.table(arrays, schema=self.contract.schema)

    def _column(self, each: Field) -> pa.Array:
        if each.name in EVENTS and self.contract.name == "episode_event":
            return self._event(each.name)
        if each.filled_by == "dataset":
            return pa.repeat("synthetic", self.count)
        if each.name in self.links:
            return self._linked(self.links[each.name])
        if each.filled_by == "nobody":
            return pa.nulls(self.count, each.type)
        if each.name in ORDINALS:
            return pa.array(self.mine.place + 1)
        if each.name in self.contract.primary_key:
            return keys(self.contract.name, each.name, np.arange(self.count))
        return self._with_gaps(each, self._drawn(each))

    def _drawn(self, each: Field) -> pa.Array:
        if each.value_set:
            return self._codes(each)
        if allowed := self._allowed(each.name):
            return pa.array(allowed, each.type).take(
                pa.array(self.draw.integers(0, len(allowed), self.count))
            )
        kinds: tuple[tuple[Callable[[Any], bool], Callable[[Field], pa.Array]], ...] = (
            (pa.types.is_string, self._words),
            (pa.types.is_date, self._dates),
            (pa.types.is_boolean, lambda _: pa.array(self.draw.random(self.count) < 0.5)),
        )
        fits = (make for is_kind, make in kinds if is_kind(each.type))
        return next(fits, self._numbers)(each)

    def _codes(self, each: Field) -> pa.Array:
        vocabulary = self.vocabularies[str(each.value_set)]
        codes = sorted(vocabulary.codes - OF_ONE_SEX)
        start = self.draw.integers(0, len(codes), self.count)
        if each.name == self.coded:  # rows of one patient say different things
            start = self.mine.patient * 7 + self.mine.place
        if each.value_set == "population" and CONDITION in self.placed:
            others = np.array([codes.index(code) for code in codes if code != WITH_CANCER])
            ill = np.isin(self.mine.patient, self.placed[CONDITION].patient)
            start = np.where(ill, codes.index(WITH_CANCER), others[start % len(others)])
        return pa.array(codes).take(pa.array(start % len(codes)))

    def _words(self, each: Field) -> pa.Array:
        if each.name.endswith("_digest"):
            return keys(self.contract.name, each.name, np.arange(self.count))
        if each.name == FRAME_OF_REFERENCE:
            return keys(PATIENT, each.name, self.mine.patient)
        words = pa.array([f"{each.name} {number}" for number in range(1, 8)])
        return words.take(pa.array(self.draw.integers(0, len(words), self.count)))

    def _dates(self, each: Field) -> pa.Array:
        days = self.diagnosed + self.mine.offset
        if each.concept == DATE_OF_LAST_CONTACT:
            days = self.diagnosed + self.last
        elif "end" in each.name.split("_"):
            days = days + self.draw.integers(0, LONGEST, self.count)
        return pa.array(days.astype("int32")).cast(pa.date32())

    def _numbers(self, each: Field) -> pa.Array:
        if each.name in APART:
            return pa.array(np.arange(self.count))
        if each.unit == "a":
            years = np.minimum(self.age + self.mine.offset / 365.25, 90.0)
            return pa.array(np.round(years, 1) if pa.types.is_floating(each.type) else years.astype(int))
        smallest, largest = self._span(each)
        if pa.types.is_floating(each.type):
            return pa.array(np.round(self.draw.uniform(smallest, largest, self.count), 2))
        return pa.array(self.draw.integers(int(smallest), int(largest) + 1, self.count))

    def _span(self, each: Field) -> tuple[float, float]:
        """What the rules of this field leave of the span of its unit; the rules count where they differ."""
        smallest, largest = SPREAD.get(each.unit or "", SPREAD[""])
        for rule in self._rules(each.name, BETWEEN):
            smallest = max(smallest, rule.get("min_value", smallest))
            largest = min(largest, rule.get("max_value", largest))
        return min(smallest, largest), largest

    def _allowed(self, name: str) -> list[Any]:
        sets = [list(rule.get("value_set", [])) for rule in self._rules(name, IN_SET)]
        return [value for value in sets[0] if all(value in other for other in sets)] if sets else []

    def _rules(self, name: str, expectation: str) -> list[Mapping[str, Any]]:
        simple = (r for r in self.contract.rules if r.query is None and r.expectation == expectation)
        return [rule.kwargs for rule in simple if rule.kwargs.get("column") == name]

    def _with_gaps(self, each: Field, cells: pa.Array) -> pa.Array:
        asked = each.requirement != "optional" or self._rules(each.name, NOT_NULL)
        if asked or not each.nullable or each.name == self.coded:
            return cells
        return _where(self.draw.random(self.count) >= EMPTY, cells)

    def _linked(self, relation: Relationship) -> pa.Array:
        """Key of the row that this one belongs to, else of the first one of the same owner or patient."""
        target = self.placed[relation.to_table]
        if relation.to_table == PATIENT:
            return keys(PATIENT, relation.to_field, self.mine.patient)
        if relation.to_table in self.mine.above:
            return keys(relation.to_table, relation.to_field, self.mine.above[relation.to_table])
        shared = [name for name in self.mine.above if name in target.above]
        mine = self.mine.above[shared[-1]] if shared else self.mine.patient
        theirs = target.above[shared[-1]] if shared else target.patient
        first = np.searchsorted(theirs, mine)
        found = np.isin(mine, theirs)
        return _where(found, keys(relation.to_table, relation.to_field, first))

    def _event(self, name: str) -> pa.Array:
        """Each episode has at most one event of each table: the first row of its patient there."""
        known = [t for t in EVENT_TABLES if t in self.placed and len(self.placed[t].patient)]
        if self.count and (self.mine.place >= len(known)).any():
            raise ValueError(f"An episode can have {len(known)} events here.")
        tables = pa.array(known, pa.string()).take(pa.array(self.mine.place))
        if name == "event_table_name":
            return tables
        ids = pa.nulls(self.count, pa.string())
        for table in known:
            there = self._linked(Relationship(name, table, self.contracts[table].primary_key[0]))
            ids = pc.if_else(pc.equal(tables, table), there, ids)
        return ids

    def _beside(self, each: Field) -> pa.Array:
        if each.offset_of:
            given = self.cells[each.offset_of].is_valid()
            return pc.if_else(given, pa.array(self.mine.offset), pa.scalar(None, pa.int64()))
        given = self.cells[str(each.unit_of or each.category_of)]
        if each.unit_of:
            return pc.if_else(given.is_valid(), each.unit_code, pa.scalar(None, pa.string()))
        coded = self.vocabularies[str(self.contract.fields[str(each.category_of)].value_set)]
        codes = sorted(coded.categories)
        of_code = pa.array([coded.categories[code] for code in codes], pa.string())
        return of_code.take(pc.index_in(given, value_set=pa.array(codes, pa.string())))

    def _values(self) -> None:
        """A result is a number with a unit or a word, never both."""
        for name in [name for name in self.cells if name.endswith("_value_as_number")]:
            start = name.removesuffix("as_number")
            words = self.draw.random(self.count) < 0.5
            self.cells[name] = _where(~words, self._numbers(self.contract.fields[name]))
            self.cells[f"{start}unit"] = _where(~words, self._codes(self.contract.fields[f"{start}unit"]))
            concept = self.contract.fields[f"{start}as_concept"]
            self.cells[concept.name] = _where(words, self._codes(concept))


def _where(keep: np.ndarray, cells: pa.Array) -> pa.Array:
    return pc.if_else(pa.array(keep), cells, pa.scalar(None, cells.type))


def keys(table: str, name: str, numbers: np.ndarray) -> pa.Array:
    """Keys of these rows of a table: UIDs look like UIDs, other keys say their table."""
    start = f"2.25.{zlib.crc32(f'{table}.{name}'.encode())}" if name.endswith("_uid") else f"{table}-"
    return pc.binary_join_element_wise(start, pa.array(numbers).cast(pa.string()), "")
