"""Engine: the one asyncio loop of a process, its writer, and the deliveries it runs."""

from __future__ import annotations

import asyncio
import concurrent.futures
import gc
import logging
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from django.conf import settings
from django.db import InterfaceError, OperationalError

from adapter.outside import Outside
from adapter.targets import Target
from qqconsole import tallies
from qqconsole.deliveries.models import Delivery, Kind
from qqconsole.engine import beats, claims, endings, wishes
from qqconsole.engine.batch import Batch
from qqconsole.engine.bells import Bells
from qqconsole.engine.clients import Clients
from qqconsole.engine.gates import Gates
from qqconsole.engine.keeper import Keeper
from qqconsole.engine.paces import Paces
from qqconsole.engine.readers import Readers
from qqconsole.engine.run import Run
from qqconsole.engine.sweep import Sweep
from qqconsole.engine.writer import FenceLost, GroupWriter, Job
from qqconsole.logs import about
from qqconsole.media.desk import ConsoleDesk
from qqconsole.replies.sources import close_sources

log = logging.getLogger(__name__)
T = TypeVar("T")

DRAIN = 11.0
"""Seconds that open streams get for their closing frames when the process is told to end."""


SWITCH = 0.0005
"""Seconds a thread may keep the interpreter while another waits for it. A frame goes from the loop to the writer and
back before it leaves: with Python's 5 ms each of the two hand-overs could cost as much as the network."""


SELDOM = 30
"""How many rounds of the collector's middle generation make one over everything; Python's own is 10. With hundreds of
streams such a round stops them all for a tenth of a second, and while they begin there would be one every few seconds
(`python -m bench scale`). What it finds later is at most some 200,000 objects."""


