"""A recording: how long it is, and the same as QQ takes a voice message (SILK v3 with Tencent's mark, sheet 5.4).

``sound.py look FORMAT SOURCE`` and ``sound.py silk SECONDS SOURCE RESULT`` print JSON.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

import miniaudio
import pysilk

RATE = 24_000
"""Hz, mono: the highest SILK works with."""
BIT_RATE = 24_000
MEMORY = 800 * 1_048_576

_LOOKS = {
    "wav": miniaudio.wav_get_file_info,
    "mp3": miniaudio.mp3_get_file_info,
    "flac": miniaudio.flac_get_file_info,
    "ogg": miniaudio.vorbis_get_file_info,
}


class TooLong(Exception):
    """It goes on after the limit."""


class Samples:
    """What the encoder reads from: 16 bit mono samples, decoded as they are asked for."""

    def __init__(self, source: str, most_seconds: float) -> None:
        self._pieces: Iterator[Any] = miniaudio.stream_file(
            source, nchannels=1, sample_rate=RATE, frames_to_read=RATE // 10
        )
        self._held = bytearray()
        self._most = int(most_seconds * RATE) * 2
        self.taken = 0

    def read(self, size: int) -> bytes:
        """``size`` bytes, the last ones filled up with silence; b"" at the end. Raises TooLong."""
        while len(self._held) < size:
            piece = next(self._pieces, None)
            if piece is None:
                break
            self._held += piece.tobytes()
            self.taken += len(piece) * 2
            if self.taken > self._most:
                raise TooLong
        data = bytes(self._held[:size])
        del self._held[:size]
        return data.ljust(size, b"\0") if data else b""

    def write(self, data: bytes) -> None:
        """The encoder takes for a file only what has one."""
        raise NotImplementedError


def look(format_name: str, source: str) -> dict[str, Any]:
    """``{"duration_ms"}``, or ``{"problem": "unreadable"}``."""
    try:
        found = _LOOKS[format_name](source)
    except miniaudio.MiniaudioError as error:
        return {"problem": "unreadable", "detail": str(error)[:200]}
    if found.num_frames <= 0:
        return {"problem": "unreadable", "detail": "there is no sound in it"}
    return {"duration_ms": round(found.duration * 1000)}


def to_silk(most_seconds: float, source: str, result: str) -> dict[str, Any]:
    """``{"duration_ms"}`` with the file ``result`` written, or ``{"problem"}``: unreadable, too_long."""
    try:
        samples = Samples(source, most_seconds)
        with open(result, "xb") as output:
            pysilk.encode(samples, output, RATE, BIT_RATE)
    except TooLong:
        return {"problem": "too_long"}
    except (miniaudio.MiniaudioError, pysilk.SilkError) as error:
        return {"problem": "unreadable", "detail": str(error)[:200]}
    if not samples.taken:
        return {"problem": "unreadable", "detail": "there is no sound in it"}
    return {"duration_ms": round(samples.taken / 2 / RATE * 1000)}


def _bound() -> None:
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    except (ImportError, ValueError, OSError):
        pass  # not every system knows the limit; the time limit of whoever started this stays


if __name__ == "__main__":
    _bound()
    try:
        task, *given = sys.argv[1:]
        answer = to_silk(float(given[0]), *given[1:]) if task == "silk" else look(*given)
    except Exception as error:  # noqa: BLE001 - a broken file may break a decoder in any way; it is in the answer
        answer = {"problem": "unreadable", "detail": f"{type(error).__name__}: {error}"[:200]}
    print(json.dumps(answer))  # noqa: T201
