"""Streaming by `stream_messages`: text only ever grows (sheet 4.2)."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from simulator.call import Call
from simulator.clock import Timer
from simulator.codes import BUSY, Refusal
from simulator.ledger import Inbound
from simulator.sending import (
    accepted,
    answered,
    note_whole_resend,
    refuse_content,
    refuse_group_on_user_path,
    refuse_over,
    refuse_repeat,
    sequence,
    show,
)
from simulator.truth import Bubble

GENERATING, FINISHED = 1, 10
FOREIGN_FIELDS = ("keyboard", "media", "message_reference", "stream")
JITTER = 1e-6  # sums of floats


@dataclass(slots=True)
class CurrentStream:
    """One stream of this dialect; `closed_by` is None while it is open, then "client" or "platform"."""

    id: str
    target: str
    inbound: Inbound | None
    index: int
    at: float
    bubble: Bubble
    text: str = ""
    closed_by: str | None = None
    closing_lost: bool = False
    timer: Timer | None = None

    @property
    def open(self) -> bool:
        return self.closed_by is None


def post_stream_message(call: Call) -> dict[str, Any]:
    """POST /v2/users/{openid}/stream_messages: one frame; raises Refusal as in sheet 4.2.2."""
    if not call.platform.switches.stream_permitted:
        raise Refusal(11253)  # r19
    refuse_group_on_user_path(call)
    _refuse_shape(call)
    stream_id = call.body.get("stream_msg_id")
    if stream_id in (None, ""):
        if stream_id == "":
            raise Refusal(50035)
        stream = _open(call)
    else:
        stream = _continue(call, stream_id)
    call.stream = stream
    _accept(call, stream)
    return accepted(call, stream.id) | {"remain_msg_len": 0}


def _refuse_shape(call: Call) -> None:
    body, switches = call.body, call.platform.switches
    content = body.get("content_raw")
    well_formed = (
        body.get("input_mode", "append") in ("append", "replace")
        and body.get("input_state") in (GENERATING, FINISHED)
        and isinstance(body.get("index"), int)
        and not isinstance(body.get("index"), bool)
        and body.get("content_type") in ("text", "markdown")
        and isinstance(content, str)
    )
    if not well_formed or not isinstance(content, str):
        raise Refusal(50035)
    if switches.stream_extra_fields == "refuse" and any(body.get(name) for name in FOREIGN_FIELDS):
        raise Refusal(50035)  # r17
    if switches.stream_max_bytes is not None and len(content.encode(errors="replace")) > switches.stream_max_bytes:
        raise Refusal(40054018)  # r14


def _open(call: Call) -> CurrentStream:
    body, switches, bot = call.body, call.platform.switches, call.bot
    text: str = body["content_raw"]
    if body["index"] not in (0, 1):
        raise Refusal(40006)  # r1
    if not text:
        raise Refusal(50006)
    inbound = None if body.get("is_wakeup") is True else answered(call)
    seq = sequence(call)
    if inbound is not None:
        refuse_repeat(call, inbound, seq, f"stream:{text}")  # r3, r4
    running = bot.open_streams.get(call.target)
    if running is not None and running.open:
        raise Refusal(40034021)  # r9
    if inbound is not None:
        window = switches.stream_start_window
        if window is not None and call.now - inbound.at > window:
            raise Refusal(switches.expired_code)
        refuse_over(call, inbound)
    elif body.get("is_wakeup") is True:
        bot.quotas.wakeup(call.target, bot.last_spoke.get(call.target), call.now)
    elif switches.stream_proactive == "refuse":
        raise Refusal(None, BUSY, status=500)  # r10
    refuse_content(call, text)
    note_whole_resend(call, inbound, text)
    if inbound is None and body.get("is_wakeup") is not True:
        bot.quotas.v2("c2c", call.target, call.now)
    elif inbound is not None:
        inbound.spend(seq, f"stream:{text}", slot=True)
    stream_id = str(uuid.uuid4())
    kind = "markdown" if body["content_type"] == "markdown" else "text"
    bubble = show(call, kind, "", bubble_id=stream_id, state="streaming")
    stream = CurrentStream(stream_id, call.target, inbound, body["index"], call.now, bubble)
    if inbound is not None:
        inbound.streams.append(stream)
    bot.streams[stream_id] = bot.open_streams[call.target] = stream
    _watch(call, stream)
    return stream


def _continue(call: Call, stream_id: Any) -> CurrentStream:
    body, switches = call.body, call.platform.switches
    stream = call.bot.streams.get(stream_id) if isinstance(stream_id, str) else None
    if not isinstance(stream, CurrentStream) or stream.target != call.target:
        raise Refusal(50035)
    call.stream = stream
    if body.get("is_wakeup") is not True and not body.get("msg_id") and not body.get("event_id"):
        if stream.inbound is not None:
            raise Refusal(50015001)  # r11
    elif stream.inbound is not None and stream.inbound.id not in (body.get("msg_id"), body.get("event_id")):
        raise Refusal(40034024)
    if not stream.open:
        if body["input_state"] == FINISHED and stream.closed_by == "client" and not stream.closing_lost:
            call.violate("second_closing_frame", f"stream {stream.id} was closed before")
        raise Refusal(40007)  # r8
    if body["index"] <= stream.index:
        raise Refusal(40006)  # r2
    if switches.refused_frame_consumes_index:
        stream.index = body["index"]
    if call.now - stream.at < switches.stream_pacing - JITTER:
        raise Refusal(50002, status=switches.stream_pacing_status)  # r12
    text = _whole_text(body, stream)
    if not text.startswith(stream.text):
        call.violate("not_a_prefix", f"frame {body['index']} of {stream.id} changes what was delivered")
        if switches.stream_prefix_refusal == "500":
            raise Refusal(None, BUSY, status=500)
        raise Refusal(40007)  # r5
    refuse_content(call, text)
    return stream


def _whole_text(body: dict[str, Any], stream: CurrentStream) -> str:
    piece: str = body["content_raw"]
    return piece if body.get("input_mode") == "replace" else stream.text + piece


def _accept(call: Call, stream: CurrentStream) -> None:
    """Take an admitted frame in: the text, the bubble, and the end where it says so."""
    stream.text = _whole_text(call.body, stream)
    stream.index = call.body["index"]
    stream.at = call.now
    if not (call.hidden or call.bot.dropping):
        stream.bubble.text = _shown(stream.text, call.platform.switches.stream_silent_bytes)
    if call.body["input_state"] == FINISHED:
        _close(call, stream, "client")
        stream.bubble.state = "done"
    call.bot.screens.changed("c2c", stream.target, stream.bubble)


def _close(call: Call, stream: CurrentStream, who: str) -> None:
    stream.closed_by = who
    if stream.timer is not None:
        stream.timer.cancel()
        stream.timer = None
    if call.bot.open_streams.get(stream.target) is stream:
        del call.bot.open_streams[stream.target]


def _shown(text: str, limit: int | None) -> str:
    return text if limit is None else text.encode()[:limit].decode(errors="ignore")


def _watch(call: Call, stream: CurrentStream) -> None:
    """Finalise the stream by ourselves when no frame comes for too long: what was delivered stays (sheet 8.7)."""

    def look() -> None:
        if not stream.open:
            return
        left = stream.at + call.platform.switches.stream_timeout - call.platform.clock.now()
        if left > JITTER:
            stream.timer = call.platform.clock.call_after(left, look)
            return
        _close(call, stream, "platform")
        stream.bubble.state = "finalised"
        call.violate("stream_left_open", f"stream {stream.id} was never closed")
        call.bot.screens.changed("c2c", stream.target, stream.bubble)

    stream.timer = call.platform.clock.call_after(call.platform.switches.stream_timeout, look)
