"""What a frame of a segment holds: which characters, which index, which pair. Pure; sending it is not decided here."""

from __future__ import annotations

from dataclasses import replace

from adapter.dialects import Dialect
from adapter.frames import STREAM_KINDS, Frame, FrameKind, Pair
from adapter.policy import Policy
from adapter.segment import Segment


def sent_so_far(segment: Segment, dialect: Dialect | None) -> int:
    """Characters that the next frame need not bring: in a cumulative dialect those QQ has proven to have, else all
    it may have, for a delta that may have arrived is never sent again (house plan 6.2)."""
    if dialect is not None and dialect.cumulative:
        return segment.accepted
    return max(segment.accepted, segment.tried)


def text_frame(
    segment: Segment, kind: FrameKind, policy: Policy, *, end: int, reference: str | None, newline: bool, why: str
) -> Frame:
    """A frame with the segment's unsent text up to ``end``; ``newline``: QQ asked for one behind it."""
    dialect = policy.dialect
    in_stream = kind in STREAM_KINDS
    start = sent_so_far(segment, dialect) if in_stream else 0
    whole = in_stream and dialect is not None and dialect.cumulative
    wire = segment.text[0 if whole else start : end]
    if whole or kind in (FrameKind.OPENING, FrameKind.PLAIN):
        wire = segment.opens_with + wire
    if kind in (FrameKind.CLOSING, FrameKind.PLAIN) and end == len(segment.text):
        wire += segment.closes_with
    closes_with_newline = kind is FrameKind.CLOSING and dialect is not None and dialect.closing_newline
    if (closes_with_newline or newline) and not wire.endswith("\n"):
        wire += "\n"
    index = None
    if in_stream:
        index = segment.first_index if kind is FrameKind.OPENING else segment.next_index
    return Frame(
        kind=kind,
        segment=segment.number,
        start=start,
        end=end,
        text=segment.text[start:end],
        wire_text=wire,
        markdown=segment.markdown,
        reference=reference,
        pair=pair_for(kind, policy, reference),
        index=index,
        stream_id=segment.message_id if in_stream else "",
        opens_with=segment.opens_with,
        why=why or (segment.purpose if segment.purpose != "reply" else ""),
    )


def has_newline_added(frame: Frame, segment: Segment) -> bool:
    """Whether a cumulative frame ends in a newline that is not the text's."""
    around = segment.opens_with + (segment.closes_with if frame.kind is FrameKind.CLOSING else "")
    return len(frame.wire_text) > len(around) + frame.end


def media_frame(segment: Segment, policy: Policy, *, reference: str | None, why: str) -> Frame:
    """The next step of the upload, or, once QQ has given its ``file_info``, the message that shows it.

    That goes without the msg_id (house plan 6.6) but where the bot prefers otherwise, or the scene knows no uploads.
    """
    upload = segment.upload if policy.uploads and not segment.file_info else None
    passive = (policy.media_passive or not policy.uploads) and not segment.proactive
    reference = reference if passive and upload is None else None
    return Frame(
        kind=FrameKind.MEDIA if upload is None else upload.next_kind,
        segment=segment.number,
        start=0,
        end=0,
        text="",
        wire_text="",
        markdown=False,
        reference=reference,
        pair=pair_for(FrameKind.MEDIA, policy, reference),
        why=why,
        media=segment.media,
        file_info=segment.file_info,
        way=upload.way if upload is not None else None,
        upload_id=upload.prepared.upload_id if upload is not None and upload.prepared is not None else "",
        part=upload.part if upload is not None else None,
    )


def repeat_of(frame: Frame) -> Frame:
    """The very same content under the very same pair: what an unknown outcome asks for."""
    return replace(frame, pair=Pair.NONE if frame.pair is Pair.NONE else Pair.REPEAT, why="repeat")


def pair_for(kind: FrameKind, policy: Policy, reference: str | None) -> Pair:
    """One pair for a whole stream in the current dialect; else one for every frame (sheet 4.2.3, 4.1)."""
    if reference is None or not policy.pairs:
        return Pair.NONE
    later = kind in (FrameKind.MIDDLE, FrameKind.CLOSING)
    return Pair.SEGMENT if later and policy.dialect is not None and not policy.dialect.fresh_pair else Pair.NEW
