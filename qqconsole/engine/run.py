"""One delivery from claim to end, on the engine's loop."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.db import InterfaceError, OperationalError
from django.utils import timezone

from adapter.answers import Exchange, Unknown
from adapter.desk import MediaDesk
from adapter.gate import Gate
from adapter.passive import ANSWERS
from adapter.pieces import MediaItem, Source, SourceFailed
from adapter.request import Endpoint, Request
from adapter.sender import Intent, Sender, jitter
from adapter.stream import StreamMachine
from adapter.targets import Scene, Target
from adapter.typing_hints import Sends, TypingHints
from adapter.verdicts import Outcome, Verdict
from qqconsole.deliveries.hints import HintRecorder
from qqconsole.deliveries.interrupted import Interrupted
from qqconsole.deliveries.ledger import Address
from qqconsole.deliveries.models import Chunk, ChunkStatus, Mode
from qqconsole.deliveries.recorder import AttemptRecorder, Ticket
from qqconsole.deliveries.windows import open_until
from qqconsole.engine import endings
from qqconsole.engine.batch import Batch
from qqconsole.engine.claims import Claim
from qqconsole.engine.leased import Lease, LeasedClient
from qqconsole.engine.looking_back import Doubted
from qqconsole.engine.policies import policy_for, target_of
from qqconsole.engine.work import Work, read_work
from qqconsole.engine.writer import FenceLost, Job
from qqconsole.logs import about

if TYPE_CHECKING:
    from qqconsole.engine.engine import Engine

log = logging.getLogger(__name__)
SHUTDOWN = "shutdown"
INTERRUPTED = "interrupted"


class Run:
    """One claimed delivery. ``cancel``, ``shut_down`` and ``lose`` may be called from the engine's loop at any time."""

    def __init__(self, engine: Engine, claim: Claim) -> None:
        self._engine = engine
        self._claim = claim
        self._machine: StreamMachine | None = None
        self._sender: Sender | None = None
        self._recorder: AttemptRecorder | None = None
        self._wish: Callable[[], None] | None = None
        self.lease = Lease.from_now()
        self.handed_on = False
        """Somebody has to take it over or to begin it anew."""
        self.away = False
        """The database was away: the sweep rings when it looks again, since a doorbell now would ring for ever."""

    def cancel(self) -> None:
        """An operator wants it to end: what is open is closed with what is shown."""
        self._wish = self._cancel
        if self._sender is not None:
            self._wish()

    def shut_down(self) -> None:
        """The house is closing: what is open gets what was generated and is closed; what has not begun waits."""
        self._wish = self._shut_down
        if self._sender is not None:
            self._wish()

    def lose(self) -> None:
        """Another process owns it by now: neither its source nor QQ is asked for anything more."""
        self._wish = self._lose
        if self._sender is not None:
            self._wish()

    def doubt(self, doubted: Doubted) -> None:
        """QQ may have dropped what it accepted of this: it is marked, and a later frame may heal it."""
        if self._machine is None or self._recorder is None or doubted.attempt_id != self._claim.attempt.pk:
            return
        segment = self._machine.segments.get(doubted.segment)
        unproven = doubted.unproven and self._machine.in_doubt
        if segment is not None and unproven:
            segment.suspect_if_taken = True
        elif segment is not None and not doubted.healed:
            segment.weigh(True, heals=not doubted.for_good)
        self._recorder.doubt(doubted.segment, doubted.chunks, healed=doubted.healed or unproven)

    def _lose(self) -> None:
        assert self._sender is not None
        self._sender.abandon(FenceLost(f"delivery {self._claim.delivery.pk}"))

    def _cancel(self) -> None:
        assert self._sender is not None
        self._sender.cancel()

    def _shut_down(self) -> None:
        assert self._sender is not None
        assert self._machine is not None
        if self._machine.segments or self._machine.ended:
            self._sender.interrupt(SHUTDOWN)
        else:
            # Half an answer to somebody who has seen nothing yet is worse than a whole one after the next start.
            self._sender.cancel(SHUTDOWN)

    def _park(self) -> None:
        self._engine.park(self._claim.delivery.pk)

    async def __call__(self) -> None:
        """Ends with the delivery's row in a true state; raises FenceLost when it is another's by now, and what the
        database raises when it is away: then the lease ends by itself."""
        try:
            await self._carry()
        except (FenceLost, asyncio.CancelledError):
            raise
        except Exception as error:
            log.exception("it broke", extra=about(self._claim.delivery))
            await self._broken(error)

    async def _carry(self) -> None:
        delivery = self._claim.delivery
        work = await self._engine.read(lambda: read_work(self._claim))
        if self._claim.recovered and work.interrupted is None:
            await self._put_back("nothing had left when the process before ended")
            return
        desk = self._engine.desk(delivery)
        await _give_back(work.interrupted, desk, target_of(delivery.session))
        self._machine, self._sender, recorder = self._prepare(work, desk)
        self._recorder = recorder
        if work.interrupted is not None:
            stopped = delivery.cancel_requested_at is not None
            suspect = self._fell_into_a_loss(work.interrupted.sending)
            await _take_up(
                self._machine, recorder, work.interrupted, suspect, generated=work.generates, stopped=stopped
            )
        elif work.repeat is not None:
            recorder.repeats(work.repeat.msg_seq)
            self._machine.answer(_untold("QQ never said whether it took this message"), time.monotonic())
            self._machine.end()
        elif work.generates and self._claim.attempt.mode != Mode.FIRST:
            recorder.begins()
        if self._wish is not None:
            self._wish()
        told = await self._sender.run(self._open(work))
        if self._machine.markdown_refused:
            self._engine.markdown_refusals.remember(delivery.session.bot_id, target_of(delivery.session))
        if told.reason == SHUTDOWN and not self._machine.segments:
            await self._put_back("the console was stopped before anything was sent")
            return
        outcome = work.outcome(told, self._machine.segments)
        await recorder.finish(_ending(outcome))
        said = about(delivery, code=outcome.code, trace_id=recorder.trace_id or None)
        log.info("ended: %s %s", outcome.status.value, outcome.reason, extra=said)

    def _prepare(self, work: Work, desk: MediaDesk) -> tuple[StreamMachine, Sender, AttemptRecorder]:
        delivery, interrupted = self._claim.delivery, work.interrupted
        bot, target = delivery.session.bot, target_of(delivery.session)
        recorder = AttemptRecorder(
            self._engine.writer,
            delivery,
            self._claim.attempt,
            self._address(),
            passive=self._claim.passive,
            generates=work.generates,
            keeper=self._engine.keeper,
            segments=interrupted.segments if interrupted else (),
            chunks=interrupted.chunks if interrupted else (),
        )
        policy = policy_for(delivery, self._claim.passive)
        machine = StreamMachine(
            policy,
            jitter=jitter,
            markdown=False if self._engine.markdown_refusals.refused(bot.pk, target) else None,
            restored=interrupted.restored if interrupted else work.repeat.restored if work.repeat else None,
            earlier_segments=len(interrupted.segments) if interrupted else 0,
            shown_before=interrupted.shown if interrupted else False,
            opens_with=interrupted.opens_behind(policy) if interrupted else "",
        )
        client, outside = self._engine.clients.of(bot), self._engine.outside
        gate, turns = self._engine.gates.of(bot), client.pace
        leased = LeasedClient(client, self.lease)
        sender = Sender(
            machine,
            leased,
            recorder,
            target,
            desk=desk,
            outside=outside,
            gate=gate,
            turns=turns,
            hints=self._hints(machine, work, leased, gate),
            on_long_wait=self._park,
        )
        return machine, sender, recorder

    def _fell_into_a_loss(self, sending: Chunk | None) -> bool:
        """Whether QQ, if it took this, may have shown it to nobody."""
        if sending is None:
            return False
        bot, sent_at = self._claim.delivery.session.bot, sending.sent_at.timestamp()
        return self._engine.gates.of(bot).doubts(sent_at, sent_at + bot.message_timeout)

    def _hints(self, machine: StreamMachine, work: Work, client: Sends, gate: Gate) -> TypingHints | None:
        """Where a model is asked, and the bot wants the user to know."""
        delivery, attempt, msg_id = self._claim.delivery, self._claim.attempt, machine.policy.reference
        bot, target = delivery.session.bot, target_of(delivery.session)
        asked = work.generates and work.interrupted is None
        if not (bot.typing and asked and msg_id and target.scene is Scene.C2C):
            return None
        book = HintRecorder(self._engine.writer, delivery, attempt, self._address(), msg_id)
        return TypingHints(client, book, target, msg_id, bot.typing_seconds, gate=gate)

    def _address(self) -> Address:
        delivery, passive = self._claim.delivery, self._claim.passive
        session, bot, until = delivery.session, delivery.session.bot, passive.until if passive else None
        if passive is None and delivery.inbound is not None:
            until = open_until(delivery.inbound, Scene(session.scene))
        return Address(bot.pk, session.target_id, bot.dialect, ANSWERS.get(Scene(session.scene)), until)

    def _open(self, work: Work) -> Source | None:
        """The source of the pieces; None where there is none to be had, and the machine knows why."""
        assert self._sender is not None
        try:
            return work.source()
        except SourceFailed as failure:
            self._sender.interrupt(failure.reason, failure.detail)
            return None

    # ---- endings ----------------------------------------------------------------------------------------------

    async def _put_back(self, why: str) -> None:
        log.info("it waits again: %s", why, extra=about(self._claim.delivery))
        await self._end(lambda batch: endings.put_back(batch, self._claim.delivery.pk))
        self.handed_on = True

    async def _broken(self, error: Exception) -> None:
        """One bug, one bad row or a database that was away must leave no stream open and no row untrue."""
        delivery_id, begun = self._claim.delivery.pk, self._machine is not None and bool(self._machine.segments)
        self.away = isinstance(error, OperationalError | InterfaceError)
        if self._claim.recovered and not self.away:
            await self._end(lambda batch: endings.give_up(batch, delivery_id, f"{type(error).__name__}: {error}"))
        elif begun or self._claim.recovered:
            await self._end(lambda batch: endings.hand_on(batch, delivery_id))
            self.handed_on = True
        elif self.away:
            await self._put_back(f"the database was away: {error}"[:200])
        else:
            await self._end(lambda batch: endings.give_up(batch, delivery_id, f"{type(error).__name__}: {error}"))

    async def _end(self, run: Callable[[Batch], None]) -> None:
        delivery = self._claim.delivery
        await self._engine.writer.submit(Job(run, delivery.pk, delivery.fence))


