"""A small strict QQ for the machine's tests: it sees requests, keeps what the user sees, and notes each broken rule.

Written from docs/protocol.md (3.3 to 3.5, 4.1, 4.2, 8.3, 8.12), not from the machine. Faults strike where they are told
to: before anything is looked at, at the words (after the pair was looked at, sheet 8.3), or at the answer.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from adapter.answers import Accepted, Answer, Exchange, InReview, Refused, Throttled, Unknown
from adapter.codes import Reaction, is_permanent, known
from adapter.request import Request

GAP = 0.3
TIMEOUT = 60.0
ROUNDING = 1e-6


class Strike(StrEnum):
    NONE = "none"
    LOST_ANSWER = "lost_answer"
    """It takes effect; the answer never comes."""
    LOST_REQUEST = "lost_request"
    """It takes no effect, and no answer comes."""
    REFUSED = "refused"
    THROTTLED = "throttled"
    IN_REVIEW = "in_review"


@dataclass(frozen=True, slots=True)
class Fault:
    strike: Strike = Strike.NONE
    code: int = 0
    after: float | None = None


FINE = Fault()
AT_THE_WORDS = {Reaction.NEWLINE, Reaction.MARKDOWN, Reaction.ADDRESS, Reaction.LENGTH, Reaction.MODERATED}
ABOUT_FORM = {Reaction.NEWLINE, Reaction.MARKDOWN}
"""May be found fault with in words that were taken before; the other faults may not."""
ENDS_STREAM = {Reaction.PREFIX, Reaction.STREAM_OVER}


class Refusal(Exception):
    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


@dataclass(slots=True)
class Shown:
    """One bubble on the user's screen."""

    id: str
    kind: str
    text: str
    first: str = ""
    open: bool = False
    ended: str = ""
    """"client" or "platform"."""
    older: bool = False
    index: int = -1
    seq: int | None = None
    form: object = None
    at: float = 0.0


UPLOADS = ("/files", "/upload_prepare", "/upload_part_finish")


