"""The clinical table of demo_breast_mg: UTF-8 with BOM, commas, Greek, local codes and typos.

One snapshot per export, one row per woman; screening controls have no diagnosis.
"""

from datetime import date, timedelta

from eucaim_pipelines.demo.people import Person
from eucaim_pipelines.demo.plan import DatasetPlan
from eucaim_pipelines.demo.tables import Cell, balance, write_csv

CANCER = frozenset(range(1, 21))
"""Patients with a diagnosis; the others came to screening."""
_NEGATIVE = range(21, 31)
_HEADER = (
    "Κωδικός", "Ονοματεπώνυμο", "Φύλο", "Ημ. γέννησης", "Ομάδα", "Ημ. διάγνωσης", "Ηλικία διάγνωσης",
    "Διάγνωση", "Ιστολογία", "Εντόπιση", "Βιοψία", "Θεραπεία", "Έναρξη θεραπείας", "Φάρμακο", "Δόση (Gy)",
    "Βαθμός", "Στάδιο", "Μέγεθος (mm)", "ER", "PR", "HER2", "Ki-67 (%)", "BI-RADS", "Πυκνότητα",
    "Εμμηνόπαυση", "Σημειώσεις",
)  # fmt: skip
_DRUG, _DOSE = {"ΧΜΘ": "Δοσεταξέλη"}, {"ΑΚΘ": "50"}
_STAGE, _HER2 = ("IA", "IIA", "IIB", "IIIA"), ("0", "1+", "2+", "3+")
_UNMAPPED_HER2 = (7, "2+ (FISH;)")
_RECEPTOR = ("θετ.", "αρν.", "ΘΕΤΙΚΟΙ")
_HISTOLOGY = ("ΠΔΚ", "διηθητικό πορογενές", "ΛΚ", "διηθ. πορογενες")
_UNMAPPED_HISTOLOGY = (12, "διηθητκό ???")
_DIAGNOSIS = ("ΚΜ1", "C50", "κμ1")
_WITHOUT_MEANING = {2: "Κ-17", 5: "Κ-17", 8: "Κ-17", 11: "Κ-18", 14: "Κ-17", 17: "Κ-18"}
_THERAPY = ("ογκεκτομή", "μαστεκτομή", "ΧΜΘ", "ΑΚΘ")
_DAUGHTERS = ("Πολυξένη Τσαγκαράκη", "Μυρτώ Ευσταθιάδη")
_KNOWN_IN_JANUARY, _KNOWN_IN_FEBRUARY = 24, 31


def first_visit(person: Person) -> date:
    """Day of the first mammogram."""
    return date(2022, 1, 10) + timedelta(days=person.number * 9)


def add_tables(plan: DatasetPlan, people: list[Person], clean: bool) -> None:
    """A snapshot in each export; one row has an unquoted comma in its note, so it has a cell too many."""
    folder, archive, tape = plan.exports[:3]
    early = [person for person in people if person.number <= _KNOWN_IN_JANUARY]
    later = [person for person in people if person.number <= _KNOWN_IN_FEBRUARY]
    deliveries = ((folder, early), (archive, later), (tape, people))
    for export, known in deliveries:
        rows = [_row(person, clean) for person in known]
        data = write_csv(_HEADER, rows, delimiter=",", encoding="utf-8-sig")
        if export is tape and not clean:
            data += _broken_row()
        export.add_table(f"ΚΛΙΝΙΚΑ/kliniki_{export.name[:7]}.csv", data, "women")
    unmapped = 0 if clean else len(_WITHOUT_MEANING) + 2
    keys = [[(person.patient_id,) for person in known] for _, known in deliveries]
    plan.rows["women"] = balance(keys, "snapshot", unmapped=unmapped, refused=0 if clean else 1)
    plan.table_patients = {person.patient_id for person in people}
    plan.identify(*_DAUGHTERS)


def _broken_row() -> bytes:
    cells = ["ΑΦ5999999", *[""] * (len(_HEADER) - 2), f"τηλ. {_DAUGHTERS[0]}", " απόγευμα"]
    return (",".join(cells) + "\r\n").encode()


def _row(person: Person, clean: bool) -> list[Cell]:
    number = person.number
    group = "Καρκίνος" if number in CANCER else "Αρνητικός έλεγχος" if number in _NEGATIVE else "Προληπτικός"
    note = f"Συνοδός {_DAUGHTERS[number % 2]}" if number % 3 == 0 else "ΔΑ"
    if number % 3 == 1:
        note = f"η {person.name.given} {person.name.family} ζήτησε αντίγραφο"
    return [
        person.patient_id,
        person.table_name,
        "Θ" if number % 7 else "θήλυ",
        f"{person.birth:%d/%m/%Y}",
        group,
        *_diagnosis(person, clean),
        "2" if number not in CANCER else "5",
        "ABCD"[number % 4],
        "μετά" if person.age(first_visit(person)) > 52 else "προ",
        note,
    ]


def _diagnosis(person: Person, clean: bool) -> list[Cell]:
    """The cells from the date of diagnosis to Ki-67; empty for screening controls."""
    number = person.number
    if number not in CANCER:
        return [""] * 17
    day = first_visit(person) + timedelta(days=12)
    diagnosis, histology = _DIAGNOSIS[number % len(_DIAGNOSIS)], _HISTOLOGY[number % len(_HISTOLOGY)]
    if not clean:
        diagnosis = _WITHOUT_MEANING.get(number, diagnosis)
        histology = _UNMAPPED_HISTOLOGY[1] if number == _UNMAPPED_HISTOLOGY[0] else histology
    therapy = _THERAPY[number % len(_THERAPY)]
    return [
        f"{day:%d/%m/%Y}",
        f"{person.age_decimal(day):.1f}",
        diagnosis,
        histology,
        "ΔΕ" if number % 2 else "ΑΡ",
        "FNA" if number % 4 == 0 else "κόρη",
        therapy,
        f"{day + timedelta(days=25 + number):%d/%m/%Y}",
        _DRUG.get(therapy, ""),
        _DOSE.get(therapy, ""),
        f"G{1 + number % 3}",
        _STAGE[number % len(_STAGE)],
        8 + number * 5 % 40,
        *_markers(person, clean),
    ]


def _markers(person: Person, clean: bool) -> list[Cell]:
    """Oestrogen and progesterone receptors, HER2, Ki-67."""
    number = person.number
    her2 = _HER2[number % len(_HER2)]
    if not clean and number == _UNMAPPED_HER2[0]:
        her2 = _UNMAPPED_HER2[1]
    receptors = _RECEPTOR[number % len(_RECEPTOR)], _RECEPTOR[number // 2 % len(_RECEPTOR)]
    return [*receptors, her2, f"{5 + number * 4 % 60}"]
