"""Names as EUCAIM's own anonymiser, Lethe, makes them: for sites that must link to what they published so.

A choice with a price, told in `WARNING`; dates, tokens and the rest always derive from the site's key.
"""

import re
from hashlib import md5
from pathlib import Path

from eucaim_pipelines.deidentification.keys.secret_files import read_secret_file
from eucaim_pipelines.errors import SiteKeyError

UID_ROOT = "1.3.6.1.4.1.58108.2023"
UID = re.compile(r"1\.3\.6\.1\.4\.1\.58108\.2023\.[0-9]{1,41}")
"""How a UID of `Lethe` looks: digits of a hash, in which short numbers stand by chance."""
WARNING = (
    "Pseudonyms and UIDs are made as EUCAIM's Lethe makes them (MD5). UIDs depend on no secret: whoever "
    "holds an original UID can find its object in the release. Whoever holds the Lethe secret can find a "
    "patient by number, and sites that share the secret can link their patients. Equal numbers of two "
    "issuers are one patient."
)
_SECRET = re.compile(r"[0-9a-f]{33}")
_JAVA_SPACE = "".join(map(chr, range(0x21)))
_LONGEST_UID = 64


class Lethe:
    """Pseudonyms and UIDs by the algorithm of `sgsfak/eucaim_anon_pipeline`; its text form shows no secret.

    Patient: MD5 over the secret in brackets and the trimmed PatientID. UID: MD5 over the UID and the
    pseudonym, under EUCAIM's root. An empty PatientID, which Lethe takes for one patient `null`, is not for
    here, because people are never merged.

    Parameters
    ----------
    secret
        The secret that the site gave Lethe: 33 hexadecimal digits, the last one a check digit.
    """

    def __init__(self, secret: str) -> None:
        if not _SECRET.fullmatch(secret) or not _checks(secret):
            raise SiteKeyError(
                "The Lethe secret must be 33 hexadecimal digits of which the last one checks the others. "
                "Take it from the records of the site's first anonymisation with Lethe."
            )
        self._secret = secret

    @classmethod
    def load(cls, path: Path) -> "Lethe":
        """Read the secret from a file that only its owner may read.

        Raises
        ------
        SiteKeyError
            The file cannot be read, others may read it, or it holds no such secret.
        """
        return cls(read_secret_file(path, "The file of the Lethe secret").strip())

    def patient(self, patient_id: str) -> str:
        """`EUCAIM-` and up to 39 digits."""
        return "EUCAIM-" + _number(f"[{self._secret}]{patient_id.strip(_JAVA_SPACE)}")

    def uid(self, uid: str, pseudonym: str) -> str:
        """The new UID of an object of a patient, at most 64 characters.

        Raises
        ------
        ValueError
            Without a pseudonym: the UID would link to nothing.
        """
        if not pseudonym:
            raise ValueError("Lethe's UIDs depend on the patient's pseudonym.")
        digits = _number(uid + pseudonym)
        return f"{UID_ROOT}.{'9' if digits.startswith('0') else ''}{digits}"[:_LONGEST_UID]

    @property
    def secret(self) -> bytes:
        """The secret, to derive a name for it under the site's key."""
        return self._secret.encode()

    def __repr__(self) -> str:
        return "Lethe()"


def _number(text: str) -> str:
    return str(int.from_bytes(md5(text.encode("utf-8", "surrogateescape"), usedforsecurity=False).digest()))


def _checks(secret: str) -> bool:
    """Whether the last digit is right (Luhn's algorithm modulo 16)."""
    total = 0
    for index, digit in enumerate(int(character, 16) for character in reversed(secret)):
        doubled = digit * (1 + index % 2)
        total += doubled // 16 + doubled % 16
    return total % 16 == 0
