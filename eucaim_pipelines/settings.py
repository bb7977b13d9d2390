"""Settings in one place: `EUCAIM_*` variables over the YAML file that `EUCAIM_SETTINGS` names.

Nothing here opens a zone, a store or a key; it only says where they are.
"""

import os
import re
from pathlib import Path
from typing import Any, Literal, TypeVar
from zoneinfo import ZoneInfo

import yaml
from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from eucaim_pipelines.errors import SettingsError

_PATHS = (
    *("landing", "restricted", "sources", "key_file", "pseudonym_map", "lethe_secret_file"),
    *("dagster_home", "data_contracts", "ontology", "generic_shapes", "fair_data_point_token_file"),
    "trace_token_file",
)
Read = TypeVar("Read", bound="_FromFile")


class _FromFile(BaseSettings):
    """Settings whose variables win over the file."""

    model_config = SettingsConfigDict(env_prefix="EUCAIM_", extra="ignore", frozen=True)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Variables win over the file, whose content arrives as init values; no .env file is looked for."""
        return env_settings, init_settings


class ContractSettings(_FromFile):
    """Which rules apply: all that writing a source contract needs."""

    data_contracts: Path | None = Field(
        None, description="Folder of table contracts; default: the project's own"
    )
    ontology: Path | None = Field(
        None, description="The full hyper-ontology (OWL, or CSV): more spellings and suggestions"
    )


class ReleaseSettings(_FromFile):
    """Where releases lie: all that a reader of them has to say."""

    release: str = Field(description="Folder, or s3://bucket/prefix, of what others may see")
    s3_endpoint: str | None = Field(None, description="URL of the object store, for s3:// releases")
    s3_region: str = Field("us-east-1", description="Region name that the object store expects")

    @field_validator("release")
    @classmethod
    def _release(cls, value: str) -> str:
        if "://" in value and not value.startswith("s3://"):
            raise ValueError("must be a folder or s3://bucket/prefix")
        return value


class Settings(ReleaseSettings, ContractSettings):
    """Where things lie and when the pipeline runs. Every field can be set as `EUCAIM_<FIELD>`."""

    model_config = SettingsConfigDict(env_prefix="EUCAIM_", extra="forbid", frozen=True)

    landing: Path = Field(
        description="Folder of the holders' exports, read only: <landing>/<dataset>/<export>"
    )
    restricted: Path = Field(
        description="This machine's private folder: ledger, header inventory, clinical rows"
    )
    sources: Path = Field(description="Folder of source contracts, one <dataset_id>.yaml each")
    csv_codes: Literal["bare", "prefixed"] = Field(
        "bare", description="How codes stand in the CSV files of Tier 3: CLIN1000075 or EUCAIM:CLIN1000075"
    )
    generic_shapes: Path | None = Field(
        None, description="File of further SHACL shapes (Turtle) that every catalogue record must conform to"
    )
    fair_data_point: str | None = Field(
        None, description="Catalogue of a FAIR Data Point for records: https://fdp.example/catalog/<id>"
    )
    fair_data_point_token_file: Path | None = Field(
        None, description="File of the token that the FAIR Data Point gave, which only its owner may read"
    )
    key_file: Path | None = Field(
        None, description="File of the holder's key; without it EUCAIM_KEY holds it"
    )
    pseudonym_map: Path | None = Field(
        None, description="A trust office's map: CSV of patient_id, issuer (if wanted), pseudonym; mode 0600"
    )
    lethe_secret_file: Path | None = Field(
        None, description="File of the secret given to Lethe, for sources that ask for pseudonyms: lethe"
    )
    trace_url: str | None = Field(
        None, description="Where traces are posted: the tracing service's address; without it none are"
    )
    trace_token_file: Path | None = Field(
        None, description="File of the bearer token of the tracing service; mode 0600"
    )
    trace_user: str = Field("data holder", min_length=1, description="Who traces say released (userId)")
    dagster_home: Path | None = Field(
        None, description="DAGSTER_HOME for commands, unless the variable is set"
    )
    schedule: str = Field("0 2 * * *", description="When the nightly run starts (cron)")
    timezone: str = Field("Europe/Brussels", description="Time zone of the schedule")
    sensor_seconds: int = Field(60, ge=10, description="How often landing is looked at")
    workers: int = Field(2, ge=1, le=256, description="Processes that read and de-identify")
    reports: str = Field(
        "http://127.0.0.1:3001", description="Address of `eucaim reports`, to which Dagster's pages link"
    )
    search_host: str = Field("127.0.0.1", description="Address on which `eucaim serve` listens")
    search_port: int = Field(3002, ge=1, le=65535, description="Port of `eucaim serve`")
    search_queries_per_day: int = Field(
        200, ge=1, description="Distinct queries that each client of `eucaim serve` may ask in a day (UTC)"
    )
    search_provider: str = Field("", description="Name of this node in answers of `eucaim serve`")
    search_provider_icon: str = Field("", description="Address of its icon")
    verify: Literal["sampled", "full"] = Field(
        "sampled", description="Whether pydicom reads back new structures and 1 % of the objects, or all"
    )
    max_file_bytes: int = Field(4 * 1024**3, ge=1024, description="Larger files are quarantined as TOO_LARGE")

    @field_validator("reports")
    @classmethod
    def _reports(cls, value: str) -> str:
        if not re.fullmatch(r"https?://[^/\s?#]+(?:/[^\s?#]*)?", value):
            raise ValueError("must be an address such as http://127.0.0.1:3001")
        return value

    @field_validator("fair_data_point")
    @classmethod
    def _fair_data_point(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(
            r"(https://[^/\s?#]+|http://(127\.0\.0\.1|localhost)(:\d+)?)(/[^\s?#]*)?/catalog/[^/\s?#]+", value
        ):
            raise ValueError("must be an address such as https://fdp.example/catalog/0f1e2d3c")
        return value

    @field_validator("trace_url")
    @classmethod
    def _trace_url(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(
            r"(https://[^/\s?#@]+|http://(127\.0\.0\.1|localhost)(:\d+)?)(/[^\s#]*)?", value
        ):
            raise ValueError("must be an address such as https://host/api/v2/traces, without a password")
        return value

    @field_validator("timezone")
    @classmethod
    def _zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError):
            raise ValueError("must be an IANA time zone such as 'Europe/Brussels'") from None
        return value


def load_settings() -> Settings:
    """Read and check the settings.

    Raises
    ------
    SettingsError
        With one line per setting that is missing or wrong, each naming it.
    """
    return _load(Settings)


def load_release_settings() -> ReleaseSettings:
    """Read and check only where releases lie; other settings may be missing.

    Raises
    ------
    SettingsError
        As `load_settings`.
    """
    return _load(ReleaseSettings)


def load_contract_settings() -> ContractSettings:
    """Read and check only which rules apply; other settings may be missing.

    Raises
    ------
    SettingsError
        As `load_settings`.
    """
    return _load(ContractSettings)


def _load(kind: type[Read]) -> Read:
    file = os.environ.get("EUCAIM_SETTINGS")
    try:
        return kind(**_file_values(Path(file)) if file else {})
    except ValidationError as error:
        lines = [f"Setting '{_name(e['loc'])}' {_sentence(e)}." for e in error.errors(include_input=False)]
        raise SettingsError("\n".join(lines)) from None


def write_settings(path: Path, values: dict[str, Any]) -> None:
    """Write a settings file; relative paths in it count from its own folder."""
    path.write_text(yaml.safe_dump(values, sort_keys=True), encoding="utf-8")


def _file_values(path: Path) -> dict[str, Any]:
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except OSError as error:
        raise SettingsError(f"EUCAIM_SETTINGS names a file that cannot be read: {error.strerror}.") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise SettingsError(f"The settings file is not YAML{line}.") from None
    if not isinstance(values, dict):
        raise SettingsError("The settings file must hold 'name: value' lines.")
    base = path.resolve().parent
    for name in _PATHS:
        if isinstance(values.get(name), str):
            values[name] = base / values[name]
    release = values.get("release")
    if isinstance(release, str) and "://" not in release:
        values["release"] = str(base / release)
    return values


def _name(location: tuple[Any, ...]) -> str:
    return str(location[0]) if location else "?"


def _sentence(error: Any) -> str:
    if error["type"] == "missing":
        variable = f"EUCAIM_{_name(error['loc']).upper()}"
        return f"is missing: set {variable} or write it into the file of EUCAIM_SETTINGS"
    if error["type"] == "extra_forbidden":
        return "is not known"
    return str(error["msg"]).removeprefix("Value error, ").removeprefix("Input ").rstrip(".")