def settle() -> None:
    """Take what a process made while it started out of the collector's rounds: once it serves, walking all of Django's
    modules would stop every stream for a tenth of a second, several times an hour."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*gc.get_threshold()[:2], SELDOM)


class MarkdownRefusals:
    """Targets that refused native markdown lately: asked again after ``remember_for`` seconds."""

    remember_for = 3600.0

    def __init__(self) -> None:
        self._until: dict[tuple[int, Target], float] = {}

    def remember(self, bot_id: int, target: Target) -> None:
        now = time.monotonic()
        self._until = {known: until for known, until in self._until.items() if until > now}
        self._until[bot_id, target] = now + self.remember_for

    def refused(self, bot_id: int, target: Target) -> bool:
        until = self._until.get((bot_id, target))
        if until is None or until < time.monotonic():
            self._until.pop((bot_id, target), None)
            return False
        return True


class Engine:
    def __init__(self, *, recover_all: bool = False) -> None:
        """``recover_all``: no other process can own anything (one process, one lock file), so whatever is still
        *sending* lost its owner, however long its lease would have lasted."""
        self.owner = claims.new_owner()
        self.writer = GroupWriter()
        self.keeper = Keeper(self.writer)
        self.clients: Clients
        self.paces: Paces
        self.outside: Outside
        self.markdown_refusals = MarkdownRefusals()
        self.draining = False
        self.alive_at = 0.0
        self.running: dict[int, Run] = {}
        self.recovered = 0
        self.carries = True
        """Whether deliveries that lost their owner are taken over here; not where only gateway sessions are held."""
        self.worker_alive: Callable[[], bool] = lambda: True
        """Whether the process's Celery worker takes tasks; set by whoever runs one beside the engine."""
        self._readers = Readers()
        self.bells = Bells()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run_loop, name="engine", daemon=True)
        self._ready = threading.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._parking: dict[int, list[asyncio.Future[None]]] = {}
        self.gates = Gates(self)
        self.sweep = Sweep(self, recover_all=recover_all)

    # ---- life -------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the writer and the loop; returns when both run."""
        sys.setswitchinterval(SWITCH)
        self.writer.start()
        self._thread.start()
        self._ready.wait()

    def _run_loop(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._main())
        self._loop.close()

    async def _main(self) -> None:
        self.paces = Paces(settings.REDIS_URL)
        self.clients = Clients(self.paces)
        self.outside = Outside()
        self._stopped = asyncio.Event()
        keepers = [
            asyncio.create_task(self._beat()),
            asyncio.create_task(self.sweep.keep_leases()),
            asyncio.create_task(self.sweep.run()),
            asyncio.create_task(wishes.hear(self)),
            asyncio.create_task(self.gates.run()),
        ]
        self._ready.set()
        await self._stopped.wait()
        for keeper in keepers:
            keeper.cancel()
        await asyncio.gather(*keepers, return_exceptions=True)
        try:
            await self.sweep.add_tallies()
            await self.writer.submit(Job(lambda batch: beats.leave(self.owner)))
        except (OperationalError, InterfaceError):
            log.warning("the database is away: this process's last sign of life counts for a while yet")
        await self.clients.close()
        await self.paces.close()
        await self.outside.close()
        await close_sources()

    async def _beat(self) -> None:
        while True:
            self.alive_at = time.monotonic()
            await asyncio.sleep(1)

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        return self._loop

    @property
    def alive(self) -> bool:
        return self._thread.is_alive() and time.monotonic() - self.alive_at < 10

    def refuse_new(self) -> None:
        """Take no new work from now on; what runs goes on."""
        self.draining = True

    def stop(self, timeout: float = DRAIN) -> int:
        """Close every open stream, write everything, end the loop. Returns how many deliveries did not end in time.

        Their rows still say *sending* with this owner: the next start finds and closes them.
        """
        self.refuse_new()
        if not self._thread.is_alive():
            return 0
        left = asyncio.run_coroutine_threadsafe(self._drain(timeout), self._loop).result(timeout + 5)
        self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join(5)
        self.writer.stop(5)
        self._readers.close()
        self.bells.close()
        return left

    async def _drain(self, timeout: float) -> int:
        for run in list(self.running.values()):
            run.shut_down()
        deadline = time.monotonic() + timeout
        while self._tasks and (left := deadline - time.monotonic()) > 0:
            await asyncio.wait(self._tasks, timeout=left)
        late = list(self._tasks)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        return len(late)

    # ---- database ---------------------------------------------------------------------------------------------

    async def read(self, query: Callable[[], T]) -> T:
        """Run a reading query beside the writer."""
        return await self._readers.ask(query)

    async def write(self, query: Callable[[], T]) -> T:
        """Run a writing query in one transaction with whatever is written meanwhile; it may run again."""
        return await self.writer.submit(Job(lambda batch: query()))

    def desk(self, delivery: Delivery) -> ConsoleDesk:
        """The library's desk for one delivery."""
        bot = delivery.session.bot
        mine = delivery.pk if delivery.kind != Kind.MEDIA else None
        return ConsoleDesk(bot.pk, mine, self.read, self.write, self.outside, allow_private=bot.allow_private_urls)

    # ---- deliveries -------------------------------------------------------------------------------------------

    def deliver_and_wait(self, delivery_id: int) -> None:
        """Called by the Celery task's thread: returns when the delivery has ended, waits long with nothing open at QQ,
        or is not to be had."""
        if self.draining or not self._thread.is_alive():
            return
        # Cancelled when a drain runs out of time: the row says so, and the next start closes it.
        with suppress(concurrent.futures.CancelledError):
            asyncio.run_coroutine_threadsafe(self._deliver_or_park(delivery_id), self._loop).result()

    async def _deliver_or_park(self, delivery_id: int) -> None:
        carried = asyncio.create_task(self.deliver(delivery_id))
        parked: asyncio.Future[None] = self._loop.create_future()
        waiting = self._parking.setdefault(delivery_id, [])
        waiting.append(parked)
        # Its own end, and not that of another ring for the same delivery, which finds it carried already.
        carried.add_done_callback(lambda done: _let_go(parked))
        try:
            await parked
        finally:
            waiting.remove(parked)
            if not waiting:
                self._parking.pop(delivery_id, None)
        if carried.done():
            await carried
        else:
            carried.add_done_callback(_look_at)

    def park(self, delivery_id: int) -> None:
        """The delivery waits, and goes on by itself when its time has come: no thread need wait with it. Its lease is
        renewed, and a drain waits for it, as before."""
        for parked in self._parking.get(delivery_id, []):
            _let_go(parked)

    async def deliver(self, delivery_id: int) -> None:
        """Claim the delivery and carry it to its end, where it is to be had."""
        if self.draining or delivery_id in self.running:
            return
        task = asyncio.current_task()
        assert task is not None
        # From here on a drain waits for it: a claim that is being written is as good as made.
        self._tasks.add(task)
        try:
            if await self.gates.keeps_out(delivery_id):
                return
            claim = await self._claim(delivery_id)
            if claim is not None:
                await self._carry(claim)
        finally:
            self._tasks.discard(task)

    def take_up(self, delivery_id: int) -> None:
        """Carry the delivery on this loop, where it is to be had; no thread and no broker need be asked."""
        carried = self._loop.create_task(self.deliver(delivery_id))
        carried.add_done_callback(_look_at)

    async def _claim(self, delivery_id: int) -> claims.Claim | None:
        def run(batch: Batch) -> claims.Claim | None:
            if self.draining:
                return None
            return claims.claim(batch, delivery_id, self.owner) or claims.take_over(batch, delivery_id, self.owner)

        try:
            return await self.writer.submit(Job(run, claims=delivery_id))
        except (OperationalError, InterfaceError):
            # The database is away: the row waits, and the sweep rings again.
            raise
        except Exception as error:
            # Whatever it is about this row, the next try would meet it again.
            log.exception("it cannot be claimed", extra={"delivery": delivery_id})
            detail = f"{type(error).__name__}: {error}"

            def give_up(batch: Batch) -> None:
                if claims.to_be_had(delivery_id):
                    endings.give_up(batch, delivery_id, detail)

            await self.writer.submit(Job(give_up))
            return None

    async def _carry(self, claim: claims.Claim) -> None:
        delivery = claim.delivery
        if claim.recovered:
            self.recovered += 1
            tallies.count("lease_recoveries")
            log.warning("it lost its owner and is taken over", extra=about(delivery))
        elif delivery.fence == 1 and delivery.started_at is not None:
            tallies.observe("queue_wait", (delivery.started_at - delivery.created_at).total_seconds())
        run = Run(self, claim)
        self.running[delivery.pk] = run
        if self.draining:
            run.shut_down()
        try:
            await run()
        except FenceLost:
            log.warning("it is another process's by now", extra=about(delivery))
        finally:
            self.running.pop(delivery.pk, None)
            if run.handed_on and not run.away:
                self.ring(delivery.pk)
            if not run.away:
                self.ring_next(delivery.session_id)

    # ---- doorbells --------------------------------------------------------------------------------------------

    def ring(self, delivery_id: int) -> None:
        """Tell the workers that there is something to do; never blocks the loop."""
        if not self.draining:
            self.bells.ring(delivery_id)

    def ring_next(self, session_id: int) -> None:
        """The session is free: ring for the delivery that waits longest in it."""
        if not self.draining:
            self._readers.tell(lambda: claims.next_of_session(session_id), self.bells.ring)


def _let_go(parked: asyncio.Future[None]) -> None:
    if not parked.done():
        parked.set_result(None)


def _look_at(done: asyncio.Task[None]) -> None:
    if not done.cancelled() and (error := done.exception()) is not None:
        log.error("a delivery that no task waits for broke: the sweep looks after it", exc_info=error)


_engine: Engine | None = None
_guard = threading.Lock()


def current() -> Engine:
    """The process's engine; started by the first who asks, unless ``install`` gave another."""
    global _engine
    with _guard:
        if _engine is None:
            _engine = Engine()
            _engine.start()
        return _engine


def running() -> Engine | None:
    """The process's engine where there is one."""
    return _engine


def install(engine: Engine) -> None:
    """Make ``engine`` the process's own."""
    global _engine
    _engine = engine
