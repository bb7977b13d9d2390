"""All values of an output as one text that is searched at once, and which value a hit lies in.

What is searched for comes from `values`; what a hit means is said in `verification`.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import accumulate

from eucaim_pipelines.deidentification.verification.elements import Entry

_SMALL = 1 << 15
_FEW = 1 << 28
"""Bytes that may be passed over for all texts together before they are looked for all at once."""
_ROOTS = (6, 24)
_SHORTEST = 6
"""Bytes of the shortest text that `many` looks for."""


class Output:
    """The values of an output; large ones are searched on their own, in pieces."""

    def __init__(self, entries: list[Entry]) -> None:
        self._entries = [entry for entry in entries if entry[1].searched]
        self._large = [entry for entry in entries if isinstance(entry[1].raw, memoryview)]
        self._text = b"\n".join([value.searched for _, value in self._entries])
        self._positions: dict[bytes, list[int]] | None = None
        """Where the texts stand, when there are so many that all were looked for at once."""

    def present(self, wanted: set[bytes]) -> set[bytes]:
        """Which of the wanted bytes occur in any value; of very many, the short ones are not asked."""
        text = self._text
        size = len(text) + sum(len(value.raw) for _, value in self._large)
        if len(wanted) * size > _FEW:
            return self._at_once(wanted)
        small = len(text) < _SMALL
        found = {form for form in wanted if form in text} if small else self._among_many(wanted)
        for _, value in self._large:
            for chunk in value.chunks():
                found |= {form for form in wanted if form in chunk}
        return found

    def holding(self, forms: Iterable[bytes]) -> Iterator[Entry]:
        """Values in which one of the forms occurs; one that holds two of them comes twice."""
        for form in forms:
            if self._positions is not None and len(form) >= _SHORTEST:
                yield from self._at(self._positions.get(form, []))
                continue
            position = self._text.find(form)
            while position >= 0:
                index = bisect_right(self._starts, position)
                yield self._entries[index - 1]
                if index == len(self._entries):
                    break
                position = self._text.find(form, self._starts[index])
        for entry in self._large:
            if any(form in chunk for chunk in entry[1].chunks() for form in forms):
                yield entry

    def having(self, text: str, forms: Iterable[bytes]) -> Iterable[Entry]:
        """Values of which a text is the whole, or one part, which is as the forms say."""
        if self._positions is not None:
            return self._by_part.get(text, [])
        return [entry for entry in self.holding(forms) if text in entry[1].parts]

    @cached_property
    def _by_part(self) -> dict[str, list[Entry]]:
        found: dict[str, list[Entry]] = {}
        for entry in self._entries:
            for part in dict.fromkeys(entry[1].parts):
                found.setdefault(part, []).append(entry)
        return found

    def _at(self, positions: list[int]) -> Iterator[Entry]:
        """The values that the positions lie in, once each."""
        last = 0
        for position in positions:
            index = bisect_right(self._starts, position)
            if index != last:
                yield self._entries[index - 1]
            last = index

    def _at_once(self, wanted: set[bytes]) -> set[bytes]:
        from eucaim_pipelines.deidentification.verification.many import positions

        short = {form for form in wanted if len(form) < _SHORTEST}
        self._positions = positions(self._text, wanted - short)
        found = short | self._positions.keys()
        for _, value in self._large:
            for chunk in value.chunks():
                found |= positions(chunk, wanted - short).keys()
        return found

    @cached_property
    def _starts(self) -> list[int]:
        lengths = (len(value.searched) + 1 for _, value in self._entries)
        return list(accumulate(lengths, initial=0))[:-1]

    def _among_many(self, wanted: set[bytes]) -> set[bytes]:
        """As `form in text` for each; UIDs of one root are not looked for where the root is not."""
        text, found = self._text, set()
        roots: dict[bytes, bool] = {}
        for form in wanted:
            for length in _ROOTS:
                root = form[:length]
                if root not in roots:
                    roots[root] = root in text
                if not roots[root]:
                    break
            else:
                if form in text:
                    found.add(form)
        return found
