"""Taking a file in: one pass over its bytes, a look into it, then the storage and the row, or nothing at all.

Three steps, so that who must not block a loop or hold a database thread can take each where it belongs:
``receive`` (disk), ``Received.store`` (disk or bucket), ``find`` and ``record`` (database). ``take_in`` is all of them.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from django.conf import settings
from django.core.files import File
from django.utils import timezone

from adapter.content import Summing, Sums
from qqconsole.accounts.models import User
from qqconsole.media.kinds import HARD_LIMIT, Look
from qqconsole.media.looking import look
from qqconsole.media.models import MediaFile
from qqconsole.media.names import name_for
from qqconsole.media.reasons import MediaProblem
from qqconsole.media.storage import media_storage, new_place

STRIDE = 1_048_576
"""Bytes read at a time."""
SPARE = 32 * 1_048_576
"""Bytes of the disk that a file must leave for the database and the logs."""


def take_in(
    source: BinaryIO | Path,
    *,
    name: str,
    limit: int = HARD_LIMIT,
    length: int | None = None,
    user: User | None = None,
) -> MediaFile:
    """The library's row for this content, made where there is none yet. Blocks; for request and command threads.

    ``length``: bytes that were announced. Raises MediaProblem (empty, too_large, disk_full, truncated, unreadable,
    gone, storage); then neither a row nor a file is left.
    """
    with receive(source, name=name, limit=limit, length=length) as received:
        found = find(received)
        if found is not None:
            found.last_used_at = timezone.now()
            found.save(update_fields=["last_used_at"])
        else:
            received.examine()
            places = received.store()
            try:
                found = record(received, places, user)
            except BaseException:
                places.discard()
                raise
            if found.file.name != places.file:
                # Somebody stored the same content in the same moment: theirs it is.
                places.discard()
        return found


@dataclass(frozen=True, slots=True)
class Places:
    """Where a file and its thumbnail ("": none) were stored; nobody else knows these places."""

    file: str
    thumbnail: str

    def discard(self) -> None:
        """Remove both again."""
        for place in filter(None, (self.file, self.thumbnail)):
            with _storage_problems():
                media_storage().delete(place)


@dataclass(slots=True)
class Received:
    """A file that is here and nowhere else yet; gone with the ``receive`` block."""

    path: Path
    name: str
    size: int
    sha256: str
    sums: Sums
    seen: Look = field(default_factory=Look)

    @property
    def _thumbnail(self) -> Path:
        return self.path.with_suffix(".webp")

    def examine(self) -> None:
        """Look into it. Raises MediaProblem(truncated)."""
        self.seen = look(self.path, self._thumbnail)

    def store(self) -> Places:
        """Put it into the storage. Raises MediaProblem (disk_full, storage); then nothing is left there."""
        places = Places(new_place("files", self.sha256), "")
        try:
            self._put(self.path, places.file)
            if self._thumbnail.exists():
                places = Places(places.file, new_place("thumbnails", self.sha256, ".webp"))
                self._put(self._thumbnail, places.thumbnail)
        except BaseException:
            places.discard()
            raise
        return places

    @staticmethod
    def _put(path: Path, place: str) -> None:
        with _storage_problems(), path.open("rb") as file:
            media_storage().save(place, _Movable(file, path))


class _Movable(File):  # type: ignore[type-arg]
    """A folder takes it by a rename instead of copying it; a bucket reads it."""

    def __init__(self, file: BinaryIO, path: Path) -> None:
        super().__init__(file, name=path.name)
        self._path = path

    def temporary_file_path(self) -> str:
        """Django's name for "this one may be moved away"."""
        return str(self._path)


@contextmanager
def receive(
    source: BinaryIO | Path, *, name: str, limit: int = HARD_LIMIT, length: int | None = None
) -> Iterator[Received]:
    """The bytes of ``source``, counted, hashed and on our disk. Raises MediaProblem as ``take_in`` does. Blocks."""
    if length is not None:
        check_length(length, limit)
    with scratch() as path, _opened(source) as stream:
        size, sha256, sums = _copy(stream, path, limit)
        if size == 0:
            raise MediaProblem("empty")
        if length is not None and size != length:
            raise MediaProblem("truncated", f"{size} of {length} bytes came")
        yield Received(path, name, size, sha256, sums)


