"""EUCAIM's own mapping template: five header lines, then `value,code` rows, one sheet for each episode.

It is read as data: what a variable becomes is decided in `template_names`, examples are never looked at.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from eucaim_pipelines.errors import SettingsError
from eucaim_pipelines.onboarding.found_lines import csv_lines, xlsx_lines

HEADER_LINES = ("source variable", "entity", "element", "standard", "example")
_FIRST_PAIR = len(HEADER_LINES)
_EPISODE = re.compile(r"[^A-Za-z0-9]+")


@dataclass(frozen=True)
class Pair:
    """One correspondence `value,code` as written, and the cell it stands in, such as `C7`."""

    text: str
    cell: str

    @property
    def cuts(self) -> tuple[tuple[str, str], ...]:
        """Value and code, cut at each comma, the last one first: values and labels may hold commas too."""
        places = [place for place, letter in enumerate(self.text) if letter == ","]
        pairs = [(self.text[:place], self.text[place + 1 :]) for place in reversed(places)]
        return tuple((value.strip().strip('"'), code.strip().strip('"')) for value, code in pairs)


@dataclass(frozen=True)
class Variable:
    """One column of the template."""

    name: str
    entity: str
    element: str
    standard: str
    cell: str
    pairs: tuple[Pair, ...]
    unread: tuple[str, ...] = ()


@dataclass(frozen=True)
class Episode:
    """One sheet: its name, the file it stands in, and its variables."""

    file: str
    sheet: str | None
    variables: tuple[Variable, ...]

    @property
    def name(self) -> str:
        """A name for the clinical file that it describes."""
        title = self.sheet or self.file.rpartition(".")[0]
        plain = _EPISODE.sub("_", title).strip("_").lower()
        return plain if plain[:1].isalpha() else f"episode_{plain}".rstrip("_")


def read_template(path: Path) -> list[Episode]:
    """The sheets of a template.

    Raises
    ------
    SettingsError
        The file is missing, of another kind, or has no sheet with the five header lines.
    """
    if not path.is_file():
        raise SettingsError(f"There is no file '{path}'.")
    if path.suffix.lower() == ".xlsx":
        sheets = _xlsx(path)
    elif path.suffix.lower() == ".csv":
        sheets = [(None, _csv(path))]
    else:
        raise SettingsError(f"'{path.name}' is neither .csv nor .xlsx.")
    found = [Episode(path.name, name, tuple(_variables(lines))) for name, lines in sheets]
    found = [episode for episode in found if episode.variables]
    if not found:
        raise SettingsError(
            f"'{path.name}' is no template: its first five lines are {', '.join(HEADER_LINES)}, "
            "and no variable has an entity or an element."
        )
    return found


def _xlsx(path: Path) -> list[tuple[str | None, list[list[str]]]]:
    sheets = xlsx_lines(path)
    return [(title, [[_text(cell) for cell in row] for row in rows]) for title, rows in sheets.items()]


def _text(cell: object) -> str:
    return "" if cell is None else str(cell).strip()


def _csv(path: Path) -> list[list[str]]:
    data = path.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", errors="replace")
    first = text.split("\n", 1)[0]
    delimiter = max((",", ";", "\t"), key=first.count)
    return csv_lines(path, text, delimiter)


def _variables(lines: Sequence[Sequence[str]]) -> Iterator[Variable]:
    """Every column that has a name and an entity or element; the first column may hold the lines' titles."""
    if len(lines) < _FIRST_PAIR - 1:
        return
    width = max(len(line) for line in lines)
    rows = [[*line, *[""] * (width - len(line))] for line in lines]
    rows += [[""] * width] * (_FIRST_PAIR - len(rows))
    titled = (
        bool(re.match(r"(source|variable|original)", rows[0][0].casefold()))
        and "entity" in rows[1][0].casefold()
    )
    for position in range(1 if titled else 0, width):
        name, entity, element, standard = (rows[line][position] for line in range(4))
        if not name or not re.search(r"[^\W\d_]", entity + element):
            continue
        cells = [(row[position], f"{letters(position)}{number}") for number, row in enumerate(rows, start=1)]
        told = [(text, cell) for text, cell in cells[_FIRST_PAIR:] if text]
        pairs = tuple(Pair(text, cell) for text, cell in told if "," in text)
        unread = tuple(cell for text, cell in told if "," not in text)
        yield Variable(name, entity, element, standard, f"{letters(position)}1", pairs, unread)


def letters(position: int) -> str:
    """The name of a column of a sheet: 0 is A, 26 is AA."""
    name, number = "", position + 1
    while number:
        number, rest = divmod(number - 1, 26)
        name = chr(ord("A") + rest) + name
    return name
