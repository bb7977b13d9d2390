"""What the data themselves tell the catalogue, under disclosure control.

Nothing here writes a record, and no exact number under 10 leaves this module's results.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from eucaim_pipelines.contracts import vocabularies
from eucaim_pipelines.quality import disclosure


@dataclass(frozen=True)
class CatalogueFacts:
    """Numbers and value lists of one release, ready to be published.

    Attributes
    ----------
    individuals, studies
        Distinct patients and imaging studies; None when fewer than 10.
    sexes, modalities, manufacturers, body_parts
        Codes that at least 10 people share.
    ages
        Years of age between which people typically lie (`disclosure.typical_ages`), or None.
    years
        First and last true calendar year with at least 10 patients, or None.
    segmented_studies
        Imaging studies with a segmentation; None without, when fewer than 10 studies or people have one,
        and where beside the number of all studies it would give away a count under 10 of those without.
    segmentation_methods
        Codes of how segments were made, each behind at least 10 people.
    """

    individuals: int | None
    studies: int | None
    sexes: tuple[str, ...]
    modalities: tuple[str, ...]
    manufacturers: tuple[str, ...]
    body_parts: tuple[str, ...]
    ages: tuple[int, int] | None = None
    years: tuple[int, int] | None = None
    segmented_studies: int | None = None
    segmentation_methods: tuple[str, ...] = ()

    @property
    def empty_lists(self) -> tuple[str, ...]:
        """Mandatory lists without a value, in plain words."""
        lists = {
            "birth sex": self.sexes,
            "image modality": self.modalities,
            "equipment manufacturer": self.manufacturers,
            "image body part": self.body_parts,
        }
        return tuple(name for name, values in lists.items() if not values)


def collect(
    patient: pa.Table,
    image_study: pa.Table,
    image_series: pa.Table,
    *,
    cancer_condition: pa.Table | None = None,
    segmentation_series: pa.Table | None = None,
    true_years: Mapping[int, int] | None = None,
    pool_small: bool = False,
    contracts_folder: Path | None = None,
) -> CatalogueFacts:
    """The facts of one release.

    Parameters
    ----------
    true_years
        Patients by true calendar year of acquisition, aggregated before dates were shifted. Without it
        the record names no years: shifted ones are never published as if they were true.

    pool_small
        Whether modalities, manufacturers and body parts with fewer than 10 people are pooled into the concept
        above all values, instead of dropped. Sexes are always dropped: a pooled sex would be untrue.
    """

    def values(column: str, vocabulary: str) -> tuple[str, ...]:
        root = vocabularies.load(vocabulary, contracts_folder).root if pool_small else None
        return disclosure.released_values(_people_by(image_series, column), root)

    methods, segmented = _segmentations(segmentation_series, image_study.num_rows)
    return CatalogueFacts(
        individuals=_publishable(pc.count_distinct(patient["patient_id"]).as_py()),
        studies=_publishable(image_study.num_rows),
        sexes=disclosure.released_values(_people_by(patient, "patient_birth_sex")),
        modalities=values("series_modality", "modality"),
        manufacturers=values("series_manufacturer_name", "manufacturer"),
        body_parts=values("series_body_site", "body_part"),
        ages=disclosure.typical_ages(_ages(image_study, cancer_condition)),
        years=disclosure.released_years(true_years or {}),
        segmented_studies=segmented,
        segmentation_methods=methods,
    )


def _publishable(count: int) -> int | None:
    return count if count >= disclosure.THRESHOLD else None


def _people_by(table: pa.Table, column: str) -> dict[str, set[str]]:
    people: dict[str, set[str]] = defaultdict(set)
    pairs = table.select([column, "patient_id"]).group_by([column, "patient_id"]).aggregate([])
    for row in pairs.to_pylist():
        if row[column] is not None:
            people[row[column]].add(row["patient_id"])
    return people


def _ages(image_study: pa.Table, cancer_condition: pa.Table | None) -> dict[str, Sequence[float]]:
    ages: dict[str, list[float]] = defaultdict(list)
    sources = [(image_study, "patient_age_at_study_years")]
    if cancer_condition is not None:
        sources.append((cancer_condition, "cancer_condition_age_at_diagnosis"))
    for table, column in sources:
        for person, age in zip(table["patient_id"].to_pylist(), table[column].to_pylist(), strict=True):
            if age is not None:
                ages[person].append(float(age))
    return dict(ages)


def _segmentations(series: pa.Table | None, studies: int) -> tuple[tuple[str, ...], int | None]:
    if series is None or pc.count_distinct(series["patient_id"]).as_py() < disclosure.THRESHOLD:
        return (), None
    methods = disclosure.released_values(_people_by(series, "segmentation_method"))
    segmented = pc.count_distinct(series["study_uid"]).as_py()
    return methods, None if disclosure.gives_rest_away(segmented, studies) else _publishable(segmented)
