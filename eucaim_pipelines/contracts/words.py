"""Clinical words of several languages and what they mean in English, so that local spellings find concepts.

Which concept a text is nearest to is decided in `cdm.matching`, not here.
"""

import csv
import re
import unicodedata
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import takewhile
from pathlib import Path

from rapidfuzz import fuzz, process

from eucaim_pipelines.contracts import folder as contracts_folder
from eucaim_pipelines.errors import ContractError

FILE = ("onboarding", "words.csv")
LANGUAGES = ("en", "es", "it", "fr", "de", "nl", "pt", "el")
COLUMNS = ("english", "short", *LANGUAGES)
ANY = "short"
_LONGEST_PHRASE = 5
_SHORTEST_PART, _SHORTEST_STEM = 4, 4
_LONG, _ALIKE = 6, 85
_LATIN = str.maketrans({
    "α": "a", "β": "v", "γ": "g", "δ": "d", "ε": "e", "ζ": "z", "η": "i", "θ": "th", "ι": "i", "κ": "k",
    "λ": "l", "μ": "m", "ν": "n", "ξ": "x", "ο": "o", "π": "p", "ρ": "r", "σ": "s", "ς": "s", "τ": "t",
    "υ": "y", "φ": "f", "χ": "ch", "ψ": "ps", "ω": "o", "ß": "ss", "ø": "o", "æ": "ae", "œ": "oe", "ł": "l",
})  # fmt: skip


def fold(text: str) -> str:
    """Lower case, no accents, Greek in Latin letters, camelCase and punctuation as spaces.

    >>> fold("F. Inicio_QT"), fold("ageAtDiagnosis"), fold("Ιστολογία")
    ('f inicio qt', 'age at diagnosis', 'istologia')
    """
    apart = re.sub(r"(?<=[a-z]{2})(?=[A-Z])|(?<=[a-z])(?=[A-Z][a-z])", " ", text)
    bare = "".join(
        letter
        for letter in unicodedata.normalize("NFKD", apart.casefold())
        if not unicodedata.combining(letter)
    )
    return " ".join(re.findall(r"[^\W_]+", bare.translate(_LATIN)))


@dataclass(frozen=True)
class Words:
    """Folded phrase to what it means: English and the language it is of, in the order of the file."""

    meanings: Mapping[str, tuple[tuple[str, str], ...]]
    _memory: dict[tuple[str, str | None], tuple[str, ...]] = field(default_factory=dict, compare=False)

    def english(self, text: str, language: str | None = None) -> tuple[str, ...]:
        """What the text may mean, folded English first of the language, then of others; itself if unknown.

        The whole text is looked up, else its parts, longest first; compound words (`Therapiebeginn`) are
        taken apart, words cut short (`Histol.`) completed where only one word fits, and typos mended.
        """
        key = fold(text), language
        if key not in self._memory:
            self._memory[key] = self._read(*key)
        return self._memory[key]

    def language(self, texts: Iterable[str]) -> str | None:
        """The language that most of these texts are words of; none when two fit as well."""
        votes: Counter[str] = Counter()
        for text in texts:
            votes.update({language for _, language in self.meanings.get(fold(text), ()) if language != ANY})
        best = votes.most_common(2)
        return best[0][0] if best and (len(best) == 1 or best[0][1] > best[1][1]) else None

    def _read(self, folded: str, language: str | None) -> tuple[str, ...]:
        whole = self._of(folded, language)
        if whole:
            return whole
        shortened = self._shortened(folded)
        if shortened:
            return shortened
        tokens, parts = folded.split(), []
        while tokens:
            for length in range(min(_LONGEST_PHRASE, len(tokens)), 0, -1):
                phrase = " ".join(tokens[:length])
                meaning = self._of(phrase, language) or (self._piece(phrase, language) if length == 1 else ())
                if meaning or length == 1:
                    parts.append(meaning[0] if meaning else phrase)
                    tokens = tokens[length:]
                    break
        return (" ".join(parts),) if parts else ()

    def _shortened(self, folded: str) -> tuple[str, ...]:
        """What a phrase whose words are cut short means (`Ult. contacto`), where only one meaning fits."""
        cut = folded.split()
        if len(cut) < 2 or min(map(len, cut)) < 2:
            return ()
        fitting = [
            self.meanings[phrase]
            for phrase in self._starting(cut[0])
            if len(words := phrase.split()) == len(cut)
            and all(word.startswith(start) for word, start in zip(words, cut, strict=True))
        ]
        english = {meaning for found in fitting for meaning, _ in found}
        return tuple(english) if len(english) == 1 else ()

    def _of(self, phrase: str, language: str | None) -> tuple[str, ...]:
        found = self.meanings.get(phrase, ())
        order = (language, ANY, "en") if language else (ANY, "en")
        ranked = sorted(found, key=lambda each: order.index(each[1]) if each[1] in order else len(order))
        return tuple(dict.fromkeys(english for english, _ in ranked))

    def _piece(self, word: str, language: str | None) -> tuple[str, ...]:
        for cut in range(len(word) - _SHORTEST_PART, _SHORTEST_PART - 1, -1):
            first, second = self._of(word[:cut], language), self._of(word[cut:], language)
            if first and second:
                return (f"{first[0]} {second[0]}",)
        if len(word) < _SHORTEST_STEM or not word.isalpha():
            return ()
        longer = {meaning for phrase in self._starting(word) for meaning, _ in self.meanings[phrase]}
        if len(longer) == 1:
            return tuple(longer)
        typo = process.extractOne(word, self._singles, scorer=fuzz.ratio, score_cutoff=_ALIKE)
        return self._of(typo[0], language) if typo and len(word) >= _LONG else ()

    def _starting(self, word: str) -> list[str]:
        start = bisect_left(self._sorted, word)
        return list(takewhile(lambda phrase: phrase.startswith(word), self._sorted[start:]))

    @cached_property
    def _sorted(self) -> list[str]:
        return sorted(self.meanings)

    @cached_property
    def _singles(self) -> list[str]:
        return [phrase for phrase in self._sorted if " " not in phrase and len(phrase) >= _LONG]


def load_words(folder: Path | None = None) -> Words:
    """The words of `data_contracts/onboarding/words.csv`.

    Raises
    ------
    ContractError
        Other columns, or a row without its English; with file and line.
    """
    path = contracts_folder(folder).joinpath(*FILE)
    meanings: dict[str, list[tuple[str, str]]] = {}
    for line, row in _rows(path):
        if None in row or None in row.values() or not row["english"]:
            raise ContractError(
                file=str(path),
                line=line,
                what=f"A row has {len(COLUMNS)} cells, and English in the first.",
                remedy="Write alternatives in one cell with | between them.",
            )
        for language in (*LANGUAGES, ANY):
            for phrase in row[language].split("|"):
                _note(meanings, phrase, row["english"], language)
        _note(meanings, row["english"], row["english"], "en")
    return Words({phrase: tuple(found) for phrase, found in meanings.items()})


def _note(meanings: dict[str, list[tuple[str, str]]], phrase: str, english: str, language: str) -> None:
    found = meanings.setdefault(fold(phrase), []) if fold(phrase) else []
    if (fold(english), language) not in found:
        found.append((fold(english), language))


def _rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            rows = [(reader.line_num, row) for row in reader]
            header = tuple(reader.fieldnames or ())
    except OSError:
        raise ContractError(
            file=str(path), line=None, what="The file cannot be read.", remedy="Restore it."
        ) from None
    if header != COLUMNS:
        raise ContractError(
            file=str(path), line=1, what="The columns are others.", remedy=f"Write {','.join(COLUMNS)}."
        )
    return rows
