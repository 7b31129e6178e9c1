"""Segment: one bubble on the user's screen while it is being made. Only ``stream.StreamMachine`` changes it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from adapter.pieces import MediaItem
from adapter.uploading import Upload


class Stage(StrEnum):
    """Where a segment is. Drawn in docs/architecture.md."""

    GATHERING = "gathering"
    """Nothing of it has left; it may become a stream or one plain message."""
    HOLDING = "holding"
    """It will be one plain message, once its text is whole."""
    STREAMING = "streaming"
    """Its opening frame was accepted: it must be closed."""
    DONE = "done"


class SegmentKind(StrEnum):
    STREAM = "stream"
    PLAIN = "plain"
    MEDIA = "media"


class SegmentStatus(StrEnum):
    OPEN = "open"
    CLOSED = "closed"
    ENDED_BY_QQ = "ended_by_qq"
    """QQ had finished the stream itself; nothing more could be added or closed."""
    UNCLOSED = "unclosed"
    """No closing frame could be brought to QQ (or QQ never told the stream's id)."""
    DELIVERED = "delivered"
    IN_REVIEW = "in_review"
    FAILED = "failed"
    UNKNOWN = "unknown"


class BarrierKind(StrEnum):
    """What ends a segment's text."""

    BREAK = "break"
    MEDIA = "media"
    CUT = "cut"
    """The stream could take no more: the rest goes as a plain message."""
    ROLL = "roll"
    """The bubble is full: the text goes on in a new one."""
    END = "end"
    FAILURE = "failure"
    """The source failed, or the house is closing."""
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True)
class Barrier:
    kind: BarrierKind
    item: MediaItem | None = None
    reason: str = ""
    detail: str = ""
    code: int | None = None
    """QQ's code, where QQ ended the reply."""
    silent: bool = False
    """Nothing reaches the target: no notice either."""


@dataclass(slots=True)
class Segment:
    number: int
    markdown: bool
    kind: SegmentKind = SegmentKind.PLAIN
    purpose: str = "reply"
    """reply · rest · notice"""
    stage: Stage = Stage.GATHERING
    status: SegmentStatus = SegmentStatus.OPEN
    text: str = ""
    opens_with: str = ""
    """What goes before ``text`` in the bubble: the fence that the full segment before had to close."""
    closes_with: str = ""
    """What goes behind ``text`` in the bubble once it is whole: what closes the fence it was cut in. Done, it is empty
    where no frame brought it."""
    full: bool = False
    """The text goes straight on in the next segment."""
    accepted: int = 0
    """Characters of ``text`` that QQ has proven to have."""
    tried: int = 0
    """Characters of ``text`` that QQ may have: at least ``accepted``."""
    message_id: str = ""
    """QQ's id of the stream or message."""
    reference: str | None = None
    """The msg_id its stream was opened with: the stream is continued under no other."""
    unanswered: str = ""
    """Why it goes without a msg_id where there was one: window_over · none_left · closed."""
    first_index: int = 0
    next_index: int = 0
    accepted_index: int | None = None
    """Index of the last frame that QQ has proven to have."""
    barrier: Barrier | None = None
    """Set: the text is whole."""
    in_review: bool = False
    suspect: bool = False
    """QQ accepted it while the gateway session was lost: the user may not see it (``adapter.loss``)."""
    suspect_for_good: bool = False
    """No later frame can show what may be missing."""
    suspect_if_taken: bool = False
    """The frame in doubt was under way while the gateway session was lost: is it proven, it is suspect."""
    end_brought: bool = False
    """A frame with its end reached QQ, or may have."""
    doubtful: bool = False
    """Some of its text may or may not have arrived, and nothing can prove it any more."""
    neutralised: bool = False
    turned_plain: bool = False
    """It was opened as markdown, and can be closed only as text."""
    may_open_at: float | None = None
    """Machine time (seconds) from which it may be opened, once enough of it was there."""
    unfit: bool = False
    """It failed for what it says, not for whom it goes to: another text might have passed."""
    media: MediaItem | None = None
    file_info: str = ""
    upload: Upload | None = None
    """How far its media is; None where nothing is to be uploaded."""
    step: str = ""
    """Of media, the last step begun: fetch · prepare · part · finish · upload · send."""
    proactive: bool = False
    """Its media goes without the msg_id: QQ refused it with one."""
    forgotten: bool = False
    """QQ did not take its file_info once already."""
    code: int | None = None
    """QQ's code that decided its status."""
    why: str = ""
    """Why its media was not sent, in plain English."""

    @property
    def failed_step(self) -> str:
        """At which step its media failed, or QQ left open whether it did not; "" for anything else."""
        return self.step if self.status in (SegmentStatus.FAILED, SegmentStatus.UNKNOWN) else ""

    def weigh(self, suspect: bool, *, heals: bool) -> None:
        """QQ accepted a frame; ``heals``: it carried all the text before it once more."""
        self.suspect_for_good = self.suspect_for_good or (suspect and not heals)
        self.suspect = self.suspect_for_good or (suspect if heals else self.suspect)

    @property
    def shown(self) -> bool:
        """Whether the user sees, or may see, something of it."""
        done = self.status not in (SegmentStatus.OPEN, SegmentStatus.FAILED)
        return done or self.tried > 0 or bool(self.message_id) or self.in_review or self.doubtful
