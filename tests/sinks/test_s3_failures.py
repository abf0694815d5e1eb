"""What S3 says is told in the archive's words, and what can be outlived is."""

import base64
import hashlib
import os

import pytest
from botocore.exceptions import BotoCoreError, EndpointConnectionError, NoCredentialsError, ReadTimeoutError

from jobs.demo.emulator import Emulator
from jobs.sinks.failures import (
    AccessDenied,
    MissingBucket,
    NoCredentials,
    ObjectExists,
    StorageError,
    StorageUnreachable,
    WriteConflict,
)
from jobs.sinks.s3_errors import translated
from jobs.sinks.storage import open_storage
from tests.sinks.scripted_s3 import scripted_s3

KEY = "errors/a.json"


def test_a_missing_bucket_is_named_by_whatever_meets_it_first(on_aws: Emulator) -> None:
    storage = open_storage("s3://no-such-bucket-here/prefix")
    for call in (
        storage.check,
        lambda: storage.put(KEY, b""),
        lambda: storage.get(KEY),
        lambda: storage.stat(KEY),
        lambda: list(storage.list()),
    ):
        with pytest.raises(MissingBucket, match="no-such-bucket-here"):
            call()


@pytest.mark.parametrize(
    ("status", "code", "error", "remedy"),
    [
        (403, "AccessDenied", AccessDenied, "the role needs s3:PutObject, .* kms:GenerateDataKey"),
        (403, "InvalidAccessKeyId", NoCredentials, "renew or correct them"),
        (403, "SignatureDoesNotMatch", NoCredentials, "renew or correct them"),
        (400, "ExpiredToken", NoCredentials, "renew or correct them"),
        (403, "RequestTimeTooSkewed", StorageError, "the clock of this machine is wrong"),
        (400, "AuthorizationHeaderMalformed", StorageError, "in another region: correct AWS_REGION"),
        (403, "InvalidObjectState", StorageError, "restore it"),
        (404, "NoSuchBucket", MissingBucket, "create it, or correct"),
        (400, "KMS.DisabledException", StorageError, "enable it, or correct archive.kms_key_id"),
        (400, "EntityTooLarge", StorageError, "its list of error codes"),
    ],
)
def test_a_refusal_says_what_to_do(
    status: int, code: str, error: type[StorageError], remedy: str, on_aws: Emulator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    with scripted_s3((status, code)) as s3:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3.url)
        with pytest.raises(error, match=remedy) as raised:
            open_storage("s3://bucket/prefix").put(KEY, b"a fan's phone")
    assert type(raised.value) is error
    assert "bucket" in raised.value.message
    assert "phone" not in raised.value.message
    assert "\n" not in raised.value.message


@pytest.mark.parametrize(
    ("status", "code", "error", "remedy"),
    [
        (404, "NoSuchBucket", MissingBucket, "create it, or correct"),
        (403, "AccessDenied", AccessDenied, "the role needs s3:PutObject"),
        (400, "ExpiredToken", NoCredentials, "renew or correct them"),
        (400, "IllegalLocationConstraintException", StorageError, "in another region: correct AWS_REGION"),
    ],
)
def test_check_says_what_is_wrong_with_the_bucket(
    status: int, code: str, error: type[StorageError], remedy: str, on_aws: Emulator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    with scripted_s3((status, code)) as s3:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3.url)
        with pytest.raises(error, match=f"bucket.*{remedy}"):
            open_storage("s3://bucket/prefix").check()


@pytest.mark.parametrize(
    ("name", "value", "error", "told"),
    [
        ("AWS_ENDPOINT_URL_S3", "localhost:4566", StorageError, "correct AWS_REGION, AWS_ENDPOINT_URL"),
        ("AWS_PROFILE", "nobody", NoCredentials, "set them up"),
    ],
)
def test_an_environment_that_leads_nowhere_is_said_in_one_line(
    name: str, value: str, error: type[StorageError], told: str, on_aws: Emulator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv(name, value)
    with pytest.raises(error, match=told) as raised:
        open_storage("s3://bucket/prefix").check()
    assert type(raised.value) is error


def test_no_credentials_are_said_to_be_missing(on_aws: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("HOME", os.devnull)
    with pytest.raises(NoCredentials, match="set them up"):
        open_storage("s3://bucket").put(KEY, b"")


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (NoCredentialsError(), NoCredentials),
        (EndpointConnectionError(endpoint_url="http://127.0.0.1:1"), StorageUnreachable),
        (ReadTimeoutError(endpoint_url="http://127.0.0.1:1"), StorageUnreachable),
    ],
)
def test_silence_is_told_from_missing_credentials(error: BotoCoreError, expected: type[StorageError]) -> None:
    assert type(translated(error, "bucket", "s3://bucket/errors/a.json")) is expected


def test_a_conflict_is_tried_again(on_aws: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    conflict = (409, "ConditionalRequestConflict")
    with scripted_s3(conflict, conflict, "store") as s3:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3.url)
        open_storage("s3://bucket").put(KEY, b"body")
        assert s3.stored == b"body"
        assert len(s3.requests) == 3


def test_a_conflict_without_end_fails(on_aws: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    with scripted_s3((409, "ConditionalRequestConflict")) as s3:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3.url)
        with pytest.raises(WriteConflict):
            open_storage("s3://bucket", attempts=3).put(KEY, b"body")
        assert len(s3.requests) == 3


def test_a_put_that_was_stored_but_not_answered_is_found_to_exist(
    on_aws: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    with scripted_s3("store and hang up", "store") as s3:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3.url)
        storage = open_storage("s3://bucket")
        with pytest.raises(ObjectExists):
            storage.put(KEY, b"body")
        stored = storage.stat(KEY)
    assert stored is not None
    assert stored.sha256 == hashlib.sha256(b"body").hexdigest()


def test_an_object_travels_with_its_digest_and_the_key_to_encrypt_it(
    on_aws: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    with scripted_s3("store") as s3:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3.url)
        open_storage("s3://bucket", kms_key_id="alias/archive").put(KEY, b"body")
    ((_, headers),) = s3.requests
    assert headers["if-none-match"] == "*"
    assert headers["x-amz-checksum-sha256"] == base64.b64encode(hashlib.sha256(b"body").digest()).decode()
    assert headers["x-amz-server-side-encryption"] == "aws:kms"
    assert headers["x-amz-server-side-encryption-aws-kms-key-id"] == "alias/archive"
