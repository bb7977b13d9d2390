"""De-identification of one DICOM object: bytes in, verified bytes and their inventory row out.

The order of the steps lives here; what happens to a value in `walker`, what may stay in `profile`.
"""

from collections import ChainMap, Counter, OrderedDict
from collections.abc import Callable, Mapping
from functools import cached_property
from hashlib import sha256
from typing import Any, NamedTuple

from eucaim_pipelines import contracts
from eucaim_pipelines.deidentification import dates
from eucaim_pipelines.deidentification.engine import marks
from eucaim_pipelines.deidentification.engine.replacements import REMOVED, Replacements, Source
from eucaim_pipelines.deidentification.engine.walker import Walker, put
from eucaim_pipelines.deidentification.engine.wholeness import check_whole
from eucaim_pipelines.deidentification.keys.pseudonyms import Pseudonyms
from eucaim_pipelines.deidentification.options import Options, SourceMaps
from eucaim_pipelines.deidentification.pixels import faces
from eucaim_pipelines.deidentification.pixels.cleaning import PixelCleaner
from eucaim_pipelines.deidentification.rules import codes
from eucaim_pipelines.deidentification.rules.profile import TOP_LEVEL, Profile, Rule
from eucaim_pipelines.deidentification.verification.verifier import Verifier
from eucaim_pipelines.dicom import reading, second_reading, transfer_syntaxes, values, writing
from eucaim_pipelines.dicom.elements import DataSet
from eucaim_pipelines.dicom.examination import Examined, examine
from eucaim_pipelines.dicom.inventory import header_row
from eucaim_pipelines.dicom.transfer_syntaxes import Encoding
from eucaim_pipelines.errors import Refusal, contained

ENGINE_VERSION = "4"
"""Raised whenever the code changes what comes out for equal input."""

EXPLAINED = "E"
_WALKERS = 8
"""Persons, SOP classes and encodings whose replacements are remembered at a time."""


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


SubjectOf = Subject | Callable[[Mapping[str, Any]], Subject]
"""A person, or how to tell who it is from the header row as received."""


class Deidentified(NamedTuple):
    """One released object, its bytes in two parts so that large samples are not copied."""

    head: bytes
    """The file up to its native samples; all of it when the samples are compressed, deflated or absent."""
    samples: bytes | memoryview
    """Native samples that follow, as they lie in the input."""
    row: dict[str, Any]
    """Header row of the released object; its `pixel_digest` is left to whoever needs it."""
    actions: Counter[tuple[int, str, str]]
    """How often (tag, action, reason) was applied; private tags are counted as they are. Action `E` counts
    values of the source that stand in the output because the profile keeps an equal one there."""
    structure: str
    """Equal for objects that are built alike: class, transfer syntax, tags and VRs."""
    unknown_terms: frozenset[tuple[int, str]]
    """Tag and term of code strings that the lists do not know, as received: for the restricted zone only."""
    pixels: bytes | memoryview | None
    """Value of the released pixel data element."""
    residuals: int | None = None
    """What the verifier found that nothing explains; None while nobody has looked."""

    @property
    def data(self) -> bytes:
        """The whole file."""
        return b"".join((self.head, self.samples))


