"""What an answer may tell: who influences answers at all, perturbation, rounding, and one answer for few.

Two rules, in this order.

1. **One person in six is counted**, six times over; who it is follows from the key and the pseudonym, the
   same in every query, dataset and release. Whoever is not counted leaves no trace in any answer: whatever is
   asked, of however many releases and by however many clients, membership is guessed right in at most
   1/2 + 1/12 = 58.3 % of balanced trials. No perturbation of the set alone can say that: where a changed set
   changes the noise, two answers that differ prove that somebody stands between them (70 % from one nested
   pair), and the noise of many sets that share one person averages out.
2. **The set of those counted decides** (cell key): Laplace noise of scale 1/0.28, drawn by the inverse
   distribution function from an HMAC of their sorted pseudonyms, is added, and the sum rounded to tens. Equal
   sets get equal answers. It is called perturbation; no epsilon is promised.

Fewer than ten people *counted* give one answer, zero included. So 0 to 9 people always do, and the limit is
no oracle: whether a tenth person exists who is not counted changes nothing. The price is that groups under
about sixty people are seldom told apart from none.
"""

import hmac
import math
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

import numpy as np
import numpy.typing as npt

from eucaim_pipelines.deidentification.keys.pseudonyms import SiteKey

WEIGHT = 6
"""One person in so many is counted, so many times."""
FEWEST = 10
SCALE = 1 / 0.28
STEP = 10
FEW = 10
"""The one answer for few people: what the search agent shows for fewer than ten."""
_TOKEN = 16


@dataclass(frozen=True)
class Counts:
    """Numbers of one answer as they leave: people and imaging studies."""

    subjects: int
    studies: int


class Control:
    """Disclosure control under a key of its own, derived from the site's key.

    Members are hashed as a concatenation of fixed-width keyed tokens in the order of pseudonyms: HMAC over it
    is a function of the set and of nothing else. Combinations that need no order (XOR, sums) are faster, but
    linear: sets with equal combinations could be constructed.
    """

    def __init__(self, key: SiteKey) -> None:
        self._key = key.derive("search answers", b"")

    def counts(self, pseudonym: str) -> bool:
        """Whether this person is among those who are counted."""
        number = int.from_bytes(self._draw("counted", pseudonym.encode())[:8])
        return number * WEIGHT < 2**64

    def tokens(self, pseudonyms: Sequence[str]) -> npt.NDArray[np.uint8]:
        """One row of bytes per person, in the order of the pseudonyms; rows of a set are what is hashed."""
        joined = b"".join(self._draw("member", each.encode())[:_TOKEN] for each in pseudonyms)
        return np.frombuffer(joined, np.uint8).reshape(-1, _TOKEN)

    def shown(self, tokens: npt.NDArray[np.uint8], studies: int) -> Counts:
        """What leaves for a set of counted people.

        Parameters
        ----------
        tokens
            Rows of the people who match, in the order of their pseudonyms.
        studies
            Exact number of their studies that match.
        """
        if len(tokens) < FEWEST:
            return Counts(FEW, FEW)
        members = tokens.tobytes()
        subjects, visits = (self.noise(what, members) for what in ("subjects", "studies"))
        return Counts(_rounded(len(tokens), subjects), _rounded(studies, visits))

    def noise(self, what: str, members: bytes) -> float:
        """Laplace noise of a set: the inverse distribution function at 52 keyed bits."""
        return laplace((int.from_bytes(self._draw(what, members)[:8]) >> 12) + 0.5)

    def name(self, query: bytes) -> str:
        """A keyed name of a query for log, budget and cache, from which it cannot be looked up."""
        return self._draw("query", query).hex()[:32]

    def _draw(self, label: str, value: bytes) -> bytes:
        return hmac.digest(self._key, label.encode() + b"\0" + value, sha256)


def laplace(position: float) -> float:
    """Laplace noise at `position` of 2**52 equally likely ones, each counted at its middle."""
    share = position / 2**52 - 0.5
    return -math.copysign(SCALE, share) * math.log1p(-2 * abs(share))


def _rounded(counted: int, noise: float) -> int:
    """Six times the count and the noise, rounded to tens; few is few."""
    if counted < FEWEST:
        return FEW
    return max(FEW, STEP * math.floor((WEIGHT * counted + noise) / STEP + 0.5))
