"""What to do when the gateway ends a connection, and what to say when the next one opens. Pure: no clock, no I/O.

The table is the sheet's 2.4 and 2.5. The back-off runs 1, 2, 5, 10, 30, 60 s and starts over only at READY or
RESUMED, not when the socket opens; three connections in a row that broke within 5 s wait 60 s, and so do ten that
QQ closed with a word, lest a loop eats the day's identifies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from adapter.close_codes import Closing, Cure, closing

DISPATCH, HEARTBEAT, IDENTIFY, RESUME, RECONNECT, INVALID_SESSION, HELLO, HEARTBEAT_ACK = 0, 1, 2, 6, 7, 9, 10, 11
"""The opcodes of sheet 2.2."""


class Phase(StrEnum):
    """Where the connection stands, as an operator sees it."""

    CONNECTING = "connecting"
    CONNECTED = "connected"
    WAITING = "waiting"
    """It will be tried again by itself, soon."""
    REFUSED = "refused"
    """A person has to mend something; it is tried again once a minute, unless ``run`` returned."""
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class ResumePoint:
    """A gateway session and the last event of it that was dealt with."""

    session_id: str
    seq: int


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds. ``quick``: a connection that lives less is no success."""

    backoff: Sequence[float] = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
    refused: float = 60.0
    greeting: float = 30.0
    quick: float = 5.0
    identify_gap: float = 5.0
    """QQ counts identifies in five seconds (sheet 2.1, max_concurrency)."""
    handing_on: Sequence[float] = (1.0, 2.0, 5.0, 10.0, 30.0)
    """Pauses between tries to hand on an event that the other side failed to take."""


class EndedBy(StrEnum):
    CLOSE = "close"
    """The socket closed or broke; with QQ's close code, where there was one."""
    SILENCE = "silence"
    """No greeting in time, or two heartbeats without an answer."""
    ASKED = "asked"
    """Op 7."""
    INVALID = "invalid"
    """Op 9."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a connection ended. ``lived``: seconds since READY or RESUMED, 0 where neither came."""

    by: EndedBy
    code: int | None = None
    resumable: bool = False
    lived: float = 0.0


@dataclass(frozen=True, slots=True)
class Next:
    """``wait`` seconds, then connect again; not at all where ``over``."""

    phase: Phase
    reason: str
    wait: float
    code: int | None = None
    detail: str = ""
    over: bool = False
    drop_token: bool = False


TOKEN_REFUSED = 4004
_BROKEN_IN_A_ROW = 3
_QUICK_IN_A_ROW = 10
_BROKEN = (None, 1005, 1006)
"""The socket broke; nobody closed it with a word (sheet 2.5)."""
_RESUMES = 2
_RESUMES_AFTER_4009 = 1
"""Sources disagree on 4009 (sheet 9): resume once, then identify."""


