"""Suggestions for the spellings of one column: a code with its score, or TODO with what is nearest.

Which vocabulary a column has is decided in `meanings`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from eucaim_pipelines.cdm.matching import Matcher, Near
from eucaim_pipelines.contracts.vocabularies import Vocabulary
from eucaim_pipelines.contracts.words import ANY, fold
from eucaim_pipelines.onboarding.drafts import TODO, ValueDraft

SURE, WORTH_SAYING = 80, 60
"""Scores from which a concept is suggested, and from which it is named beside a TODO."""

NONE: Mapping[str, str] = MappingProxyType({})
_PREFIXES = {"population": ("patient with",)}
"""What the labels of a vocabulary say before what local spellings say."""

_SHORT = 2
_CATEGORY = re.compile(r"(T|N|M)(\d[a-d]?|X|is)", re.IGNORECASE)
_STAGINGS = {
    "c": re.compile(r"\b[ck]l[ií]ni|\bc(TNM|[TNM])\b", re.IGNORECASE),
    "p": re.compile(r"\bpatholog|\bpatol[oó]g|\bp(TNM|[TNM])\b", re.IGNORECASE),
}
_TRUTHS = {"yes": True, "no": False, "deceased": True, "alive": False}


@dataclass(frozen=True)
class Speller:
    """Finds codes for local spellings, in the language of the table first."""

    matcher: Matcher
    language: str | None
    missing: frozenset[str] = frozenset()

    def codes(
        self,
        spellings: Sequence[str],
        vocabulary: str,
        about: Sequence[str] = (),
        legend: Mapping[str, str] = NONE,
    ) -> tuple[ValueDraft, ...]:
        """A code or TODO for each spelling.

        Parameters
        ----------
        about
            What the column is about: `BI-RADS` makes `BI-RADS 4` of a cell that holds `4`.
        legend
            What the table itself says that its spellings mean.
        """
        texts = {spelling: legend.get(spelling, spelling) for spelling in spellings}
        whole = {
            s: d for s, text in texts.items() if (d := self._whole(s, text, vocabulary, about)) is not None
        }
        words = [text for spelling, text in texts.items() if spelling not in whole]
        nears = self._nearest(words, vocabulary)
        letters = self._letters([text for text in words if len(fold(text)) <= _SHORT], vocabulary)
        return tuple(
            whole[spelling] if spelling in whole else self._draft(spelling, text, nears[text], letters)
            for spelling, text in texts.items()
        )

    def fit(
        self,
        spellings: Sequence[tuple[str, int]],
        vocabulary: str,
        about: Sequence[str] = (),
        legend: Mapping[str, str] = NONE,
    ) -> float:
        """The share of rows, among those of these spellings, whose spelling has a sure code."""
        drafts = self.codes([spelling for spelling, _ in spellings], vocabulary, about, legend)
        rows = dict(spellings)
        total = sum(rows.values())
        return sum(rows[d.spelling] for d in drafts if d.value != TODO) / total if total else 0

    def truths(
        self, spellings: Sequence[str], vital: bool = False, legend: Mapping[str, str] = NONE
    ) -> tuple[ValueDraft, ...] | None:
        """True or false for each spelling, if all are words for it; 1 and 0 too, but of a vital status."""
        found = {s: self._truth(legend.get(s, s), vital) for s in spellings}
        if not found or None in found.values() or len(set(found.values())) > 2:
            return None
        return tuple(ValueDraft(spelling, bool(truth)) for spelling, truth in found.items())

    def _truth(self, spelling: str, vital: bool) -> bool | None:
        plain = fold(spelling)
        if plain in ("1", "0"):
            return None if vital else plain == "1"
        if plain in ("true", "false"):
            return plain == "true"
        meanings = self.matcher.words.english(spelling, self.language)
        return next((_TRUTHS[each] for each in meanings if each in _TRUTHS), None)

    def _whole(self, spelling: str, text: str, vocabulary: str, about: Sequence[str]) -> ValueDraft | None:
        """No value; or the code of the cell together with what it is about; or that a number says nothing.

        Numbers are words of the vocabulary or not: `1` is not nearly `1+`.
        """
        if text != spelling and text.casefold() in self.missing:
            return ValueDraft(spelling, None, text)
        known = self.matcher.vocabularies[vocabulary]
        texts = [*_together(text, about), *([text] if _numeral(text) and not text.isdigit() else [])]
        codes = {code for each in texts if (code := known.code(each)) is not None}
        if not codes and _CATEGORY.fullmatch(text.strip()):
            staged = _staged(spelling, text.strip(), known, about)
            if staged is not None:
                return staged
        if len(codes) == 1:
            code = codes.pop()
            return ValueDraft(spelling, code, f"{known.labels[code]}, 100")
        return ValueDraft(spelling, TODO, "what does this number mean?") if _numeral(text) else None

    def _nearest(self, texts: Sequence[str], vocabulary: str) -> Mapping[str, tuple[Near, ...]]:
        within, language = [vocabulary], self.language
        fuller = {text: f"{prefix} {text}" for text in texts for prefix in _PREFIXES.get(vocabulary, ())}
        found = self.matcher.nearest_of_all([*texts, *fuller.values()], within, language=language)
        return {
            text: max((found[each] for each in (text, fuller.get(text, text))), key=_best_score)
            for text in texts
        }

    def _letters(self, spellings: Sequence[str], vocabulary: str) -> dict[str, str | None]:
        """Codes of spellings of one or two letters that mean several things: by language, and by exclusion.

        `M` is a man, or a woman where `V` is a man; alone it stays undecided.
        """
        options = {spelling: self._meanings(spelling, vocabulary) for spelling in spellings}
        options = {spelling: codes for spelling, codes in options.items() if codes}
        changed = True
        while changed:
            taken = {next(iter(codes)) for codes in options.values() if len(codes) == 1}
            narrower = {s: codes - taken if len(codes) > 1 else codes for s, codes in options.items()}
            changed = narrower != options
            options = narrower
        return {
            spelling: next(iter(codes)) if len(codes) == 1 else None for spelling, codes in options.items()
        }

    def _meanings(self, spelling: str, vocabulary: str) -> set[str]:
        spoken = {self.language, ANY, "en"} if self.language else None
        known = self.matcher.words.meanings.get(fold(spelling), ())
        english = [meaning for meaning, language in known if spoken is None or language in spoken]
        codes = {self.matcher.vocabularies[vocabulary].code(meaning) for meaning in english}
        own = self.matcher.vocabularies[vocabulary].code(spelling)
        return {code for code in (*codes, own) if code is not None}

    def _draft(
        self, spelling: str, text: str, nears: tuple[Near, ...], letters: Mapping[str, str | None]
    ) -> ValueDraft:
        said = "" if text == spelling else f"{text}: "
        if text in letters:
            code = letters[text]
            if code is None:
                return ValueDraft(spelling, TODO, f"{said}it can mean several things")
            return ValueDraft(spelling, code, said + self._label(code, nears))
        if not nears or nears[0].score < WORTH_SAYING:
            return ValueDraft(spelling, TODO, f"{said}no concept is near")
        best = nears[0]
        if best.score < SURE:
            return ValueDraft(spelling, TODO, f"{said}nearest: {best.code} {best.label} ({best.score})")
        return ValueDraft(spelling, best.code, f"{said}{best.label}, {best.score}")

    def _label(self, code: str, nears: tuple[Near, ...]) -> str:
        found = {near.code: near for near in nears}
        return f"{found[code].label}, {found[code].score}" if code in found else code


def _best_score(nears: tuple[Near, ...]) -> int:
    return nears[0].score if nears else 0


def _numeral(spelling: str) -> bool:
    return not any(character.isalpha() for character in spelling)


def _staged(spelling: str, text: str, known: Vocabulary, about: Sequence[str]) -> ValueDraft | None:
    """A T, N or M category as the federated search asks for it: clinical or pathological, as the header says.

    None where the vocabulary has neither; TODO with both where nothing says which it is.
    """
    codes = {prefix: code for prefix in _STAGINGS if (code := known.code(prefix + text)) is not None}
    said = [prefix for prefix, told in _STAGINGS.items() if any(told.search(topic) for topic in about)]
    if len(said) == 1 and said[0] in codes:
        code = codes[said[0]]
        return ValueDraft(spelling, code, f"{known.labels[code]}, 100")
    if not codes or len(said) == 1:
        return None
    options = " or ".join(f"{code} {known.labels[code]}" for code in codes.values())
    return ValueDraft(spelling, TODO, f"clinical or pathological? {options}")


def _together(spelling: str, about: Sequence[str]) -> list[str]:
    """A cell together with what its column is about: `3`, or `T3`, of `cT` is `cT3`."""
    texts = []
    for topic in about:
        texts += [f"{topic} {spelling}", f"{topic}{spelling}"]
        if len(topic) > 1 and spelling[:1].casefold() == topic[-1].casefold():
            texts.append(f"{topic[:-1]}{spelling}")
    return texts
