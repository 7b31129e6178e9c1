"""One frame of a legacy stream as it is written, and what QQ says to its words (sheet 4.1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from simulator.codes import Refusal
from simulator.switches import Switches

STATES = (1, 9, 10, 11, 19, 20)
CLOSING = (9, 10)


@dataclass(frozen=True, slots=True)
class LegacyFrame:
    """A frame whose shape is right. `id` None opens a stream."""

    id: str | None
    state: int
    index: int
    reset: bool
    msg_type: int
    seq: int
    text: str

    @property
    def said(self) -> str:
        """What this frame's (msg_id, msg_seq) stands for."""
        return f"frame:{self.state}:{self.index}:{self.text}"


def read_frame(body: dict[str, Any]) -> LegacyFrame:
    """Return the frame in a message body; raises 50035, 22006 or 40034011 for a shape that is none."""
    stream = body["stream"]
    if not isinstance(stream, dict):
        raise Refusal(50035)
    if "id" in stream and not (isinstance(stream["id"], str) and stream["id"]):
        raise Refusal(50035, "stream.id must be absent on the first frame")
    index, state, reset = stream.get("index"), stream.get("state"), stream.get("reset") or False
    if state not in STATES or isinstance(index, bool) or not isinstance(index, int) or index < 0:
        raise Refusal(50035)
    if not isinstance(reset, bool):
        raise Refusal(50035)
    msg_type = body.get("msg_type") or 0
    if msg_type == 7 or body.get("media"):
        raise Refusal(22006, "流式消息不支持富媒体")
    if msg_type not in (0, 2):
        raise Refusal(340069)
    seq = body.get("msg_seq")
    seq = 1 if seq is None else seq
    if isinstance(seq, bool) or not isinstance(seq, int) or seq < 0:
        raise Refusal(50035)
    return LegacyFrame(
        id=stream.get("id"),
        state=state,
        index=index,
        reset=reset,
        msg_type=msg_type,
        seq=seq,
        text=_text(body, msg_type, state),
    )


def refuse_frame_content(frame: LegacyFrame, switches: Switches) -> None:
    """Raise what QQ says to the words of a frame: 40054014 (size), 40034017 (newline), 40034011 or 50006 (nothing)."""
    limit = switches.legacy_frame_bytes
    if limit is not None and len(frame.text.encode(errors="replace")) > limit:
        raise Refusal(40054014)
    markdown = frame.msg_type == 2
    if not frame.text:
        if frame.state == 1:
            raise Refusal(40034011 if markdown else 50006)
        if frame.state == 10 and markdown and switches.legacy_newline != "none" and not switches.legacy_empty_close:
            raise Refusal(40034017)
        return
    ruled = frame.state == 10 if switches.legacy_newline == "closing" else switches.legacy_newline == "every"
    if markdown and ruled and not frame.text.endswith("\n"):
        raise Refusal(40034017)


def _text(body: dict[str, Any], msg_type: int, state: int) -> str:
    if msg_type == 0:
        content = body.get("content")
    else:
        markdown = body.get("markdown")
        if markdown is None and state >= 11:  # the guide may be buttons alone
            return ""
        if not isinstance(markdown, dict):
            raise Refusal(40034011)
        content = markdown.get("content")
    if content is None:
        return ""
    if not isinstance(content, str):
        raise Refusal(50035)
    return content
