"""The concepts that a local spelling is nearest to, with a score; a suggestion, never a decision.

What becomes of a cell is said in `coding`; the words of several languages lie in `contracts.words`.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from rapidfuzz import fuzz, process

from eucaim_pipelines.contracts.ontology import Concept
from eucaim_pipelines.contracts.vocabularies import Vocabulary
from eucaim_pipelines.contracts.words import Words, fold

ONTOLOGY = "hyper-ontology"
"""Name, beside those of the vocabularies, of all concepts of the full ontology file."""

LEAST = 55
"""Score below which a concept is no suggestion."""

_UNSPECIFIED = re.compile(r"\b(not otherwise specified|nos)\b")
_IDLE = frozenset((
    "a", "abnormality", "and", "body", "by", "disorder", "finding", "for", "in", "malignant", "morphologic",
    "of", "on", "or", "proper", "structure", "the", "to",
))  # fmt: skip
_SAME = {"neoplasm": "tumor", "tumour": "tumor", "cancer": "tumor", "malignancy": "tumor", "gland": ""}
_NEGATIONS = frozenset(("no", "non", "not", "without", "negative", "benign"))
_NEGATED_OTHERWISE = 15
_ADDED_WORD, _ADDED_AT_MOST, _START = 3, 12, 4
"""What a concept loses for each word that the text does not say, so that the more general one is nearer."""
_SHORT = 3
_BEST_GUESS = 96
_WHOLE = 0.6
"""Weight of the letters of the whole text; the rest is that of the words which both texts share."""
_CANDIDATES, _RARE = 40, 200


@dataclass(frozen=True, order=True)
class Near:
    """A concept near a text; `score` from 0 to 100, 100 for the text itself, its code or another spelling."""

    score: int
    label: str
    code: str
    vocabulary: str


@dataclass(frozen=True)
class _Index:
    """Forms under which concepts of one vocabulary are found, sorted, with the concept of each."""

    name: str
    exact: Mapping[str, frozenset[str]]
    forms: tuple[str, ...]
    codes: tuple[str, ...]
    labels: Mapping[str, str]
    places: Mapping[str, tuple[int, ...]]  # word to the forms that hold it


@dataclass(frozen=True)
class Matcher:
    """Nearest concepts in vocabularies and, where the site names one, in the full ontology.

    Equal input gives equal suggestions; forms of concepts are folded once and kept.
    """

    vocabularies: Mapping[str, Vocabulary]
    words: Words
    ontology: Mapping[str, Concept] = field(default_factory=dict)
    _indices: dict[str, _Index] = field(default_factory=dict, compare=False, repr=False)

    def nearest(
        self, text: str, within: Sequence[str], *, limit: int = 3, language: str | None = None
    ) -> tuple[Near, ...]:
        """As `nearest_of_all`, for one text."""
        return self.nearest_of_all([text], within, limit=limit, language=language)[text]

    def nearest_of_all(
        self, texts: Iterable[str], within: Sequence[str], *, limit: int = 3, language: str | None = None
    ) -> dict[str, tuple[Near, ...]]:
        """The concepts that each text is nearest to, best first.

        Parameters
        ----------
        texts
            Local spellings, in any language of `words.csv`; `language` is tried before the others.
        within
            Names of vocabularies, or `ONTOLOGY`; a name that is not known holds nothing.

        Returns
        -------
        dict
            Every text once; with at most `limit` concepts of a score of `LEAST` or more. Texts of up to three
            letters and texts that are numbers are found whole or not at all, for `C61` is not nearly `C67`.
        """
        wanted = list(dict.fromkeys(texts))
        found: dict[str, dict[tuple[str, str], Near]] = {text: {} for text in wanted}
        for name in within:
            self._search(self._index(name), wanted, language, found)
        return {
            text: tuple(
                sorted(nears.values(), key=lambda n: (-n.score, len(n.label), n.label, n.code))[:limit]
            )
            for text, nears in found.items()
        }

    def _search(
        self,
        index: _Index,
        texts: Sequence[str],
        language: str | None,
        found: Mapping[str, dict[tuple[str, str], Near]],
    ) -> None:
        asked: list[tuple[str, str, int]] = []  # a text, what it may mean, and how many meanings come before
        for text in texts:
            readings = (fold(text), *self.words.english(text, language))
            for rank, reading in enumerate(dict.fromkeys(readings)):
                for code in index.exact.get(reading, ()):
                    _keep(found[text], index, code, 100 if rank == 0 else _BEST_GUESS + 1 - rank)
                form = _form(reading)
                if form and not _only_whole(form):
                    asked.append((text, form, max(rank - 1, 0)))
        if not asked or not index.forms:
            return
        rough = process.cdist([form for _, form, _ in asked], index.forms, scorer=fuzz.ratio, dtype=np.uint8)
        for row, (text, form, later) in enumerate(asked):
            for position in _candidates(rough[row], form, index):
                score = _score(form, index.forms[position], int(rough[row, position])) - later
                if score >= LEAST:
                    _keep(found[text], index, index.codes[position], score)

    def _index(self, name: str) -> _Index:
        if name not in self._indices:
            self._indices[name] = self._built(name)
        return self._indices[name]

    def _built(self, name: str) -> _Index:
        spellings: dict[str, list[str]] = {}
        labels: dict[str, str] = {}
        if name == ONTOLOGY:
            for code, concept in self.ontology.items():
                labels[code] = concept.label
                spellings[code] = [concept.label, *concept.spellings, *concept.notations]
        elif name in self.vocabularies:
            vocabulary = self.vocabularies[name]
            labels = {code: vocabulary.labels[code] for code in vocabulary.codes}
            spellings = {code: [labels[code]] for code in sorted(labels)}
            for alias, code in sorted(vocabulary.aliases.items()):
                spellings[code].append(alias)
        exact: dict[str, set[str]] = {}
        pairs: set[tuple[str, str]] = set()
        for code, texts in spellings.items():
            for text in (code, f"EUCAIM:{code}", *texts):
                exact.setdefault(fold(text), set()).add(code)
            pairs |= {(form, code) for text in texts if (form := _form(fold(text))) and not _only_whole(form)}
        ordered = sorted(pairs)
        places: dict[str, list[int]] = {}
        for position, (form, _) in enumerate(ordered):
            for word in form.split():
                places.setdefault(word, []).append(position)
        return _Index(
            name,
            {text: frozenset(codes) for text, codes in exact.items() if text},
            tuple(form for form, _ in ordered),
            tuple(code for _, code in ordered),
            labels,
            {word: tuple(positions) for word, positions in places.items()},
        )


def _score(form: str, other: str, whole: int) -> int:
    """How alike two forms are; `whole` is the likeness of all their letters."""
    shared = fuzz.token_set_ratio(form, other)
    score = min(_BEST_GUESS, round(_WHOLE * whole + (1 - _WHOLE) * shared))
    said, starts = set(form.split()), {word[:_START] for word in form.split()}
    added = [word for word in other.split() if word not in said and word[:_START] not in starts]
    negated = bool(_NEGATIONS & said) != bool(_NEGATIONS & set(other.split()))
    return score - _NEGATED_OTHERWISE * negated - min(_ADDED_AT_MOST, _ADDED_WORD * len(added))


def _candidates(rough: np.ndarray, form: str, index: _Index) -> set[int]:
    """The forms that look most alike, and those that share a word which few forms hold."""
    few = min(_CANDIDATES, len(rough))
    alike = np.argsort(-rough.astype(np.int16), kind="stable")[:few].tolist()
    shared = (index.places.get(word, ()) for word in form.split())
    return set(alike).union(*(positions for positions in shared if len(positions) <= _RARE))


def _keep(nears: dict[tuple[str, str], Near], index: _Index, code: str, score: int) -> None:
    key = index.name, code
    if key not in nears or nears[key].score < score:
        nears[key] = Near(score, index.labels[code], code, index.name)


def _form(folded: str) -> str:
    """Its words in alphabetical order, without those that say nothing: what is compared letter by letter."""
    said = _UNSPECIFIED.sub(" ", folded).split()
    words = {_SAME.get(word, word) for word in said} - _IDLE - {""}
    return " ".join(sorted(words))


def _only_whole(form: str) -> bool:
    letters = sum(character.isalpha() for character in form)
    return len(form) <= _SHORT or letters * 2 < len(form.replace(" ", ""))
