"""From "text available" to "request at the platform", beside a bare loop and AstrBot's sender with the same text.

The platform and its model run in a process of their own. On one side the whole console (gateway event, Celery task,
real SQLite, the intent row committed before each send), on the others ``bench.bare`` and ``bench.astrbot_sender``. All
are measured by the same witness, the platform's journal; how is said in ``bench.streams``.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.astrbot_environment import VERSION, NoPeer, peer_environment, peer_python
from bench.console_side import Console, console
from bench.platform import BARE, OURS, Platform, platform
from bench.processes import Meter, forget_peak, line_with, megabytes, peak_megabytes, running
from bench.streams import Load, Release, Run, measured, throttled
from bench.table import Cell, Row

GROUP = "Added delay and cost of a chunk"
MOST_MEDIAN, MOST_P99 = 5.0, 20.0
"""What the console may add to the bare loop at the claim's load, milliseconds."""
CLAIM = 200
MOST_MEMORY = 300.0
"""Megabytes the process may ever hold."""
RAMP = 0.05
"""Seconds from one conversation's beginning to the next: 200 have begun after ten, and the first still goes on."""
LONGEST_RAMP = 20.0
ACCEPTED = 200
PEER_INTERVAL = 1.0
"""Seconds AstrBot lets pass after an answer before it sends what has come meanwhile."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--loads", nargs="+", default=LOADS, help=f"streams x pieces a second ({' '.join(LOADS)})")
    parser.add_argument("--seconds", type=float, default=20.0, help="how long each answer is (20)")
    parser.add_argument("--no-peer", action="store_true", help="without AstrBot")


LOADS = ["1x1", "50x1", "200x1", "200x30", "1000x0.5"]


@dataclass(frozen=True)
class Side:
    """What one side did with a load, and the memory it took for it."""

    run: Run
    idle: float
    peak: float

    def each(self, streams: int) -> float:
        """Megabytes a stream."""
        return max(self.peak - self.idle, 0.0) / streams


@dataclass(frozen=True)
class Peer:
    """``by_newest`` counts from the piece that made AstrBot send, ``by_first`` from the first that was waiting."""

    by_newest: Side
    by_first: Run


async def rows(given: argparse.Namespace, notes: list[str]) -> AsyncIterator[Row]:
    """Measure every load on all sides."""
    python = None if given.no_peer else _peer(notes)
    loads = [_load(one, given.seconds) for one in given.loads]
    async with platform(journal=max(load.streams * (load.frames + 8) for load in loads)) as sim, console(sim) as house:
        await _warm_up(sim, house)
        for load in loads:
            bare = await bare_side(sim, load)
            ours = await _ours(sim, house, load)
            peer = await _peer_side(sim, python, load) if python else None
            for row in _rows(load, bare, ours, peer):
                yield row
        chunks, accepted = house.recorded()
        notes.append(f"{chunks} chunks were recorded meanwhile, {accepted} of them accepted.")
    if python:
        notes.append(
            f"peer: AstrBot {VERSION}, its streaming sender alone. It sends at most once in {PEER_INTERVAL:g} s, and"
            " only when a piece comes; ours and the bare loop every 0.5 s, by a timer. Its delay counts from the newest"
            " piece in a request; in brackets from the first that waited, less its own interval, as the others' do."
            " It draws msg_seq at random from 10,000: where QQ refuses one that was used, the reply is not whole."
        )


def _peer(notes: list[str]) -> str | None:
    try:
        return peer_python()
    except NoPeer as error:
        notes.append(f"no peer: {error}")
        return None


def _load(text: str, seconds: float) -> Load:
    streams, _, rate = text.partition("x")
    # A slow stream needs a few pieces to have a middle.
    pieces = max(round(float(rate or 1) * seconds), 10)
    return Load(int(streams), float(rate or 1), pieces, ramp=min(RAMP * int(streams), LONGEST_RAMP))


async def _warm_up(sim: Platform, house: Console) -> None:
    """First imports, first connections, first token: not what is measured."""
    load = Load(2, 5.0, 5, ramp=0.1)
    await bare_side(sim, load)
    await _ours(sim, house, load)


async def bare_run(sim: Platform, load: Load) -> Run:
    """Run the load with the bare client; the platform forgets what it knew before."""
    return (await bare_side(sim, load)).run


async def bare_side(sim: Platform, load: Load) -> Side:
    """Run the load with the bare client in a process of its own."""
    await sim.post("reset")
    async with running("-m", "bench.bare", sim.url, json.dumps(asdict(load))) as process:
        said, used, idle, peak = await _drive(sim, process, load, "[")
    await sim.all_closed(BARE[0], within=30)
    releases = [Release(**one) for one in json.loads(said)]
    return Side(measured(load, releases, await sim.requests(), used), idle, peak)


async def _peer_side(sim: Platform, python: str, load: Load) -> Peer:
    await sim.post("reset")
    with tempfile.TemporaryDirectory(prefix="qqconsole-bench-") as folder:
        arguments = ("-m", "bench.astrbot_sender", sim.url, json.dumps(asdict(load)))
        async with running(*arguments, python=python, environment=peer_environment(Path(folder))) as process:
            _, used, idle, peak = await _drive(sim, process, load, "ended")
    # It draws each msg_seq at random: now and then QQ refuses one that was there, and the reply is broken off.
    requests = [each for each in await sim.requests() if each["status"] == ACCEPTED]
    releases = throttled(requests, PEER_INTERVAL)
    newest = measured(load, releases, requests, used, newest=True)
    return Peer(Side(newest, idle, peak), measured(load, releases, requests, used))


async def _drive(
    sim: Platform, process: asyncio.subprocess.Process, load: Load, ended: str
) -> tuple[str, tuple[float, float], float, float]:
    assert process.stdin is not None
    await line_with(process, "ready")
    idle, meter = megabytes(process.pid), Meter(process.pid, sim.pid)
    process.stdin.write(b"go\n")
    said = await line_with(process, ended, within=load.seconds + 90)
    return said, meter.stop(), idle, peak_megabytes(process.pid)


async def _ours(sim: Platform, house: Console, load: Load) -> Side:
    await house.answer_with(load.model)
    await sim.post("reset")
    house.releases()
    forget_peak(house.pid)
    idle, meter = megabytes(house.pid), Meter(house.pid, sim.pid)

    async def one(number: int) -> None:
        await asyncio.sleep(load.begins(number))
        await sim.say(OURS[0], load.openid(number), "bench")

    await asyncio.gather(*map(one, range(load.streams)))
    await asyncio.sleep(load.pieces / load.rate)
    await sim.all_closed(OURS[0], within=60)
    used = meter.stop()
    return Side(measured(load, house.releases(), await sim.requests(), used), idle, house.megabytes)


def _rows(load: Load, bare: Side, ours: Side, peer: Peer | None) -> list[Row]:
    name = f"{load.streams:,} streams x {load.rate:g}/s"
    claim = load.streams == CLAIM
    median, p99 = (ours.run.delay(share) - bare.run.delay(share) for share in (0.5, 0.99))
    spoilt = max(bare.run.others, ours.run.others)

    def of(what: str, figure: Callable[[Side], Cell], must: str = "", met: bool | None = None) -> Row:
        theirs = figure(peer.by_newest) if peer else None
        return Row(GROUP, f"{name}: {what}", figure(ours), figure(bare), theirs, must, met)

    found = [
        Row(
            *(GROUP, f"{name}: p50, ms", ours.run.delay(0.5), bare.run.delay(0.5), _delays(peer, 0.5)),
            must=f"floor + {MOST_MEDIAN:g}" if claim else "",
            met=median <= MOST_MEDIAN if claim else None,
            spoilt=spoilt,
        ),
        Row(
            *(GROUP, f"{name}: p99, ms", ours.run.delay(0.99), bare.run.delay(0.99), _delays(peer, 0.99)),
            must=f"floor + {MOST_P99:g}" if claim else "",
            met=p99 <= MOST_P99 if claim else None,
            spoilt=spoilt,
        ),
        of("CPU a chunk, ms", lambda side: side.run.cpu_each),
        of("whole and closed", lambda side: side.run.complete, "all", ours.run.complete == load.streams),
    ]
    if load.streams >= 1000:
        small = ours.peak < MOST_MEMORY
        found.append(of("memory an active stream, MB", lambda side: side.each(load.streams)))
        found.append(of("memory at the peak, MB", lambda side: side.peak, f"under {MOST_MEMORY:g}", small))
    return found


def _delays(peer: Peer | None, share: float) -> str | None:
    return f"{peer.by_newest.run.delay(share):.1f} ({peer.by_first.delay(share):.0f})" if peer else None
