"""The archive on S3: one atomic PUT an object, never over another one."""

import base64
import hashlib
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

from jobs.instants import from_epoch
from jobs.retries import insisting
from jobs.sinks.failures import ObjectChanged, ObjectExists, ObjectMissing
from jobs.sinks.s3_errors import is_passing, translated
from jobs.sinks.storage import ATTEMPTS, TIMEOUT_SECONDS, Listed, Location, Storage, Stored, checked

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client
    from types_boto3_s3.type_defs import ListObjectsV2OutputTypeDef, ObjectTypeDef

T = TypeVar("T")

CHUNK_BYTES = 1 << 20
CHECK_ATTEMPTS = 3


@dataclass(frozen=True)
class S3Storage(Storage):
    """Objects below ``s3://bucket/prefix``; a call is tried ``attempts`` times where that may help.

    Needs s3:PutObject, s3:GetObject and s3:ListBucket (without the last one S3 says 403 where it means 404), and
    s3:DeleteObject for leftovers of a killed attempt.
    """

    bucket: str
    prefix: str
    kms_key_id: str | None = None
    attempts: int = ATTEMPTS
    timeout_seconds: int = TIMEOUT_SECONDS
    kind = "s3"

    @property
    def uri(self) -> str:
        """``s3://bucket/prefix``."""
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/")

    def location(self, key: str) -> Location:
        """The bucket, and the key with the prefix."""
        return {"type": "s3", "bucket": self.bucket, "key": self._full(key)}

    def check(self) -> None:
        """Ask for the bucket: raises what is wrong with it, the credentials or the network, and that soon."""
        attempts = min(self.attempts, CHECK_ATTEMPTS)
        # Not HEAD, whose answers have no body to say what is wrong.
        self._asked("", lambda: self._client.list_objects_v2(Bucket=self.bucket, MaxKeys=1), attempts)

    def put(self, key: str, body: bytes | bytearray) -> None:
        """PUT with ``If-None-Match: *``.

        Raises ``ObjectExists``, also where a retry meets the object that the first, unanswered attempt stored:
        the caller compares the bytes.
        """
        self._put(key, body, {"IfNoneMatch": "*"})

    def replace(self, key: str, body: bytes | bytearray, version: str) -> None:
        """PUT with ``If-Match``; ``ObjectChanged`` where the object is no longer that version."""
        try:
            self._put(key, body, {"IfMatch": version})
        except (ObjectExists, ObjectMissing) as error:
            raise ObjectChanged(
                f"{self._name(key)} changed under us: another job writes this batch"
            ) from error

    def stat(self, key: str) -> Stored | None:
        """SHA-256 of the content and the ETag, read in pieces."""

        def read() -> Stored:
            answer = self._client.get_object(Bucket=self.bucket, Key=self._full(key))
            digest = hashlib.sha256()
            for chunk in answer["Body"].iter_chunks(CHUNK_BYTES):
                digest.update(chunk)
            return Stored(digest.hexdigest(), answer["ETag"])

        try:
            return self._asked(key, read)
        except ObjectMissing:
            return None

    def get(self, key: str) -> bytes:
        """The object's bytes; ``ObjectMissing`` where there is none."""

        def read() -> bytes:
            return self._client.get_object(Bucket=self.bucket, Key=self._full(key))["Body"].read()

        return self._asked(key, read)

    def read(self, key: str, start: int, length: int) -> bytes:
        """GET of a range."""
        full, place = self._full(key), f"bytes={start}-{start + length - 1}"

        def read() -> bytes:
            return self._client.get_object(Bucket=self.bucket, Key=full, Range=place)["Body"].read()

        return self._asked(key, read)

    def size(self, key: str) -> int:
        """HEAD of the object."""
        full = self._full(key)
        return self._asked(key, lambda: self._client.head_object(Bucket=self.bucket, Key=full))[
            "ContentLength"
        ]

    def exists(self, key: str) -> bool:
        """HEAD of the object."""
        full = self._full(key)
        try:
            self._asked(key, lambda: self._client.head_object(Bucket=self.bucket, Key=full))
        except ObjectMissing:
            return False
        return True

    def list(self, prefix: str = "", after: str = "") -> Iterator[str]:
        """Keys page by page, a thousand a call."""
        for item in self._items(prefix, after):
            yield self._own(item)

    def dated(self, prefix: str, after: str = "") -> Iterator[tuple[str, datetime]]:
        """``LastModified``, which a listing tells anyway."""
        for item in self._items(prefix, after):
            yield self._own(item), from_epoch(item["LastModified"])

    def sized(self, prefix: str, after: str = "") -> Iterator[tuple[str, int]]:
        """``Size``, which a listing tells anyway."""
        for item in self._items(prefix, after):
            yield self._own(item), item["Size"]

    def listed(self, wanted: Callable[[str], bool], prefix: str = "") -> Iterator[Listed]:
        """An object's version is its ETag."""
        for item in self._items(prefix, ""):
            if wanted(key := self._own(item)):
                yield Listed(key, item["Size"], item["ETag"])

    def _items(self, prefix: str, after: str) -> "Iterator[ObjectTypeDef]":
        start = {"StartAfter": self._root + after} if after else {}
        for page in self._pages(prefix, start):
            yield from (item for item in page.get("Contents", ()) if not item["Key"].endswith("/"))

    def _own(self, item: "ObjectTypeDef") -> str:
        return item["Key"][len(self._root) :]

    def folders(self, prefix: str) -> Iterator[str]:
        """Common prefixes page by page, a thousand a call, however many objects they hold."""
        for page in self._pages(prefix, {"Delimiter": "/"}):
            for item in page.get("CommonPrefixes", ()):
                yield item["Prefix"][len(self._root) :]

    def delete(self, key: str) -> None:
        """DELETE, which S3 answers alike for an object that is gone."""
        full = self._full(key)
        self._asked(key, lambda: self._client.delete_object(Bucket=self.bucket, Key=full))

    def _pages(self, prefix: str, options: dict[str, str]) -> "Iterator[ListObjectsV2OutputTypeDef]":
        key = prefix and checked(f"{prefix}_")
        request: dict[str, Any] = {"Bucket": self.bucket, "Prefix": self._root + prefix, **options}
        while True:
            page = self._asked(key, lambda: self._client.list_objects_v2(**request))
            yield page
            if not page["IsTruncated"]:
                return
            request["ContinuationToken"] = page["NextContinuationToken"]

    @property
    def _root(self) -> str:
        return f"{self.prefix}/" if self.prefix else ""

    @property
    def _client(self) -> "S3Client":
        # One at a time: the threads of a first batch would each make a client otherwise.
        with _MAKING:
            return _client(self.timeout_seconds, *(os.environ.get(name) for name in _CLIENT_SETTINGS))

    def _full(self, key: str) -> str:
        return self._root + checked(key)

    def _name(self, key: str) -> str:
        return f"{self.uri}/{key}"

    def _put(self, key: str, body: bytes | bytearray, condition: dict[str, str]) -> None:
        request: dict[str, Any] = {
            "Bucket": self.bucket,
            "Key": self._full(key),
            "Body": body,
            "ChecksumSHA256": base64.b64encode(hashlib.sha256(body).digest()).decode(),
            **condition,
        }
        if self.kms_key_id:
            request |= {
                "ServerSideEncryption": "aws:kms",
                "SSEKMSKeyId": self.kms_key_id,
                "BucketKeyEnabled": True,
            }
        self._asked(key, lambda: self._client.put_object(**request))

    def _asked(self, key: str, call: Callable[[], T], attempts: int | None = None) -> T:
        """The call's answer; its failure as a ``StorageError``."""
        from botocore.exceptions import BotoCoreError, ClientError
        from botocore.parsers import ResponseParserError
        from urllib3.exceptions import HTTPError

        try:
            return insisting(call, attempts or self.attempts, is_passing)
        except (BotoCoreError, ClientError, ResponseParserError, HTTPError, ValueError) as error:
            raise translated(error, self.bucket, self._name(key) if key else None) from error


_MAKING = threading.Lock()
_CLIENT_SETTINGS = (
    "AWS_REGION",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_S3",
    "AWS_ACCESS_KEY_ID",
    "AWS_PROFILE",
)


@lru_cache(maxsize=4)
def _client(timeout: int, region: str | None, *_environment: str | None) -> "S3Client":
    """One client a process and environment: workers are reused, and making a client takes 0.1 s."""
    import boto3
    from botocore.config import Config

    config = Config(
        # The retries are ours: botocore's know neither a bare 429 nor an answer cut short.
        retries={"mode": "standard", "total_max_attempts": 1},
        connect_timeout=min(5, timeout),
        read_timeout=timeout,
        max_pool_connections=32,
    )
    return boto3.session.Session().client("s3", region_name=region, config=config)
