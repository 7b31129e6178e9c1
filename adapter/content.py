"""Content: the bytes of one media item, read piece by piece; a large file is never whole in memory.

An upload wants to know three sums before its first byte leaves (sheet 5.3), so a ``Content`` comes with them.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, runtime_checkable

HEAD = 10_002_432
"""Bytes that ``md5_10m`` covers (sheet 5.3)."""

_STRIDE = 1_048_576
"""Bytes hashed in one go."""


@dataclass(frozen=True, slots=True)
class Sums:
    """What QQ wants to know of a file, in lower-case hex."""

    md5: str
    sha1: str
    md5_10m: str
    """MD5 of the first 10,002,432 bytes; of the whole file where it is smaller."""


class ContentGone(OSError):
    """The file is away, or no longer the one that was looked at. ``str()`` says which, without a path."""


@runtime_checkable
class Content(Protocol):
    @property
    def size(self) -> int:
        """Bytes."""
        ...

    @property
    def sums(self) -> Sums: ...

    async def read(self, offset: int, size: int) -> bytes:
        """Exactly ``size`` bytes from ``offset``. Raises ContentGone; reads off the loop."""
        ...


class Summing:
    """The three sums of bytes that come by in order."""

    def __init__(self) -> None:
        self.size = 0
        self._md5, self._sha1, self._head = _md5(), hashlib.sha1(usedforsecurity=False), _md5()

    def update(self, data: bytes) -> None:
        if self.size < HEAD:
            self._head.update(memoryview(data)[: HEAD - self.size])
        self._md5.update(data)
        self._sha1.update(data)
        self.size += len(data)

    @property
    def sums(self) -> Sums:
        """Of everything that has come by."""
        return Sums(self._md5.hexdigest(), self._sha1.hexdigest(), self._head.hexdigest())


def _md5() -> hashlib._Hash:
    return hashlib.md5(usedforsecurity=False)


@dataclass(frozen=True, slots=True)
class BytesContent:
    """Bytes that are in memory anyway, so small ones. They are hashed when it is made."""

    data: bytes = field(repr=False)
    sums: Sums = field(init=False)

    def __post_init__(self) -> None:
        summing = Summing()
        summing.update(self.data)
        object.__setattr__(self, "sums", summing.sums)

    @property
    def size(self) -> int:
        return len(self.data)

    async def read(self, offset: int, size: int) -> bytes:
        """Raises ContentGone where the bytes do not reach so far."""
        data = self.data[offset : offset + size]
        if len(data) != size:
            raise ContentGone("the data is shorter than it was said to be")
        return data


@dataclass(frozen=True, slots=True)
class FileContent:
    """A file on disk as it was when it was looked at: ``await FileContent.of(path)``."""

    path: Path
    size: int
    sums: Sums
    _mark: tuple[int, int]
    """Its number and the time of its last change (nanoseconds): a file that was changed since is another one."""

    @classmethod
    async def of(cls, path: Path) -> FileContent:
        """Read ``path`` once, off the loop. Raises ContentGone where there is no such file."""
        return await asyncio.to_thread(cls._looked_at, path)

    @classmethod
    def _looked_at(cls, path: Path) -> FileContent:
        summing = Summing()
        try:
            with path.open("rb") as file:
                mark = _mark(file.fileno())
                while data := file.read(_STRIDE):
                    summing.update(data)
        except OSError as error:
            raise ContentGone(f"the file cannot be read: {error.strerror}") from error
        return cls(path, summing.size, summing.sums, mark)

    async def read(self, offset: int, size: int) -> bytes:
        return await asyncio.to_thread(self._read, offset, size)

    def _read(self, offset: int, size: int) -> bytes:
        try:
            with self.path.open("rb", buffering=0) as file:
                if _mark(file.fileno()) != self._mark:
                    raise ContentGone("the file was changed after it was looked at")
                data = os.pread(file.fileno(), size, offset)
        except ContentGone:
            raise
        except OSError as error:
            raise ContentGone(f"the file cannot be read: {error.strerror}") from error
        if len(data) != size:
            raise ContentGone("the file is shorter than it was")
        return data


def _mark(descriptor: int) -> tuple[int, int]:
    found = os.fstat(descriptor)
    return found.st_ino, found.st_mtime_ns
