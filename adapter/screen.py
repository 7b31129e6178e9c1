"""What the user sees at a time, folded from the frames that were recorded. Pure: it asks nobody and changes nothing.

A frame counts from the moment its answer was there; before that, and where the answer did not tell, what it brought
is a *maybe*. A stream of the older dialect that is not closed falls back to its first frame after QQ's time-out
(sheet 4.1); one of the current dialect keeps its text (sheet 8.7).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from adapter.dialects import DIALECTS
from adapter.frames import STREAM_KINDS, UPLOAD_KINDS, FrameKind
from adapter.verdicts import TAKEN, Verdict


@dataclass(frozen=True, slots=True)
class Recorded:
    """One frame as its record tells it: a Chunk, with the dialect of its Segment."""

    segment: int
    """Which bubble it belongs to; bubbles stand in the order of these numbers."""
    dialect: str
    kind: FrameKind
    content: str
    """Text that went over the wire: cumulative or a delta, as its dialect has it; of media the caption."""
    sent_at: float
    answered_at: float | None
    """Seconds, on the same clock as ``at`` of ``fold``; None: no answer yet."""
    verdict: Verdict | None
    pair: int | None = None
    """msg_seq: an unknown frame that is repeated under the same one is the same frame."""
    message_id: str = ""


class BubbleState(StrEnum):
    STREAMING = "streaming"
    DONE = "done"
    ROLLED_BACK = "rolled_back"
    """Older dialect, never closed: only the first frame is left."""
    FINALISED = "finalised"
    """Current dialect, never closed: QQ ended it by itself and kept the text."""
    MAYBE = "maybe"
    """Nothing of it is proven to be there."""


@dataclass(frozen=True, slots=True)
class Passage:
    text: str
    certain: bool


@dataclass(frozen=True, slots=True)
class Bubble:
    segment: int
    kind: str
    """"stream", "plain" or "media"."""
    state: BubbleState
    passages: tuple[Passage, ...]
    since: float
    """When its first frame was sent."""
    message_id: str = ""

    @property
    def text(self) -> str:
        """What is certainly there."""
        return "".join(passage.text for passage in self.passages if passage.certain)

    @property
    def certain(self) -> bool:
        return all(passage.certain for passage in self.passages) and self.state is not BubbleState.MAYBE


def fold(recorded: Iterable[Recorded], at: float, rollback_after: float) -> list[Bubble]:
    """The bubbles at the time ``at``, oldest first. ``rollback_after``: seconds without a frame after which QQ ends
    a stream by itself (never published; sheet 9)."""
    by_segment: dict[int, list[Recorded]] = {}
    for frame in recorded:
        if frame.sent_at <= at and frame.kind not in UPLOAD_KINDS:
            by_segment.setdefault(frame.segment, []).append(frame)
    found = (_bubble(by_segment[number], at, rollback_after) for number in sorted(by_segment))
    return [bubble for bubble in found if bubble is not None]


def _bubble(frames: list[Recorded], at: float, rollback_after: float) -> Bubble | None:
    whole = [frame for frame in frames if frame.kind not in STREAM_KINDS and _standing(frame, at) is not None]
    if whole:
        # A segment goes as one message only when nothing of a stream of it was taken.
        return _whole(whole, at)
    seen = [frame for frame in frames if _standing(frame, at) is not None]
    if not seen:
        return None
    cumulative = seen[0].dialect in DIALECTS and DIALECTS[seen[0].dialect].cumulative
    passages = _cumulative(seen, at) if cumulative else _deltas(seen, at)
    closing = [frame for frame in seen if frame.kind is FrameKind.CLOSING]
    closed = any(_standing(frame, at) for frame in closing)
    state = BubbleState.DONE if closed else BubbleState.STREAMING
    last = max(frame.sent_at for frame in seen)
    if not closed and at >= last + rollback_after:
        state = BubbleState.FINALISED if cumulative else BubbleState.ROLLED_BACK
        if not cumulative:
            # A closing frame of unknown outcome may have kept the rest.
            passages = [passages[0], *(Passage(passage.text, False) for passage in passages[1:] if closing)]
    if not any(passage.certain for passage in passages):
        state = BubbleState.MAYBE
    return Bubble(seen[0].segment, "stream", state, tuple(passages), seen[0].sent_at, _id(seen))


def _standing(frame: Recorded, at: float) -> bool | None:
    """Whether the user sees what ``frame`` brought: True, None (no), or False for *maybe*."""
    if frame.answered_at is None or at < frame.answered_at or frame.verdict in (None, Verdict.UNKNOWN):
        return False
    return True if frame.verdict in TAKEN else None


def _whole(frames: list[Recorded], at: float) -> Bubble:
    taken = next((frame for frame in frames if _standing(frame, at)), None)
    frame = taken or frames[-1]
    kind = "media" if frame.kind is FrameKind.MEDIA else "plain"
    state = BubbleState.DONE if taken else BubbleState.MAYBE
    passages = (Passage(frame.content, taken is not None),)
    return Bubble(frame.segment, kind, state, passages, frames[0].sent_at, _id(frames))


def _cumulative(frames: list[Recorded], at: float) -> list[Passage]:
    """The last taken frame holds all the text there is; each later one without an answer may have added to it."""
    passages: list[Passage] = []
    longest = 0
    for frame in frames:
        if _standing(frame, at):
            passages, longest = [Passage(frame.content, True)], len(frame.content)
        elif len(frame.content) > longest:
            passages.append(Passage(frame.content[longest:], False))
            longest = len(frame.content)
    return passages


def _deltas(frames: list[Recorded], at: float) -> list[Passage]:
    """Each delta once, in the order they left; repeats of one pair are one delta."""
    pieces: dict[object, Passage] = {}
    for place, frame in enumerate(frames):
        key = ("pair", frame.pair) if frame.pair is not None else ("frame", place)
        known = pieces.get(key)
        certain = bool(_standing(frame, at)) or (known is not None and known.certain)
        pieces[key] = Passage(frame.content, certain)
    return list(pieces.values())


def _id(frames: list[Recorded]) -> str:
    return next((frame.message_id for frame in frames if frame.message_id), "")
