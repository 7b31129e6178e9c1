"""The two wire dialects of streaming. The only file that knows QQ's stream field names.

``stream_messages`` (current, sheet 4.2): the whole text so far in every frame, one msg_seq for the stream,
``stream_msg_id`` from the first answer. ``messages.stream`` (older, sheet 4.1): each frame only its new text, a new
msg_seq for every frame, ``stream.id`` from the first answer, and a closing frame that ends in a newline.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from adapter.frames import Frame, FrameKind
from adapter.request import Endpoint, Request
from adapter.targets import Scene, Target

GENERATING = 1
FINISHED = 10


@dataclass(frozen=True, slots=True)
class Dialect:
    name: str
    cumulative: bool
    """Every frame repeats the text before it (and so heals a frame whose outcome is unknown)."""
    fresh_pair: bool
    """Every frame takes a (msg_id, msg_seq) pair of its own."""
    closing_newline: bool
    interval: float
    """Default seconds between two frames."""
    frame_bytes: int
    """Default of the most bytes of text in one frame: QQ's own limit is near 20,420 where a frame repeats the text
    before it, so that a bubble holds no more; in the older dialect it is not published, 4,096 are known of (sheet 4.1,
    4.2.2 r14)."""


STREAM_MESSAGES = Dialect(
    "stream_messages", cumulative=True, fresh_pair=False, closing_newline=False, interval=0.5, frame_bytes=18_000
)
MESSAGES_STREAM = Dialect(
    "messages.stream", cumulative=False, fresh_pair=True, closing_newline=True, interval=1.0, frame_bytes=4_000
)
DIALECTS = {dialect.name: dialect for dialect in (STREAM_MESSAGES, MESSAGES_STREAM)}


def stream_endpoint(dialect: Dialect) -> Endpoint:
    """Under which of QQ's rates the dialect's frames go (sheet 6.2)."""
    return Endpoint.STREAM if dialect.cumulative else Endpoint.MESSAGE


def wire_state(frame: Frame) -> int | None:
    """QQ's number for the frame: 1 generating, 10 finished, None outside a stream."""
    if frame.kind is FrameKind.CLOSING:
        return FINISHED
    return GENERATING if frame.kind in (FrameKind.OPENING, FrameKind.MIDDLE) else None


def stream_request(dialect: Dialect, frame: Frame, target: Target, msg_seq: int | None) -> Request:
    """The request for an opening, middle or closing frame; a new plain dict every time."""
    if dialect.cumulative:
        path, body = target.stream_path, _current_body(frame, msg_seq)
    else:
        path, body = target.messages_path, _older_body(frame, msg_seq)
    return Request("POST", path, body, stream_endpoint(dialect), frame.urgent)


def _current_body(frame: Frame, msg_seq: int | None) -> dict[str, Any]:
    body: dict[str, Any] = {
        "input_mode": "replace",
        "input_state": wire_state(frame),
        "index": frame.index,
        "content_type": "markdown" if frame.markdown else "text",
        "content_raw": frame.wire_text,
        "msg_seq": msg_seq,
    }
    if frame.reference:
        body["msg_id"] = frame.reference
    if frame.stream_id:
        body["stream_msg_id"] = frame.stream_id
    return body


def _older_body(frame: Frame, msg_seq: int | None) -> dict[str, Any]:
    stream: dict[str, Any] = {"state": wire_state(frame), "index": frame.index, "reset": False}
    if frame.stream_id:
        # Absent on the first frame: null or "" are refused (sheet 4.1).
        stream["id"] = frame.stream_id
    return {**message_body(frame, msg_seq), "stream": stream}


def message_body(frame: Frame, msg_seq: int | None) -> dict[str, Any]:
    """An ordinary C2C or group message (sheet 3.2)."""
    if frame.markdown:
        body: dict[str, Any] = {"msg_type": 2, "markdown": {"content": frame.wire_text}}
    else:
        body = {"msg_type": 0, "content": frame.wire_text}
    if frame.reference:
        body["msg_id"] = frame.reference
        body["msg_seq"] = msg_seq
    return body


def plain_request(frame: Frame, target: Target, msg_seq: int | None) -> Request:
    """One whole message with the body its endpoint takes: guild endpoints know no msg_type and no msg_seq."""
    if target.scene in (Scene.C2C, Scene.GROUP):
        return Request("POST", target.messages_path, message_body(frame, msg_seq), Endpoint.MESSAGE, frame.urgent)
    body: dict[str, Any] = {"content": frame.wire_text}
    if frame.reference:
        body["msg_id"] = frame.reference
    return Request("POST", target.messages_path, body, Endpoint.MESSAGE, frame.urgent)


def typing_request(target: Target, msg_id: str, msg_seq: int, seconds: int) -> Request:
    """msg_type 6, "is typing" for ``seconds`` (at most 60); private chats only (sheet 3.2)."""
    notify = {"input_type": 1, "input_second": seconds}
    body = {"msg_type": 6, "input_notify": notify, "msg_id": msg_id, "msg_seq": msg_seq}
    return Request("POST", target.messages_path, body, Endpoint.MESSAGE)


def media_request(frame: Frame, target: Target, msg_seq: int | None) -> Request:
    """msg_type 7 with the uploaded file_info; in guild scenes the picture's address (sheet 3.2, 5.1)."""
    item = frame.media
    if item is None:
        raise ValueError("a media frame without its item")
    if target.scene in (Scene.C2C, Scene.GROUP):
        body: dict[str, Any] = {"msg_type": 7, "media": {"file_info": frame.file_info}}
        if item.caption:
            body["content"] = item.caption
        if frame.reference:
            body["msg_id"] = frame.reference
            body["msg_seq"] = msg_seq
    else:
        body = {"image": item.url}
        if item.caption:
            body["content"] = item.caption
        if frame.reference:
            body["msg_id"] = frame.reference
    return Request("POST", target.messages_path, body, Endpoint.MESSAGE, frame.urgent)
