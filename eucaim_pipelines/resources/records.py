"""The site's record of what it did: its audit log, and the traces that it owes to EUCAIM's tracing service.

How lines are written is said in `release.audit_log`, what a trace says in `release.trace`.
"""

from pathlib import Path

import dagster as dg

from eucaim_pipelines.deidentification.keys.pseudonyms import SiteKey
from eucaim_pipelines.deidentification.keys.secret_files import read_secret_file
from eucaim_pipelines.ingest.ledger import Ledger
from eucaim_pipelines.release import trace
from eucaim_pipelines.release.audit_log import AuditLog, Told
from eucaim_pipelines.release.manifest import Manifest, current, since
from eucaim_pipelines.release.store import ObjectStore
from eucaim_pipelines.release.trace_sending import NotSent, send
from eucaim_pipelines.resources.zones import dataset_folder
from eucaim_pipelines.settings import Settings


class Audit(dg.ConfigurableResource):
    """The audit log in the restricted zone, signed with the holder's key."""

    folder: str
    key_file: str | None = None

    @classmethod
    def of(cls, settings: Settings) -> "Audit":
        """As the settings say."""
        key_file = str(settings.key_file) if settings.key_file is not None else None
        return cls(folder=str(settings.restricted), key_file=key_file)

    def site_key(self) -> SiteKey:
        """The key that signs."""
        return SiteKey.load(Path(self.key_file) if self.key_file else None)

    def append(self, event: str, dataset: str | None = None, **told: Told) -> None:
        """Write a line (`AuditLog.append`)."""
        AuditLog(Path(self.folder), self.site_key()).append(event, dataset, **told)


class Traces(dg.ConfigurableResource):
    """Traces beside releases, and the service that they are sent to, where there is one."""

    folder: str
    user: str
    url: str | None = None
    token_file: str | None = None

    @classmethod
    def of(cls, settings: Settings) -> "Traces":
        """As the settings say."""
        token = str(settings.trace_token_file) if settings.trace_token_file is not None else None
        return cls(
            folder=str(settings.restricted),
            user=settings.trace_user,
            url=settings.trace_url,
            token_file=token,
        )

    def leave(self, store: ObjectStore, manifest: Manifest, audit: Audit) -> None:
        """Write the trace of a release beside it."""
        trace.leave(store, manifest, self.user, audit.site_key())

    def owed(self, dataset: str, tier: int) -> str | None:
        """Version of a tier's release whose trace has still to be sent."""
        if self.url is None:
            return None
        with Ledger(dataset_folder(self.folder, dataset) / "ledger.sqlite") as ledger:
            version, told = (ledger.fact(f"{name}_tier_{tier}") for name in ("version", "traced"))
        return version if version != told else None

    def pay(self, store: ObjectStore, dataset: str, tier: int, audit: Audit) -> str | None:
        """Send what is owed for a tier, and remember it; why it could not be sent, or None.

        Releases that came while the service was down are told too, the oldest first: it would know an update
        without its creation otherwise. A service that is down breaks no release: the next night tries again.
        """
        newest = current(store, dataset, tier) if self.owed(dataset, tier) is not None else None
        if newest is None:
            return None
        with Ledger(dataset_folder(self.folder, dataset) / "ledger.sqlite") as ledger:
            told = ledger.fact(f"traced_tier_{tier}")
        for manifest in since(store, newest, told):
            data = store.get(trace.key(manifest))
            again = self._told(manifest)
            why = self._send(manifest, trace.sent(data, again), audit) if data is not None else None
            if why is not None:
                return why
        return None

    def _send(self, manifest: Manifest, body: bytes, audit: Audit) -> str | None:
        dataset, tier = manifest.dataset_id, manifest.tier
        told: dict[str, Told] = {
            "tier": tier,
            "version": manifest.version,
            "sha3_256": trace.content_hash(body),
        }
        try:
            send(self.url or "", body, self._token())
        except NotSent as error:
            audit.append("trace_not_sent", dataset, **told, why=str(error))
            return str(error)
        audit.append("trace_sent", dataset, **told)
        with Ledger(dataset_folder(self.folder, dataset) / "ledger.sqlite") as ledger:
            ledger.note(**{f"traced_tier_{tier}": manifest.version, _told_as(manifest): "sent"})
        return None

    def _told(self, manifest: Manifest) -> bool:
        """Whether the service was told of this very release before: content may come back."""
        with Ledger(dataset_folder(self.folder, manifest.dataset_id) / "ledger.sqlite") as ledger:
            return ledger.fact(_told_as(manifest)) is not None

    def check(self) -> None:
        """Read the token's file once, so that nothing starts with one that is wrong.

        Raises
        ------
        SiteKeyError
            It cannot be read, or others may read it.
        """
        self._token()

    def _token(self) -> str | None:
        if self.token_file is None:
            return None
        return read_secret_file(Path(self.token_file), "The file of the tracing service's token").strip()


def _told_as(manifest: Manifest) -> str:
    return f"traced_tier_{manifest.tier}_{manifest.version}"
