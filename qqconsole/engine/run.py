"""One delivery from claim to end, on the engine's loop."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db.models import Max
from django.utils import timezone

from adapter.answers import Exchange, Unknown
from adapter.pieces import Source, SourceFailed
from adapter.request import Endpoint, Request
from adapter.sender import Intent, Sender, jitter
from adapter.stream import StreamMachine
from adapter.verdicts import Outcome, OutcomeStatus, Verdict
from qqconsole.deliveries.models import PassivePair, Status
from qqconsole.deliveries.recorder import Address, AttemptRecorder, Ticket
from qqconsole.deliveries.restoring import Interrupted, read_interrupted
from qqconsole.engine.batch import Batch
from qqconsole.engine.claims import Claim
from qqconsole.engine.policies import policy_for, target_of
from qqconsole.engine.writer import FenceLost, Job
from qqconsole.live.documents import delivery_event
from qqconsole.replies.history import reply_request
from qqconsole.replies.request import ReplyRequest
from qqconsole.replies.sources import open_source

if TYPE_CHECKING:
    from qqconsole.engine.engine import Engine

log = logging.getLogger(__name__)
SHUTDOWN = "shutdown"
INTERRUPTED = "interrupted"
ENGINE_ERROR = "engine_error"


@dataclass(frozen=True, slots=True)
class _Work:
    next_msg_seq: int
    question: ReplyRequest | SourceFailed | None
    interrupted: Interrupted | None


def _read_work(claim: Claim) -> _Work:
    """What the delivery needs from the database before its first frame."""
    delivery = claim.delivery
    highest = 0
    if delivery.inbound is not None:
        pairs = PassivePair.objects.filter(
            bot_id=delivery.session.bot_id, target_id=delivery.session.target_id, msg_id=delivery.inbound.qq_id
        )
        highest = pairs.aggregate(highest=Max("msg_seq"))["highest"] or 0
    if claim.recovered:
        return _Work(highest + 1, None, read_interrupted(delivery, claim.attempt.pk))
    try:
        return _Work(highest + 1, reply_request(delivery), None)
    except SourceFailed as failure:
        return _Work(highest + 1, failure, None)


class Run:
    """One claimed delivery. ``stop`` may be called from the engine's loop at any time."""

    def __init__(self, engine: Engine, claim: Claim) -> None:
        self._engine = engine
        self._claim = claim
        self._sender: Sender | None = None
        self._wish: tuple[str, str] | None = None

    def cancel(self) -> None:
        """An operator wants it to end: what is open is closed with what is shown."""
        self._stop("cancel", "cancelled")

    def shut_down(self) -> None:
        """The house is closing: what was generated is sent, what is open is closed."""
        self._stop("interrupt", SHUTDOWN)

    def _stop(self, how: str, reason: str) -> None:
        self._wish = (how, reason)
        if self._sender is not None:
            getattr(self._sender, how)(reason)

    async def __call__(self) -> None:
        """Ends with the delivery's row in a true state; raises FenceLost when it is another's by now."""
        delivery, attempt, bot = self._claim.delivery, self._claim.attempt, self._claim.delivery.session.bot
        work = await self._engine.read(lambda: _read_work(self._claim))
        interrupted = work.interrupted
        if interrupted is not None and interrupted.untouched:
            await self._release("nothing had left yet")
            return
        target = target_of(delivery.session)
        recorder = AttemptRecorder(
            self._engine.writer,
            delivery,
            attempt,
            Address(bot.pk, target.id, bot.dialect),
            next_msg_seq=work.next_msg_seq,
            segments=interrupted.segments if interrupted else (),
            chunks=interrupted.chunks if interrupted else (),
        )
        machine = StreamMachine(
            policy_for(delivery),
            jitter=jitter,
            markdown=False if self._engine.markdown_refusals.refused(bot.pk, target) else None,
            restored=interrupted.restored if interrupted else None,
            earlier_segments=len(interrupted.segments) if interrupted else 0,
            shown_before=interrupted.shown if interrupted else False,
        )
        self._sender = Sender(machine, self._engine.clients.of(bot), recorder, target)
        if interrupted is not None:
            await _take_up(machine, recorder, interrupted)
        if self._wish is not None:
            how, reason = self._wish
            getattr(self._sender, how)(reason)
        outcome = await self._send(work, recorder)
        if outcome.reason == ENGINE_ERROR and not self._claim.recovered:
            # A stream may be open: whoever takes over closes it by what the rows say.
            await self._abandon()
            return
        if machine.markdown_refused:
            self._engine.markdown_refusals.remember(bot.pk, target)
        if outcome.reason == SHUTDOWN and not machine.segments:
            await self._release("the console was stopped before anything was sent")
            return
        await recorder.finish(_ending(outcome))
        log.info("delivery=%s status=%s reason=%s code=%s", delivery.pk, outcome.status, outcome.reason, outcome.code)

    async def _send(self, work: _Work, recorder: AttemptRecorder) -> Outcome:
        assert self._sender is not None
        source: Source | None = None
        try:
            if isinstance(work.question, SourceFailed):
                self._sender.interrupt(work.question.reason, work.question.detail)
            elif work.question is not None:
                source = open_source(work.question)
        except SourceFailed as failure:
            self._sender.interrupt(failure.reason, failure.detail)
        try:
            return await self._sender.run(source)
        except (FenceLost, asyncio.CancelledError):
            raise
        except Exception as error:  # the row below says so
            log.exception("delivery=%s broke", self._claim.delivery.pk)
            return Outcome(OutcomeStatus.FAILED, ENGINE_ERROR, detail=f"{type(error).__name__}: {error}"[:500])

    async def _abandon(self) -> None:
        """Give the delivery up for somebody else to close: one bug must not leave a stream open."""
        delivery = self._claim.delivery

        def run(batch: Batch) -> None:
            delivery.owner, delivery.lease_until = "", None
            batch.update(delivery, ("owner", "lease_until"))

        await self._engine.writer.submit(Job(run, delivery.pk, delivery.fence))
        self._engine.ring(delivery.pk)

    async def _release(self, why: str) -> None:
        """Back into the queue: nothing of it has left, so another start loses and repeats nothing."""
        delivery, attempt = self._claim.delivery, self._claim.attempt

        def run(batch: Batch) -> None:
            delivery.status, delivery.owner, delivery.lease_until = Status.QUEUED, "", None
            delivery.seq += 1
            attempt.status, attempt.why, attempt.finished_at = Status.INTERRUPTED, why, timezone.now()
            batch.update(delivery, ("status", "owner", "lease_until", "seq"))
            batch.update(attempt, ("status", "why", "finished_at"))
            batch.publish(lambda: delivery_event(delivery, delivery.session.bot_id))

        await self._engine.writer.submit(Job(run, delivery.pk, delivery.fence))
        if self._claim.recovered:
            self._engine.ring(delivery.pk)


async def _take_up(machine: StreamMachine, recorder: AttemptRecorder, interrupted: Interrupted) -> None:
    """Go on where the rows end: the frame in flight has an unknown outcome, and the model's rest is lost."""
    restored, sending = interrupted.restored, interrupted.sending
    if restored is not None and restored.in_flight is not None and sending is not None:
        intent = Intent(Request("POST", "", {}, Endpoint.OTHER), Ticket(restored.segment.number, sending.number))
        answer = Unknown("interrupted", Exchange(message="the process ended before QQ's answer was written down"))
        machine.answer(answer, time.monotonic())
        await recorder.settle(intent, answer, Verdict.UNKNOWN, restored.segment)
    machine.text(interrupted.unsent)
    machine.fail(INTERRUPTED)


def _ending(outcome: Outcome) -> dict[str, Any]:
    return {
        "status": outcome.status.value,
        "reason": outcome.reason,
        "code": outcome.code,
        "detail": outcome.detail,
        "owner": "",
        "lease_until": None,
        "finished_at": timezone.now(),
    }
