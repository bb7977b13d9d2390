"""Invented names of patients in Spanish, German and Greek hospitals, some from elsewhere in other scripts.

How a name is written in DICOM and in tables is decided in people.py.
"""

from eucaim_pipelines.demo.people import CYRILLIC, GREEK, JAPANESE, UTF_8, Name


def _names(text: str) -> list[tuple[str, str]]:
    pairs = [line.split(",") for line in text.strip().splitlines()]
    return [(family.strip(), given.strip()) for family, given in pairs]


_SPANISH_WOMEN = _names(
    """
    García Núñez, María José
    Peñalver Añó, Begoña
    Lloréns Català, Núria
    Ibáñez Zuazua, Íñiga
    Sepúlveda Güell, Concepción
    Muñoz Cañizares, Ángela
    Fernández Briñas, Rocío
    Quiñones Vázquez, Mónica
    Bermúdez Otxoa, Leire
    Villaseñor Pons, Inés
    Armengol Boïgues, Mercè
    Cabañero Ruipérez, Lucía
    """
)
_SPANISH_MEN = _names(
    """
    Martínez Avellán, Joaquín
    Domènech Güemes, Jordi
    Echevarría Núñez, Iñaki
    Zaragozá Peris, Ramón
    Castellví Murià, Benet
    Gutiérrez Ocaña, Álvaro
    Hernández Sáez, Simón
    Llorente Argüello, Tomás
    Ordóñez Yáñez, Fermín
    Belmonte Cárceles, Andrés
    Santángel Roïs, Lluís
    Perelló Ibars, Vicent
    Yuste Almiñana, Agustín
    """
)
_FOREIGN_IN_SPAIN = {
    6: Name("Papadopoulou", "Eleni", "Παπαδοπούλου^Ελένη", GREEK),
    9: Name("Kowaltschuk", "Oleksandr", "Ковальчук^Олександр^Іванович", CYRILLIC),
    14: Name("Yamamoto", "Hanako", "Yamamoto^Hanako=山本^花子=やまもと^はなこ", JAPANESE),
    19: Name("Ouyang", "Zhiyuan", "Ouyang^Zhiyuan=欧阳^志远", UTF_8),
    22: Name("Wisniewska", "Zaneta", "Wiśniewska^Żaneta", UTF_8),
}


def spanish_name(number: int, woman: bool) -> Name:
    """Name of patient `number` of a Spanish hospital; a few came from elsewhere."""
    if number in _FOREIGN_IN_SPAIN:
        return _FOREIGN_IN_SPAIN[number]
    names = _SPANISH_WOMEN if woman else _SPANISH_MEN
    family, given = names[((number - 1) // 2) % len(names)]
    if (number - 1) // 2 >= len(names):  # the second round of the list: family names change places
        first, second = family.split(" ")
        family = f"{second} {first}"
    return Name(family, given)


_GERMAN_MEN = _names(
    """
    Krämer-Löffelholz, Jürgen
    Größenbrunner, Hans-Jörg
    Weißgerber, Götz
    Schönhöfer, Günther
    Mühlpointner, Alois
    Süßmilch, Detlef
    Pfählinger, Konrad
    Österreicher, Matthäus
    Höchstädter, Rüdiger
    Büchelmaier, Sören
    Fährmann-Ohm, Wolfgang
    Tröstensen, Björn
    Jägerndorfer, Ägidius
    Käsbohrer, Lothar
    Möllenhauer, Heinz-Günter
    Würzinger, Kilian
    Quäschner, Friedemann
    Räuschenbach, Gisbert
    Dörflinger, Emmeran
    """
)
_FOREIGN_IN_GERMANY = {
    5: Name("Özdemiroğlu", "Şükrü", "Özdemiroğlu^Şükrü", UTF_8),
    8: Name("Wassiljew", "Andrej", "Васильев^Андрей^Петрович", CYRILLIC),
    12: Name("Dimitropoulos", "Georgios", "Δημητρόπουλος^Γεώργιος", GREEK),
    17: Name("Yoshimura", "Kenichi", "Yoshimura^Kenichi=吉村^健一=よしむら^けんいち", JAPANESE),
    20: Name("Zhangsun", "Weiguo", "Zhangsun^Weiguo=长孙^卫国", UTF_8),
}


def german_name(number: int) -> Name:
    """Name of patient `number` of a German hospital for men's diseases."""
    if number in _FOREIGN_IN_GERMANY:
        return _FOREIGN_IN_GERMANY[number]
    before = sum(1 for foreign in _FOREIGN_IN_GERMANY if foreign < number)
    family, given = _GERMAN_MEN[number - 1 - before]
    return Name(family, given)


_GREEK_WOMEN = [
    ("Αναγνωστοπούλου", "Βασιλική"), ("Χατζηγεωργίου", "Ευαγγελία"), ("Κωνσταντινίδου", "Αικατερίνη"),
    ("Παπαχριστοδούλου", "Δέσποινα"), ("Τριανταφύλλου", "Θεοδώρα"), ("Σταματοπούλου", "Ιωάννα"),
    ("Μαυροειδή", "Κυριακή"), ("Ξενογιάννη", "Σταυρούλα"), ("Λαμπροπούλου", "Φωτεινή"),
    ("Ζαχαριάδου", "Παρασκευή"), ("Γιαννακοπούλου", "Χρυσάνθη"), ("Βουγιουκλή", "Μαρίνα"),
    ("Δημητρακοπούλου", "Αγγελική"), ("Καραμανώλη", "Ευδοκία"), ("Οικονομίδου", "Στέλλα"),
    ("Ρουσοπούλου", "Ζωή"), ("Φραγκιαδάκη", "Ελπίδα"), ("Ψαροπούλου", "Νεφέλη"),
]  # fmt: skip
_FOREIGN_IN_GREECE = {
    4: Name("Georgijewska", "Swetlana", "Георгиевска^Светлана", UTF_8),
    7: Name("Núñez-Brørby", "Åse", "NÚÑEZ-BRØRBY^ÅSE", UTF_8),
    13: Name("Takahashi", "Sakurako", "Takahashi^Sakurako=高橋^桜子=たかはし^さくらこ", UTF_8),
    22: Name("Shangguan", "Meiling", "Shangguan^Meiling=上官^美玲", UTF_8),
}


def greek_name(number: int) -> Name:
    """Name of patient `number` of a Greek breast clinic; each round of the list has other given names."""
    if number in _FOREIGN_IN_GREECE:
        return _FOREIGN_IN_GREECE[number]
    place = number - 1 - sum(1 for foreign in _FOREIGN_IN_GREECE if foreign < number)
    turn, index = divmod(place, len(_GREEK_WOMEN))
    family, given = _GREEK_WOMEN[index][0], _GREEK_WOMEN[(index + 5 * turn) % len(_GREEK_WOMEN)][1]
    return Name(family, given, f"{family}^{given}", GREEK)
