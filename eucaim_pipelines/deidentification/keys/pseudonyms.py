"""Everything that derives from the holder's key: patient pseudonyms, UIDs, date shifts, tokens, digests.

HMAC-SHA-256 with one label per purpose. The only place that sees the key.
"""

import hmac
import os
import re
import secrets
from collections.abc import Mapping
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path
from uuid import UUID

from eucaim_pipelines.deidentification.keys.lethe import Lethe
from eucaim_pipelines.deidentification.keys.secret_files import read_secret_file
from eucaim_pipelines.deidentification.rules.tables import well_known_uids
from eucaim_pipelines.errors import SiteKeyError

_KEY_BYTES = 32
_FIRST_WEEK, _LAST_WEEK = 26, 521
_HEX = re.compile(r"[0-9a-fA-F]{64}")
_LOST = (
    "Restore your copy: with another key every pseudonym changes. "
    "Only a site that has never released anything writes a new one: eucaim keygen FILE."
)


class SiteKey:
    """The holder's 32 secret bytes; its text form never shows them."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) != _KEY_BYTES:
            raise SiteKeyError(
                f"The pseudonym key must have {_KEY_BYTES} bytes. Write a new one: eucaim keygen FILE."
            )
        self._secret = secret

    @classmethod
    def load(cls, path: Path | None = None, environment: Mapping[str, str] | None = None) -> "SiteKey":
        """Read the key: 64 hex digits in `path`, or in EUCAIM_KEY when no path is given.

        Raises
        ------
        SiteKeyError
            The key is missing, not 64 hex digits, or its file can be read by others.
        """
        if path is None:
            value = (os.environ if environment is None else environment).get("EUCAIM_KEY")
            if not value:
                raise SiteKeyError("No pseudonym key: name its file in the settings or set EUCAIM_KEY.")
            return cls._parse(value, "EUCAIM_KEY")
        return cls._parse(read_secret_file(path, "The key file", _LOST), "The key file")

    @classmethod
    def _parse(cls, value: str, place: str) -> "SiteKey":
        if not _HEX.fullmatch(value.strip()):
            raise SiteKeyError(f"{place} must hold 64 hex digits. Write a new one: eucaim keygen FILE.")
        return cls(bytes.fromhex(value.strip()))

    @classmethod
    def generate(cls, path: Path) -> "SiteKey":
        """Write a random key into a new file of mode 0600; an existing file is never overwritten.

        Raises
        ------
        SiteKeyError
            The file exists or cannot be written.
        """
        secret = secrets.token_bytes(_KEY_BYTES)
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w", encoding="ascii") as file:
                file.write(secret.hex() + "\n")
        except FileExistsError:
            raise SiteKeyError("The key file exists already; a key is never overwritten.") from None
        except FileNotFoundError:
            raise SiteKeyError("The folder of the key file does not exist. Make it first.") from None
        except OSError as error:
            raise SiteKeyError(f"The key file cannot be written: {error.strerror}.") from None
        return cls(secret)

    @property
    def key_id(self) -> str:
        """16 hex digits that name the key without showing it."""
        return self.derive("key id", b"").hex()[:16]

    def derive(self, purpose: str, value: bytes) -> bytes:
        """32 bytes for a value under a purpose; purposes never share results."""
        return hmac.digest(self._secret, purpose.encode() + b"\0" + value, sha256)

    def __repr__(self) -> str:
        return f"SiteKey({self.key_id})"


class Pseudonyms:
    """What takes the place of identities under one key.

    Parameters
    ----------
    key
        The holder's key.
    overrides
        Pseudonyms decided by a trust office, by PatientID and issuer as received (trimmed); an empty issuer
        holds for all of them. Everything else derives from the resolved pseudonym, so that two numbers of
        one person meet.
    lethe
        Makes the other pseudonyms and the UIDs, where a source must link to what it published with Lethe.
    """

    def __init__(
        self, key: SiteKey, overrides: Mapping[tuple[str, str], str] | None = None, lethe: Lethe | None = None
    ) -> None:
        self.key, self.lethe = key, lethe
        self._overrides = dict(overrides or {})
        self._uids: dict[str, str] = {}
        self._shifts: dict[str, int] = {}

    def patient(self, patient_id: str | None, issuer: str | None, study_uid: str | None) -> str:
        """Pseudonym of a patient: the trust office's, Lethe's, or `EUCAIM-<16 hex>`.

        Identifiers are compared trimmed, case and leading zeros kept, with the issuer where there is one.
        Without a PatientID it comes from the StudyInstanceUID, so that people are never merged.
        """
        identifier, issued_by = (patient_id or "").strip(" \0"), (issuer or "").strip(" \0")
        if not identifier:
            return "EUCAIM-" + self.token("patient without identifier", study_uid or "")
        decided = self._overrides.get((identifier, issued_by)) or self._overrides.get((identifier, ""))
        if decided is not None:
            return decided
        if self.lethe is not None:
            return self.lethe.patient(identifier)
        if issued_by:
            return "EUCAIM-" + self.token("patient with issuer", f"{len(issued_by)}:{issued_by}:{identifier}")
        return "EUCAIM-" + self.token("patient", identifier)

    @property
    def key_id(self) -> str:
        """Names the key, and the Lethe secret where one is used, without showing either."""
        if self.lethe is None:
            return self.key.key_id
        return f"{self.key.key_id}-lethe-{self.key.derive('lethe secret', self.lethe.secret).hex()[:8]}"

    def uid(self, uid: str, pseudonym: str = "") -> str:
        """`2.25.` and a UUIDv8 (RFC 9562) of the UID, or Lethe's; UIDs of the Standard are kept.

        Parameters
        ----------
        uid
            As received, without padding.
        pseudonym
            The resolved pseudonym of its patient. Only Lethe's UIDs depend on it, and cannot do without.
        """
        if self.lethe is not None and uid not in well_known_uids():
            return self.lethe.uid(uid, pseudonym)
        known = self._uids.get(uid)
        if known is None:
            known = uid if uid in well_known_uids() else self._new_uid(uid)
            if len(self._uids) > 200_000:
                self._uids.clear()
            self._uids[uid] = known
        return known

    def derived_uid(self, purpose: str, uid: str) -> str:
        """The UID of something that was made from what `uid`, a released one, names; purposes never share."""
        return self._new_uid(uid, f"uid of {purpose}")

    def _new_uid(self, uid: str, purpose: str = "uid") -> str:
        number = int.from_bytes(self.key.derive(purpose, uid.encode("utf-8", "surrogateescape"))[:16])
        number = number & ~(0xF << 76) | 8 << 76
        number = number & ~(0x3 << 62) | 2 << 62
        return f"2.25.{UUID(int=number).int}"

    def shift_days(self, pseudonym: str) -> int:
        """Whole weeks by which every date of one patient moves into the past.

        Intervals within a patient are kept to the day, and weekdays too (PS3.15 E.3.6, Retain Longitudinal
        Temporal Information With Modified Dates).

        Returns
        -------
        int
            Days, a multiple of 7 between 182 and 3647; the same on every run with the same key.
        """
        days = self._shifts.get(pseudonym)
        if days is None:
            number = int.from_bytes(self.key.derive("date shift", pseudonym.encode())[:8])
            days = self._shifts[pseudonym] = 7 * (_FIRST_WEEK + number % (_LAST_WEEK - _FIRST_WEEK + 1))
        return days

    def shift(self, day: date, pseudonym: str) -> date:
        """The date moved into the past by `shift_days`.

        Raises
        ------
        OverflowError
            The result would lie before the year 1.
        """
        return day - timedelta(days=self.shift_days(pseudonym))

    def token(self, purpose: str, value: str, length: int = 16) -> str:
        """`length` hex digits (at most 64) for a value under a purpose."""
        return self.key.derive(purpose, value.encode("utf-8", "surrogateescape")).hex()[:length]

    def digest(self, purpose: str, sha256_hex: str) -> str:
        """64 hex digits in place of a hash that whoever has the original could look up."""
        return self.key.derive(f"digest of {purpose}", bytes.fromhex(sha256_hex)).hex()

    def __getstate__(self) -> dict[str, object]:
        kept = {name: getattr(self, name) for name in ("key", "lethe", "_overrides")}
        return kept | {"_uids": {}, "_shifts": {}}
