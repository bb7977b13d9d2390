"""What is decided over all inputs of a one-off run: duplicates, conflicts, mixed-up series, whose is whose.

Pure functions over what the workers saw. Which reception counts is said once, in `ingest.resolution`.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping

from eucaim_pipelines.deidentification.images import Subject
from eucaim_pipelines.deidentification.keys.pseudonyms import Pseudonyms
from eucaim_pipelines.deidentification.one_off.work import Header, Seen
from eucaim_pipelines.dicom.lifetimes import Life, image_tells
from eucaim_pipelines.ingest.records import Reception
from eucaim_pipelines.ingest.resolution import ACCEPTED, Decision, resolve

PUBLISHED: Decision = ("published", "DEIDENTIFIED")


def decide(seen: Iterable[Seen], content: Callable[[int], str]) -> dict[int, Decision]:
    """Disposition and reason of every input, by number, as if all were one export.

    Parameters
    ----------
    content
        SHA-256 of an input's bytes after its file meta group, which repositories rewrite; asked for only
        where files of one SOPInstanceUID differ.
    """
    known = {each.number: each for each in seen}
    contents = _contents(known.values(), content)
    decisions = resolve(_reception(each, contents) for each in known.values())
    return {
        number: _of_output(known[number], decision) if decision == ACCEPTED else decision
        for number, decision in decisions.items()
    }


def subjects(seen: Iterable[Seen], pseudonyms: Pseudonyms) -> dict[int, Subject]:
    """The person of every input that may enter, by number, by what all headers say together.

    An image without an issuer belongs to the only issuer that its PatientID has. A person who reaches 90
    in any header, of refused objects too, is pooled in all.
    """
    known = [(each, each.header) for each in seen if each.header is not None]
    issuers = _issuers(header for each, header in known if each.entered)
    people = {each.number: _person(header, issuers, pseudonyms) for each, header in known}
    told: dict[tuple[str, Header], None] = {}
    for each, header in known:
        told[people[each.number], header._replace(SOPInstanceUID=None, SeriesInstanceUID=None)] = None
    lives: dict[str, Life] = defaultdict(Life)
    for person, header in told:
        image_tells(lives[person], header._asdict())
    pooled = {person for person, life in lives.items() if life.reaches_old_age()}
    return {
        each.number: Subject(people[each.number], people[each.number] in pooled)
        for each, _ in known
        if each.entered
    }


def _of_output(each: Seen, decision: Decision) -> Decision:
    return PUBLISHED if each.refusal is None else ("quarantined", each.refusal)


def _contents(seen: Iterable[Seen], content: Callable[[int], str]) -> dict[int, str]:
    """What tells contents apart; equal files need no second look."""
    groups: dict[str, list[Seen]] = defaultdict(list)
    for each in seen:
        if each.header is not None and each.header.SOPInstanceUID:
            groups[each.header.SOPInstanceUID].append(each)
    found: dict[int, str] = {}
    for group in groups.values():
        same = len({each.sha256 for each in group}) == 1
        found |= {each.number: each.sha256 if same else content(each.number) for each in group}
    return found


def _reception(each: Seen, contents: Mapping[int, str]) -> Reception:
    header = each.header
    return Reception(
        id=each.number,
        export="",
        path="",
        order=("", "", f"{each.number:012d}"),
        bytes=0,
        sha256=each.sha256,
        content=contents.get(each.number),
        clinical_file=None,
        refusal=None if each.entered else each.refusal,
        sop_instance_uid=(header.SOPInstanceUID or None) if header else None,
        series_instance_uid=header.SeriesInstanceUID if header else None,
        study_instance_uid=header.StudyInstanceUID if header else None,
        patient_id=header.PatientID if header else None,
        issuer=header.IssuerOfPatientID if header else None,
        disposition=None,
        reason=None,
        object_key=None,
        object_refusal=None,
    )


def _issuers(headers: Iterable[Header]) -> dict[str, str]:
    """PatientID to its issuer, where all images that name one name the same."""
    found: dict[str, set[str]] = defaultdict(set)
    for header in headers:
        if header.PatientID and header.IssuerOfPatientID:
            found[header.PatientID].add(header.IssuerOfPatientID)
    return {patient: min(names) for patient, names in found.items() if len(names) == 1}


def _person(header: Header, issuers: Mapping[str, str], pseudonyms: Pseudonyms) -> str:
    issuer = header.IssuerOfPatientID or issuers.get(header.PatientID or "")
    return pseudonyms.patient(header.PatientID, issuer, header.StudyInstanceUID)
