"""The gate's row, one step at a time: read under a lock, moved on as ``adapter.breaker`` says, written.

Every function here runs in a transaction of its caller's and may run again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db.models import Q, QuerySet
from django.utils import timezone

from adapter.answers import Answer, Unknown
from adapter.breaker import PROBE_TIME, Breaker, BreakerState
from adapter.loss import Loss
from adapter.signs import Sign
from qqconsole.bots.models import BotConnection, BotGate, ConnectionState, GateState

MOST_DETAIL = 500


@dataclass(frozen=True, slots=True)
class Why:
    """What a bot fails with. ``reason`` is a code word of ``bots.reasons``, ``detail`` plain English."""

    reason: str
    code: int | None = None
    detail: str = ""
    trace_id: str = ""


@dataclass(frozen=True, slots=True)
class Stepped:
    gate: BotGate
    before: GateState

    @property
    def changed(self) -> bool:
        return self.gate.state != self.before


def why_of(answer: Answer) -> Why:
    """What the answer says about the bot that failed."""
    exchange = answer.exchange
    code = exchange.code if exchange.code is not None else exchange.err_code
    if isinstance(answer, Unknown):
        reason = {"timeout": "silent", "reset": "cut", "5xx": "errors"}.get(answer.reason, "errors")
    elif code is not None or exchange.http_status is not None:
        reason = "refused"
    else:
        reason = "unreachable"
    return Why(reason, code, exchange.message[:MOST_DETAIL], exchange.trace_id[:128])


def breaker_of(gate: BotGate) -> Breaker:
    return Breaker(
        BreakerState(gate.state),
        gate.failures,
        _seconds(gate.failing_since),
        _seconds(gate.paused_at),
        gate.probes,
        _seconds(gate.probe_at),
    )


def loss_of(gate: BotGate) -> Loss | None:
    if gate.lost_at is None:
        return None
    return Loss(gate.lost_at.timestamp(), _seconds(gate.live_at))


def notable() -> QuerySet[BotGate]:
    """The gates of which a process that sends has to know something: the others let everything through."""
    return BotGate.objects.filter(~Q(state=GateState.WELL) | Q(failures__gt=0) | Q(lost_at__isnull=False))


def paused() -> QuerySet[BotGate]:
    return BotGate.objects.filter(state=GateState.PAUSED)


def heard(bot_id: int, signs: Sequence[tuple[Sign, Why]]) -> Stepped:
    """Take in what the answers said, in their order."""
    now = timezone.now().timestamp()

    def step(breaker: Breaker) -> Breaker:
        for sign, _ in signs:
            well = sign is Sign.WELL
            breaker = breaker.worked() if well else breaker.failed(now, broken=sign is Sign.BROKEN)
        return breaker

    failed_with = [why for sign, why in signs if sign is not Sign.WELL]
    return _step(bot_id, step, failed_with[-1] if failed_with else None)


def take_probe(bot_id: int) -> bool:
    """Be the one process that tries the bot now; False where another does, or it is not time."""
    now = timezone.now()
    due = BotGate.objects.filter(bot_id=bot_id, state=GateState.PAUSED, probe_at__lte=now)
    return bool(due.update(probe_at=now + timedelta(seconds=PROBE_TIME)))


def probed(bot_id: int, why: Why | None) -> Stepped:
    """What the try gave; ``why``: it failed."""
    now = timezone.now().timestamp()
    if why is None:
        return _step(bot_id, Breaker.probe_worked, None)
    return _step(bot_id, lambda breaker: breaker.probe_failed(now), why)


def hurry(bot_id: int) -> Stepped:
    """Somebody wants it tried now."""
    now = timezone.now().timestamp()
    return _step(bot_id, lambda breaker: breaker.hurried(now), None)


def lost(bot_id: int, at: datetime) -> BotGate:
    """QQ closed the gateway session with 4009. Lost again before it was back, it is the same loss."""
    gate = _locked(bot_id)
    if not gate.is_lost:
        gate.lost_at, gate.live_at = at, None
        _save(gate)
    return gate


def back(bot_id: int, at: datetime) -> BotGate | None:
    """READY or RESUMED came; None where no loss was noticed."""
    gate = BotGate.objects.select_for_update().filter(bot_id=bot_id).first()
    if gate is None or not gate.is_lost:
        return None
    gate.live_at = at
    _save(gate)
    return gate


def held_elsewhere_since(bot_id: int, owner: str, lost_at: datetime) -> datetime | None:
    """Return since when another process than ``owner`` has had a gateway session of the bot's that lives, where it
    began after ``lost_at``; else None."""
    others = BotConnection.objects.filter(bot_id=bot_id, state=ConnectionState.CONNECTED, since__gt=lost_at)
    return others.exclude(holder=owner).values_list("since", flat=True).first()


def _step(bot_id: int, move: Callable[[Breaker], Breaker], why: Why | None) -> Stepped:
    gate = _locked(bot_id)
    before, old = GateState(gate.state), breaker_of(gate)
    new = move(old)
    if new == old and (why is None or before is not GateState.PAUSED):
        return Stepped(gate, before)
    gate.state, gate.failures, gate.probes = GateState(new.state), new.failures, new.probes
    gate.failing_since, gate.paused_at = _moment(new.failing_since), _moment(new.paused_at)
    gate.probe_at = _moment(new.probe_at)
    if why is None and new.state is BreakerState.WELL:
        why = Why("")
    if why is not None:
        gate.reason, gate.code, gate.detail, gate.trace_id = why.reason, why.code, why.detail, why.trace_id
    _save(gate)
    return Stepped(gate, before)


def _locked(bot_id: int) -> BotGate:
    BotGate.objects.get_or_create(bot_id=bot_id)
    return BotGate.objects.select_for_update().get(bot_id=bot_id)


def _save(gate: BotGate) -> None:
    gate.version += 1
    gate.save()


def _seconds(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
