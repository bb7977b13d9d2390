"""The reference de-identification of one file, step by step with pydicom, nothing remembered.

What happens to a value is said in `replacements`, where it goes in `walker`.
"""

from io import BytesIO
from struct import unpack
from typing import Any

import pydicom
from pydicom import Dataset

from eucaim_pipelines.deidentification import dates
from eucaim_pipelines.deidentification.images import Deidentifier, Subject
from eucaim_pipelines.deidentification.rules.profile import TOP_LEVEL
from eucaim_pipelines.dicom import transfer_syntaxes
from eucaim_pipelines_tests.reference import marks, values, writing
from eucaim_pipelines_tests.reference.replacements import Context
from eucaim_pipelines_tests.reference.walker import Walker


def deidentify(data: bytes, subject: Subject, engine: Deidentifier) -> bytes:
    """The released form of a file under the profile, key, maps and options of an engine."""
    with values.quiet():
        ds = pydicom.dcmread(BytesIO(data))
    syntax, sop_class = str(ds.file_meta.TransferSyntaxUID), str(values.text(ds, 0x00080016))
    encoding = transfer_syntaxes.encoding(syntax)
    assert encoding is not None
    context = _context(ds, sop_class, syntax, subject, engine)
    walker = Walker(
        lambda place: engine.profile.rules(sop_class, place),
        engine.pseudonyms,
        context,
        encoding,
        private=engine.options.private_numbers,
    )
    out = walker.walk(ds)
    marks.put(out, 0x00100010, "PN", subject.pseudonym, encoding)
    marks.put(out, 0x00100020, "LO", subject.pseudonym, encoding)
    if engine.options.patient_characteristics:
        _add_age(out, ds, subject, encoding)
    marks.mark(
        out,
        f"eucaim_pipelines {engine.profile.name} {engine.digest[:12]}",
        engine.options,
        encoding,
        structured=0x0040A730 in ds._dict,
        private=walker.kept_private,
    )
    return writing.to_file(out, sop_class, str(values.text(out, 0x00080018)), syntax, encoding)


def _context(ds: Dataset, sop_class: str, syntax: str, subject: Subject, engine: Deidentifier) -> Context:
    frames = values.numbers(ds, 0x00280008)
    rows, columns = values.numbers(ds, 0x00280010), values.numbers(ds, 0x00280011)
    return Context(
        pseudonym=subject.pseudonym,
        pooled_age=subject.pooled_age,
        frames=int(frames[0]) if frames else 1,
        area=int(rows[0] * columns[0]) if rows and columns else 0,
        stream=str(transfer_syntaxes.stream(syntax)),
        descriptions=engine.maps.series_descriptions,
        manufacturers={" ".join(name.split()).casefold(): name for name in engine.maps.manufacturers},
        body_parts=frozenset(name.encode("ascii", "ignore") for name in engine.maps.body_parts),
        kept_dimensions=_kept_dimensions(ds, sop_class, engine),
        date_policy=engine.options.dates,
        characteristics=engine.options.patient_characteristics,
        birth_date=(values.text(ds, 0x00100030) or "")[:8],
    )


def _kept_dimensions(ds: Dataset, sop_class: str, engine: Deidentifier) -> tuple[int, ...] | None:
    dimensions = values.items(ds, 0x00209222)
    if not dimensions:
        return None
    top = engine.profile.rules(sop_class, TOP_LEVEL)
    kept = []
    for index, item in enumerate(dimensions):
        pointer = (values.raw(item, 0x00209165) or b"").ljust(4, b"\0")
        group, number = unpack("<HH" if ds.original_encoding[1] is not False else ">HH", pointer[:4])
        tag = group << 16 | number
        if tag in top and not (top[tag].handler == "clear" and top[tag].empty == "X"):
            kept.append(index)
    return None if len(kept) == len(dimensions) else tuple(kept)


def _add_age(out: Dataset, ds: Dataset, subject: Subject, encoding: Any) -> None:
    if values.raw(out, 0x00101010):
        return
    birth, day = (dates.parse_date(values.text(ds, tag)) for tag in (0x00100030, 0x00080020))
    age = dates.age_at(birth, day) if birth and day else None
    pooled = dates.pooled_age(age, subject.pooled_age) if age else None
    if pooled:
        marks.put(out, 0x00101010, "AS", pooled, encoding)
    elif 0x00101010 in out._dict:
        out._dict.pop(0x00101010)