class Deidentifier:
    """De-identifies objects under one profile, one key and the maps of one source; can be pickled.

    Replacements of the last few persons are remembered, each with everything that it depends on.
    """

    def __init__(
        self,
        profile: Profile,
        pseudonyms: Pseudonyms,
        maps: SourceMaps | None = None,
        options: Options | None = None,
        cleaner: PixelCleaner | None = None,
    ) -> None:
        self.options = options or Options()
        self.profile = profile.with_options(self.options)
        self.pseudonyms, self.maps = pseudonyms, maps or SourceMaps()
        self.cleaner = (cleaner or PixelCleaner()) if self.options.pixels == "clean" else None
        self._forget()

    def _forget(self) -> None:
        self._rules: dict[tuple[str, str], ChainMap[int, Rule]] = {}
        self._walkers: OrderedDict[tuple[str, Encoding, Subject], Walker] = OrderedDict()

    @cached_property
    def digest(self) -> str:
        """Names what an object was made under: profile, vocabularies, maps, options, engine version."""
        cleaner = faces.digest(faces.plugged_in()) + (self.cleaner.digest if self.cleaner else "")
        reader = reading.reader_digest(contracts.folder())
        content = f"{ENGINE_VERSION} {reader} {self.profile.digest} {self.maps.digest} {tuple(self.options)}"
        return sha256(f"{content} {cleaner}".encode()).hexdigest()

    def deidentify(self, data: bytes, subject: SubjectOf) -> Deidentified:
        """Build the released form of a file, unverified.

        Raises
        ------
        Refusal
            Whatever `examine` refuses, `BURNED_IN_RISK` for pixels that may show text and are not to be
            cleaned, whatever `PixelCleaner.clean` refuses, `MALFORMED` for streams that cannot be rebuilt.
        """
        examined = examine(data)
        row, seen = examined.row, data
        if row["risk"]:
            if self.cleaner is None:
                raise Refusal("BURNED_IN_RISK", header=row)
            seen = self.cleaner.clean(data, row)
        if row["recognizable_face"]:
            seen = faces.deface(seen, row, faces.plugged_in())
        if seen is not data:
            examined = examine(seen)
        result = self._rebuild(examined, subject, cleaned=bool(row["risk"]))
        result.row.update(risk=None, recognizable_face=row["recognizable_face"])
        return result

    def deidentify_verified(self, data: bytes, subject: SubjectOf) -> Deidentified:
        """`deidentify`, then search the output for every identity of the input; hits that the profile's own
        kept values explain are counted among the actions.

        Raises
        ------
        Refusal
            As `deidentify`, and `RESIDUAL_IDENTITY` when the search finds anything.
        """
        with contained():
            return self._verified(data, subject)

    def _verified(self, data: bytes, subject: SubjectOf) -> Deidentified:
        result = self.deidentify(data, subject)
        found = self._verifier.verify(data, result.head, result.samples)
        if found.residuals:
            raise Refusal("RESIDUAL_IDENTITY", header=examine(data).row)
        for (tag, explanation), count in found.explained.items():
            result.actions[tag, EXPLAINED, explanation] += count
        return result._replace(residuals=len(found.residuals))

    @cached_property
    def released_words(self) -> frozenset[str]:
        """Texts that this deidentifier itself writes, whatever the input says."""
        written = {
            REMOVED,
            "OTHER",
            self._method,
            codes.LOCAL_MEANING,
            codes.LOCAL_SCHEME,
            "EUCAIM_PIPELINES",
        }
        written |= {*self.maps.series_descriptions.values(), *self.maps.segment_labels.values()}
        return frozenset(written | {option.meaning for option in marks.OPTIONS})

    @cached_property
    def _method(self) -> str:
        return f"eucaim_pipelines {self.profile.name} {self.digest[:12]}"

    @cached_property
    def _verifier(self) -> Verifier:
        return Verifier(self.released_words, first_of_month=self.options.dates == "day_one")

    @cached_property
    def _source(self) -> Source:
        return Source(
            descriptions=self.maps.series_descriptions,
            manufacturers={" ".join(name.split()).casefold(): name for name in self.maps.manufacturers},
            body_parts=frozenset(name.encode("ascii", "ignore") for name in self.maps.body_parts),
            segment_labels=self.maps.segment_labels,
            dates=self.options.dates,
            characteristics=self.options.patient_characteristics,
        )

    def _rebuild(self, examined: Examined, subject_of: SubjectOf, *, cleaned: bool) -> Deidentified:
        row, ds = examined
        subject = subject_of if isinstance(subject_of, Subject) else subject_of(row)
        sop_class, syntax = str(row["SOPClassUID"]), ds.transfer_syntax
        walker = self._walker(sop_class, ds.encoding, subject)
        out, encoded = walker.rebuild(ds, row, self._kept_dimensions(ds, sop_class))
        _identify(out, encoded, subject)
        if self.options.patient_characteristics:
            _set_age(out, encoded, row, pooled=subject.pooled_age)
        done = marks.Done(structured=0x0040A730 in ds, private=walker.kept_private, cleaned=cleaned)
        marks.mark(out, encoded, self._method, self.options, done)
        parts: list[bytes | memoryview] = [encoded[tag] for tag in sorted(encoded)]
        samples: bytes | memoryview = b""
        if walker.pixels is not None:
            tag, vr, value = walker.pixels
            if transfer_syntaxes.stream(syntax) != "native":
                parts += writing.encapsulated(tag, vr, value, ds.encoding)
            else:
                parts += writing.native(tag, vr, value, ds.encoding)
                if syntax != transfer_syntaxes.DEFLATED and not len(value) % 2:
                    samples = value
                    del parts[-1]
        new_row = header_row(out)
        check_whole(ds, out, row)
        kept = {self.pseudonyms.uid(uid, subject.pseudonym) for uid in row["referenced_sop_instance_uids"]}
        if sorted(kept) != new_row["referenced_sop_instance_uids"]:
            raise Refusal("REFERENCE_LOST", header=row)
        return Deidentified(
            head=writing.to_file(parts, sop_class, new_row["SOPInstanceUID"], syntax),
            samples=samples,
            row=new_row,
            actions=Counter(walker.actions),
            structure=second_reading.structure(out, sop_class),
            unknown_terms=frozenset(walker.unknown_terms),
            pixels=None if walker.pixels is None else walker.pixels[2],
        )

    def _walker(self, sop_class: str, encoding: Encoding, subject: Subject) -> Walker:
        key = (sop_class, encoding, subject)
        walker = self._walkers.get(key)
        if walker is None:
            replacements = Replacements(self.pseudonyms, self._source, encoding, *subject)
            walker = self._walkers[key] = Walker(
                lambda place: self._resolved(sop_class, place),
                replacements,
                private=self.options.private_numbers,
            )
            if len(self._walkers) > _WALKERS:
                self._walkers.popitem(last=False)
        self._walkers.move_to_end(key)
        return walker

    def _resolved(self, sop_class: str, place: str) -> ChainMap[int, Rule]:
        sop_class = "" if place else sop_class  # below the top level only the sequence counts
        rules = self._rules.get((sop_class, place))
        if rules is None:
            rules = self._rules[sop_class, place] = self.profile.rules(sop_class, place)
        return rules

    def _kept_dimensions(self, ds: DataSet, sop_class: str) -> tuple[int, ...] | None:
        """Indices of the dimensions whose attribute stays; None when all do."""
        dimensions = values.items(ds, 0x00209222)
        if not dimensions:
            return None
        top = self._resolved(sop_class, TOP_LEVEL)
        kept = []
        for index, item in enumerate(dimensions):
            pointer = values.raw(item, 0x00209165) or b""
            order = "little" if ds.encoding.little_endian else "big"
            tag = int.from_bytes(pointer[:2], order) << 16 | int.from_bytes(pointer[2:4], order)  # type: ignore[arg-type]
            if tag in top and not (top[tag].handler == "clear" and top[tag].empty == "X"):
                kept.append(index)
        return None if len(kept) == len(dimensions) else tuple(kept)

    def __getstate__(self) -> dict[str, Any]:
        kept = ("options", "profile", "pseudonyms", "maps", "cleaner", "digest")
        return {name: getattr(self, name) for name in kept}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._forget()


def _identify(out: DataSet, encoded: dict[int, bytes], subject: Subject) -> None:
    """Name and identifier are the pseudonym, also where the source had none (type 2, PS3.3 C.7.1.1)."""
    put(out, encoded, 0x00100010, "PN", subject.pseudonym)
    put(out, encoded, 0x00100020, "LO", subject.pseudonym)


def _set_age(out: DataSet, encoded: dict[int, bytes], row: Mapping[str, Any], *, pooled: bool) -> None:
    """Where no age stands: the one that birth and study date give; an empty one goes."""
    element = out.elements.get(0x00101010)
    if element is not None and element[1]:
        return
    birth, day = dates.parse_date(row["PatientBirthDate"]), dates.parse_date(row["StudyDate"])
    age = dates.age_at(birth, day) if birth and day else None
    released = dates.pooled_age(age, pooled) if age else None
    if released:
        put(out, encoded, 0x00101010, "AS", released)
    elif element is not None:
        del out.elements[0x00101010], encoded[0x00101010]
