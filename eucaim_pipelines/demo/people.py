"""Patients and staff as the demo knows them: name, numbers, address, birth, and how they are written.

Nothing about images or tables; every string made here is an identity that must never be released.
"""

import unicodedata
from dataclasses import dataclass
from datetime import date, timedelta

from eucaim_pipelines.demo.plan import DatasetPlan, Seeds

LATIN_1, GREEK, CYRILLIC, UTF_8 = "ISO_IR 100", "ISO_IR 126", "ISO_IR 144", "ISO_IR 192"
_PLAIN = str.maketrans({"ß": "ss", "ø": "o", "ł": "l", "ı": "i", "æ": "ae"})
JAPANESE = ("", "ISO 2022 IR 87")


def unaccented(text: str) -> str:
    """Return the text without accents, as a console shows it whose character set lacks them."""
    plain = unicodedata.normalize("NFKD", text.translate(_PLAIN))
    return "".join(c for c in plain if not unicodedata.combining(c))


@dataclass(frozen=True)
class Name:
    """A name as a person writes it; `native` is the PN value where it differs, in its character set."""

    family: str
    given: str
    native: str | None = None
    charset: str | tuple[str, ...] = LATIN_1


@dataclass(frozen=True)
class Person:
    """One patient of a demo dataset; `birth` is the true date even where the images do not say it."""

    number: int
    patient_id: str
    other_id: str
    name: Name
    sex: str
    birth: date
    phone: str
    address: str
    city: str

    @property
    def dicom_name(self) -> str:
        """PatientName, value representation PN."""
        return self.name.native or f"{self.name.family.upper()}^{self.name.given.upper()}"

    @property
    def table_name(self) -> str:
        """Family name, given name: as the clinical tables write it."""
        return f"{self.name.family}, {self.name.given}"

    @property
    def charset(self) -> str | list[str]:
        """SpecificCharacterSet of this person's objects."""
        return list(self.name.charset) if isinstance(self.name.charset, tuple) else self.name.charset

    def age(self, day: date) -> int:
        """Completed years on a day."""
        return day.year - self.birth.year - ((day.month, day.day) < (self.birth.month, self.birth.day))

    def age_decimal(self, day: date) -> float:
        """Years on a day, to one decimal."""
        return round((day - self.birth).days / 365.25, 1)

    def note(self, plan: DatasetPlan) -> None:
        """List everything that identifies this person."""
        plan.identify(
            self.patient_id, self.other_id, self.table_name, f"{self.name.given} {self.name.family}"
        )
        plan.identify(*self.dicom_name.split("="), self.phone, self.address, self.city)
        plan.identify(f"{self.name.family.upper()}^{self.name.given.upper()}")
        plan.identify(self.name.family if len(self.name.family) > 7 else None)
        plan.identify(f"{self.birth:%d/%m/%Y}", f"{self.birth:%d.%m.%Y}")
        plan.birth_dates.add(f"{self.birth:%Y%m%d}")


@dataclass(frozen=True)
class Staff:
    """The people and places of one hospital that stand in its headers."""

    institution: str
    address: str
    department: str
    referring: tuple[str, ...]
    operators: tuple[str, ...]
    reading: tuple[str, ...]

    def note(self, plan: DatasetPlan) -> None:
        """List everything that identifies the hospital and its staff."""
        strings = (
            self.institution,
            self.address,
            self.department,
            *self.referring,
            *self.operators,
            *self.reading,
        )
        plan.identify(*strings)
        plan.identify(*(unaccented(string) for string in strings))
        plan.identify(*(name.split("^")[0] for name in (*self.referring, *self.reading)))


def birth_date(seeds: Seeds, number: int, oldest: int, youngest: int) -> date:
    """A birth date in the years from `oldest` to `youngest`."""
    first, last = date(oldest, 1, 2), date(youngest, 12, 30)
    return first + timedelta(days=seeds.number(0, (last - first).days, "birth", number))
