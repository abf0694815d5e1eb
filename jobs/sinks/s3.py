"""The archive on S3: one atomic PUT an object, never over another one."""

import base64
import hashlib
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from jobs.sinks.failures import ObjectChanged, ObjectExists, ObjectMissing, WriteConflict
from jobs.sinks.s3_errors import translated
from jobs.sinks.storage import Location, Storage, Stored, checked

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

CONFLICT_ATTEMPTS = 5
CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class S3Storage(Storage):
    """Objects below ``s3://bucket/prefix``; retries are botocore's standard ones, five attempts at most.

    Needs s3:PutObject, s3:GetObject and s3:ListBucket (without the last one S3 says 403 where it means 404).
    """

    bucket: str
    prefix: str
    kms_key_id: str | None = None
    kind = "s3"

    @property
    def uri(self) -> str:
        """``s3://bucket/prefix``."""
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/")

    def location(self, key: str) -> Location:
        """The bucket, and the key with the prefix."""
        return {"type": "s3", "bucket": self.bucket, "key": self._full(key)}

    def check(self) -> None:
        """Ask for the bucket: raises what is wrong with it, the credentials or the network."""
        with self._translated(""):
            self._client.head_bucket(Bucket=self.bucket)

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
        try:
            with self._translated(key):
                answer = self._client.get_object(Bucket=self.bucket, Key=self._full(key))
                digest = hashlib.sha256()
                for chunk in answer["Body"].iter_chunks(CHUNK_BYTES):
                    digest.update(chunk)
        except ObjectMissing:
            return None
        return Stored(digest.hexdigest(), answer["ETag"])

    def get(self, key: str) -> bytes:
        """The object's bytes; ``ObjectMissing`` where there is none."""
        with self._translated(key):
            return self._client.get_object(Bucket=self.bucket, Key=self._full(key))["Body"].read()

    def exists(self, key: str) -> bool:
        """HEAD of the object."""
        try:
            with self._translated(key):
                self._client.head_object(Bucket=self.bucket, Key=self._full(key))
        except ObjectMissing:
            return False
        return True

    def list(self, prefix: str = "", after: str = "") -> Iterator[str]:
        """Keys page by page, a thousand a call."""
        root = f"{self.prefix}/" if self.prefix else ""
        start: Any = {"StartAfter": root + after} if after else {}
        with self._translated(prefix and checked(f"{prefix}_")):
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self.bucket, Prefix=root + prefix, **start
            )
            for page in pages:
                for item in page.get("Contents", ()):
                    if not item["Key"].endswith("/"):
                        yield item["Key"][len(root) :]

    def delete(self, key: str) -> None:
        """DELETE, which S3 answers alike for an object that is gone."""
        with self._translated(key):
            self._client.delete_object(Bucket=self.bucket, Key=self._full(key))

    @property
    def _client(self) -> "S3Client":
        # One at a time: the threads of a first batch would each make a client otherwise.
        with _MAKING:
            return _client(*(os.environ.get(name) for name in _CLIENT_SETTINGS))

    def _full(self, key: str) -> str:
        return f"{self.prefix}/{checked(key)}" if self.prefix else checked(key)

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
        for attempt in range(CONFLICT_ATTEMPTS):
            try:
                with self._translated(key):
                    self._client.put_object(**request)
                return
            except WriteConflict:
                if attempt == CONFLICT_ATTEMPTS - 1:
                    raise
                time.sleep(0.1 * 2**attempt)

    @contextmanager
    def _translated(self, key: str) -> Iterator[None]:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            yield
        except (BotoCoreError, ClientError) as error:
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
def _client(region: str | None, *_environment: str | None) -> "S3Client":
    """One client a process and environment: workers are reused, and making a client takes 0.1 s."""
    import boto3
    from botocore.config import Config

    config = Config(
        retries={"mode": "standard", "total_max_attempts": 5},
        connect_timeout=5,
        read_timeout=60,
        max_pool_connections=32,
    )
    return boto3.session.Session().client("s3", region_name=region, config=config)
