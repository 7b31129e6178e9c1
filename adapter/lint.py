"""The last look at a frame before it leaves: rules of the protocol that no bug of ours may break on the wire.

``check`` raises LintError; the delivery then fails with a row that says which rule, and QQ never sees the frame.
"""

from __future__ import annotations

from adapter.boundaries import is_blank
from adapter.dialects import Dialect
from adapter.errors import LintError
from adapter.frames import STREAM_KINDS, UPLOAD_KINDS, Frame, FrameKind, Pair
from adapter.segment import Segment


def check(frame: Frame, segment: Segment, dialect: Dialect | None) -> None:
    """Raises LintError when ``frame`` would break a rule of the sheet (4.1, 4.2.2) or of house plan section 6."""
    if frame.kind in STREAM_KINDS:
        if dialect is None:
            raise LintError("a stream frame in a scene that never streams (sheet 0.1 fact 2)")
        _check_stream(frame, segment, dialect)
    elif frame.kind is FrameKind.PLAIN:
        if is_blank(frame.wire_text):
            raise LintError("a message with nothing visible (50006)")
        if segment.accepted:
            raise LintError("the whole text never goes again after a first acceptance (house plan 6.4)")
    elif frame.kind is FrameKind.MEDIA:
        if frame.media is None:
            raise LintError("a media message without its item")
    elif frame.kind in UPLOAD_KINDS:
        _check_upload(frame)


def _check_upload(frame: Frame) -> None:
    if frame.media is None:
        raise LintError("an upload without its item")
    if frame.reference or frame.pair is not Pair.NONE:
        raise LintError("an upload answers no message (sheet 5.1)")
    if frame.kind in (FrameKind.PART, FrameKind.FINISH) and (frame.part is None or not frame.upload_id):
        raise LintError("a part belongs to an upload that QQ prepared (sheet 5.3)")
    if frame.kind is FrameKind.FINISH and (frame.part is None or not frame.part.md5):
        raise LintError("a part is finished with its sum, once its bytes are out (sheet 5.3)")


def _check_stream(frame: Frame, segment: Segment, dialect: Dialect) -> None:
    if frame.kind is FrameKind.OPENING:
        if frame.stream_id:
            raise LintError("an opening frame carries no stream id (sheet 0.1 fact 3)")
        if is_blank(frame.wire_text):
            raise LintError("a stream is never opened with nothing visible")
        if frame.pair not in (Pair.NEW, Pair.REPEAT):
            raise LintError("an opening frame takes a pair of its own")
    elif not frame.stream_id:
        raise LintError("a later frame names the stream (sheet 4.2.2 r3)")
    if frame.media is not None:
        raise LintError("no media inside a stream (sheet 4.2.2 r17)")
    if not frame.reference:
        raise LintError("a stream names the message it answers (sheet 4.2.2 r10, r11)")
    if frame.end < segment.accepted:
        raise LintError("a frame never takes back accepted text (sheet 4.2.2 r5)")
    if frame.text != segment.text[frame.start : frame.end]:
        raise LintError("a frame holds the segment's own text")
    if dialect.cumulative:
        if not frame.wire_text.startswith(segment.opens_with + segment.text[: segment.accepted]):
            raise LintError("a cumulative frame extends what was accepted (sheet 4.2.2 r5)")
        if frame.kind is not FrameKind.OPENING and frame.pair is not Pair.SEGMENT:
            raise LintError("all frames of a stream share its pair (sheet 4.2.3)")
    else:
        if frame.start < segment.accepted or (frame.start > segment.accepted and not segment.doubtful):
            raise LintError("a delta holds only what was not sent, and all of it (sheet 4.1)")
        head = segment.opens_with if frame.kind is FrameKind.OPENING else ""
        behind = frame.wire_text[len(head) + len(frame.text) :]
        closes = segment.closes_with if frame.kind is FrameKind.CLOSING else ""
        if not frame.wire_text.startswith(head + frame.text) or behind not in {"", "\n", closes, closes + "\n"}:
            raise LintError("a delta holds only what was not sent (sheet 4.1)")
        if frame.kind is FrameKind.CLOSING and not frame.wire_text.endswith("\n"):
            raise LintError("a closing frame ends in a newline (40034017)")
