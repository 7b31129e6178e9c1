"""Streaming by a `stream` object in `/messages`: deltas, and a roll-back for whoever forgets to close (sheet 4.1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from simulator.call import Call
from simulator.clock import Timer
from simulator.codes import Refusal
from simulator.keyboards import refuse_keyboard
from simulator.ledger import Inbound
from simulator.legacy_frames import CLOSING, LegacyFrame, read_frame, refuse_frame_content
from simulator.platform import message_id
from simulator.sending import accepted, answered, note_whole_resend, refuse_content, refuse_over, refuse_repeat, show
from simulator.truth import Bubble

QUICK = 0.3  # seconds within which an empty close may swallow a single big delta (sheet 4.1, QMB PR197)
JITTER = 1e-6

# (phase, state of the frame) -> phase after it; what is missing is refused
TEXT, TEXT_DONE, GUIDE, GUIDE_DONE, TIMED_OUT, SUPERSEDED = "text", "text_done", "guide", "guide_done", "timed_out", "superseded"  # fmt: skip  # noqa: E501
STEPS = {
    (TEXT, 1): TEXT,
    (TEXT, 9): TEXT_DONE,
    (TEXT, 10): TEXT_DONE,
    (TEXT_DONE, 11): GUIDE,
    (GUIDE, 11): GUIDE,
    (GUIDE, 19): GUIDE_DONE,
    (GUIDE, 20): GUIDE_DONE,
}
REFUSED_IN = {TEXT: 50035, TEXT_DONE: 40034018, GUIDE: 40034018, GUIDE_DONE: 40034019, TIMED_OUT: 40034020, SUPERSEDED: 40034022}  # fmt: skip  # noqa: E501


@dataclass(slots=True)
class LegacyStream:
    """One stream of this dialect; `first` is what the user is left with when it is never closed."""

    id: str
    target: str
    inbound: Inbound
    msg_type: int
    index: int
    opened: float
    at: float
    bubble: Bubble
    first: str
    text: str = ""
    frames: int = 0
    phase: str = TEXT
    closing_lost: bool = False
    timer: Timer | None = None

    @property
    def open(self) -> bool:
        return self.phase == TEXT


def post_legacy_frame(call: Call) -> dict[str, Any]:
    """One frame of a legacy stream, inside POST /v2/users/{openid}/messages; raises Refusal as in sheet 4.1."""
    if not call.platform.switches.legacy_permitted:
        raise Refusal(11253)
    frame = read_frame(call.body)
    refuse_keyboard(call.body.get("keyboard"))
    stream = _open(call, frame) if frame.id is None else _continue(call, frame, frame.id)
    call.stream = stream
    _accept(call, stream, frame)
    return accepted(call, stream.id)


def _open(call: Call, frame: LegacyFrame) -> LegacyStream:
    switches, bot = call.platform.switches, call.bot
    if frame.reset or frame.state not in (1, *CLOSING):
        raise Refusal(50035)
    refuse_frame_content(frame, switches)
    _refuse_first_index(call, frame)
    inbound = answered(call)
    if inbound is None:
        raise Refusal(40034024)
    refuse_repeat(call, inbound, frame.seq, frame.said)
    running = bot.open_streams.get(call.target)
    if running is not None and running.open:
        if switches.legacy_second_stream != "supersedes" or not isinstance(running, LegacyStream):
            raise Refusal(40034021)
        _end(call, running, SUPERSEDED)
    refuse_over(call, inbound)
    refuse_content(call, frame.text)
    note_whole_resend(call, inbound, frame.text)
    inbound.spend(frame.seq, frame.said, slot=True)
    kind = "markdown" if frame.msg_type == 2 else "text"
    bubble = show(call, kind, "", bubble_id=message_id(), state="streaming")
    stream = LegacyStream(
        bubble.id,
        call.target,
        inbound,
        frame.msg_type,
        frame.index,
        call.now,
        call.now,
        bubble,
        frame.text,
    )
    inbound.streams.append(stream)
    bot.streams[stream.id] = bot.open_streams[call.target] = stream
    _watch(call, stream)
    return stream


def _continue(call: Call, frame: LegacyFrame, stream_id: str) -> LegacyStream:
    stream = call.bot.streams.get(stream_id)
    if not isinstance(stream, LegacyStream) or stream.target != call.target:
        raise Refusal(50035)
    call.stream = stream
    if stream.inbound.id not in (call.body.get("msg_id"), call.body.get("event_id")):
        raise Refusal(40034024)
    refuse_repeat(call, stream.inbound, frame.seq, frame.said)  # before the state: an exact repeat is a duplicate
    if (stream.phase, frame.state) not in STEPS:
        closed = stream.phase in (TEXT_DONE, GUIDE_DONE) and not stream.closing_lost
        if frame.state in CLOSING and closed:
            call.violate("second_closing_frame", f"stream {stream.id} was closed before")
        guide_over = stream.phase == GUIDE_DONE
        raise Refusal(40034019 if guide_over else REFUSED_IN[stream.phase])
    if frame.msg_type != stream.msg_type:
        raise Refusal(40034016)
    refuse_frame_content(frame, call.platform.switches)
    if frame.reset:
        if not stream.open:
            raise Refusal(40034018)
        _refuse_first_index(call, frame)
    else:
        _refuse_next_index(call, stream, frame)
    limit = call.platform.switches.legacy_frame_limit
    if limit is not None and stream.frames >= limit:
        raise Refusal(40054015)
    refuse_content(call, frame.text)
    stream.inbound.spend(frame.seq, frame.said, slot=False)
    return stream


def _refuse_first_index(call: Call, frame: LegacyFrame) -> None:
    base = call.platform.switches.legacy_index_base
    if frame.index not in ((0, 1) if base == "either" else (int(base),)):
        raise Refusal(40006)


def _refuse_next_index(call: Call, stream: LegacyStream, frame: LegacyFrame) -> None:
    gap = frame.index - stream.index
    if gap < 1 or (gap > 1 and not call.platform.switches.legacy_index_gaps):
        raise Refusal(40006)


def _accept(call: Call, stream: LegacyStream, frame: LegacyFrame) -> None:
    switches = call.platform.switches
    dropped = call.hidden or call.bot.dropping
    if frame.reset:
        stream.text, stream.first = "", frame.text
        stream.bubble.text = "" if not dropped else stream.bubble.text
    alone = stream.frames == 1 and not frame.text.strip() and call.now - stream.opened < QUICK
    stream.text += frame.text
    stream.index = frame.index
    stream.at = call.now
    stream.frames += 1
    if not dropped:  # a dropped delta is lost for good
        stream.bubble.text += frame.text
        stream.bubble.keyboard = call.body.get("keyboard") or stream.bubble.keyboard
    phase = STEPS[stream.phase, frame.state]
    if stream.open and phase == TEXT_DONE:
        if alone and switches.legacy_quick_empty_close_shows_nothing:
            stream.bubble.text = ""
        _end(call, stream, TEXT_DONE)
    stream.phase = phase
    call.bot.screens.changed("c2c", stream.target, stream.bubble)


def _end(call: Call, stream: LegacyStream, phase: str) -> None:
    """The text part is over: closed by the client, or else rolled back to its first frame (sheet 4.1)."""
    stream.phase = phase
    if stream.timer is not None:
        stream.timer.cancel()
        stream.timer = None
    if call.bot.open_streams.get(stream.target) is stream:
        del call.bot.open_streams[stream.target]
    if phase == TEXT_DONE:
        stream.bubble.state = "done"
        return
    stream.bubble.text, stream.bubble.state = stream.first, "rolled_back"
    call.violate("stream_left_open", f"stream {stream.id} was never closed")
    call.bot.screens.changed("c2c", stream.target, stream.bubble)


def _watch(call: Call, stream: LegacyStream) -> None:
    clock, switches = call.platform.clock, call.platform.switches

    def look() -> None:
        if not stream.open:
            return
        left = stream.at + switches.legacy_timeout - clock.now()
        if left > JITTER:
            stream.timer = clock.call_after(left, look)
        else:
            _end(call, stream, TIMED_OUT)

    stream.timer = clock.call_after(switches.legacy_timeout, look)
