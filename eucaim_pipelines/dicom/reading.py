"""Bytes of a file to its elements, or a refusal with a reason: nothing is guessed and nothing forced.

The identity of content lives here too; which objects are welcome is said in `examination`.
"""

from hashlib import sha256
from pathlib import Path

from eucaim_pipelines.dicom import elements, structure, transfer_syntaxes
from eucaim_pipelines.dicom.elements import PIXEL_ELEMENTS, DataSet
from eucaim_pipelines.dicom.values import raw, text, whole_number
from eucaim_pipelines.errors import Refusal

READER_VERSION = "5"
"""Raised whenever the code reads or refuses a file otherwise than before; files are then read again."""


def reader_digest(contracts: Path) -> str:
    """Names how files are read: this reader's version and the tables of `contracts`/dicom."""
    digest = sha256(READER_VERSION.encode())
    for path in sorted((contracts / "dicom").glob("*.csv")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def content_sha256(data: bytes) -> str:
    """SHA-256 of the bytes after the file meta group, which repositories rewrite at each export.

    Raises
    ------
    Refusal
        When the file meta group cannot be read.
    """
    return sha256(memoryview(data)[structure.read_file_meta(data).body_start :]).hexdigest()


def parse(data: bytes) -> DataSet:
    """Read a DICOM file (PS3.10) strictly.

    Every length is checked against the bytes that are left, tags ascend, nesting is limited, pixel data has
    the length that Rows, Columns and their kin say, and nothing lies behind the last element.

    Raises
    ------
    Refusal
        `NOT_DICOM`, `ARCHIVE_COMPRESSED`, `TRUNCATED`, `MALFORMED`, `DICOMDIR`, `TOO_LARGE`,
        `TRANSFER_SYNTAX_NOT_ALLOWED`.
    """
    meta = structure.read_file_meta(data)
    if meta.storage_class == structure.MEDIA_DIRECTORY:
        raise Refusal("DICOMDIR")
    encoding = transfer_syntaxes.encoding(meta.transfer_syntax)
    if encoding is None:
        raise Refusal("TRANSFER_SYNTAX_NOT_ALLOWED")
    body, start = data, meta.body_start
    if meta.transfer_syntax == transfer_syntaxes.DEFLATED:
        body, start = structure.inflate(data[start:]), 0
    if start == len(body):
        raise Refusal("TRUNCATED")
    ds = elements.read(body, encoding, meta.transfer_syntax, start)
    _check_pixel_length(ds)
    return ds


def _check_pixel_length(ds: DataSet) -> None:
    present = [tag for tag in PIXEL_ELEMENTS if tag in ds]
    if not present:
        return
    if len(present) > 1:
        raise Refusal("MALFORMED")
    if transfer_syntaxes.stream(ds.transfer_syntax) != "native":
        return

    def size(tag: int) -> int | None:
        found = whole_number(ds, tag)
        return found if found is not None and found >= 0 else None

    rows, columns, samples = size(0x00280010), size(0x00280011), size(0x00280002)
    bits = PIXEL_ELEMENTS[present[0]] or size(0x00280100)
    frames = size(0x00280008) if raw(ds, 0x00280008) else 1
    if rows is None or columns is None or bits is None or frames is None:
        raise Refusal("MALFORMED")
    sampled = (samples or 1) * columns
    if text(ds, 0x00280004) == "YBR_FULL_422":
        sampled = 2 * columns
    expected = (rows * sampled * frames * bits + 7) // 8
    length = len(raw(ds, present[0]) or b"")
    if length < expected:
        raise Refusal("TRUNCATED")
    if length > expected + expected % 2:
        raise Refusal("MALFORMED")
