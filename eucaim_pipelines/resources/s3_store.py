"""An S3 bucket as the place of releases.

Works with stores that ignore conditional writes: a key's bytes are compared, not guarded.
"""

import hashlib
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from eucaim_pipelines.errors import MachineError
from eucaim_pipelines.release.store import PIECE, StoreConflictError

if TYPE_CHECKING:
    from botocore.response import StreamingBody
    from mypy_boto3_s3 import S3Client

CONNECTIONS = 16
_SHA256 = "sha256"


class S3Store:
    """Keys below `prefix` in `bucket`; each object carries its SHA-256 as metadata. Picklable."""

    def __init__(self, bucket: str, prefix: str, endpoint: str | None, region: str) -> None:
        self.bucket, self.prefix, self.endpoint, self.region = bucket, prefix, endpoint, region

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_client"}

    @cached_property
    def _client(self) -> "S3Client":
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name=self.region,
            config=Config(
                signature_version="s3v4",
                max_pool_connections=CONNECTIONS,
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
                retries={"max_attempts": 4, "mode": "standard"},
                connect_timeout=5,
            ),
        )

    def put(self, key: str, data: bytes) -> bool:
        """See `ObjectStore.put`."""
        sha256 = hashlib.sha256(data).hexdigest()
        head = self._head(key)
        if head is not None:
            if head["ContentLength"] != len(data) or head["Metadata"].get(_SHA256) != sha256:
                raise StoreConflictError(key)
            return False
        self._put(key, data, sha256)
        return True

    def replace(self, key: str, data: bytes) -> None:
        """See `ObjectStore.replace`."""
        self._put(key, data, hashlib.sha256(data).hexdigest())

    def get(self, key: str) -> bytes | None:
        """See `ObjectStore.get`."""
        pieces = self.pieces(key)
        return None if pieces is None else b"".join(pieces)

    def pieces(self, key: str) -> Iterator[bytes] | None:
        """See `ObjectStore.pieces`."""
        try:
            body = self._client.get_object(Bucket=self.bucket, Key=self._name(key))["Body"]
        except ClientError as error:
            if _absent(error):
                return None
            raise _unreachable(error) from None
        except BotoCoreError as error:
            raise _unreachable(error) from None
        return _pieces(body)

    def local(self, key: str) -> Path | None:
        """See `ObjectStore.local`."""
        return None

    def size(self, key: str) -> int | None:
        """See `ObjectStore.size`."""
        head = self._head(key)
        return None if head is None else int(head["ContentLength"])

    def folders(self, prefix: str) -> list[str]:
        """See `ObjectStore.folders`."""
        below = f"{self._name(prefix)}/"
        try:
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self.bucket, Prefix=below, Delimiter="/"
            )
            found = [each["Prefix"] for page in pages for each in page.get("CommonPrefixes", ())]
        except (ClientError, BotoCoreError) as error:
            raise _unreachable(error) from None
        return sorted(each.removeprefix(below).rstrip("/") for each in found)

    def sweep(self, prefix: str) -> None:
        """See `ObjectStore.sweep`: an object of S3 is there whole or not at all."""

    def address(self, key: str) -> str:
        """See `ObjectStore.address`."""
        return f"s3://{self.bucket}/{self._name(key)}"

    def _head(self, key: str) -> dict[str, Any] | None:
        try:
            return dict(self._client.head_object(Bucket=self.bucket, Key=self._name(key)))
        except ClientError as error:
            if _absent(error):
                return None
            raise _unreachable(error) from None
        except BotoCoreError as error:
            raise _unreachable(error) from None

    def _put(self, key: str, data: bytes, sha256: str) -> None:
        try:
            self._client.put_object(
                Bucket=self.bucket, Key=self._name(key), Body=data, Metadata={_SHA256: sha256}
            )
        except (ClientError, BotoCoreError) as error:
            raise _unreachable(error) from None

    def _name(self, key: str) -> str:
        return f"{self.prefix}/{key}" if self.prefix else key


def _pieces(body: "StreamingBody") -> Iterator[bytes]:
    try:
        yield from body.iter_chunks(PIECE)
    except BotoCoreError as error:
        raise _unreachable(error) from None


def _absent(error: ClientError) -> bool:
    return error.response.get("Error", {}).get("Code") in {"404", "NoSuchKey", "NotFound"}


def _unreachable(error: Exception) -> MachineError:
    code = error.response.get("Error", {}).get("Code", "") if isinstance(error, ClientError) else ""
    return MachineError(
        f"The object store does not take part ({code or type(error).__name__}). "
        "Check the settings 'release' and 's3_endpoint', the credentials, and that the bucket exists."
    )
