"""Errors of the domain: each says what, where and what to do, and never carries a value of a patient.

Nothing here knows where data lies or who runs the pipeline.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import IntEnum
from typing import Any


class Fault(IntEnum):
    """Who has to act; the exit code of a command (0 is "done")."""

    DATA = 1
    CALL = 2
    MACHINE = 3


class EucaimError(Exception):
    """Base of every error that the project raises on purpose; permanent unless it is a `MachineError`."""

    fault: Fault = Fault.CALL


class DataError(EucaimError):
    """The dataset itself is at fault: a check that must stop the release has failed."""

    fault = Fault.DATA


class MachineError(EucaimError):
    """Disk, object store or a lock: the same call may succeed later."""

    fault = Fault.MACHINE


class SettingsError(EucaimError):
    """A setting is missing or wrong; the message names it."""


class ContractError(EucaimError):
    """A contract does not say what it must; the message has file, line, what is expected."""

    def __init__(self, *, file: str, line: int | None, what: str, remedy: str) -> None:
        place = file if line is None else f"{file}:{line}"
        super().__init__(f"{place}: {what} {remedy}")
        self.file, self.line = file, line


class SiteKeyError(EucaimError):
    """The holder's pseudonym key is missing, too short or readable by others: nothing starts."""


class Refusal(EucaimError):
    """One input cannot go through; it is quarantined with `reason`, and the rest of the dataset goes on.

    Parameters
    ----------
    reason
        A code of `data_contracts/reasons.csv`.
    header
        Header row of the object, where it could be read with certainty; it tells the ledger which
        instance, series and patient the refused file belongs to. Never part of the message.
    """

    fault = Fault.DATA

    def __init__(self, reason: str, *, header: Mapping[str, Any] | None = None) -> None:
        super().__init__(
            f"The input is refused: {reason}. Its meaning and remedy: data_contracts/reasons.csv."
        )
        self.reason, self.header = reason, header

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild_refusal, (self.reason, self.header)


@contextmanager
def contained() -> Iterator[None]:
    """Make a refusal of whatever goes wrong with one object, so that it stops no other one.

    What an exception says may hold a value of the object; nothing of it goes on.
    """
    try:
        yield
    except EucaimError:
        raise
    except MemoryError:
        raise Refusal("TOO_LARGE") from None
    except Exception:  # noqa: BLE001 - a fault of ours, or a file that nobody thought of
        raise Refusal("ENGINE_FAILED") from None


def _rebuild_refusal(reason: str, header: Mapping[str, Any] | None) -> Refusal:
    return Refusal(reason, header=header)