def check_length(length: int, limit: int = HARD_LIMIT) -> None:
    """Refuse by what is announced, before a byte is taken. Raises MediaProblem (empty, too_large, disk_full)."""
    if length == 0:
        raise MediaProblem("empty")
    if length > limit:
        raise MediaProblem("too_large", f"{length} bytes")
    free = shutil.disk_usage(settings.HOME).free
    if free < length + SPARE:
        raise MediaProblem("disk_full", f"{free} bytes are free")


@contextmanager
def scratch() -> Iterator[Path]:
    """A path for a file that is not ours yet, in a folder of its own on the data folder's disk; gone at the end."""
    folder = Path(settings.HOME) / "incoming"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        own = Path(tempfile.mkdtemp(dir=folder))
    except OSError as error:
        raise _told(error) from error
    try:
        yield own / "content"
    finally:
        shutil.rmtree(own, ignore_errors=True)


def find(received: Received) -> MediaFile | None:
    """The row that has this content already; one whose file is away from the storage does not count."""
    found = MediaFile.objects.filter(sha256=received.sha256).first()
    return found if found is not None and _is_there(found) else None


def record(received: Received, places: Places, user: User | None) -> MediaFile:
    """The row of what was stored; the one of somebody who was quicker, where there is one. Safe to repeat."""
    seen = received.seen
    file, made = MediaFile.objects.get_or_create(
        sha256=received.sha256,
        defaults={
            "md5": received.sums.md5,
            "sha1": received.sums.sha1,
            "md5_10m": received.sums.md5_10m,
            "size": received.size,
            "mime": seen.mime,
            "kind": seen.kind,
            "name": name_for(received.name, seen.mime, seen.kind),
            "file": places.file,
            "thumbnail": places.thumbnail,
            "width": seen.width,
            "height": seen.height,
            "duration_ms": seen.duration_ms,
            "created_by": user,
            "last_used_at": timezone.now(),
        },
    )
    if not made and file.file.name != places.file and not _is_there(file):
        # Its file was lost from the storage, and here it is again.
        file.file.name, file.thumbnail.name, file.last_used_at = places.file, places.thumbnail, timezone.now()
        file.save(update_fields=["file", "thumbnail", "last_used_at"])
    return file


def _is_there(file: MediaFile) -> bool:
    with _storage_problems():
        return media_storage().exists(file.file.name or "")


def _copy(stream: BinaryIO, path: Path, limit: int) -> tuple[int, str, Sums]:
    whole, summing = hashlib.sha256(), Summing()
    try:
        with path.open("xb") as file:
            while data := _read(stream):
                if summing.size + len(data) > limit:
                    raise MediaProblem("too_large", f"over {limit} bytes")
                whole.update(data)
                summing.update(data)
                file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise _told(error) from error
    return summing.size, whole.hexdigest(), summing.sums


def _read(stream: BinaryIO) -> bytes:
    try:
        return stream.read(STRIDE)
    except OSError as error:
        raise MediaProblem("unreadable", type(error).__name__) from error


@contextmanager
def _opened(source: BinaryIO | Path) -> Iterator[BinaryIO]:
    if not isinstance(source, Path):
        yield source
        return
    try:
        file = source.open("rb")
    except FileNotFoundError as error:
        raise MediaProblem("gone") from error
    except OSError as error:
        raise MediaProblem("unreadable", error.strerror or "") from error
    with file:
        yield file


@contextmanager
def _storage_problems() -> Iterator[None]:
    """A folder's or a bucket's own errors as ours."""
    try:
        yield
    except MediaProblem:
        raise
    except OSError as error:
        raise _told(error) from error
    except Exception as error:
        # A bucket's client has errors of its own, which a console with a folder does not even have installed.
        if type(error).__module__.partition(".")[0] not in ("botocore", "boto3", "s3transfer"):
            raise
        raise MediaProblem("storage", type(error).__name__) from error


def _told(error: OSError) -> MediaProblem:
    full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    return MediaProblem("disk_full" if full else "storage", error.strerror or type(error).__name__)
