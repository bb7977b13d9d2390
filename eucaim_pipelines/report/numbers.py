"""How the counts of a report read in one edition: exact, or under disclosure control.

The rules of disclosure control are in `quality.disclosure`; how sentences are built around them is not here.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from eucaim_pipelines.quality import disclosure
from eucaim_pipelines.quality.findings import Finding
from eucaim_pipelines.quality.risk.measure import FieldRisk
from eucaim_pipelines.quality.verdict import RequirementOutcome
from eucaim_pipelines.report.balance import IMAGES_ONLY, TABLE_ONLY, Balance
from eucaim_pipelines.report.content import ActionCount, Report

_APART = {IMAGES_ONLY: TABLE_ONLY, TABLE_ONLY: IMAGES_ONLY}
"""Findings about people of which nobody is in both, so that both together leave the rest."""

_ALL = {"S": "All", "s": "all"}


@dataclass(frozen=True)
class Numbers:
    """The counts of one report in one edition.

    A reader may know the exact numbers of patients and studies. Thus every count is taken for a part of them,
    and of the entries that its check looked at.
    """

    report: Report
    local: bool

    def elements(self, action: ActionCount) -> str:
        """How often de-identification did one thing."""
        sizes = self.report.sizes
        return self._part(action.elements, sizes.patients, sizes.studies)

    def sizes(self, balances: Sequence[Balance]) -> dict[str, str]:
        """What the release holds; objects are hidden where the balance hides the published files."""
        sizes = self.report.sizes
        published = [each.count("published") for each in balances if each.kind == "file"]
        return {
            "Patients": self._part(sizes.patients),
            "Studies": self._part(sizes.studies),
            "Image series": self._part(sizes.series),
            "Annotation series": self._part(sizes.annotations),
            "DICOM objects": disclosure.WITHHELD
            if disclosure.WITHHELD in published
            else self._part(sizes.instances),
        }

    def entries(self, finding: Finding) -> str:
        """Entries that do not hold."""
        sizes = self.report.sizes
        wholes = (finding.checked, sizes.patients, sizes.studies, *self._left(finding))
        return self._part(finding.failed, *wholes)

    def sentence(self, finding: Finding) -> str:
        """What a finding says; in the local edition "all" where it would say "some" of what is all."""
        if not self.local or not self.every(finding):
            return finding.sentence
        return re.sub(r"\b([Ss])ome\b", lambda said: _ALL[said[1]], finding.sentence, count=1)

    def every(self, finding: Finding) -> bool:
        """Whether all of several entries do not hold."""
        return 1 < finding.checked == finding.failed

    def patients(self, finding: Finding) -> str:
        """Patients concerned; hidden too where entries are, as one patient is often one entry."""
        text = self._part(finding.patients, self.report.sizes.patients, *self._left(finding))
        hidden = finding.patients >= disclosure.THRESHOLD and self.entries(finding) == disclosure.WITHHELD
        return disclosure.WITHHELD if hidden else text

    def studies(self, finding: Finding) -> str:
        """Imaging studies concerned; hidden too where patients or entries are, as each may be one study."""
        text = self._part(finding.studies, self.report.sizes.studies)
        others = (self.patients(finding), self.entries(finding))
        hidden = finding.studies >= disclosure.THRESHOLD and disclosure.WITHHELD in others
        return disclosure.WITHHELD if hidden else text

    def short(self, outcome: RequirementOutcome) -> tuple[str, str, str]:
        """Patients, studies and rows by which a requirement is missed; `0` where it is missed by none."""
        at_fault = [each for each in self.report.findings if each.check in outcome.short.fields]
        return (
            self._together(outcome.short.patients, [self.patients(each) for each in at_fault]),
            self._together(outcome.short.studies, [self.studies(each) for each in at_fault]),
            self._together(outcome.short.rows, [self.entries(each) for each in at_fault]),
        )

    def fields(self, outcome: RequirementOutcome) -> tuple[str, ...]:
        """What is at fault by name; outside, no field in which fewer than 10 people differ from most."""
        risk = self.report.risk
        hidden = {each.label for each in risk.fields if not tells(each)} if risk and not self.local else set()
        return tuple(name for name in outcome.short.fields if name not in hidden)

    def _together(self, count: int, parts: Sequence[str]) -> str:
        """A count over several findings, hidden where one of them is or a small one might follow from it."""
        hidden = disclosure.WITHHELD in parts or (len(parts) > 1 and disclosure.SMALL in parts)
        whole = () if parts else (self.report.sizes.patients,)
        return disclosure.WITHHELD if count and hidden and not self.local else self._part(count, *whole)

    def _part(self, count: int, *wholes: int) -> str:
        return str(count) if self.local else disclosure.shown_part(count, *wholes)

    def _left(self, finding: Finding) -> tuple[int, ...]:
        """The people that another finding, which excludes this one, leaves."""
        other = _APART.get(finding.check)
        failed = sum(each.failed for each in self.report.findings if each.check == other)
        return (self.report.sizes.patients - failed,) if failed else ()


def tells(field: FieldRisk) -> bool:
    """Whether it may be said outside that a field tells people apart: enough of them differ from most."""
    return field.differing >= disclosure.THRESHOLD


def weight(text: str) -> int:
    """A number to sort by that tells no more than the text: what is hidden weighs most, `<10` least."""
    if text == disclosure.WITHHELD:
        return 10**12
    return disclosure.at_least(text) or (1 if text == disclosure.SMALL else 0)
