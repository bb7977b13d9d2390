"""Units of measure by their UCUM codes: whether two can be converted, and how.

Which field has which unit is said by the contracts; what a cell holds is read elsewhere.
"""

import re
from functools import cache
from typing import Any, NamedTuple

_DIGITS = 12
"""Significant digits of a converted number: below the noise of the factors, above any clinical precision."""


_ARBITRARY = re.compile(r"\[[^\]]*u\]", re.IGNORECASE)
"""Units that a procedure defines, such as [iU]: UCUM lets nothing else become one of them."""


class Conversion(NamedTuple):
    """From one unit to another: multiply, then add (temperatures have another zero)."""

    factor: float = 1.0
    offset: float = 0.0

    def __call__(self, number: float) -> float:
        """The number in the other unit, to 12 significant digits; unchanged if both units are the same."""
        if self == SAME:
            return number
        return float(f"{number * self.factor + self.offset:.{_DIGITS}g}")


SAME = Conversion()
AGES = {
    "a": SAME,
    "mo": Conversion(1 / 12),
    "wk": Conversion(7 / 365.25),
    "d": Conversion(1 / 365.25),
}
"""Units in which ages are written, to years."""


@cache
def conversion(unit: str, wanted: str) -> Conversion | None:
    """How numbers of one unit become those of another; None if they measure different things.

    Both are UCUM codes, case-sensitive (`mm`, `ng/mL`, `Cel`); a year has 365.25 days and a month a twelfth
    of them (UCUM a and mo).

    Raises
    ------
    ValueError
        One of them is no UCUM code, or nothing that can be computed.
    """
    if unit == wanted:
        return SAME
    import pint  # late, like ucumvert: two seconds that datasets in the model's own units need not pay

    registry = _registry()
    if sorted(_ARBITRARY.findall(unit.upper())) != sorted(_ARBITRARY.findall(wanted.upper())):
        _unit(unit), _unit(wanted)
        return None
    try:
        zero, one = (registry.Quantity(number, _unit(unit)).to(_unit(wanted)).magnitude for number in (0, 1))
    except pint.DimensionalityError:
        return None
    except (ArithmeticError, RecursionError):
        raise ValueError(f"'{unit}' cannot be computed as '{wanted}'") from None
    return Conversion(round(float(one) - float(zero), 15), float(zero)) if zero else Conversion(float(one))


@cache
def is_unit(code: str) -> bool:
    """Whether this is a UCUM code."""
    try:
        _unit(code)
    except ValueError:
        return False
    return True


@cache
def _registry() -> Any:
    from ucumvert import PintUcumRegistry  # type: ignore[import-untyped]

    return PintUcumRegistry()


@cache
def _unit(code: str) -> Any:
    from lark.exceptions import LarkError

    try:
        return _registry().from_ucum(code).units
    except (LarkError, AttributeError, RecursionError, OverflowError):
        raise ValueError(f"'{code}' is not a unit of UCUM") from None
