"""An interrupted attempt's rows, back into the adapter's words: what was open, what was in flight, what was unsent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from adapter.frames import STREAM_KINDS, Frame, FrameKind, Pair
from adapter.policy import Policy
from adapter.restoring import in_doubt, opens_behind, restore
from adapter.segment import Segment as LiveSegment
from adapter.segment import SegmentKind, SegmentStatus
from adapter.stream import Restored
from adapter.verdicts import Verdict
from qqconsole.deliveries import tails
from qqconsole.deliveries.media_record import item_of
from qqconsole.deliveries.missing import unsent_text
from qqconsole.deliveries.models import Chunk, ChunkStatus, Delivery, Segment
from qqconsole.deliveries.wire import restore_request


@dataclass(frozen=True, slots=True)
class Interrupted:
    """What a take-over has to go on with."""

    segments: tuple[Segment, ...]
    chunks: tuple[tuple[int, Chunk], ...]
    """Each with its segment's number, oldest first."""
    restored: Restored | None
    """None: nothing is open and nothing was in flight."""
    sending: Chunk | None
    """The chunk that QQ may have: no answer was written down, or one that did not tell."""
    unsent: str
    """Generated, stored, and in no segment yet."""
    whole: bool
    """The source had ended: ``unsent`` is all that was to come."""

    @property
    def shown(self) -> bool:
        """Whether the user saw something of the segments before the open one."""
        return any(segment.shown for segment in self.ended)

    @property
    def ended(self) -> list[LiveSegment]:
        """The segments that had come to their end."""
        return [
            live_segment(segment) for segment in (self.segments[:-1] if self.restored is not None else self.segments)
        ]

    def opens_behind(self, policy: Policy) -> str:
        """What opens the fence again, in the next segment, that the last one was full in; "" where one is open."""
        if self.restored is not None or not self.segments:
            return ""
        last = self.ended[-1]
        last.markdown = any(_markdown(chunk.request) for number, chunk in self.chunks[-1:] if number == last.number)
        return opens_behind(last, policy)

    @property
    def untouched(self) -> bool:
        """Whether nothing of the attempt ever left and its source had not ended: it may begin again from nothing."""
        return not self.chunks and not (self.whole and self.unsent.strip())


def read_interrupted(delivery: Delivery, attempt_id: int, *, generated: bool = True) -> Interrupted:
    """Read the rows of the attempt (four queries). ``generated``: this attempt wrote the delivery's text itself; then
    ``delivery`` gets what was kept of it behind its last intent."""
    whole = tails.take_in(delivery) if generated else False
    segments = tuple(Segment.objects.filter(attempt_id=attempt_id).select_related("attempt").order_by("number"))
    by_id = {segment.pk: segment for segment in segments}
    rows = Chunk.objects.filter(segment_id__in=by_id).order_by("segment__number", "number")
    chunks = tuple((by_id[chunk.segment_id].number, chunk) for chunk in rows)
    last = segments[-1] if segments else None
    restored, sending = None, None
    if last is not None and last.status == SegmentStatus.OPEN:
        mine = [chunk for number, chunk in chunks if number == last.number]
        frames = [(frame_of(chunk, last), _verdict(chunk)) for chunk in mine]
        place = in_doubt(last.text, frames)
        sending = None if place is None else mine[place]
        restored = restore(live_segment(last), frames)
        restored.segment.suspect_if_taken = any(chunk.suspect for chunk in mine if chunk.status == ChunkStatus.UNKNOWN)
    held = [row.text for row in segments if row.purpose != "notice" and row.kind != SegmentKind.MEDIA]
    unsent = unsent_text(delivery.generated_text, held) if generated else ""
    return Interrupted(segments, chunks, restored, sending, unsent, whole)


def _verdict(chunk: Chunk) -> Verdict | None:
    return None if chunk.status == ChunkStatus.SENDING else Verdict(chunk.status)


def live_segment(row: Segment) -> LiveSegment:
    return LiveSegment(
        row.number,
        markdown=False,
        kind=SegmentKind(row.kind),
        purpose=row.purpose,
        status=SegmentStatus(row.status),
        text=row.text,
        opens_with=row.opens_with,
        closes_with=row.closes_with,
        full=row.full,
        accepted=row.accepted_length,
        tried=row.accepted_length,
        message_id=row.stream_id,
        media=item_of(row.media) if row.media is not None else None,
        step=(row.media or {}).get("step", ""),
        suspect=row.suspect,
        suspect_for_good=row.suspect,
    )


def frame_of(chunk: Chunk, segment: Segment) -> Frame:
    request = restore_request(chunk, segment)
    body: dict[str, Any] = request["body"]
    kind = FrameKind(chunk.kind)
    in_stream = kind in STREAM_KINDS
    shared = "content_raw" in body and kind is not FrameKind.OPENING
    pair = Pair.NONE if chunk.msg_seq is None else Pair.SEGMENT if shared else Pair.NEW
    wire = body.get("content_raw") or body.get("content") or (body.get("markdown") or {}).get("content") or ""
    return Frame(
        kind=kind,
        segment=segment.number,
        start=chunk.start,
        end=chunk.start + len(chunk.text),
        text=chunk.text,
        wire_text=wire,
        markdown=_markdown(chunk.request),
        reference=body.get("msg_id"),
        pair=pair,
        index=chunk.index,
        stream_id=segment.stream_id if in_stream and kind is not FrameKind.OPENING else "",
        opens_with=segment.opens_with,
        why=chunk.why,
        media=item_of(segment.media) if segment.media is not None else None,
        file_info=_file_info(chunk),
    )


def _markdown(request: dict[str, Any]) -> bool:
    body = request.get("body", {})
    return bool(body.get("content_type") == "markdown" or body.get("msg_type") == 2)


def _file_info(chunk: Chunk) -> str:
    media = chunk.request.get("body", {}).get("media")
    return str(media.get("file_info", "")) if isinstance(media, dict) else ""
