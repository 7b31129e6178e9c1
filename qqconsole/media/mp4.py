"""What an MP4 says of itself: its boxes are walked, nothing is decoded (ISO/IEC 14496-12)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

MOST_BOXES = 10_000
_OUTER = {b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"moof", b"mfra", b"sidx", b"styp", b"uuid", b"meta"}


class CutOff(Exception):
    """A box is longer than what is left of the file: its end is missing."""


@dataclass(slots=True)
class Film:
    duration_ms: int | None = None
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True, slots=True)
class _Box:
    kind: bytes
    start: int
    """Where its content begins."""
    end: int


def read_film(file: BinaryIO, size: int) -> Film:
    """How long and how large it is, as far as it says. Raises CutOff; what is no MP4 at all says nothing."""
    film = Film()
    for box in _boxes(file, 0, size):
        if box.kind not in _OUTER:
            break
        if box.end > size:
            raise CutOff
        if box.kind == b"moov":
            _read_moov(file, box, film)
    return film


def _read_moov(file: BinaryIO, moov: _Box, film: Film) -> None:
    for box in _boxes(file, moov.start, moov.end):
        if box.kind == b"mvhd":
            file.seek(box.start)
            film.duration_ms = _duration(file.read(32))
        elif box.kind == b"trak" and not film.width:
            for inner in _boxes(file, box.start, min(box.end, moov.end)):
                if inner.kind == b"tkhd":
                    _read_size(file, inner, film)
                    break


def _boxes(file: BinaryIO, start: int, end: int) -> Iterator[_Box]:
    for _ in range(MOST_BOXES):
        if start + 8 > end:
            return
        file.seek(start)
        head = file.read(16)
        if len(head) < 8:
            return
        length, skip = int.from_bytes(head[:4], "big"), 8
        if length == 1 and len(head) == 16:
            length, skip = int.from_bytes(head[8:16], "big"), 16
        elif length == 0:
            length = end - start
        if length < skip:
            return
        yield _Box(head[4:8], start + skip, start + length)
        start += length


def _duration(data: bytes) -> int | None:
    if len(data) < 32:
        return None
    scale: int
    length: int
    scale, length = struct.unpack(">IQ", data[20:32]) if data[0] == 1 else struct.unpack(">II", data[12:20])
    if not scale or length >= 0xFFFFFFFF or length / scale > 10**6:
        return None
    return round(length * 1000 / scale)


def _read_size(file: BinaryIO, box: _Box, film: Film) -> None:
    """Width and height are the last eight bytes, each 16.16; a sound track's are zero."""
    if box.end - box.start < 84:
        return
    file.seek(box.end - 8)
    data = file.read(8)
    if len(data) == 8:
        width, height = struct.unpack(">II", data)
        film.width, film.height = (width >> 16) or None, (height >> 16) or None