async def _give_back(interrupted: Interrupted | None, desk: MediaDesk, target: Target) -> None:
    """The record keeps no bytes: what is to be uploaded still gets them from the library."""
    segment = interrupted.restored.segment if interrupted is not None and interrupted.restored is not None else None
    if segment is not None and segment.media is not None and not segment.file_info:
        prepared = await desk.prepare(segment.media, target)
        segment.media = prepared if isinstance(prepared, MediaItem) else segment.media


async def _take_up(
    machine: StreamMachine,
    recorder: AttemptRecorder,
    interrupted: Interrupted,
    suspect: bool,
    *,
    generated: bool,
    stopped: bool,
) -> None:
    """Go on where the rows end: the frame in flight has an unknown outcome (``suspect``: while the gateway session was
    lost), and what a model had left to say is lost. ``stopped``: somebody had asked for its end."""
    restored, sending = interrupted.restored, interrupted.sending
    if restored is not None and restored.in_flight is not None and sending is not None:
        intent = Intent(Request("POST", "", {}, Endpoint.OTHER), Ticket(restored.segment.number, sending.number))
        answer = _untold("the process ended before QQ's answer was written down", suspect)
        machine.answer(answer, time.monotonic())
        if sending.status == ChunkStatus.SENDING:
            await recorder.settle(intent, answer, Verdict.UNKNOWN, restored.segment)
    if stopped:
        machine.cancel()
        return
    if generated:
        machine.text(interrupted.unsent)
    if generated and not interrupted.whole:
        machine.fail(INTERRUPTED)
    else:
        machine.end()


def _untold(message: str, suspect: bool = False) -> Unknown:
    return Unknown("interrupted", Exchange(message=message, suspect=suspect))


def _ending(outcome: Outcome) -> dict[str, Any]:
    return {
        "status": outcome.status.value,
        "reason": outcome.reason,
        "code": outcome.code,
        "detail": outcome.detail,
        "failed_step": outcome.step,
        "owner": "",
        "lease_until": None,
        "finished_at": timezone.now(),
    }