class Handshake:
    """The memory of one bot's connection: its gateway session, its intents, and how often what failed."""

    def __init__(self, intents: Sequence[int], resume: ResumePoint | None, timing: Timing) -> None:
        """``intents`` are the sets to try in turn where QQ permits fewer; at least one."""
        self.resume = resume
        self._ladder = intents
        self._rung = 0
        self._timing = timing
        self._tries = 0
        self._quick = self._broken = 0
        self._failed_resumes = 0
        self._resumes_allowed = _RESUMES
        self._resuming = False
        self._established = False
        self._token_refused = False

    @property
    def intents(self) -> int:
        return self._ladder[self._rung]

    def connecting(self) -> None:
        """A new socket, which has proved nothing yet."""
        self._established = self._resuming = False

    def greeting(self, authorization: str) -> dict[str, Any]:
        """The answer to Hello: Resume where there is a session, else Identify."""
        self._resuming = self.resume is not None
        if self.resume is not None:
            seq = self.resume.seq
            return {"op": RESUME, "d": {"token": authorization, "session_id": self.resume.session_id, "seq": seq}}
        return {
            "op": IDENTIFY,
            "d": {"token": authorization, "intents": self.intents, "shard": [0, 1], "properties": {}},
        }

    def heartbeat(self) -> dict[str, Any]:
        return {"op": HEARTBEAT, "d": self.resume.seq if self.resume else None}

    def ready(self, session_id: str, seq: int) -> None:
        """A new session: what failed before is forgotten."""
        self.resume = ResumePoint(session_id, seq) if session_id else None
        self._failed_resumes, self._resumes_allowed = 0, _RESUMES
        self._established, self._tries, self._token_refused = True, 0, False

    def resumed(self) -> None:
        self._established, self._tries, self._token_refused = True, 0, False

    def received(self, seq: int) -> None:
        """An event arrived; repeats do not move the number back."""
        if self.resume is not None and seq > self.resume.seq:
            self.resume = ResumePoint(self.resume.session_id, seq)

    def unreachable(self, reason: str, detail: str, *, code: int | None = None, after: float = 0.0) -> Next:
        """No socket came about, for a reason time may mend. ``after``: seconds asked for."""
        return Next(Phase.WAITING, reason, max(after, self._back_off()), code, detail)

    def kept_out(self, reason: str, detail: str, *, code: int | None = None) -> Next:
        """No socket came about, for a reason a person has to mend."""
        return Next(Phase.REFUSED, reason, self._timing.refused, code, detail)

    def ended(self, ending: Ending) -> Next:
        """What comes after a connection on which Hello was answered or not."""
        self._count(ending)
        if ending.by is EndedBy.ASKED:
            return self._again("reconnect_asked", "the gateway asked for a reconnect", at_once=self._established)
        if ending.by is EndedBy.SILENCE:
            return self._again("silent", "the gateway no longer answers")
        if ending.by is EndedBy.INVALID:
            if not ending.resumable:
                self.resume = None
            return self._again("session_gone", "the gateway calls the session invalid")
        return self._after_close(ending.code, closing(ending.code))

    def _after_close(self, code: int | None, means: Closing) -> Next:
        match means.cure:
            case Cure.FATAL:
                return Next(Phase.REFUSED, means.reason, 0.0, code, means.en, over=True)
            case Cure.MEND:
                return Next(Phase.REFUSED, means.reason, self._timing.refused, code, means.en)
            case Cure.INTENTS:
                return self._with_fewer_intents(code, means)
            case Cure.SLOW:
                return Next(Phase.WAITING, means.reason, self._timing.backoff[-1], code, means.en)
            case Cure.TOKEN if not self._token_refused:
                # An aged token says nothing about the session: a fresh one may resume it, and miss no message.
                self._token_refused = True
            case Cure.IDENTIFY | Cure.TOKEN:
                self.resume = None
            case Cure.RESUME if code == 4009:
                self._resumes_allowed = _RESUMES_AFTER_4009
                if self._failed_resumes >= self._resumes_allowed:
                    self.resume = None
        return self._again(means.reason, means.en, code=code, drop_token=means.cure is Cure.TOKEN)

    def _with_fewer_intents(self, code: int | None, means: Closing) -> Next:
        self.resume = None
        if self._rung + 1 < len(self._ladder):
            self._rung += 1
            return Next(Phase.WAITING, means.reason, self._timing.backoff[0], code, means.en)
        self._rung = 0
        return Next(Phase.REFUSED, means.reason, self._timing.refused, code, means.en)

    def _count(self, ending: Ending) -> None:
        short = ending.lived < self._timing.quick
        if self._established:
            self._quick = self._quick + 1 if short else 0
            broken = ending.by is EndedBy.CLOSE and ending.code in _BROKEN
            self._broken = self._broken + 1 if short and broken else 0
        # Nobody's word against the session: a socket that broke or a wish to reconnect once it was back, an aged token.
        wordless = ending.by is EndedBy.ASKED or (ending.by is EndedBy.CLOSE and ending.code in _BROKEN)
        excused = self._established and wordless and self._quick < _BROKEN_IN_A_ROW
        excused = excused or (ending.code == TOKEN_REFUSED and not self._token_refused)
        if self._resuming and (not self._established or short) and not excused:
            self._failed_resumes += 1
        elif self._established and not short:
            self._failed_resumes, self._resumes_allowed = 0, _RESUMES
        if self._failed_resumes >= self._resumes_allowed:
            self.resume = None
            self._failed_resumes, self._resumes_allowed = 0, _RESUMES
        self._resuming = False

    def _again(
        self,
        reason: str,
        detail: str,
        *,
        code: int | None = None,
        at_once: bool = False,
        drop_token: bool = False,
    ) -> Next:
        wait = 0.0 if at_once else self._back_off()
        if self._broken >= _BROKEN_IN_A_ROW or self._quick >= _QUICK_IN_A_ROW:
            wait = self._timing.backoff[-1]
        return Next(Phase.WAITING, reason, wait, code, detail, drop_token=drop_token)

    def _back_off(self) -> float:
        wait = self._timing.backoff[min(self._tries, len(self._timing.backoff) - 1)]
        self._tries += 1
        return wait
