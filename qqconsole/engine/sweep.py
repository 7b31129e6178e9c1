"""Sweep: what no doorbell brings. Leases renewed, wishes to cancel seen, lost deliveries taken over, queues rung again.

It runs at the start and then for ever, on the engine's loop.
"""

from __future__ import annotations

import asyncio
import logging
import time
from datetime import timedelta
from typing import TYPE_CHECKING

from django.utils import timezone

from qqconsole import tallies
from qqconsole.deliveries import enrolment
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


class Sweep:
    def __init__(self, engine: Engine, *, recover_all: bool) -> None:
        self._engine = engine
        self._recover_all = recover_all
        self._first = True
        self.swept_at = 0.0

    async def run(self) -> None:
        next_sweep = next_renewal = 0.0
        while True:
            try:
                now = time.monotonic()
                if now >= next_renewal:
                    await self._renew()
                    next_renewal = now + claims.RENEW_EVERY
                if now >= next_sweep and not self._engine.draining:
                    await self._sweep()
                    next_sweep = now + SWEEP_EVERY
                await self._cancelled()
            except Exception:
                # The next round tries again; /healthz says so when none succeeds.
                log.exception("a sweep failed")
            await asyncio.sleep(LOOK_EVERY)

    async def _sweep(self) -> None:
        engine = self._engine
        if self._recover_all:
            # Only at the start: later the leases tell.
            self._recover_all = False
            lost = await engine.writer.submit(Job(lambda batch: claims.disown_others(engine.owner)))
            if lost:
                log.warning("%d deliveries were open when the last process ended: they are closed now", lost)
        for delivery_id in await engine.read(lambda: look(self._first)):
            engine.ring(delivery_id)
        await engine.read(_ring_for_bulks)
        self._first = False
        kinds = ("engine", "worker") if engine.worker_alive() else ("engine",)
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


def _ring_for_bulks() -> None:
    for bulk_id in enrolment.unfinished():
        enrolment.ring(bulk_id)


def look(everything: bool) -> list[int]:
    """Deliveries to ring for: those whose owner let the lease end, and those whose doorbell may be lost
    (``everything``: all that wait)."""
    waiting = claims.next_in_turn()
    if not everything:
        waiting = waiting.filter(created_at__lt=timezone.now() - STALE)
    return [
        *claims.lost().order_by("pk").values_list("pk", flat=True)[:MOST],
        *waiting.order_by("pk").values_list("pk", flat=True)[:MOST],
    ]


def wishes(owner: str) -> list[int]:
    """The deliveries of this owner that somebody wants to end."""
    asked = Delivery.objects.filter(owner=owner, status=Status.SENDING, cancel_requested_at__isnull=False)
    return list(asked.values_list("pk", flat=True))
