"""A look into a file: its type, its measures, its thumbnail. What could be hostile is decoded by a child process."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from qqconsole.media import child
from qqconsole.media.kinds import Look, kind_of
from qqconsole.media.models import MediaKind
from qqconsole.media.mp4 import CutOff, read_film
from qqconsole.media.reasons import MediaProblem
from qqconsole.media.sniffing import HEAD, MP4, SOUNDS, SOUNDS_FOR_FFMPEG, mime_of
from qqconsole.media.thumbnails import draw_frame

PATIENCE = 20.0
"""Seconds for one look of a child."""


def look(path: Path, thumbnail: Path) -> Look:
    """What ``path`` holds; ``thumbnail`` is written where there can be one. Raises MediaProblem(truncated). Blocks."""
    with path.open("rb") as file:
        head = file.read(HEAD)
    mime = mime_of(head)
    seen = Look(mime, kind_of(mime))
    if head[:4] == b"RIFF":
        _check_riff(mime, head, path.stat().st_size)
    if seen.kind is MediaKind.IMAGE:
        return _look_at_picture(path, thumbnail, seen)
    if mime in SOUNDS:
        return _listen(path, seen)
    if mime == MP4 or mime in ("audio/mp4", "video/quicktime"):
        return _look_at_film(path, thumbnail, seen)
    if mime in SOUNDS_FOR_FFMPEG and child.ffmpeg() is None:
        return replace(seen, kind=MediaKind.FILE)
    return seen


def _look_at_picture(path: Path, thumbnail: Path, seen: Look) -> Look:
    answer = child.ask("picture", str(path), str(thumbnail), seconds=PATIENCE)
    problem = answer.get("problem")
    if problem == "truncated":
        raise MediaProblem("truncated", seen.mime)
    if problem:
        return replace(seen, kind=MediaKind.FILE, width=answer.get("width"), height=answer.get("height"))
    return replace(seen, width=answer["width"], height=answer["height"])


def _listen(path: Path, seen: Look) -> Look:
    answer = child.ask("sound", "look", SOUNDS[seen.mime], str(path), seconds=PATIENCE)
    if answer.get("problem"):
        return replace(seen, kind=MediaKind.FILE)
    return replace(seen, duration_ms=answer["duration_ms"])


def _look_at_film(path: Path, thumbnail: Path, seen: Look) -> Look:
    with path.open("rb") as file:
        try:
            film = read_film(file, path.stat().st_size)
        except CutOff:
            raise MediaProblem("truncated", seen.mime) from None
    if seen.kind is MediaKind.VOICE and child.ffmpeg() is None:
        seen = replace(seen, kind=MediaKind.FILE)
    if seen.mime.startswith("video/"):
        draw_frame(path, thumbnail)
    return replace(seen, width=film.width, height=film.height, duration_ms=film.duration_ms)


def _check_riff(mime: str, head: bytes, size: int) -> None:
    """WAV and WebP say how long they are. Whoever writes a WAV without knowing its end leaves 0 or the largest."""
    said = int.from_bytes(head[4:8], "little")
    if 0 < said < 0x7FFFFFFF and said + 8 > size + 1:
        raise MediaProblem("truncated", mime)
