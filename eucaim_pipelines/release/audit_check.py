"""Whether an audit log holds: the first line at fault, by file and number, and what is wrong with it.

How the log is written is said in `audit_log`. What nobody can see here: log and head replaced together by an
older pair of this site. Whoever noted a head elsewhere (`eucaim audit head`) sees that too.
"""

import fcntl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from eucaim_pipelines.errors import DataError
from eucaim_pipelines.release.audit_log import HEAD, KEY_CHANGED, LOG, START, Head, Line, read_head


@dataclass(frozen=True)
class Checked:
    """What a check of the log came to.

    Attributes
    ----------
    lines
        Those that hold, from the first on.
    fault
        File, line and what is wrong, of the first that does not hold; None if all do.
    interrupted
        Whether the fault is what an interrupted append leaves; the next append completes it.
    """

    lines: Sequence[Line]
    fault: str | None = None
    interrupted: bool = False

    @property
    def key_changes(self) -> list[Line]:
        """Lines at which another key began to sign.

        Whoever has the key before may have written all that stands above: that it was the site's is not to
        be seen from the log.
        """
        return [line for line in self.lines if line.event == KEY_CHANGED]


def check(folder: Path, trusted: str, noted: tuple[int, str] | None = None) -> Checked:
    """Read the whole log again, line by line, then its head.

    Parameters
    ----------
    folder
        The restricted zone.
    trusted
        The site's public key, 64 hex digits.
    noted
        Number and hash of a line that was the head once and was noted elsewhere.
    """
    with _shared(folder / LOG) as data:
        return _checked(data, folder, trusted, noted)


def _checked(data: bytes, folder: Path, trusted: str, noted: tuple[int, str] | None) -> Checked:
    lines, what, torn = _read(data)
    fault = f"{LOG}, line {len(lines) + 1}: {what}" if what else None
    try:
        head = read_head(folder)
    except DataError:
        return Checked(lines, fault or f"{HEAD}, line 1: it is not as it was signed")
    if head is not None and head.public_key != trusted.lower():
        return Checked(lines, fault or f"{HEAD}, line 1: it was signed with another key")
    at_head = (head.n, head.hash) == _end(lines) if head is not None else not lines
    if fault is not None:
        return Checked(lines, fault, interrupted=torn and at_head)
    if not at_head:
        return _beside(lines, head)
    if noted is not None and (noted[0] > len(lines) or lines[noted[0] - 1].hash != noted[1]):
        return Checked(lines, f"{LOG}, line {noted[0]}: it is not the line that was noted")
    return Checked(lines)


@contextmanager
def _shared(path: Path) -> Iterator[bytes]:
    """The log's bytes, while nobody appends to it."""
    if not path.is_file():
        yield b""
        return
    with path.open("rb") as stream:
        fcntl.flock(stream, fcntl.LOCK_SH)
        yield stream.read()


def _read(data: bytes) -> tuple[list[Line], str | None, bool]:
    """The lines that continue the chain, what is wrong with the next one, and whether that is half a line."""
    *whole, rest = data.split(b"\n")
    lines: list[Line] = []
    for each in whole:
        try:
            line = Line.from_bytes(each + b"\n")
        except ValueError:
            return lines, "it is not as it was written", False
        if (line.n, line.previous) != (len(lines) + 1, lines[-1].hash if lines else START):
            return lines, "it does not follow the line before", False
        lines.append(line)
    return lines, "it ends in the middle" if rest else None, bool(rest)


def _beside(lines: Sequence[Line], head: Head | None) -> Checked:
    """A chain that holds and ends elsewhere than its head says."""
    n, signed = (head.n, head.hash) if head is not None else (0, START)
    if n > len(lines):
        return Checked(lines, f"{LOG}, line {len(lines) + 1}: it is missing; the head signs {n} lines")
    if n and lines[n - 1].hash != signed:
        return Checked(lines, f"{LOG}, line {n}: it is not the line that the head signs")
    if len(lines) == n + 1:
        return Checked(lines, f"{LOG}, line {n + 1}: the head does not sign it yet", interrupted=True)
    if head is None:
        return Checked(lines, f"{HEAD}, line 1: it is missing")
    return Checked(lines, f"{LOG}, line {n + 1}: the head does not sign it, nor what follows")


def _end(lines: Sequence[Line]) -> tuple[int, str]:
    return (lines[-1].n, lines[-1].hash) if lines else (0, START)
