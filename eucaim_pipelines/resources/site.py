"""What the site has decided: its source contracts, the data contracts, and its pseudonym key.

Contracts are read once per run; what they mean is known to the packages below.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import dagster as dg
from pydantic import PrivateAttr

from eucaim_pipelines.cdm.matching import Matcher
from eucaim_pipelines.contracts import folder as contracts_folder
from eucaim_pipelines.contracts import vocabularies
from eucaim_pipelines.contracts.ontology import Concept, load_ontology, widened
from eucaim_pipelines.contracts.quasi_identifiers import QuasiIdentifiers, load_quasi_identifiers
from eucaim_pipelines.contracts.sources import SourceContract, load_source
from eucaim_pipelines.contracts.tables import TableContract, load_tables
from eucaim_pipelines.contracts.words import load_words
from eucaim_pipelines.deidentification.images import Deidentifier
from eucaim_pipelines.deidentification.keys.lethe import Lethe
from eucaim_pipelines.deidentification.keys.pseudonyms import Pseudonyms, SiteKey
from eucaim_pipelines.deidentification.keys.secret_files import read_secret_file
from eucaim_pipelines.deidentification.keys.trust_office import read_map
from eucaim_pipelines.deidentification.options import Options, SourceMaps
from eucaim_pipelines.deidentification.rules.profile import Profile
from eucaim_pipelines.errors import SettingsError
from eucaim_pipelines.quality.plan import known_checks
from eucaim_pipelines.quality.tiers import Tiers, load_tiers
from eucaim_pipelines.settings import ContractSettings, Settings


class Contracts(dg.ConfigurableResource):
    """Source contracts of the site, and the contracts that all datasets share."""

    sources: str
    data_contracts: str | None = None
    ontology: str | None = None
    csv_codes: str = "bare"
    shapes: str | None = None
    _read: dict[str, Any] = PrivateAttr(default_factory=dict)

    @classmethod
    def of(cls, settings: Settings) -> "Contracts":
        """As the settings say."""
        shapes = {} if settings.generic_shapes is None else {"shapes": str(settings.generic_shapes)}
        return cls.of_rules(settings, str(settings.sources), csv_codes=settings.csv_codes, **shapes)

    @classmethod
    def of_rules(cls, settings: ContractSettings, sources: str = "", **more: str) -> "Contracts":
        """The shared contracts that the settings name, where no source is read."""
        names = ("data_contracts", "ontology")
        given = {name: str(path) for name in names if (path := getattr(settings, name)) is not None}
        return cls(sources=sources, **given, **more)

    @property
    def folder(self) -> Path:
        """The folder of table contracts, vocabularies, profiles and tiers."""
        return contracts_folder(Path(self.data_contracts) if self.data_contracts else None)

    @property
    def generic_shapes(self) -> Path | None:
        """Further shapes that the site asks every record to conform to."""
        return Path(self.shapes) if self.shapes else None

    def source_path(self, dataset: str) -> Path:
        """Where the source contract of a dataset lies."""
        return Path(self.sources) / f"{dataset}.yaml"

    def source(self, dataset: str) -> SourceContract:
        """The dataset's source contract, read and checked.

        Raises
        ------
        SettingsError
            If there is none.
        ContractError
            If it does not say what it must.
        """
        path = self.source_path(dataset)
        if not path.is_file():
            raise SettingsError(
                f"There is no source contract '{dataset}.yaml' in the folder of the setting 'sources'. "
                "Write one; data_contracts/README.md shows how."
            )
        return cast(SourceContract, self._once(dataset, lambda: load_source(path, self.folder)))

    def tables(self) -> dict[str, TableContract]:
        """Table contracts of the common data model by name."""
        return cast(dict[str, TableContract], self._once("tables/", lambda: load_tables(self.folder)))

    def tiers(self) -> Tiers:
        """What each tier requires and holds."""
        path = self.folder / "tiers.yaml"
        return cast(Tiers, self._once("tiers/", lambda: load_tiers(path, known_checks(self.tables()))))

    def quasi_identifiers(self) -> QuasiIdentifiers:
        """By which fields somebody may find a patient in a release."""
        read = self._once("risk/", lambda: load_quasi_identifiers(self.tables(), self.folder))
        return cast(QuasiIdentifiers, read)

    def vocabularies(self) -> dict[str, vocabularies.Vocabulary]:
        """Value sets by name, with the further spellings of the site's ontology file, if it names one."""
        sets = self._once(
            "vocabularies/", lambda: widened(vocabularies.load_all(self.folder), self._concepts())
        )
        return cast(dict[str, vocabularies.Vocabulary], sets)

    def matcher(self) -> Matcher:
        """What finds the nearest concepts of a local spelling."""
        words = self._once("words/", lambda: load_words(self.folder))
        return Matcher(self.vocabularies(), words, self._concepts())

    def _concepts(self) -> dict[str, Concept]:
        return load_ontology(Path(self.ontology), self.folder) if self.ontology else {}

    def _once(self, name: str, read: Callable[[], Any]) -> Any:
        """Read a contract the first time it is asked for; a run sees one state of it throughout."""
        if name not in self._read:
            self._read[name] = read()
        return self._read[name]

    def digest(self, dataset: str) -> str:
        """Digest of everything in contracts that shapes a dataset's release."""
        digest = hashlib.sha256()
        shared = [path for path in sorted(self.folder.rglob("*")) if path.suffix in (".csv", ".yaml")]
        shared = [path for path in shared if "sources" not in path.relative_to(self.folder).parts]
        further = [Path(path) for path in (self.ontology, self.shapes) if path]
        for path in (*shared, *further, self.source_path(dataset)):
            digest.update(path.name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
        return digest.hexdigest()


class Pseudonymisation(dg.ConfigurableResource):
    """The holder's secrets, read from their files when they are needed and never shown.

    With `read_back_all`, pydicom reads every object that is made, element by element, not only a sample.
    """

    key_file: str | None = None
    pseudonym_map: str | None = None
    lethe_secret_file: str | None = None
    read_back_all: bool = False

    @classmethod
    def of(cls, settings: Settings) -> "Pseudonymisation":
        """As the settings say."""
        names = ("key_file", "pseudonym_map", "lethe_secret_file")
        files = {name: str(path) for name in names if (path := getattr(settings, name)) is not None}
        return cls(**files, read_back_all=settings.verify == "full")

    def site_key(self) -> SiteKey:
        """The key.

        Raises
        ------
        SiteKeyError
            If it is missing, short or readable by others.
        """
        return SiteKey.load(Path(self.key_file) if self.key_file else None)

    def pseudonyms(self, source: SourceContract) -> Pseudonyms:
        """Pseudonyms, UIDs and date shifts of a dataset.

        Raises
        ------
        SettingsError
            The trust office's map is wrong, or the source asks for Lethe's and no secret is named.
        SiteKeyError
            A secret file is missing, wrong or readable by others.
        """
        overrides = read_map(Path(self.pseudonym_map)) if self.pseudonym_map else None
        return Pseudonyms(self.site_key(), overrides, self._lethe(source))

    def _lethe(self, source: SourceContract) -> Lethe | None:
        if source.deidentification.pseudonyms != "lethe":
            return None
        if self.lethe_secret_file is None:
            raise SettingsError(
                "Setting 'lethe_secret_file' is missing: a source contract asks for pseudonyms: lethe."
            )
        return Lethe.load(Path(self.lethe_secret_file))

    def check(self) -> None:
        """Read every secret file once, so that nothing starts with one that is wrong.

        Raises
        ------
        SettingsError, SiteKeyError
            As `site_key` and `pseudonyms`.
        """
        self.site_key()
        if self.pseudonym_map:
            read_map(Path(self.pseudonym_map))
        if self.lethe_secret_file:
            Lethe.load(Path(self.lethe_secret_file))

    def digest(self) -> str:
        """Digest, under the key, of the map and the secret that decide on pseudonyms beside it."""
        digest = hashlib.sha256()
        for path, what in (
            (self.pseudonym_map, "The pseudonym map"),
            (self.lethe_secret_file, "The file of the Lethe secret"),
        ):
            text = read_secret_file(Path(path), what) if path else ""
            digest.update(hashlib.sha256(text.encode()).digest())
        return self.site_key().derive("digest of pseudonyms", digest.digest()).hex()

    def deidentifier(self, source: SourceContract, contracts: Contracts) -> Deidentifier:
        """The de-identification of one dataset's images."""
        profile = Profile.load(folder=contracts.folder / "deidentification")
        labels = contracts.vocabularies()["segment_label"].labels
        maps = SourceMaps(
            series_descriptions=dict(source.imaging.series_descriptions),
            manufacturers=frozenset(source.imaging.manufacturers),
            body_parts=frozenset(source.imaging.body_parts),
            segment_labels={name: labels[code] for name, code in source.annotations.labels.items()},
        )
        chosen = source.deidentification.model_dump(exclude={"pseudonyms"})
        return Deidentifier(profile, self.pseudonyms(source), maps, Options(**chosen))
