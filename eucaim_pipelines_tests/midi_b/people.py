"""Invented people in seven alphabets' encodings, and the sentences that mention them.

Nobody of these exists; every word of a name is unlike any term that DICOM or a vendor uses.
"""

from typing import NamedTuple


class Person(NamedTuple):
    """Identities of one invented patient, all of which the character set can encode."""

    character_set: str | list[str]
    name: str
    birth_name: str
    physician: str
    hospital: str
    address: str
    patient_id: str
    accession: str
    phone: str
    birth_date: str

    @property
    def family(self) -> str:
        """The family name."""
        return self.name.split("^")[0].split("=")[0]


_PEOPLE = (
    ("ISO_IR 100", "Überbäcker^Grünhilde", "Schößnagel", "Quiñónez^Begoña", "Krankenhaus Sübbelrath"),
    ("ISO_IR 101", "Dvořákowski^Žofie", "Křivonožka", "Wójcieszczyk^Łucja", "Nemocnice Břežžany"),
    (
        "ISO_IR 126",
        "Παπαδογιαννάκης^Ευστράτιος",
        "Τριανταφυλλίδη",
        "Κωνσταντάρα^Ασπασία",
        "Νοσοκομείο Πλαταμώνας",
    ),
    ("ISO_IR 144", "Щербаковский^Всеволод", "Журавлёвская", "Кузьмичёв^Ярополк", "Больница Заозёрная"),
    ("ISO_IR 148", "Çağlayangöz^Gülşah", "Öztürkmenli", "Yıldırımtürk^İlknur", "Hastanesi Gümüşhacıköy"),
    (
        "ISO_IR 192",
        "Łąckiewicz^Zdzisława=Ζαχαριάδης^Μηνάς",
        "Ивановецкая",
        "Ó Dubhshláine^Sadhbh",
        "Hôpital Plœmeur",
    ),
    (
        ["", "ISO 2022 IR 126"],
        "Stavropoulos^Xenophon",
        "Καραγκιόζη",
        "Θεοφιλοπούλου^Ρέα",
        "Κλινική Ξυλόκαστρο",
    ),
    ("", "Featherstonehaugh^Quillan", "Postlethwaite", "Higginbottom^Zebedee", "Wrothersley Infirmary"),
)


def person(number: int) -> Person:
    """The invented patient of a number; no two numbers share an identifier."""
    character_set, name, birth_name, physician, hospital = _PEOPLE[number % len(_PEOPLE)]
    return Person(
        character_set=character_set,
        name=name,
        birth_name=birth_name,
        physician=physician,
        hospital=hospital,
        address=f"Zwickelgasse {7301 + number} Quarndorf",
        patient_id=f"MRNX{58213470 + 37 * number}",
        accession=f"ACQX{90417 + number}",
        phone=f"+49-6897-55{4417 + number}",
        birth_date=f"{1938 + number % 50}0{1 + number % 9}1{number % 9}",
    )
