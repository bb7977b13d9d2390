"""De-identification of one DICOM object: bytes in, verified bytes and their inventory row out.

The order of the steps lives here; what happens to a value in `walker`, what may stay in `profile`.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from typing import Any, NamedTuple

from pydicom import Dataset
from pydicom.dataset import FileMetaDataset

from eucaim_pipelines.deidentification import codes, dates, marks, verification
from eucaim_pipelines.deidentification.profile import TOP_LEVEL, Profile, Rule
from eucaim_pipelines.deidentification.pseudonyms import Pseudonyms
from eucaim_pipelines.deidentification.replacements import REMOVED, Context
from eucaim_pipelines.deidentification.walker import Walker
from eucaim_pipelines.dicom import second_reading, transfer_syntaxes, values, writing
from eucaim_pipelines.dicom.examination import examine
from eucaim_pipelines.dicom.inventory import header_row
from eucaim_pipelines.errors import Refusal

ENGINE_VERSION = "2"
"""Raised whenever the code changes what comes out for equal input."""

EXPLAINED = "E"


class Subject(NamedTuple):
    """Whom an object belongs to.

    Attributes
    ----------
    pseudonym
        The resolved pseudonym; the date shift derives from it.
    pooled_age
        Whether the person reaches 90 years in any study, row or export.
    """

    pseudonym: str
    pooled_age: bool = False


@dataclass(frozen=True)
class SourceMaps:
    """What a source contract adds to the vocabularies.

    Attributes
    ----------
    series_descriptions
        Description as received to description as released (series, study and protocol).
    manufacturers
        Further spellings that may be released.
    body_parts
        Further spellings of BodyPartExamined that may be released.
    """

    series_descriptions: Mapping[str, str] = field(default_factory=dict)
    manufacturers: frozenset[str] = frozenset()
    body_parts: frozenset[str] = frozenset()

    @property
    def digest(self) -> str:
        """SHA-256 of the content, the same for equal maps."""
        content = repr(
            (sorted(self.series_descriptions.items()), sorted(self.manufacturers), sorted(self.body_parts))
        )
        return sha256(content.encode()).hexdigest()


class Deidentified(NamedTuple):
    """One released object."""

    data: bytes
    row: dict[str, Any]
    actions: Counter[tuple[int, str, str]]
    """How often (tag, action, reason) was applied; private tags are counted as they are. Action `E` counts
    values of the source that stand in the output because the profile keeps an equal one there."""
    structure: str
    """Equal for objects that are built alike: class, transfer syntax, tags and VRs."""
    unknown_terms: frozenset[tuple[int, str]]
    """Tag and term of code strings that the lists do not know, as received: for the restricted zone only."""


class Deidentifier:
    """De-identifies objects under one profile, one key and the maps of one source; can be pickled.

    Nothing about one object is remembered for the next but the resolved rules.
    """

    def __init__(
        self,
        profile: Profile,
        pseudonyms: Pseudonyms,
        maps: SourceMaps | None = None,
        date_policy: dates.DatePolicy = "shift",
    ) -> None:
        self.profile, self.pseudonyms, self.maps = profile, pseudonyms, maps or SourceMaps()
        self.date_policy: dates.DatePolicy = date_policy
        self._rules: dict[tuple[str, str], dict[int, Rule]] = {}

    @cached_property
    def digest(self) -> str:
        """Names what an object was made under: profile, vocabularies, source maps, dates, engine version."""
        content = f"{ENGINE_VERSION} {self.profile.digest} {self.maps.digest} {self.date_policy}"
        return sha256(content.encode()).hexdigest()

    def deidentify(self, data: bytes, subject: Subject) -> Deidentified:
        """Build the released form of a file.

        Raises
        ------
        Refusal
            Whatever `examine` refuses, and `MALFORMED` for pixel streams that cannot be rebuilt.
        """
        row, ds = examine(data)
        encoding = transfer_syntaxes.encoding(row["TransferSyntaxUID"])
        if encoding is None:
            raise Refusal("TRANSFER_SYNTAX_NOT_ALLOWED", header=row)
        context = self._context(row, ds, subject)
        sop_class = str(row["SOPClassUID"])
        walker = Walker(lambda place: self._resolved(sop_class, place), self.pseudonyms, context, encoding)
        out = walker.walk(ds)
        self._identify(out, subject, encoding)
        self._add_age(out, row, context, encoding)
        structured = 0x0040A730 in ds._dict
        marks.mark(out, self._method(), self.date_policy, encoding, structured=structured)
        out.file_meta = FileMetaDataset()
        out.file_meta.TransferSyntaxUID = row["TransferSyntaxUID"]
        new_row = header_row(out)
        if new_row["pixel_digest"]:
            new_row["pixel_digest"] = self.pseudonyms.digest("pixels", new_row["pixel_digest"])
        released = writing.to_file(
            out, sop_class, new_row["SOPInstanceUID"], row["TransferSyntaxUID"], encoding
        )
        structure = second_reading.structure(out, sop_class, row["TransferSyntaxUID"])
        unknown = frozenset(walker.replacements.unknown_terms)
        return Deidentified(released, new_row, walker.actions, structure, unknown)

    def deidentify_verified(self, data: bytes, subject: Subject) -> Deidentified:
        """`deidentify`, then search the output for every identity of the input; hits that the profile's own
        kept values explain are counted among the actions.

        Raises
        ------
        Refusal
            As `deidentify`, and `RESIDUAL_IDENTITY` when the search finds anything.
        """
        result = self.deidentify(data, subject)
        first_days = self.date_policy == "day_one"
        found = verification.verify(data, result.data, self.released_words, first_of_month=first_days)
        if found.residuals:
            raise Refusal("RESIDUAL_IDENTITY", header=examine(data).row)
        for (tag, explanation), count in found.explained.items():
            result.actions[tag, EXPLAINED, explanation] += count
        return result

    @cached_property
    def released_words(self) -> frozenset[str]:
        """Texts that this deidentifier itself writes, whatever the input says."""
        written = {
            REMOVED,
            "OTHER",
            self._method(),
            codes.LOCAL_MEANING,
            codes.LOCAL_SCHEME,
            "EUCAIM_PIPELINES",
        }
        return frozenset(
            written
            | set(self.maps.series_descriptions.values())
            | {option.meaning for option in marks.OPTIONS}
        )

    def _resolved(self, sop_class: str, place: str) -> dict[int, Rule]:
        rules = self._rules.get((sop_class, place))
        if rules is None:
            rules = self._rules[sop_class, place] = self.profile.rules(sop_class, place)
        return rules

    def _context(self, row: Mapping[str, Any], ds: Dataset, subject: Subject) -> Context:
        return Context(
            pseudonym=subject.pseudonym,
            pooled_age=subject.pooled_age,
            frames=row["NumberOfFrames"] or 1,
            compressed=transfer_syntaxes.stream(row["TransferSyntaxUID"]) != "native",
            descriptions=self.maps.series_descriptions,
            manufacturers={" ".join(name.split()).casefold(): name for name in self.maps.manufacturers},
            body_parts=frozenset(name.encode("ascii", "ignore") for name in self.maps.body_parts),
            kept_dimensions=self._kept_dimensions(ds, str(row["SOPClassUID"])),
            date_policy=self.date_policy,
        )

    def _kept_dimensions(self, ds: Dataset, sop_class: str) -> tuple[int, ...] | None:
        """Indices of the dimensions whose attribute stays; None when all do."""
        dimensions = values.items(ds, 0x00209222)
        if not dimensions:
            return None
        top = self._resolved(sop_class, TOP_LEVEL)
        order = "little" if ds.original_encoding[1] is not False else "big"
        kept = []
        for index, item in enumerate(dimensions):
            pointer = values.raw(item, 0x00209165) or b""
            tag = int.from_bytes(pointer[:2], order) << 16 | int.from_bytes(pointer[2:4], order)  # type: ignore[arg-type]
            if tag in top and not (top[tag].handler == "clear" and top[tag].empty == "X"):
                kept.append(index)
        return None if len(kept) == len(dimensions) else tuple(kept)

    def _identify(self, out: Dataset, subject: Subject, encoding: transfer_syntaxes.Encoding) -> None:
        """Name and identifier are the pseudonym, also where the source had none (type 2, PS3.3 C.7.1.1)."""
        marks.put(out, 0x00100010, "PN", subject.pseudonym, encoding)
        marks.put(out, 0x00100020, "LO", subject.pseudonym, encoding)

    def _add_age(
        self, out: Dataset, row: Mapping[str, Any], context: Context, encoding: transfer_syntaxes.Encoding
    ) -> None:
        if values.raw(out, 0x00101010):
            return
        birth, day = dates.parse_date(row["PatientBirthDate"]), dates.parse_date(row["StudyDate"])
        age = dates.age_at(birth, day) if birth and day else None
        pooled = dates.pooled_age(age, context.pooled_age) if age else None
        if pooled:
            marks.put(out, 0x00101010, "AS", pooled, encoding)
        elif 0x00101010 in out._dict:
            out._dict.pop(0x00101010)  # type: ignore[call-overload]

    def _method(self) -> str:
        return f"eucaim_pipelines {self.profile.name} {self.digest[:12]}"

    def __getstate__(self) -> dict[str, Any]:
        state = {name: getattr(self, name) for name in ("profile", "pseudonyms", "maps", "date_policy")}
        return state | {"_rules": {}}
