"""A source with identities, an output without, and what the search says of the two.

Used by the tests of verification.
"""

from eucaim_pipelines.deidentification.verification.verifier import verify

from .written import BIG_ENDIAN, EXPLICIT, file

NAME, INSTITUTION, COMMENT, STUDY_ID = 0x00100010, 0x00080080, 0x00204000, 0x00200010
STUDY_DATE, UID = 0x00080020, 0x00080018
IDENTITIES = {
    "name": (NAME, "PN", "Quintanilla^Berta"),
    "number": (0x00100020, "LO", "HOSP-00417733"),
    "uid": (UID, "UI", "1.2.826.0.1.3680043.77.1"),
    "date": (STUDY_DATE, "DA", "20190604"),
}
NEW_UID = b"2.25.282365146018938377379435997215908884723"
SAMPLES = [
    (0x00280002, "US", b"\1\0"),
    (0x00280010, "US", b"\2\0"),
    (0x00280011, "US", b"\2\0"),
    (0x00280100, "US", b"\x10\0"),
    (0x7FE00010, "OW", bytes(range(8))),
]
BIG_SAMPLES = [(tag, vr, value if vr == "OW" else value[::-1]) for tag, vr, value in SAMPLES]
CLEAN = [
    (UID, "UI", NEW_UID),
    (STUDY_DATE, "DA", b"20170801"),
    (NAME, "PN", b"EUCAIM-0123456789abcdef"),
]


def source(*elements, syntax=EXPLICIT, **file_parts):
    given_tags = {tag for tag, _, _ in elements}
    known = [(tag, vr, text.encode()) for tag, vr, text in IDENTITIES.values() if tag not in given_tags]
    return file([*known, *elements], syntax, **file_parts)


def output(*elements, syntax=EXPLICIT, **file_parts):
    given_tags = {tag for tag, _, _ in elements}
    samples = BIG_SAMPLES if syntax == BIG_ENDIAN else SAMPLES
    kept = [element for element in [*CLEAN, *samples] if element[0] not in given_tags]
    return file([*kept, *elements], syntax, **file_parts)


def leaks(original, released, **options):
    return verify(original, released, **options).residuals
