"""Frame: what the machine asks to be sent. Recorded, it becomes a Chunk."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from adapter.parts import Part
from adapter.pieces import MediaItem
from adapter.ways import Way


class FrameKind(StrEnum):
    OPENING = "opening"
    MIDDLE = "middle"
    CLOSING = "closing"
    PLAIN = "plain"
    FETCH = "fetch"
    """We get what lies at an address: QQ could not, or it must be looked into first."""
    PREPARE = "prepare"
    """upload_prepare: QQ says in which parts, and where to."""
    PART = "part"
    """The PUT of one part to its presigned address."""
    FINISH = "finish"
    """upload_part_finish: QQ looks whether the part is there."""
    UPLOAD = "upload"
    """``…/files``: by address, inline, or merging the parts. Gives the file_info."""
    MEDIA = "media"
    """The message that shows it."""


STREAM_KINDS = (FrameKind.OPENING, FrameKind.MIDDLE, FrameKind.CLOSING)
"""The frames of a stream; every other kind is a request that stands alone."""

UPLOAD_KINDS = (FrameKind.FETCH, FrameKind.PREPARE, FrameKind.PART, FrameKind.FINISH, FrameKind.UPLOAD)
"""What comes before the message with media: nothing of it is seen by anyone, and it may be done again."""


class Pair(StrEnum):
    """Which (msg_id, msg_seq) pair the frame uses; the number itself is allocated by the ledger."""

    NONE = "none"
    """No msg_id, or an endpoint without msg_seq."""
    NEW = "new"
    SEGMENT = "segment"
    """The pair the segment was opened with (current dialect)."""
    REPEAT = "repeat"
    """The pair of the frame before: the very same content again, because its outcome is unknown."""


@dataclass(frozen=True, slots=True)
class Frame:
    kind: FrameKind
    segment: int
    """Number of the segment in the attempt, from 1."""
    start: int
    end: int
    """``text`` is the segment's text from ``start`` to ``end`` (characters)."""
    text: str
    """The characters this frame adds to what the user sees."""
    wire_text: str
    """What goes over the wire: cumulative or not, with the closing newline where the dialect wants one, and a fence
    that was cut closed and opened again."""
    markdown: bool
    reference: str | None
    pair: Pair
    index: int | None = None
    stream_id: str = ""
    opens_with: str = ""
    """What stands before the segment's text in its bubble."""
    why: str = ""
    """Why it exists beside the plain run: again, repeat, newline, plain, proactive, neutralised, rest, notice …"""
    media: MediaItem | None = None
    file_info: str = ""
    way: Way | None = None
    """Of an upload: which way it goes."""
    upload_id: str = ""
    """QQ's id of an upload in parts."""
    part: Part | None = None

    @property
    def urgent(self) -> bool:
        """Opening and closing frames go before middle ones when the pace is short."""
        return self.kind is not FrameKind.MIDDLE
