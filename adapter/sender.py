"""Drives one StreamMachine over a client: reads the source, posts the frames, records both. All the waiting is here."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from adapter import lint
from adapter.answers import Answer, Exchange, Refused
from adapter.desk import MediaDesk
from adapter.dialects import media_request, plain_request, stream_endpoint, stream_request
from adapter.errors import LintError
from adapter.frames import STREAM_KINDS, UPLOAD_KINDS, Frame, FrameKind
from adapter.gate import Gate, Heard, OpenGate
from adapter.moves import Done, NeedInput, NeedTurn, Send, Wait
from adapter.outside import Outside
from adapter.passive import Denied, Later
from adapter.pieces import Break, MediaItem, MediaOutcome, Reasoning, SendMedia, Source, SourceFailed, Text
from adapter.policy import Policy
from adapter.porter import Porter
from adapter.request import Endpoint, Request
from adapter.segment import Segment, Stage
from adapter.stream import StreamMachine
from adapter.targets import Target
from adapter.turns import Line, Turns
from adapter.typing_hints import TypingHints
from adapter.upload_requests import upload_frame_request
from adapter.verdicts import Outcome, OutcomeStatus, Verdict

log = logging.getLogger(__name__)
HELD_BACK = "the bot may not send now: it never left"


LONG_WAIT = 2.0
"""Seconds from which a wait is worth telling, where nothing is open at QQ meanwhile."""


class Client(Protocol):
    async def send(self, request: Request) -> Answer:
        """QQ's answer; raises nothing but CancelledError."""
        ...


@dataclass(frozen=True, slots=True)
class Intent:
    """A committed intention to send: the request that may leave now, and what the recorder knows it by."""

    request: Request
    ticket: object


class Recorder(Protocol):
    """The record of one attempt. The row first: ``intend`` returns only when the intention is committed."""

    async def intend(
        self, frame: Frame, segment: Segment, build: Callable[[int | None], Request]
    ) -> Intent | Denied | Later:
        """Allocate the frame's msg_seq, write its Chunk as *sending*, return the request built with it. Denied and
        Later: the ledgers hold it back, and nothing of it was written."""
        ...

    def settle(self, intent: Intent, answer: Answer, verdict: Verdict, segment: Segment) -> Awaitable[None]:
        """Queue QQ's answer to the Chunk and the segment's new state for writing; the writes keep their order."""
        ...

    def ended(self, segment: Segment) -> Awaitable[None]:
        """Queue the new state of a segment that no answer brought to its end."""
        ...

    def generated(self, text: str) -> None: ...

    def reasoned(self, text: str) -> None: ...

    def whole(self) -> None:
        """The source has ended by itself: what was generated is all of it."""
        ...


def request_for(policy: Policy, frame: Frame, target: Target, msg_seq: int | None) -> Request:
    """The frame as a request: a new plain dict each time, so that a repeat never shares a half-changed copy.

    Of an upload it is what the record may keep: without bytes, and without what lets others write.
    """
    if frame.kind is FrameKind.PLAIN:
        return plain_request(frame, target, msg_seq)
    if frame.kind in UPLOAD_KINDS:
        return upload_frame_request(frame, target)
    if frame.kind is FrameKind.MEDIA:
        return media_request(frame, target, msg_seq)
    if policy.dialect is None:
        raise ValueError("a stream frame without a dialect")
    return stream_request(policy.dialect, frame, target, msg_seq)


