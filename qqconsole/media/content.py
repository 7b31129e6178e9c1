"""StoredContent: a library file as an upload reads it, piece by piece, from a folder or from a bucket."""

from __future__ import annotations

import asyncio
import hashlib
import os
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.core.files.storage import Storage

from adapter.content import ContentGone, Sums
from qqconsole.media.models import MediaFile
from qqconsole.media.storage import media_storage

STRIDE = 1_048_576
SLACK = timedelta(seconds=60)
"""A stored file is older than its row; one that is younger by more than this is hashed again before it is believed."""
_SHORTER = "the stored file is shorter or longer than it was"


@dataclass(frozen=True, slots=True)
class StoredContent:
    """An ``adapter.content.Content``. Make it with ``open_content``."""

    size: int
    sums: Sums
    _place: str
    _path: Path | None
    """None: it lies in a bucket."""
    _mark: tuple[int, int] | None

    async def read(self, offset: int, size: int) -> bytes:
        """Raises ContentGone where the file is away or another one by now."""
        return await asyncio.to_thread(self._read, offset, size)

    def _read(self, offset: int, size: int) -> bytes:
        if self._path is None:
            data = _read_object(media_storage(), self._place, offset, size, self.size)
        else:
            data = self._read_file(self._path, offset, size)
        if len(data) != size:
            raise ContentGone(_SHORTER)
        return data

    def _read_file(self, path: Path, offset: int, size: int) -> bytes:
        try:
            with path.open("rb", buffering=0) as file:
                if _mark_of(file.fileno()) != self._mark:
                    raise ContentGone("the stored file was changed while it was sent")
                return os.pread(file.fileno(), size, offset)
        except ContentGone:
            raise
        except OSError as error:
            raise ContentGone(f"the stored file cannot be read: {error.strerror}") from error


async def open_content(file: MediaFile) -> StoredContent:
    """The content behind the row, looked at first. Raises ContentGone."""
    return await asyncio.to_thread(_open, file)


def _open(file: MediaFile) -> StoredContent:
    sums = Sums(file.md5, file.sha1, file.md5_10m)
    place = file.file.name or ""
    try:
        path = Path(media_storage().path(place))
    except NotImplementedError:
        _read_object(media_storage(), place, 0, 1, file.size)
        return StoredContent(file.size, sums, place, None, None)
    try:
        with path.open("rb") as stored:
            found = os.fstat(stored.fileno())
            if found.st_size != file.size:
                raise ContentGone(_SHORTER)
            if found.st_mtime > (file.created_at + SLACK).timestamp():
                # Changed since, or a restored backup: the hash tells.
                whole = hashlib.sha256()
                while data := stored.read(STRIDE):
                    whole.update(data)
                if whole.hexdigest() != file.sha256:
                    raise ContentGone("the stored file was changed")
            return StoredContent(file.size, sums, place, path, _mark_of(stored.fileno()))
    except ContentGone:
        raise
    except OSError as error:
        raise ContentGone(f"the stored file cannot be read: {error.strerror}") from error


def _mark_of(descriptor: int) -> tuple[int, int]:
    found = os.fstat(descriptor)
    return found.st_ino, found.st_mtime_ns


def _read_object(storage: Storage, place: str, offset: int, size: int, whole: int) -> bytes:
    """A stretch of an object in a bucket, by one ranged request."""
    from botocore.exceptions import BotoCoreError, ClientError

    bucket: Any = storage
    client = bucket.connection.meta.client
    key = bucket._normalize_name(place)
    try:
        answer = client.get_object(Bucket=bucket.bucket_name, Key=key, Range=f"bytes={offset}-{offset + size - 1}")
        if answer["ContentRange"].rpartition("/")[2] != str(whole):
            raise ContentGone(_SHORTER)
        data: bytes = answer["Body"].read()
    except (ClientError, BotoCoreError) as error:
        raise ContentGone(f"the stored file cannot be had from the bucket: {type(error).__name__}") from error
    return data
