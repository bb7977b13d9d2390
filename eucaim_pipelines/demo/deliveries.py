"""How examined studies reach the exports: path styles of archives, re-sent and corrected studies, identities.

Which study goes into which export is decided by the datasets' own modules.
"""

from dataclasses import dataclass, field, replace
from io import BytesIO

from pydicom import dcmread

from eucaim_pipelines.demo.encoding import EXPLICIT, rewrite_meta
from eucaim_pipelines.demo.objects import Series, Study
from eucaim_pipelines.demo.people import Person
from eucaim_pipelines.demo.plan import DatasetPlan, Export, Made


@dataclass
class Examined:
    """A study at one of the patient's timepoints (from 0), its series, and what refers to them."""

    study: Study
    timepoint: int
    series: list[Series]
    annotations: list[Made] = field(default_factory=list)

    @property
    def objects(self) -> list[Made]:
        """Everything of the study, images first."""
        return [made for series in self.series for made in series.made] + self.annotations


def by_patient_and_timepoint(studies: list[Examined]) -> dict[tuple[int, int], Examined]:
    """Studies by the patient's number and the timepoint."""
    return {(examined.study.person.number, examined.timepoint): examined for examined in studies}


def add_by_patient(export: Export, examined: Examined, date_format: str) -> None:
    """Folders as a CD burner names them: number and name of the patient stand in the path."""
    person, study = examined.study.person, examined.study
    root = (
        f"DICOM/{person.patient_id}_{person.name.family.replace(' ', '_')}/{study.day.strftime(date_format)}"
    )
    for number, made in enumerate(examined.objects, start=1):
        export.add_object(f"{root}/{made.modality}{number:05d}", made)


def add_flat(export: Export, objects: list[Made]) -> None:
    """One folder of counted files."""
    for made in objects:
        export.add_object(f"IMAGES/IM{len(export.files) + 1:06d}.dcm", made)


def add_by_uid(export: Export, objects: list[Made]) -> None:
    """Folders named by study and series."""
    for made in objects:
        export.add_object(f"{made.study_uid}/{made.series_uid}/{made.sop_uid}.dcm", made)


def by_other_archive(objects: list[Made]) -> list[Made]:
    """Return the same contents with the file meta group that another archive writes."""
    rewritten = []
    for made in objects:
        head = dcmread(BytesIO(made.data), specific_tags=["SOPClassUID"])
        syntax = str(head.file_meta.get("TransferSyntaxUID", EXPLICIT))
        data = rewrite_meta(made.data, head.SOPClassUID, made.sop_uid, syntax)
        rewritten.append(replace(made, data=data))
    return rewritten


def note_identities(plan: DatasetPlan, people: list[Person], studies: list[Examined]) -> None:
    """List every person, study and UID of the dataset, those of unpublished objects included."""
    for person in people:
        person.note(plan)
    for examined in studies:
        examined.study.note(plan)
        plan.identify(*(series.common.get("FrameOfReferenceUID") for series in examined.series))
    for export in plan.exports:
        for planted in export.files:
            if planted.made is not None:
                plan.identify(planted.made.sop_uid, planted.made.series_uid, planted.made.study_uid)