class Sender:
    """One reply. ``run`` once; ``cancel`` and ``interrupt`` may be called from the same loop meanwhile."""

    def __init__(
        self,
        machine: StreamMachine,
        client: Client,
        recorder: Recorder,
        target: Target,
        *,
        desk: MediaDesk | None = None,
        outside: Outside | None = None,
        gate: Gate | None = None,
        turns: Turns | None = None,
        on_long_wait: Callable[[], None] = lambda: None,
        hints: TypingHints | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``desk`` prepares media, ``outside`` asks addresses that others named; without them there are plain ones.
        ``gate`` says when the bot may send at all, ``turns`` when a middle frame may be composed; without, always.
        ``on_long_wait`` is called where it waits for more than ``LONG_WAIT`` with nothing open at QQ.
        ``hints`` tell the user that somebody is typing until the first frame."""
        self._machine = machine
        self._client = client
        self._recorder = recorder
        self._target = target
        self._on_long_wait = on_long_wait
        self._clock = clock
        self._wake = asyncio.Event()
        self._hungry = False
        self._progress = asyncio.Event()
        self._pump: asyncio.Task[None] | None = None
        self._recorded: asyncio.Future[None] | None = None
        self._unrecorded: BaseException | None = None
        self._broken_rule = ""
        self._gate = gate or OpenGate()
        dialect = machine.policy.dialect
        self._line = Line(turns, stream_endpoint(dialect) if dialect else Endpoint.OTHER, self._wake.set)
        self._porter = Porter(machine.policy, target, desk, outside)
        self._media_refusal = ""
        self._hints = hints

    async def run(self, source: Source | None) -> Outcome:
        """Send all the source gives and say what became of it. ``None``: the machine has its input already.

        Raises what the recorder raises (a lost fence, a database that is gone): then nothing more was sent.
        The source is closed in every case.
        """
        if source is not None and not self._machine.ended:
            self._pump = asyncio.create_task(self._read(source))
            if self._hints is not None:
                self._hints.start()
        self._gate.watch(self._wake.set)
        try:
            return await self._drive()
        finally:
            self._gate.unwatch(self._wake.set)
            self._gate.leave(self)
            self._line.leave()
            if self._hints is not None:
                await self._hints.close()
            if self._pump is not None:
                self._pump.cancel()
                await asyncio.gather(self._pump, return_exceptions=True)
            if source is not None:
                await _close(source)
            await self._porter.close()

    def cancel(self, reason: str = "cancelled") -> None:
        """Close what is open with what is shown, and end."""
        self._machine.cancel(reason)
        self._halt()

    def interrupt(self, reason: str, detail: str = "") -> None:
        """Take no more from the source; send what was generated, close what is open, and end."""
        self._machine.fail(reason, detail)
        self._halt()

    def abandon(self, error: BaseException) -> None:
        """It is not ours to send any more: nothing leaves from now on, and ``run`` raises ``error``."""
        self._unrecorded = self._unrecorded or error
        self._halt()

    def _halt(self) -> None:
        if self._pump is not None:
            self._pump.cancel()
        self._wake.set()

    # ---- reading ----------------------------------------------------------------------------------------------

    async def _read(self, source: Source) -> None:
        machine = self._machine
        reply: MediaOutcome | None = None
        try:
            while True:
                piece = await source.asend(reply)
                reply = None
                if isinstance(piece, Text):
                    self._recorder.generated(piece.text)
                    machine.text(piece.text)
                    if self._hungry:
                        # Only then does more text change what may be sent: a waiting frame takes it along anyway.
                        self._wake.set()
                elif isinstance(piece, Reasoning):
                    self._recorder.reasoned(piece.text)
                elif isinstance(piece, Break):
                    machine.break_()
                    await self._settled()
                elif isinstance(piece, SendMedia):
                    reply = await self._send_media(piece.item)
        except StopAsyncIteration:
            self._recorder.whole()
            machine.end()
        except SourceFailed as failure:
            machine.fail(failure.reason, failure.detail)
        except Exception as error:  # noqa: BLE001 - the delivery's row gets it as its reason
            machine.fail("source_crashed", f"{type(error).__name__}: {error}")
        finally:
            self._wake.set()

    async def _send_media(self, item: MediaItem) -> MediaOutcome:
        machine = self._machine
        prepared = await self._porter.prepare(item)
        if isinstance(prepared, str):
            self._media_refusal = prepared
            return MediaOutcome(False, prepared)
        machine.last_media = None
        machine.media(prepared)
        await self._settled()
        return machine.last_media or MediaOutcome(False, "it was not sent")

    async def _settled(self) -> None:
        """Until everything given so far has reached QQ and nothing is open."""
        self._wake.set()
        while not self._machine.settled:
            self._progress.clear()
            await self._progress.wait()

    # ---- sending ----------------------------------------------------------------------------------------------

    async def _drive(self) -> Outcome:
        machine = self._machine
        while True:
            self._wake.clear()
            if self._unrecorded is not None:
                raise self._unrecorded
            # Asked before the frame is composed: what is held goes with the next one.
            machine.held = not self._gate.enter(self)
            machine.turn = self._line.mine
            move = machine.next(self._clock())
            if not isinstance(move, Send):
                self._gate.leave(self)
            if not isinstance(move, NeedTurn):
                self._line.leave()
            while machine.ended_unanswered:
                self._record(self._recorder.ended(machine.ended_unanswered.pop(0)))
            self._progress.set()
            if isinstance(move, Send):
                if move.frame.kind is FrameKind.MIDDLE:
                    self._line.used()
                await self._post(move.frame)
            elif isinstance(move, NeedTurn):
                if not self._line.join():
                    await self._sleep_until(move.until)
            elif isinstance(move, Wait):
                if move.until - self._clock() > LONG_WAIT:
                    self._waits_long()
                await self._sleep_until(move.until)
            elif isinstance(move, NeedInput):
                self._hungry = True
                if machine.held:
                    self._waits_long()
                await self._sleep_until(move.until)
                self._hungry = False
                # What the source has ready at once is taken at once: a whole reply goes as one message.
                await asyncio.sleep(0)
            elif isinstance(move, Done):
                if self._recorded is not None:
                    await self._recorded
                return self._told(move.outcome)

    def _waits_long(self) -> None:
        if all(segment.stage is not Stage.STREAMING for segment in self._machine.segments.values()):
            self._on_long_wait()

    async def _sleep_until(self, until: float | None) -> None:
        """Until something wakes us, or ``until`` (the machine's time, seconds)."""
        with suppress(TimeoutError):
            async with asyncio.timeout(None if until is None else max(0.0, until - self._clock())):
                await self._wake.wait()

    async def _post(self, frame: Frame) -> None:
        machine, target, dialect = self._machine, self._target, self._machine.policy.dialect
        segment = machine.segments[frame.segment]
        try:
            lint.check(frame, segment, dialect)
        except LintError as error:
            self._keep_back(error)
            return

        def build(msg_seq: int | None) -> Request:
            return request_for(machine.policy, frame, target, msg_seq)

        if self._hints is not None:
            self._hints.stop()
        intent = await self._recorder.intend(frame, segment, build)
        if self._recorded is not None:
            await self._recorded
        if isinstance(intent, Denied | Later):
            self._gate.leave(self)
            if isinstance(intent, Denied):
                machine.denied(intent.why)
            else:
                machine.later(intent.seconds, self._clock())
            return
        heard = await self._answer_to(frame, intent.request)
        answer = heard.answer
        verdict = machine.answer(answer, self._clock(), about_bot=heard.about_bot)
        self._record(self._recorder.settle(intent, answer, verdict, segment))
        if frame.kind not in STREAM_KINDS:
            await self._porter.told(frame, answer, segment)

    async def _answer_to(self, frame: Frame, request: Request) -> Heard:
        """What came of the frame, which is recorded: most are requests to QQ, some go elsewhere."""
        if frame.kind in (FrameKind.PART, FrameKind.FETCH):
            # Not to QQ: it proves nothing about the bot, and others need not wait for it.
            self._gate.leave(self)
        if frame.kind is FrameKind.PART:
            return Heard(await self._porter.put(frame))
        if frame.kind is FrameKind.FETCH:
            answer, item = await self._porter.fetch(frame)
            if item is not None:
                self._machine.fetched(item)
            return Heard(answer)
        loaded = await self._porter.load(frame, request)
        if isinstance(loaded, Refused):
            return Heard(loaded)
        if not self._gate.enter(self):
            # Shut while the intent was written. It is not kept for later: by then there is more text, and perhaps
            # another process carries this reply.
            return Heard(Refused(None, permanent=False, exchange=Exchange(message=HELD_BACK)), about_bot=True)
        return self._gate.heard(self, loaded, await self._client.send(loaded))

    def _record(self, writing: Awaitable[None]) -> None:
        self._recorded = asyncio.ensure_future(writing)
        self._recorded.add_done_callback(self._look_at_record)

    def _look_at_record(self, written: asyncio.Future[None]) -> None:
        """What cannot be recorded ends the reply at once, not with its next frame."""
        if not written.cancelled() and (error := written.exception()) is not None:
            self._unrecorded = self._unrecorded or error
            self._wake.set()

    def _keep_back(self, error: LintError) -> None:
        """A frame of ours that breaks a rule never leaves; the machine takes it as refused and closes what is open."""
        self._broken_rule = self._broken_rule or str(error)
        self._machine.fail("protocol_rule", self._broken_rule)
        if self._pump is not None:
            self._pump.cancel()
        self._machine.answer(Refused(None, permanent=True), self._clock())

    def _told(self, outcome: Outcome) -> Outcome:
        if self._broken_rule:
            return Outcome(OutcomeStatus.FAILED, "protocol_rule", outcome.code, self._broken_rule)
        if outcome.reason == "empty_reply" and self._media_refusal:
            return Outcome(OutcomeStatus.FAILED, "media_unfit", detail=self._media_refusal)
        return outcome


async def _close(source: Source) -> None:
    """End the generator. What its own clearing up raises comes too late to matter to the reply."""
    try:
        await source.aclose()
    except Exception:
        log.exception("a reply source could not be closed")


def jitter() -> float:
    """The factor of one wait: between 0.8 and 1.2, so that many streams do not come back at once."""
    return random.uniform(0.8, 1.2)
