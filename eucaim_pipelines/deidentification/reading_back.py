"""Which de-identified objects pydicom reads back: those built like none before, and a keyed sample.

How one is read lies in `dicom.second_reading`, which is imported when it is needed: pydicom takes its time.
"""

from eucaim_pipelines.deidentification.images import Deidentified, Deidentifier

READ_BACK = 100
"""One object in so many is read back although its structure is known."""


def sampled(deidentifier: Deidentifier, sha256: str) -> bool:
    """Whether an object is one of the sample that is read back: 1 %, which ones only the key can tell.

    Parameters
    ----------
    sha256
        64 hex digits that name the object.
    """
    number = deidentifier.pseudonyms.digest("objects to read back", sha256)
    return int(number[:8], 16) % READ_BACK == 0


def read_back(
    output: Deidentified, sha256: str, deidentifier: Deidentifier, known: set[str], *, everything: bool
) -> None:
    """Let pydicom read an object if its structure is new, if it is in the sample, or if all are to be read.

    Parameters
    ----------
    sha256
        64 hex digits that name the object.
    known
        Structures that were read back; a new one is added.
    everything
        Whether every object is read back.

    Raises
    ------
    Refusal
        `OUTPUT_UNREADABLE` when pydicom cannot read it.
    """
    if everything or output.structure not in known or sampled(deidentifier, sha256):
        from eucaim_pipelines.dicom.second_reading import read_every_element

        read_every_element(output.data)
        known.add(output.structure)
