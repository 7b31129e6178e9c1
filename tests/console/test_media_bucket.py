"""The same library in an S3-compatible bucket: a real server, real requests."""

from __future__ import annotations

import io
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from asgiref.sync import sync_to_async
from botocore.exceptions import EndpointConnectionError
from django.test import Client

from adapter.content import ContentGone
from qqconsole import environment
from qqconsole.media.cleaning import clean
from qqconsole.media.content import open_content
from qqconsole.media.intake import take_in
from qqconsole.media.models import MediaFile
from qqconsole.media.reasons import MediaProblem
from tests.console.media_files import noise, picture

STARTS_WITHIN = 30.0
BUCKET = "a-bucket"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of an empty S3 server."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _make_bucket(f"http://127.0.0.1:{port}")
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def _client(address: str) -> Any:
    return boto3.client(
        "s3", endpoint_url=address, aws_access_key_id="key", aws_secret_access_key="secret", region_name="us-east-1"
    )


def _make_bucket(address: str) -> None:
    ends = time.monotonic() + STARTS_WITHIN
    while True:
        try:
            _client(address).create_bucket(Bucket=BUCKET)
            return
        except EndpointConnectionError:
            if time.monotonic() > ends:
                raise
            time.sleep(0.05)


@pytest.fixture
def bucket(server: str, library: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The library's storage by the one variable a person sets."""
    address = f"s3://key:secret@{server}/{BUCKET}/of/mine?region=us-east-1&tls=0"
    monkeypatch.setenv("QQCONSOLE_MEDIA_STORAGE", address)
    settings.STORAGES = {**settings.STORAGES, "media": environment.media_storage(library)}
    return _client(f"http://{server}")


def keys(client: Any) -> list[str]:
    return [each["Key"] for each in client.list_objects_v2(Bucket=BUCKET).get("Contents", [])]


def taken(data: bytes) -> MediaFile:
    return take_in(io.BytesIO(data), name="a")


@pytest.mark.django_db
def test_a_file_lies_in_the_bucket_and_nowhere_else(bucket: Any, library: Path, operator_client: Client) -> None:
    data = picture()

    file = taken(data)

    assert sorted(keys(bucket)) == sorted([f"of/mine/{file.file.name}", f"of/mine/{file.thumbnail.name}"])
    assert [path for path in library.rglob("*") if path.is_file()] == []
    assert b"".join(operator_client.get(f"/media/{file.pk}/file")) == data  # type: ignore[arg-type]
    assert b"".join(operator_client.get(f"/media/{file.pk}/thumbnail"))[8:12] == b"WEBP"  # type: ignore[arg-type]

    assert clean(timedelta(0)).files == 1
    assert keys(bucket) == []


@pytest.mark.django_db(transaction=True)
async def test_an_upload_reads_it_by_ranges(bucket: Any) -> None:
    data = noise(3_000_000)
    file = await sync_to_async(taken)(data)

    content = await open_content(file)

    assert await content.read(1_000_001, 500_000) == data[1_000_001:1_500_001]
    bucket.put_object(Bucket=BUCKET, Key=f"of/mine/{file.file.name}", Body=b"another")
    with pytest.raises(ContentGone):
        await content.read(0, 3)
    bucket.delete_object(Bucket=BUCKET, Key=f"of/mine/{file.file.name}")
    with pytest.raises(ContentGone):
        await content.read(0, 3)


@pytest.mark.django_db
def test_a_bucket_that_is_away_is_named(bucket: Any, library: Path, settings: Any) -> None:
    media = settings.STORAGES["media"]
    options = {**media["OPTIONS"], "bucket_name": "no-such-bucket"}
    settings.STORAGES = {**settings.STORAGES, "media": {**media, "OPTIONS": options}}

    with pytest.raises(MediaProblem) as refused:
        taken(noise())

    assert refused.value.reason == "storage"
    assert not MediaFile.objects.exists()


@pytest.mark.parametrize(
    "address", ["https://host/bucket", "s3://host", "s3://key:hidden@host/bucket?colour=red", "s3://k:hidden@host:x/b"]
)
def test_an_address_that_is_none_is_told_without_its_secret(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QQCONSOLE_MEDIA_STORAGE", address)

    with pytest.raises(ValueError) as told:
        environment.media_storage(Path("/nowhere"))

    assert "QQCONSOLE_MEDIA_STORAGE" in str(told.value)
    assert "hidden" not in str(told.value)
