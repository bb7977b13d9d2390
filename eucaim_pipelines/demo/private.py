"""Private elements as three vendors write them, with the identities that they really hold.

Creators and element meanings after the vendors' public conformance statements; no other elements.
"""

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from eucaim_pipelines.demo.people import Person


def siemens(ds: Dataset, person: Person) -> None:
    """SIEMENS CSA HEADER: a binary protocol in which the patient's name and number stand as text."""
    block = ds.private_block(0x0029, "SIEMENS CSA HEADER", create=True)
    block.add_new(0x08, "CS", "IMAGE NUM 4")
    block.add_new(0x09, "LO", "20230101")
    block.add_new(0x10, "OB", _csa(person))
    medcom = ds.private_block(0x0029, "SIEMENS MEDCOM HEADER", create=True)
    medcom.add_new(0x31, "LO", f"4.0.{person.patient_id}")


def _csa(person: Person) -> bytes:
    """Bytes in the manner of a CSA2 header: magic, then tags of a 64-byte name and text items."""
    tags = {
        "UsedPatientWeight": "75.0",
        "tPatientName": person.dicom_name,
        "PatientID": person.patient_id,
        "SliceArrayConcatenations": "1",
    }
    blob = b"SV10\x04\x03\x02\x01" + len(tags).to_bytes(4, "little") + b"M\x00\x00\x00"
    for name, value in tags.items():
        text = value.encode()
        blob += name.encode().ljust(64, b"\x00") + len(text).to_bytes(4, "little") + text
    return blob + b"\x00" * (len(blob) % 2)


def ge(ds: Dataset, person: Person) -> None:
    """GEMS_PARM_01 and GEMS_IDEN_01: reconstruction parameters beside the examined person's number."""
    parameters = ds.private_block(0x0043, "GEMS_PARM_01", create=True)
    parameters.add_new(0x10, "US", 400)
    parameters.add_new(0x28, "OB", f"{person.patient_id}\0{person.name.family}".encode().ljust(80, b"\x00"))
    parameters.add_new(0x39, "IS", [0, 8, 0, 0])
    identity = ds.private_block(0x0009, "GEMS_IDEN_01", create=True)
    identity.add_new(0x01, "LO", "GE_GENESIS_FF")
    identity.add_new(0x31, "SH", person.patient_id)


def philips(ds: Dataset, person: Person) -> None:
    """Philips Imaging DD 001: numbers, and a nested stack item that names the person."""
    block = ds.private_block(0x2001, "Philips Imaging DD 001", create=True)
    block.add_new(0x03, "FL", 0.0)
    block.add_new(0x20, "LO", "TSE")
    block.add_new(0xC8, "LO", f"Karte {person.name.family}"[:64])
    stack = Dataset()
    stack.SpecificCharacterSet = ds.SpecificCharacterSet
    inner = stack.private_block(0x2001, "Philips Imaging DD 001", create=True)
    inner.add_new(0x32, "FL", 0.0)
    inner.add_new(0x36, "LO", person.patient_id)
    block.add_new(0x5F, "SQ", Sequence([stack]))


def hologic(ds: Dataset, person: Person) -> None:
    """HOLOGIC, Inc.: view parameters and a free comment."""
    block = ds.private_block(0x0019, "LORAD Selenia", create=True)
    block.add_new(0x06, "LO", "1.4 mm")
    block.add_new(0x07, "LO", f"{person.name.family} {person.patient_id}"[:64])
