"""What a reply source yields, piece by piece, and what it is told back.

A source is an async generator. It is resumed after a ``Break`` or ``SendMedia`` only when everything before it has
reached QQ and the open segment is closed; ``SendMedia`` is answered (``asend``) with a ``MediaOutcome``.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from enum import StrEnum

from adapter.content import Content


class MediaKind(StrEnum):
    """QQ's file types (sheet 5.1)."""

    IMAGE = "image"
    VIDEO = "video"
    VOICE = "voice"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class MediaItem:
    """One picture, video, voice or file: an address (``url``), a few bytes (``data``), or ``content`` of any size.

    ``content`` goes before ``data``, and ``data`` before ``url``.
    """

    kind: MediaKind
    url: str | None = None
    data: bytes | None = field(default=None, repr=False)
    name: str = ""
    caption: str = ""
    content: Content | None = None
    file_info: str = ""
    """QQ has it for this scene and this is still good: it need not be uploaded."""
    note: str = ""
    """What was changed beforehand and why ("over 30 MB: QQ takes it as a file"), for the operator."""
    file_id: int | None = None
    """The library's number for it, kept in the record: what an upload that was cut off goes on from."""


@dataclass(frozen=True, slots=True)
class Text:
    text: str


@dataclass(frozen=True, slots=True)
class Reasoning:
    """What the model thinks aloud: kept for the inspector, never sent."""

    text: str


@dataclass(frozen=True, slots=True)
class Break:
    """The model starts a tool call: the open segment is closed before the tool runs."""

    tool: str = ""


@dataclass(frozen=True, slots=True)
class SendMedia:
    item: MediaItem


@dataclass(frozen=True, slots=True)
class MediaOutcome:
    """What became of one media item. ``why`` is in plain English words, fit to be told to the model."""

    sent: bool
    why: str = ""
    code: int | None = None


Piece = Text | Reasoning | Break | SendMedia
Source = AsyncGenerator[Piece, MediaOutcome | None]


class SourceFailed(Exception):
    """The reply source cannot go on. ``reason`` is a code word ("model_refused", "model_silent", "model_cut",
    "model_unreachable", "model_garbled", …), ``detail`` the other side's words with secrets taken out."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail
