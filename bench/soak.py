"""Streams without end: does the console's memory stay flat? The slope of its resident memory is printed.

So many users write again as soon as they were answered. Memory is looked at every few seconds; after the warm-up a
straight line is laid through it, by least squares.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import AsyncIterator, Sequence

from bench.console_side import Console, console
from bench.platform import OURS, Platform, platform
from bench.processes import megabytes
from bench.table import Row

GROUP = "Soak"
MOST_SLOPE = 5.0
"""Megabytes an hour; a leak of a kilobyte a stream would show ten."""
MODEL = "bench:rate=10,pieces=100,chars=12"
EVERY = 5.0
SAYS_EVERY = 60.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--minutes", type=float, default=30.0, help="how long (30)")
    parser.add_argument("--streams", type=int, default=50, help="users at once (50)")


async def rows(given: argparse.Namespace, notes: list[str]) -> AsyncIterator[Row]:
    """Run, then lay the line through what lies after the first sixth."""
    async with platform(journal=1000) as sim, console(sim) as house:
        await house.answer_with(MODEL)
        samples = await _soak(sim, house, given.streams, given.minutes * 60)
        chunks, accepted = house.recorded()
    steady = [sample for sample in samples if sample[0] >= given.minutes * 10]
    rise = slope(steady) * 3600
    first, last = steady[0][1], steady[-1][1]
    name = f"{given.minutes:g} minutes, {given.streams} streams"
    flat = rise < MOST_SLOPE
    yield Row(GROUP, f"{name}: slope of memory, MB an hour", rise, None, None, f"under {MOST_SLOPE:g}", flat)
    yield Row(GROUP, f"{name}: memory after the warm-up and at the end, MB", f"{first:.0f} to {last:.0f}")
    yield Row(GROUP, f"{name}: chunks recorded and accepted", f"{accepted:,} of {chunks:,}", met=chunks == accepted)


def slope(samples: Sequence[tuple[float, float]]) -> float:
    """Return the slope of the straight line nearest to the points (least squares). Raises ValueError for under two."""
    if len(samples) < 2:
        raise ValueError("a line needs two points")
    middle = sum(at for at, _ in samples) / len(samples)
    level = sum(value for _, value in samples) / len(samples)
    spread = sum((at - middle) ** 2 for at, _ in samples)
    return sum((at - middle) * (value - level) for at, value in samples) / spread


async def _soak(sim: Platform, house: Console, streams: int, seconds: float) -> list[tuple[float, float]]:
    """Return seconds since the beginning and megabytes, every few seconds."""
    began = time.monotonic()
    ends = began + seconds
    samples: list[tuple[float, float]] = []
    async with asyncio.TaskGroup() as tasks:
        for number in range(streams):
            tasks.create_task(_talk(sim, f"SOAK{number:04d}", ends))
        said = began
        while (now := time.monotonic()) < ends:
            samples.append((now - began, megabytes(house.pid)))
            if now - said >= SAYS_EVERY:
                said = now
                print(f"    {(now - began) / 60:4.0f} min  {samples[-1][1]:.1f} MB", file=sys.stderr, flush=True)
            await asyncio.sleep(EVERY)
    async with asyncio.timeout(120):
        while house.busy():  # noqa: ASYNC110 - another process's state
            await asyncio.sleep(0.5)
    return samples


async def _talk(sim: Platform, openid: str, ends: float) -> None:
    """Say something, wait until the answer is whole, and again."""
    while time.monotonic() < ends:
        await sim.say(OURS[0], openid, "bench")
        await _answered(sim, openid)


async def _answered(sim: Platform, openid: str) -> None:
    async with asyncio.timeout(120):
        while True:
            await asyncio.sleep(1)
            bubbles = (await sim.get("screen", bot=OURS[0], target=openid))["bubbles"]
            if bubbles[-1]["from"] == "bot" and bubbles[-1]["state"] == "done":
                return
