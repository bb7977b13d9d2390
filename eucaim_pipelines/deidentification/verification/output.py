"""All values of an output as one text that is searched at once, and which value a hit lies in.

What is searched for comes from `values`; what a hit means is said in `verification`.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import accumulate

from eucaim_pipelines.deidentification.verification.elements import Entry

_SMALL = 1 << 15
_ROOTS = (6, 24)


class Output:
    """The values of an output; large ones are searched on their own, in pieces."""

    def __init__(self, entries: list[Entry]) -> None:
        self._entries = [entry for entry in entries if entry[1].searched]
        self._large = [entry for entry in entries if isinstance(entry[1].raw, memoryview)]
        self._text = b"\n".join([value.searched for _, value in self._entries])

    def present(self, wanted: set[bytes]) -> set[bytes]:
        """Which of the wanted bytes occur in any value."""
        text, small = self._text, len(self._text) < _SMALL
        found = {form for form in wanted if form in text} if small else self._among_many(wanted)
        for _, value in self._large:
            for chunk in value.chunks():
                found |= {form for form in wanted if form in chunk}
        return found

    def holding(self, forms: Iterable[bytes]) -> Iterator[Entry]:
        """Values in which one of the forms occurs; one that holds two of them comes twice."""
        for form in forms:
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
