"""What QQ takes a file as, and what is said beforehand where that is not what was wished for. Decisions only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from qqconsole.media.models import MediaKind
from qqconsole.media.reasons import MediaProblem
from qqconsole.media.sniffing import MP4, PICTURES, SILK, SOUNDS, SOUNDS_FOR_FFMPEG

MEGABYTE = 1_048_576
HARD_LIMIT = 200 * MEGABYTE
"""Bytes: above this QQ takes nothing (sheet 5.2)."""
SOFT_LIMITS = {MediaKind.IMAGE: 20 * MEGABYTE, MediaKind.VIDEO: 30 * MEGABYTE, MediaKind.VOICE: 20 * MEGABYTE}
"""Bytes: above these QQ takes it as a file."""
LONGEST_VOICE = 600.0
"""Seconds of sound that are converted."""


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen in a file's content."""

    mime: str = ""
    kind: MediaKind = MediaKind.FILE
    width: int | None = None
    height: int | None = None
    duration_ms: int | None = None


class Looked(Protocol):
    """A ``Look`` and a ``MediaFile`` alike."""

    @property
    def mime(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def width(self) -> int | None: ...
    @property
    def duration_ms(self) -> int | None: ...
    @property
    def size(self) -> int: ...


def kind_of(mime: str) -> MediaKind:
    """What QQ would take this type as."""
    if mime in PICTURES:
        return MediaKind.IMAGE
    if mime == MP4:
        return MediaKind.VIDEO
    if mime == SILK or mime in SOUNDS or mime in SOUNDS_FOR_FFMPEG:
        return MediaKind.VOICE
    return MediaKind.FILE


def as_sent(file: Looked, wanted: str = "") -> tuple[MediaKind, str]:
    """What ``file`` goes to QQ as, and the code word of what is to be said about it ("": nothing).

    ``wanted``: "" for what its content is; a file may be anything. Raises MediaProblem(wrong_type) for a picture,
    video or voice whose content is none of these: an error page under a picture's address is not what was meant.
    """
    if wanted == MediaKind.FILE:
        return MediaKind.FILE, ""
    kind = MediaKind(file.kind)
    if kind is MediaKind.FILE:
        note = _why_a_file(file)
        if wanted and not note:
            raise MediaProblem("wrong_type", f"the content is {file.mime or 'of no known type'}, not {wanted}")
        return kind, note
    # A voice is measured when it has been converted.
    if kind is not MediaKind.VOICE and file.size > SOFT_LIMITS[kind]:
        return MediaKind.FILE, f"{kind}_too_large"
    if kind is MediaKind.VOICE and (file.duration_ms or 0) > LONGEST_VOICE * 1000:
        return MediaKind.FILE, "voice_too_long"
    return kind, f"is_{kind}" if wanted and wanted != kind else ""


def _why_a_file(file: Looked) -> str:
    family = file.mime.partition("/")[0]
    if file.mime in PICTURES:
        return "picture_bomb" if file.width else "picture_unreadable"
    return {"image": "picture_type", "video": "video_type", "audio": "voice_unconvertible"}.get(family, "")
