"""Sweep: what no doorbell brings. Leases renewed, wishes to cancel seen, lost deliveries taken over, queues rung again.

It runs at the start and then for ever, on the engine's loop.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING

from django.utils import timezone

from qqconsole import tallies
from qqconsole.bots.models import Bot
from qqconsole.deliveries import enrolment
from qqconsole.deliveries.bulk import ENROL
from qqconsole.deliveries.models import Delivery, Status
from qqconsole.engine import beats, claims, tally_rows
from qqconsole.engine.writer import Job

if TYPE_CHECKING:
    from qqconsole.engine.engine import Engine

log = logging.getLogger(__name__)

LOOK_EVERY = 1.0
"""Seconds between looks for wishes to cancel."""
SWEEP_EVERY = 5.0
STALE = timedelta(seconds=5)
"""A delivery queued longer than this may have lost its doorbell."""
MOST = 500
MOST_TAKEN_OVER = 50
"""Lost deliveries that one sweep begins to carry: the other processes want theirs, the next sweep takes more."""
RING_AGAIN = 60.0
"""Seconds, at most, between two rings for a delivery that still waits; at first it is a sweep's time."""


Waiting = tuple[int, int]
"""A delivery's key and its fence: claimed meanwhile and put back, it is another wait."""


class Patience:
    """When to ring again for what still waits. A doorbell is seldom lost, and often stands in a line: a busy house
    that rang at every look would fill its broker with rings for what it cannot begin."""

    def __init__(self) -> None:
        self._next: dict[Waiting, tuple[float, float]] = {}

    def due(self, found: Iterable[Waiting], now: float) -> list[int]:
        """Return the keys to ring for now (seconds of a steady clock); what is not found any more is forgotten."""
        known, self._next = self._next, {}
        due = []
        for one in found:
            at, gap = known.get(one, (now, SWEEP_EVERY))
            if now >= at:
                due.append(one[0])
                at, gap = now + gap - LOOK_EVERY / 2, min(2 * gap, RING_AGAIN)
            self._next[one] = at, gap
        return due


class Sweep:
    def __init__(self, engine: Engine, *, recover_all: bool) -> None:
        self._engine = engine
        self._recover_all = recover_all
        self._first = True
        self._patience = Patience()
        self.swept_at = 0.0

    async def run(self) -> None:
        next_sweep = 0.0
        while True:
            try:
                now = time.monotonic()
                if now >= next_sweep and not self._engine.draining:
                    await self._sweep()
                    next_sweep = now + SWEEP_EVERY
                await self._cancelled()
            except Exception:
                # The next round tries again; /healthz says so when none succeeds.
                log.exception("a sweep failed")
            await asyncio.sleep(LOOK_EVERY)

    async def keep_leases(self) -> None:
        """Renew them for ever. Apart from ``run``: whatever a sweep waits for, no lease ends over it."""
        while True:
            try:
                await self._renew()
            except Exception:
                log.exception("the leases could not be renewed")
                await asyncio.sleep(LOOK_EVERY)
            else:
                await asyncio.sleep(claims.RENEW_EVERY)

    async def _sweep(self) -> None:
        engine = self._engine
        if self._recover_all:
            # Only at the start: later the leases tell.
            self._recover_all = False
            lost = await engine.writer.submit(Job(lambda batch: claims.disown_others(engine.owner)))
            if lost:
                log.warning("%d deliveries were open when the last process ended: they are closed now", lost)
        # Not by a doorbell: behind what stands in the broker's line, a stream that is open at QQ would end unfinished.
        if engine.carries:
            for delivery_id in await engine.read(lambda: left_behind(MOST_TAKEN_OVER)):
                engine.take_up(delivery_id)
        found = await engine.read(lambda: look(self._first))
        for delivery_id in self._patience.due(found, time.monotonic()):
            engine.ring(delivery_id)
        for bulk_id in await engine.read(enrolment.unfinished):
            engine.bells.ring(bulk_id, ENROL)
        self._first = False
        kinds = ("engine", "worker") if engine.worker_alive() else ("engine",)
        engine.paces.keep(await engine.read(lambda: list(Bot.objects.values_list("pk", flat=True))))
        pace = engine.paces.readings()
        await engine.writer.submit(Job(lambda batch: beats.beat(engine.owner, *kinds, pace=pace)))
        engine.paces.workers = await engine.read(beats.senders)
        await self.add_tallies()
        self.swept_at = time.monotonic()

    async def add_tallies(self) -> None:
        """Add what this process counted to the rows of all. Raises what the writer raises; nothing is lost then."""
        taken = tally_rows.take()
        if not taken:
            return
        try:
            await self._engine.writer.submit(Job(lambda batch: tally_rows.add(taken)))
        except Exception:
            tallies.give_back(taken)
            raise

    async def _renew(self) -> None:
        mine = list(self._engine.running)
        if not mine:
            return
        asked = time.monotonic()
        ours = await self._engine.writer.submit(Job(lambda batch: claims.renew(batch, self._engine.owner, mine)))
        for delivery_id in mine:
            run = self._engine.running.get(delivery_id)
            if run is not None and delivery_id in ours:
                run.lease.renewed(asked)
            elif run is not None:
                run.lose()

    async def _cancelled(self) -> None:
        if not self._engine.running:
            return
        for delivery_id in await self._engine.read(lambda: wishes(self._engine.owner)):
            run = self._engine.running.get(delivery_id)
            if run is not None:
                run.cancel()


def look(everything: bool) -> list[Waiting]:
    """Queued deliveries to ring for, with their fences: those whose doorbell may be lost (``everything``: all)."""
    waiting = claims.next_in_turn()
    if not everything:
        waiting = waiting.filter(created_at__lt=timezone.now() - STALE)
    return list(waiting.order_by("pk").values_list("pk", "fence")[:MOST])


def left_behind(most: int) -> list[int]:
    """Deliveries whose owner let the lease end, the oldest first."""
    return list(claims.lost().order_by("pk").values_list("pk", flat=True)[:most])


def wishes(owner: str) -> list[int]:
    """The deliveries of this owner that somebody wants to end."""
    asked = Delivery.objects.filter(owner=owner, status=Status.SENDING, cancel_requested_at__isnull=False)
    return list(asked.values_list("pk", flat=True))
