"""What the data themselves tell the catalogue, under disclosure control.

Nothing here writes a record, and no exact number leaves this module's results.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from eucaim_pipelines.catalogue.terms import EUCAIM
from eucaim_pipelines.contracts import vocabularies
from eucaim_pipelines.quality import disclosure

TABLES = ("patient", "image_study", "image_series", "cancer_condition", "segmentation_series", "segment")
"""Tables that facts are made from; those after the third where the release has them."""


@dataclass(frozen=True)
class CatalogueFacts:
    """Numbers and value lists of one release, ready to be published.

    Attributes
    ----------
    individuals, studies
        Distinct patients and imaging studies, rounded down to tens; None when fewer than 10.
    sexes, modalities, manufacturers, body_parts, segment_labels, segmentation_methods
        Codes that at least 10 people share.
    ages
        Years of age between which people typically lie (`disclosure.typical_ages`), or None.
    years
        First and last true calendar year with at least 10 patients, or None.
    finest_spacing
        Metres between pixels or slices that the images of 10 people reach (`disclosure.finest_spacing`).
    segmented_studies
        Imaging studies with a segmentation, rounded down to tens; None without, when fewer than 10 studies or
        people have one, and where beside the number of all studies it would give away a count under 10 of
        those without.
    """

    individuals: int | None
    studies: int | None
    sexes: tuple[str, ...]
    modalities: tuple[str, ...]
    manufacturers: tuple[str, ...]
    body_parts: tuple[str, ...]
    ages: tuple[int, int] | None = None
    years: tuple[int, int] | None = None
    finest_spacing: str | None = None
    segmented_studies: int | None = None
    segment_labels: tuple[str, ...] = ()
    segmentation_methods: tuple[str, ...] = ()

    @property
    def empty_properties(self) -> frozenset[str]:
        """The properties of the mandatory lists without a value."""
        lists = {
            "hasBirthSex": self.sexes,
            "hasImageModality": self.modalities,
            "hasEquipmentManufacturer": self.manufacturers,
            "hasImageBodyPart": self.body_parts,
        }
        return frozenset(str(EUCAIM[name]) for name, values in lists.items() if not values)

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
    tables: Mapping[str, pa.Table],
    *,
    years: tuple[int, int] | None = None,
    pool_small: bool = False,
    contracts_folder: Path | None = None,
) -> CatalogueFacts:
    """The facts of one release.

    Parameters
    ----------
    tables
        Tables of the release by name, of those in `TABLES`.
    years
        First and last true calendar year of acquisition, aggregated before dates were shifted. Without them
        the record names no years: shifted ones are never published as if they were true.
    pool_small
        Whether modalities, manufacturers and body parts with fewer than 10 people are pooled into the concept
        above all values, instead of dropped. Sexes are always dropped: a pooled sex would be untrue.
    """
    patient, image_study, image_series = (tables[name] for name in TABLES[:3])

    def values(column: str, vocabulary: str) -> tuple[str, ...]:
        root = vocabularies.load(vocabulary, contracts_folder).root if pool_small else None
        return disclosure.released_values(_people_by(image_series, column), root)

    studies = pc.count_distinct(image_study["study_uid"]).as_py()
    methods, labels, segmented = _segmentations(tables, studies)
    return CatalogueFacts(
        individuals=disclosure.rounded(pc.count_distinct(patient["patient_id"]).as_py()),
        studies=_study_count(image_study, studies),
        sexes=disclosure.released_values(_people_by(patient, "patient_birth_sex")),
        modalities=values("series_modality", "modality"),
        manufacturers=values("series_manufacturer_name", "manufacturer"),
        body_parts=values("series_body_site", "body_part"),
        ages=disclosure.typical_ages(_ages(image_study, tables.get("cancer_condition"))),
        years=years,
        finest_spacing=disclosure.finest_spacing(_spacings(image_series)),
        segmented_studies=segmented,
        segment_labels=labels,
        segmentation_methods=methods,
    )


def _study_count(image_study: pa.Table, studies: int) -> int | None:
    """Studies of at least 10 people; many studies of few people would be theirs."""
    people = pc.count_distinct(image_study["patient_id"]).as_py()
    return disclosure.rounded(studies) if people >= disclosure.THRESHOLD else None


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


def _spacings(image_series: pa.Table) -> dict[str, float]:
    """The finest spacing between pixels or slices of each person's images, in millimetres."""
    finest = pc.min_element_wise(image_series["pixel_spacing_mm"], image_series["slice_spacing_mm"])
    table = pa.table({"patient_id": image_series["patient_id"], "finest": finest})
    rows = table.group_by("patient_id").aggregate([("finest", "min")]).to_pylist()
    return {row["patient_id"]: row["finest_min"] for row in rows if row["finest_min"] is not None}


def _segmentations(
    tables: Mapping[str, pa.Table], studies: int
) -> tuple[tuple[str, ...], tuple[str, ...], int | None]:
    """How segments were made, what they show, and the number of segmented studies."""
    series = tables.get("segmentation_series")
    if series is None or pc.count_distinct(series["patient_id"]).as_py() < disclosure.THRESHOLD:
        return (), (), None
    methods = disclosure.released_values(_people_by(series, "segmentation_method"))
    segments = tables["segment"].join(
        series.select(["segmentation_series_uid", "patient_id"]), "segmentation_series_uid", join_type="inner"
    )
    labels = disclosure.released_values(_people_by(segments, "label_code"))
    segmented = pc.count_distinct(series["study_uid"]).as_py()
    hidden = disclosure.gives_rest_away(segmented, studies)
    return methods, labels, None if hidden else disclosure.rounded(segmented)
