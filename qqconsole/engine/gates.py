"""Gates: each bot's door in this process, kept true by the rows that all processes share.

The row is the truth and the live event the doorbell: a process looks at all rows once a second, and at once when it
hears that a bot's gate has changed. What it notices itself counts here before it is written.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Coroutine
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from channels.layers import get_channel_layer
from django.db import InterfaceError, OperationalError
from django.utils import timezone

from adapter.answers import Answer
from adapter.breaker import BreakerState
from adapter.door import Door
from adapter.errors import AdapterError, ApiRefused
from adapter.gateway import GatewayState
from adapter.handshake import Phase
from adapter.loss import LONGEST_HOLD, AfterLoss, Loss
from adapter.signs import BROKEN_CODES, Sign
from adapter.wire import ClientClosed
from qqconsole.bots import gate_rows
from qqconsole.bots.gate_rows import Stepped, Why, why_of
from qqconsole.bots.models import Bot, BotGate, GateState
from qqconsole.deliveries.models import Delivery
from qqconsole.engine import claims
from qqconsole.engine.batch import Batch
from qqconsole.engine.looking_back import look_back
from qqconsole.engine.untold import Untold
from qqconsole.engine.writer import Job
from qqconsole.live.documents import gate_event
from qqconsole.live.layer import ThreadSafeLayer

if TYPE_CHECKING:
    from qqconsole.engine.engine import Engine

log = logging.getLogger(__name__)

LOOK_EVERY = 1.0
LISTEN_AGAIN = 5.0
LOST = 4009
MOST_RUNG = 500
GROUP = "engine.gates"
"""In the channel layer: every process that sends, so that a change is looked at at once."""


class Gates:
    """Belongs to the engine's loop."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._doors: dict[int, Door] = {}
        self._versions: dict[int, int] = {}
        self._waiting: defaultdict[int, list[tuple[Sign, Why]]] = defaultdict(list)
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._probes: dict[int, asyncio.Task[None]] = {}
        self._rings: dict[int, asyncio.Task[None]] = {}
        self._spreads: dict[int, asyncio.Task[None]] = {}
        self._looks: dict[int, asyncio.Task[None]] = {}
        self._looked_back: dict[int, float] = {}
        """For each bot the loss (when it was) that what was accepted before was held against."""
        self._untold: dict[int, Untold] = {}
        """What the gateways here said of their sessions, until a row tells it."""
        self._began = timezone.now().timestamp()
        self._news = asyncio.Event()
        self._paused: set[int] = set()

    def of(self, bot: Bot) -> Door:
        """The bot's door, which keeps to the bot's present settings."""
        door = self._door(bot.pk)
        door.after_loss, door.settle = AfterLoss(bot.after_4009), bot.settle_ms / 1000
        return door

    async def keeps_out(self, delivery_id: int) -> bool:
        """Whether the delivery's bot is paused: it stays in the queue then, and is rung for afterwards."""
        if not self._paused:
            return False
        paused = set(self._paused)
        of_these = Delivery.objects.filter(pk=delivery_id, session__bot__in=paused, status="queued")
        return await self._engine.read(of_these.exists)

    async def run(self) -> None:
        """Look for ever."""
        listening = asyncio.create_task(self._listen(), name="gates listen")
        try:
            while True:
                try:
                    await self._look()
                except Exception:
                    # The next look tries again; what was noticed here counts meanwhile.
                    log.exception("the bots' gates could not be looked at")
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_EVERY):
                        await self._news.wait()
                self._news.clear()
        finally:
            groups = (self._tasks, self._probes, self._rings, self._spreads, self._looks)
            tasks = [listening, *(task for group in groups for task in group.values())]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    # ---- what is noticed here ---------------------------------------------------------------------------------

    def gateway_changed(self, bot_id: int, state: GatewayState, at: datetime) -> None:
        """What the gateway says of the bot's session. Here it counts at once, elsewhere when ``write_loss`` has written
        it and the row is read."""
        if state.code == LOST and state.name is Phase.WAITING:
            log.warning("bot=%s lost its gateway session (4009): QQ may drop what it accepts", bot_id)
            news = Untold(lost_at=at.timestamp())
        elif state.name is Phase.CONNECTED:
            news = Untold(live_at=at.timestamp())
        else:
            return
        self._untold[bot_id] = self._untold.get(bot_id, Untold()).then(news)
        door = self._door(bot_id)
        door.loss = news.over(door.loss)

    async def write_loss(self, bot_id: int) -> None:
        """Tell the others what ``gateway_changed`` took in, where there is anything. Raises what the writer does: then
        it is still to be told."""
        untold, owner = self._untold.get(bot_id), self._engine.owner
        if untold is None:
            return
        gate = await self._engine.writer.submit(Job(lambda batch: _tell_loss(batch, bot_id, owner, untold)))
        if self._untold.get(bot_id) is untold:
            # What came meanwhile is told as a whole: to write the same loss again changes nothing.
            del self._untold[bot_id]
        if gate is not None:
            self._apply(gate)
            self._spawn(self._spreads, bot_id, self._spread())

    def _heard(self, bot_id: int, sign: Sign, answer: Answer) -> None:
        self._waiting[bot_id].append((sign, why_of(answer)))
        if bot_id not in self._tasks:
            task = asyncio.create_task(self._write(bot_id), name=f"gate of bot {bot_id}")
            self._tasks[bot_id] = task
            task.add_done_callback(lambda done: self._tasks.pop(bot_id, None))

    async def _write(self, bot_id: int) -> None:
        while signs := self._waiting.pop(bot_id, []):
            try:
                stepped = await self._engine.writer.submit(Job(partial(_heard, bot_id=bot_id, signs=signs)))
            except Exception:
                # Not written, it does not count: the next look says how the bot stands.
                log.exception("bot=%s: what its sends met could not be written", bot_id)
                self._versions.pop(bot_id, None)
                # Nor does what came meanwhile: left here, no look would ever take the row's word for this bot again.
                self._waiting.pop(bot_id, None)
                return
            self._stepped(stepped)

    # ---- what the rows say ------------------------------------------------------------------------------------

    async def _look(self) -> None:
        before = dict(self._versions)
        gates = await self._engine.read(lambda: list(gate_rows.notable()))
        busy = {*self._tasks, *self._waiting}
        for gate in gates:
            if gate.bot_id not in busy:
                self._apply(gate)
        told_of = {gate.bot_id for gate in gates}
        for bot_id, door in self._doors.items():
            if bot_id not in told_of | busy and before.get(bot_id) == self._versions.get(bot_id):
                door.state, door.failing = BreakerState.WELL, False
                self._paused.discard(bot_id)
        self._paused &= told_of | busy
        now = timezone.now()
        for gate in gates:
            if gate.state == GateState.PAUSED and gate.probe_at is not None and gate.probe_at <= now:
                self._begin_probe(gate.bot_id)

    def _apply(self, gate: BotGate) -> None:
        """Take the row's word, unless a newer one was taken before."""
        if gate.version < self._versions.get(gate.bot_id, 0):
            return
        self._versions[gate.bot_id] = gate.version
        (self._paused.add if gate.state == GateState.PAUSED else self._paused.discard)(gate.bot_id)
        door = self._door(gate.bot_id)
        door.failing = gate.failures > 0 or gate.state != GateState.WELL
        loss = gate_rows.loss_of(gate)
        here = self._untold.get(gate.bot_id, Untold()).over(loss)
        if here != door.loss:
            door.loss = here
        door.state = BreakerState(gate.state)
        # What a process heard of at its start and was long over says nothing about what it sends.
        if loss is not None and self._began < loss.lost_at + LONGEST_HOLD:
            self._begin_look_back(gate.bot_id, loss)

    def _begin_look_back(self, bot_id: int, loss: Loss) -> None:
        if self._looked_back.get(bot_id) != loss.lost_at:
            self._looked_back[bot_id] = loss.lost_at
            self._spawn(self._looks, bot_id, self._look_back(bot_id, loss))

    async def _look_back(self, bot_id: int, loss: Loss) -> None:
        """Doubt what was accepted before this process heard of the loss; what others send, they look at themselves."""
        # Twice: what ended in between is found by its rows.
        for _ in range(2):
            try:
                left = await self._engine.writer.submit(Job(lambda batch: look_back(batch, bot_id, loss)))
            except (OperationalError, InterfaceError):
                # The database is away: the next look that succeeds begins it anew.
                self._looked_back.pop(bot_id, None)
                return
            missed = False
            for doubted in left:
                run = self._engine.running.get(doubted.delivery_id)
                if run is not None:
                    run.doubt(doubted)
                missed = missed or run is None
            if not missed:
                return

    def _stepped(self, stepped: Stepped) -> None:
        gate = stepped.gate
        self._apply(gate)
        if not stepped.changed:
            return
        self._spawn(self._spreads, gate.bot_id, self._spread())
        if gate.state == GateState.PAUSED:
            log.error(
                "bot=%s is paused: %s code=%s trace=%s %s",
                gate.bot_id, gate.reason, gate.code, gate.trace_id, gate.detail,
            )  # fmt: skip
        else:
            log.warning("bot=%s %s", gate.bot_id, "sends again" if gate.state == GateState.WELL else "is tried")
            self._spawn(self._rings, gate.bot_id, self._ring(gate.bot_id))

    # ---- trying again -----------------------------------------------------------------------------------------

    def _begin_probe(self, bot_id: int) -> None:
        if bot_id not in self._probes and not self._engine.draining:
            self._spawn(self._probes, bot_id, self._probe(bot_id))

    async def _probe(self, bot_id: int) -> None:
        bot = await self._engine.read(Bot.objects.filter(pk=bot_id, enabled=True).first)
        if bot is None or not await self._engine.write(lambda: gate_rows.take_probe(bot_id)):
            return
        why = await self._ask(bot)
        stepped = await self._engine.writer.submit(Job(lambda batch: _probed(batch, bot_id, why)))
        self._stepped(stepped)

    async def _ask(self, bot: Bot) -> Why | None:
        """One cheap question that sends nothing to anybody; None: QQ answered it."""
        try:
            await self._engine.clients.of(bot).me()
        except ApiRefused as refused:
            answered = refused.http_status not in (None, 401) and refused.code not in BROKEN_CODES
            return None if answered else Why("refused", refused.code, str(refused), refused.trace_id)
        except AdapterError as error:
            return Why("refused" if error.code else "unreachable", error.code, str(error), error.trace_id)
        except ClientClosed:
            # Its settings have just changed: the next try has the new ones.
            return Why("unreachable")
        return None

    async def _ring(self, bot_id: int) -> None:
        """Ring for what stayed in the queue."""
        waiting = claims.next_in_turn().filter(session__bot=bot_id).order_by("pk").values_list("pk", flat=True)
        for delivery_id in await self._engine.read(lambda: list(waiting[:MOST_RUNG])):
            self._engine.ring(delivery_id)

    async def _spread(self) -> None:
        """Tell the other processes to look."""
        layer = get_channel_layer()
        if not isinstance(layer, ThreadSafeLayer):
            await layer.group_send(GROUP, {"type": "gates.changed"})

    # ---- within -----------------------------------------------------------------------------------------------

    def _door(self, bot_id: int) -> Door:
        door = self._doors.get(bot_id)
        if door is None:
            door = Door(lambda sign, answer: self._heard(bot_id, sign, answer))
            self._doors[bot_id] = door
        return door

    def _spawn(self, among: dict[int, asyncio.Task[None]], bot_id: int, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(_guarded(work), name=f"gate of bot {bot_id}")
        among[bot_id] = task
        task.add_done_callback(lambda done: among.pop(bot_id, None) if among.get(bot_id) is done else None)

    async def _listen(self) -> None:
        """Hear of other processes' news. What is not heard costs a second."""
        layer = get_channel_layer()
        while not isinstance(layer, ThreadSafeLayer):
            try:
                name = await layer.new_channel("gates")
                await layer.group_add(GROUP, name)
                while True:
                    await layer.receive(name)
                    self._news.set()
            except Exception:
                log.exception("no live news of the bots' gates: they are looked at once a second")
                await asyncio.sleep(LISTEN_AGAIN)


def _heard(batch: Batch, bot_id: int, signs: list[tuple[Sign, Why]]) -> Stepped:
    stepped = gate_rows.heard(bot_id, signs)
    if stepped.changed:
        _tell(batch, stepped.gate)
    return stepped


def _probed(batch: Batch, bot_id: int, why: Why | None) -> Stepped:
    stepped = gate_rows.probed(bot_id, why)
    _tell(batch, stepped.gate)
    return stepped


def _tell_loss(batch: Batch, bot_id: int, owner: str, untold: Untold) -> BotGate | None:
    """Return the gate where it took a step."""
    gate = None
    if untold.lost_at is not None:
        gate = gate_rows.lost(bot_id, datetime.fromtimestamp(untold.lost_at, UTC))
    live_at = untold.live_at
    if gate is not None and gate.lost_at is not None and live_at is None:
        # Told so late that another process has taken the bot over by now.
        since = gate_rows.held_elsewhere_since(bot_id, owner, gate.lost_at)
        live_at = None if since is None else since.timestamp()
    if live_at is not None:
        gate = gate_rows.back(bot_id, datetime.fromtimestamp(live_at, UTC)) or gate
    if gate is not None:
        _tell(batch, gate)
    return gate


def _tell(batch: Batch, gate: BotGate) -> None:
    batch.publish(lambda: gate_event(gate))


async def _guarded(work: Coroutine[None, None, None]) -> None:
    try:
        await work
    except Exception:
        # The next look begins it anew.
        log.exception("a bot's gate could not be tried")
