"""What one process of a one-off run does: read an input once, de-identify and verify it, stage the output.

Which outputs are published is decided over all of them, in `rules`.
"""

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from eucaim_pipelines.deidentification.images import Deidentified, Deidentifier, Subject
from eucaim_pipelines.deidentification.one_off.inputs import Input, Reader
from eucaim_pipelines.deidentification.reading_back import read_back
from eucaim_pipelines.errors import MachineError, Refusal, contained
from eucaim_pipelines.ingest.exports import Export

Task = tuple[Input, Subject | None]
"""An input, and the person it is made for; None: whoever its header names."""


class Header(NamedTuple):
    """What the rules over all inputs ask of a header as received; names are DICOM keywords."""

    SOPInstanceUID: str | None
    SeriesInstanceUID: str | None
    StudyInstanceUID: str | None
    PatientID: str | None
    IssuerOfPatientID: str | None
    PatientBirthDate: str | None
    PatientAge: str | None
    StudyDate: str | None
    AcquisitionDate: str | None
    SeriesDate: str | None
    ContentDate: str | None


class Seen(NamedTuple):
    """What became of one input so far.

    Attributes
    ----------
    number
        Its place among the inputs.
    entered
        Whether the object itself may enter; a refusal is then the output's.
    subject
        The person that the output was made for.
    output
        Path of the staged output below OUT.
    """

    number: int
    sha256: str = ""
    refusal: str | None = None
    header: Header | None = None
    entered: bool = False
    subject: Subject | None = None
    output: str | None = None


@dataclass(frozen=True)
class Making:
    """What a process needs besides its tasks; can be pickled.

    Attributes
    ----------
    sources
        Folder and archives that inputs lie in.
    staging
        Folder that outputs are written to.
    limit
        Bytes of the largest file that is read.
    read_all
        Whether pydicom reads back every output, not only new structures and a sample.
    """

    deidentifier: Deidentifier
    sources: tuple[tuple[Export, str], ...]
    staging: str
    limit: int
    read_all: bool


class Worker:
    """One process's part: an open reader, the structures that were read back, the folders that are there."""

    def __init__(self, making: Making) -> None:
        self._making = making
        self._reader = Reader(making.sources, making.limit)
        self._structures: set[str] = set()
        self._folders: set[str] = set()

    def run(self, tasks: Sequence[Task]) -> list[Seen]:
        """Do some tasks; one bad file never stops the others.

        Raises
        ------
        MachineError
            When an output cannot be written.
        """
        return [self._one(item, subject) for item, subject in tasks]

    def close(self) -> None:
        """Close what is open."""
        self._reader.close()

    def _one(self, item: Input, subject: Subject | None) -> Seen:
        entrance = _Entrance(self._making.deidentifier, subject)
        refusal = output = None
        try:
            with contained():
                output = self._stage(self._made(item, entrance), entrance.sha256)
        except Refusal as refused:
            refusal, entrance.row = refused.reason, entrance.row or refused.header
        header = _header(entrance.row)
        person = entrance.subject if entrance.entered else None
        return Seen(item.number, entrance.sha256, refusal, header, entrance.entered, person, output)

    def _made(self, item: Input, entrance: "_Entrance") -> Deidentified:
        deidentifier, everything = self._making.deidentifier, self._making.read_all
        made = self._verified(item, entrance)
        read_back(made, entrance.sha256, deidentifier, self._structures, everything=everything)
        return made

    def _verified(self, item: Input, entrance: "_Entrance") -> Deidentified:
        """Made from one reading; the input's bytes are given back before anything else takes memory."""
        data = self._reader.read(item)
        entrance.sha256 = hashlib.sha256(data).hexdigest()
        made = self._making.deidentifier.deidentify_verified(data, entrance)
        return made._replace(pixels=None)

    def _stage(self, made: Deidentified, sha256: str) -> str:
        """Write an output where it will lie, but below the staging folder; equal inputs share a name."""
        row, name = made.row, self._making.deidentifier.pseudonyms.token("object", sha256, 32)
        folder = f"{row['PatientID']}/{row['StudyInstanceUID']}/{row['SeriesInstanceUID']}"
        path = f"{folder}/{name}.dcm"
        try:
            if folder not in self._folders:
                Path(self._making.staging, folder).mkdir(parents=True, exist_ok=True)
                self._folders.add(folder)
            write_file(f"{self._making.staging}/{path}", made.head, made.samples)
        except OSError as error:
            raise MachineError(f"OUT cannot be written: {error.strerror}.") from None
        return path


class _Entrance:
    """Tells whose an object is, from its header, and remembers how far it came."""

    def __init__(self, deidentifier: Deidentifier, subject: Subject | None) -> None:
        self._pseudonyms, self.subject = deidentifier.pseudonyms, subject
        self.sha256 = ""
        self.row: Mapping[str, Any] | None = None
        self.entered = False

    def __call__(self, row: Mapping[str, Any]) -> Subject:
        self.row, self.entered = row, True
        if self.subject is None:
            person = self._pseudonyms.patient(
                row["PatientID"], row["IssuerOfPatientID"], row["StudyInstanceUID"]
            )
            self.subject = Subject(person)
        return self.subject


def write_file(path: str, head: bytes, samples: bytes | memoryview) -> None:
    """Write a new file of two parts in one go."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666)
    left = [memoryview(part) for part in (head, samples) if len(part)]
    try:
        while left:  # Linux writes at most 2 GiB at once
            written = os.writev(handle, left)
            while left and written >= len(left[0]):
                written -= len(left.pop(0))
            if left:
                left[0] = left[0][written:]
    finally:
        os.close(handle)


def _header(row: Mapping[str, Any] | None) -> Header | None:
    return None if row is None else Header(*(row.get(name) for name in Header._fields))
