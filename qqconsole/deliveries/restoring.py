"""An interrupted attempt's rows, back into the adapter's words: what was open, what was in flight, what was unsent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from adapter.frames import Frame, FrameKind, Pair
from adapter.pieces import MediaItem, MediaKind
from adapter.segment import Segment as LiveSegment
from adapter.segment import SegmentKind, SegmentStatus, Stage
from adapter.stream import Restored
from qqconsole.deliveries.models import Chunk, ChunkStatus, Delivery, Segment
from qqconsole.deliveries.wire import restore_request

_MAYBE = (ChunkStatus.SENDING, ChunkStatus.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Interrupted:
    """What a take-over has to go on with."""

    segments: tuple[Segment, ...]
    chunks: tuple[tuple[int, Chunk], ...]
    """Each with its segment's number, oldest first."""
    restored: Restored | None
    """None: nothing is open and nothing was in flight."""
    sending: Chunk | None
    """The chunk whose answer nobody wrote down."""
    unsent: str
    """Generated, stored, and in no segment yet."""

    @property
    def shown(self) -> bool:
        """Whether the user saw something of the segments before the open one."""
        before = self.segments[:-1] if self.restored is not None else self.segments
        return any(segment.accepted_length or segment.stream_id for segment in before)

    @property
    def untouched(self) -> bool:
        """Whether nothing of the attempt ever left: it may begin again from nothing."""
        return not self.chunks


def read_interrupted(delivery: Delivery, attempt_id: int) -> Interrupted:
    """Read the rows of the attempt (three queries)."""
    segments = tuple(Segment.objects.filter(attempt_id=attempt_id).select_related("attempt").order_by("number"))
    by_id = {segment.pk: segment for segment in segments}
    rows = Chunk.objects.filter(segment_id__in=by_id).order_by("segment__number", "number")
    chunks = tuple((by_id[chunk.segment_id].number, chunk) for chunk in rows)
    last = segments[-1] if segments else None
    restored, sending = None, None
    if last is not None and last.status == SegmentStatus.OPEN:
        mine = [chunk for number, chunk in chunks if number == last.number]
        sending = next((chunk for chunk in mine if chunk.status == ChunkStatus.SENDING), None)
        frame = _frame(sending, last) if sending is not None else None
        restored = Restored(_live(last, mine), frame)
    return Interrupted(segments, chunks, restored, sending, _unsent(delivery, segments))


def _unsent(delivery: Delivery, segments: tuple[Segment, ...]) -> str:
    """The generated text behind what the segments hold. Blank text between segments is in none of them."""
    rest = delivery.generated_text
    for segment in segments:
        if segment.purpose == "notice" or segment.kind == SegmentKind.MEDIA:
            continue
        if not rest.startswith(segment.text):
            stripped = rest.lstrip()
            if not stripped.startswith(segment.text):
                return ""
            rest = stripped
        rest = rest[len(segment.text) :]
    return rest


def _live(row: Segment, chunks: list[Chunk]) -> LiveSegment:
    indexes = [chunk.index for chunk in chunks if chunk.index is not None]
    maybe = [chunk.start + len(chunk.text) for chunk in chunks if chunk.status in _MAYBE]
    streaming = row.kind == SegmentKind.STREAM and bool(row.stream_id)
    opening = bool(chunks) and chunks[-1].kind == FrameKind.OPENING
    stage = Stage.STREAMING if streaming else Stage.GATHERING if opening else Stage.HOLDING
    live = LiveSegment(
        row.number,
        markdown=bool(chunks) and _markdown(chunks[-1].request),
        kind=SegmentKind(row.kind),
        purpose=row.purpose,
        stage=stage,
        text=row.text,
        accepted=row.accepted_length,
        tried=max([row.accepted_length, *maybe]),
        message_id=row.stream_id,
        next_index=max(indexes, default=-1) + 1,
    )
    if row.media is not None:
        live.media = _item(row.media)
        live.file_info = next((_file_info(chunk) for chunk in chunks if chunk.kind == FrameKind.MEDIA), "")
    return live


def _frame(chunk: Chunk, segment: Segment) -> Frame:
    request = restore_request(chunk, segment)
    body: dict[str, Any] = request["body"]
    kind = FrameKind(chunk.kind)
    in_stream = kind in (FrameKind.OPENING, FrameKind.MIDDLE, FrameKind.CLOSING)
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
        why=chunk.why,
        media=_item(segment.media) if segment.media is not None else None,
        file_info=_file_info(chunk),
    )


def _markdown(request: dict[str, Any]) -> bool:
    body = request.get("body", {})
    return bool(body.get("content_type") == "markdown" or body.get("msg_type") == 2)


def _file_info(chunk: Chunk) -> str:
    media = chunk.request.get("body", {}).get("media")
    return str(media.get("file_info", "")) if isinstance(media, dict) else ""


def _item(media: dict[str, Any]) -> MediaItem:
    """The item as its row tells it: bytes are not kept there, so only an address can be uploaded again."""
    kind = MediaKind(media["kind"])
    return MediaItem(kind, url=media.get("url"), name=media.get("name", ""), caption=media.get("caption", ""))