@dataclass
class Uploads:
    """Uploads under way: the parts of each, with what was PUT and what was finished."""

    infos: set[str] = field(default_factory=set)
    made: int = 0
    part: int = 16
    """Bytes."""
    _parts: dict[str, dict[int, str]] = field(default_factory=dict)

    def take(self, request: Request) -> dict[str, Any]:
        body = request.body
        if request.method == "GET":
            return {"size": 1}
        if request.method == "PUT":
            _, upload, index = request.path.removesuffix("?***").rsplit("/", 2)
            self._parts[upload][int(index)] = "put"
            return {"md5": f"md5-{index}"}
        if request.path.endswith("/upload_prepare"):
            return self._prepare(int(body["file_size"]))
        if request.path.endswith("/upload_part_finish"):
            parts = self._parts.get(body["upload_id"], {})
            if not parts.get(body["part_index"]) or body["md5"] != f"md5-{body['part_index']}":
                raise Refusal(40093001)
            parts[body["part_index"]] = "finished"
            return {}
        if "upload_id" in body and set(self._parts.pop(body["upload_id"], {"": ""}).values()) != {"finished"}:
            raise Refusal(850019)
        self.made += 1
        self.infos.add(f"info-{self.made}")
        return {"file_info": f"info-{self.made}", "file_uuid": "uuid", "ttl": 300}

    def _prepare(self, size: int) -> dict[str, Any]:
        self.made += 1
        upload, count = f"upload-{self.made}", -(-size // self.part)
        self._parts[upload] = dict.fromkeys(range(1, count + 1), "")
        parts = [
            {"index": index, "presigned_url": f"https://cos/{upload}/{index}?sign=1"} for index in range(1, count + 1)
        ]
        return {"upload_id": upload, "block_size": str(self.part), "parts": parts}


@dataclass
class StrictQQ:
    bubbles: list[Shown] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    window_until: float | None = None
    most_answers: int | None = None
    """Messages that may answer the one message there is; a stream is one."""
    answers: int = 0
    gap: float = GAP
    frame_bytes: int | None = None
    """Most bytes of text in a frame; of a cumulative one that is all of its stream."""
    message_bytes: int | None = None
    requests: int = 0
    uploads: Uploads = field(default_factory=Uploads)
    _pairs: dict[int, object] = field(default_factory=dict)
    """Taken pairs, and what each stands for."""
    _said: dict[int, object] = field(default_factory=dict)
    """What each pair was ever used for, taken or not."""

    # ---- one request --------------------------------------------------------------------------------------------

    def post(self, request: Request, now: float, fault: Fault = FINE) -> Answer:
        """QQ's answer as the client would read it; what the user sees changes accordingly."""
        self.requests += 1
        self.tick(now)
        if fault.strike is Strike.LOST_REQUEST:
            self._note(request.body)
            return Unknown("reset")
        try:
            if fault.strike is Strike.THROTTLED:
                self._note(request.body)
                return Throttled(fault.after, fault.code or None)
            taken = self._admit(request, now, fault)
        except Refusal as refusal:
            if fault.strike is Strike.LOST_ANSWER:
                return Unknown("timeout")
            return refused(refusal.code)
        if fault.strike is Strike.LOST_ANSWER:
            return Unknown("timeout")
        if fault.strike is Strike.IN_REVIEW and not isinstance(taken, dict):
            return InReview("audit-1", Exchange(http_status=202))
        return Accepted("", taken) if isinstance(taken, dict) else Accepted(taken)

    def tick(self, now: float) -> None:
        """End what was left open for too long."""
        for bubble in self.bubbles:
            if bubble.open and now - bubble.at >= TIMEOUT:
                self._end(bubble)

    def _end(self, bubble: Shown) -> None:
        bubble.open, bubble.ended = False, "platform"
        if bubble.older:
            bubble.text = bubble.first

    def _admit(self, request: Request, now: float, fault: Fault) -> str | dict[str, Any]:
        body = request.body
        reaction = _reaction(fault.code) if fault.strike is Strike.REFUSED else None
        if fault.strike is Strike.REFUSED and reaction not in AT_THE_WORDS:
            self._note(body)
            bubble = self._find(body)
            if reaction in ENDS_STREAM and bubble is not None and bubble.open:
                self._end(bubble)
            raise Refusal(fault.code)
        words = fault.code if fault.strike is Strike.REFUSED else None
        if request.method in ("GET", "PUT") or request.path.endswith(UPLOADS):
            if words:
                raise Refusal(words)
            return self.uploads.take(request)
        if request.path.endswith("/stream_messages"):
            return self._current(body, now, words)
        if "stream" in body:
            return self._older(body, now, words)
        return self._message(body, now, words)

    # ---- whole messages -------------------------------------------------------------------------------------------

    def _message(self, body: dict[str, Any], now: float, words: int | None) -> str:
        self._note(body)
        self._look_at_window(body, now)
        self._look_at_pair(body)
        self._look_at_count(body)
        if words is not None:
            raise Refusal(words)
        media = body.get("media") or body.get("image")
        self._look_at_length((body.get("markdown") or {}).get("content") or body.get("content"), self.message_bytes)
        text = (body.get("markdown") or {}).get("content") or body.get("content") or ""
        if not text.strip() and not media:
            raise Refusal(self._violate("empty message", 50006))
        if "media" in body and body["media"]["file_info"] not in self.uploads.infos:
            raise Refusal(self._violate("media without QQ's file_info", 304080))
        self._take_pair(body)
        self.answers += bool(body.get("msg_id"))
        bubble = Shown(f"m-{self.requests}", "media" if media else "plain", text, at=now)
        self.bubbles.append(bubble)
        return bubble.id

    # ---- stream_messages ------------------------------------------------------------------------------------------

    def _current(self, body: dict[str, Any], now: float, words: int | None) -> str:
        text, index, state = body["content_raw"], body["index"], body["input_state"]
        self._look_at_length(text, self.frame_bytes)
        if body["input_mode"] != "replace" or state not in (1, 10) or body["msg_seq"] is None:
            self._violate("malformed frame", 50035)
        if "stream_msg_id" not in body:
            self._note(body)
            self._look_at_window(body, now)
            self._look_at_pair(body)
            self._open_one(body, words, index, text)
            bubble = self._new(body, text, now, older=False)
            bubble.seq = body["msg_seq"]
            return bubble.id
        bubble = self._find(body)
        if bubble is None or bubble.older:
            raise Refusal(self._violate("frame of no stream", 50035))
        if body.get("msg_id") is None:
            raise Refusal(self._violate("continuation without msg_id", 50015001))
        if body["msg_seq"] != bubble.seq:
            self._violate("another msg_seq inside a stream", 0)
        if bubble.form != body["content_type"] and text != bubble.text:
            self._violate("another form inside a stream", 0)
        if not bubble.open:
            if bubble.ended == "client" and text != bubble.text:
                self._violate("frame after the closing frame", 0)
            raise Refusal(40007)
        if index <= bubble.index:
            raise Refusal(self._violate("index not above the last", 40006))
        self._look_at_pace(bubble, now)
        if not text.startswith(bubble.text):
            raise Refusal(self._violate("not a prefix", 40007))
        if words is not None and (text != bubble.text or _reaction(words) in ABOUT_FORM):
            raise Refusal(words)
        bubble.text, bubble.index, bubble.at = text, index, now
        if state == 10:
            bubble.open, bubble.ended = False, "client"
        return bubble.id

    # ---- messages.stream --------------------------------------------------------------------------------------------

    def _older(self, body: dict[str, Any], now: float, words: int | None) -> str:
        stream = body["stream"]
        text = (body.get("markdown") or {}).get("content", body.get("content")) or ""
        self._look_at_length(text, self.frame_bytes)
        if stream["state"] not in (1, 10) or stream.get("id", "x") in ("", None):
            self._violate("malformed frame", 50035)
        self._note(body)
        self._look_at_window(body, now, continues="id" in stream)
        self._look_at_pair(body)
        if "id" not in stream:
            self._open_one(body, words, stream["index"], text)
            bubble = self._new(body, text, now, older=True)
            self._take_pair(body)
            return bubble.id
        bubble = self._find(body)
        if bubble is None or not bubble.older:
            raise Refusal(self._violate("frame of no stream", 50035))
        if not bubble.open:
            if bubble.ended == "client":
                self._violate("frame after the closing frame", 0)
            raise Refusal(40034018 if bubble.ended == "client" else 40034020)
        if bubble.form != body["msg_type"]:
            raise Refusal(self._violate("another form inside a stream", 40034016))
        if stream["index"] <= bubble.index:
            raise Refusal(self._violate("index not above the last", 40006))
        self._look_at_pace(bubble, now)
        if stream["state"] == 10 and not text.endswith("\n"):
            raise Refusal(self._violate("closing frame without a newline", 40034017))
        if words is not None:
            raise Refusal(words)
        self._take_pair(body)
        bubble.text += text
        bubble.index, bubble.at = stream["index"], now
        if stream["state"] == 10:
            bubble.open, bubble.ended = False, "client"
        return bubble.id

    # ---- both ------------------------------------------------------------------------------------------

    def _open_one(self, body: dict[str, Any], words: int | None, index: int, text: str) -> None:
        self._look_at_count(body)
        if index not in (0, 1):
            raise Refusal(self._violate("first index", 40006))
        if any(bubble.open for bubble in self.bubbles):
            raise Refusal(40034021)
        if not text.strip():
            self._violate("opened with nothing visible", 0)
        if body.get("msg_id") is None:
            self._violate("a stream without msg_id", 0)
        if words is not None:
            raise Refusal(words)

    def _new(self, body: dict[str, Any], text: str, now: float, *, older: bool) -> Shown:
        form = body["msg_type"] if older else body["content_type"]
        index = body["stream"]["index"] if older else body["index"]
        bubble = Shown(
            f"s-{self.requests}", "stream", text, text, open=True, older=older, index=index, form=form, at=now
        )
        self._take_pair(body)
        self.answers += 1
        self.bubbles.append(bubble)
        return bubble

    def _find(self, body: dict[str, Any]) -> Shown | None:
        stream_id = body.get("stream_msg_id") or (body.get("stream") or {}).get("id")
        return next((bubble for bubble in self.bubbles if stream_id and bubble.id == stream_id), None)

    def _look_at_pace(self, bubble: Shown, now: float) -> None:
        if now - bubble.at < self.gap - ROUNDING:
            raise Refusal(self._violate("faster than 300 ms", 50002))

    def _look_at_length(self, text: str | None, most: int | None) -> None:
        if most is not None and len((text or "").encode()) > most:
            raise Refusal(self._violate("longer than the limit", 40054007))

    def _look_at_window(self, body: dict[str, Any], now: float, *, continues: bool = False) -> None:
        if body.get("msg_id") and self.window_until is not None and now > self.window_until:
            if not continues:
                self._violate("an expired msg_id", 0)
            raise Refusal(40034005)

    def _look_at_count(self, body: dict[str, Any]) -> None:
        if body.get("msg_id") and self.most_answers is not None and self.answers >= self.most_answers:
            raise Refusal(self._violate("an answer too many", 40034128))

    def _look_at_pair(self, body: dict[str, Any]) -> None:
        if body.get("msg_id") and body.get("msg_seq") in self._pairs:
            raise Refusal(40054005)

    def _take_pair(self, body: dict[str, Any]) -> None:
        if body.get("msg_id") and body.get("msg_seq") is not None:
            self._pairs[body["msg_seq"]] = _content(body)

    def _note(self, body: dict[str, Any]) -> None:
        """One pair stands for one content, whatever became of the request; a current stream's frames share one."""
        seq = body.get("msg_seq")
        if not body.get("msg_id") or seq is None or "stream_msg_id" in body:
            return
        if self._said.setdefault(seq, _content(body)) != _content(body):
            self._violate("a pair for other content", 0)

    def _violate(self, rule: str, code: int) -> int:
        self.violations.append(rule)
        return code


def _reaction(code: int) -> Reaction | None:
    entry = known(code)
    return None if entry is None else entry.reaction


def _content(body: dict[str, Any]) -> object:
    return repr(sorted((key, value) for key, value in body.items() if key not in ("msg_seq", "index")))


def refused(code: int) -> Answer:
    entry = known(code)
    if entry is not None and entry.reaction is Reaction.THROTTLE:
        return Throttled(None, code)
    return Refused(code, is_permanent(code), Exchange(http_status=400, code=code))
