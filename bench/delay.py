"""From "text available" to "request at the platform", beside a bare loop doing the same posts.

The platform and its model run in a process of their own. On one side the whole console (gateway event, Celery task,
real SQLite, the intent row committed before each send), on the other ``bench.bare``. Both are measured by the same
witness, the platform's journal; how is said in ``bench.streams``.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from dataclasses import asdict, dataclass

from bench import streams
from bench.console_side import Console, console
from bench.platform import BARE, OURS, Platform, platform
from bench.processes import Meter, line_with, running
from bench.streams import Load, Release, Run, measured

MOST_MEDIAN, MOST_P99 = 5.0, 20.0
"""What the console may add to the bare loop at the claim's load, milliseconds."""
CLAIM = 200
FAIR = 0.1
"""The share of the machine above which others decide what the slowest requests are."""
RAMP = 0.05
"""Seconds from one conversation's beginning to the next: 200 have begun after ten, and the first still goes on."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--streams", type=int, nargs="+", default=[1, 50, CLAIM], help="how many at once (1 50 200)")
    parser.add_argument("--rates", type=float, nargs="+", default=[1.0, 30.0], help="pieces a second (1 30)")
    parser.add_argument("--seconds", type=float, default=20.0, help="how long each answer is (20)")
    parser.add_argument("--rounds", type=int, default=1, help="runs of each load, their requests taken together (1)")


@dataclass(frozen=True)
class Compared:
    load: Load
    bare: Run
    ours: Run
    rounds: int

    @property
    def median(self) -> float:
        """Milliseconds the console adds in the median."""
        return self.ours.delay(0.5) - self.bare.delay(0.5)

    @property
    def p99(self) -> float:
        """Milliseconds the console adds at the 99th percentile."""
        return self.ours.delay(0.99) - self.bare.delay(0.99)

    @property
    def whole(self) -> bool:
        return self.ours.complete == self.load.streams * self.rounds

    @property
    def others(self) -> float:
        return max(self.bare.others, self.ours.others)

    @property
    def met(self) -> bool:
        return self.whole and self.median <= MOST_MEDIAN and self.p99 <= MOST_P99


async def run(given: argparse.Namespace) -> int:
    """Measure every load on both sides, print the table; return 0 where the claim holds."""
    print((streams.__doc__ or "").strip() + "\n")
    compared: list[Compared] = []
    async with platform() as sim, console(sim) as house:
        await _warm_up(sim, house)
        print(f"{'':24}{'p50 ms':^24}{'p99 ms':^24}{'CPU ms/request':^24}{'arrived whole':^18}  others")
        print(
            f"{'streams x pieces/s':24}{'bare   ours   diff':^24}{'bare   ours   diff':^24}{'bare   ours  ratio':^24}"
        )
        for rate in given.rates:
            for number in given.streams:
                load = Load(number, rate, max(int(rate * given.seconds), 2), ramp=RAMP * number)
                bare = _together([await bare_run(sim, load) for _ in range(given.rounds)])
                ours = _together([await _ours(sim, house, load) for _ in range(given.rounds)])
                compared.append(Compared(load, bare, ours, given.rounds))
                print(_line(compared[-1]), flush=True)
        chunks, accepted = house.recorded()
        print(f"\nconsole: {house.megabytes:.0f} MB at its peak; {chunks} chunks in its database, {accepted} accepted")
    return _verdict(compared)


async def _warm_up(sim: Platform, house: Console) -> None:
    """First imports, first connections, first token: not what is measured."""
    load = Load(2, 5.0, 5, ramp=0.1)
    await bare_run(sim, load)
    await _ours(sim, house, load)


async def bare_run(sim: Platform, load: Load) -> Run:
    """Run the load with the bare client; the platform forgets what it knew before."""
    await sim.post("reset")
    async with running("-m", "bench.bare", sim.url, json.dumps(asdict(load))) as process:
        assert process.stdin is not None
        await line_with(process, "ready")
        meter = Meter(process.pid, sim.pid)
        process.stdin.write(b"go\n")
        said = await line_with(process, "[", within=load.seconds + 60)
        used = meter.stop()
    await sim.all_closed(BARE[0], within=30)
    return measured(load, [Release(**one) for one in json.loads(said)], await sim.requests(), used)


async def _ours(sim: Platform, house: Console, load: Load) -> Run:
    await house.answer_with(load.model)
    await sim.post("reset")
    house.releases()
    meter = Meter(house.pid, sim.pid)

    async def one(number: int) -> None:
        await asyncio.sleep(load.begins(number))
        await sim.say(OURS[0], f"LOAD{load.streams}R{load.rate:g}N{number:04d}", "bench")

    await asyncio.gather(*map(one, range(load.streams)))
    await asyncio.sleep(load.pieces / load.rate)
    await sim.all_closed(OURS[0], within=60)
    used = meter.stop()
    return measured(load, house.releases(), await sim.requests(), used)


def _together(runs: list[Run]) -> Run:
    return Run(
        delays=[delay for run in runs for delay in run.delays],
        complete=sum(run.complete for run in runs),
        requests=sum(run.requests for run in runs),
        cpu=sum(run.cpu for run in runs),
        others=max(run.others for run in runs),
    )


def _line(one: Compared) -> str:
    def pair(bare: float, ours: float, last: str) -> str:
        return f"{bare:6.2f} {ours:6.2f} {last:>6}  "

    bare, ours = one.bare, one.ours
    return (
        f"{one.load.streams:>7} x {one.load.rate:<14g}"
        + pair(bare.delay(0.5), ours.delay(0.5), f"{one.median:+.2f}")
        + pair(bare.delay(0.99), ours.delay(0.99), f"{one.p99:+.2f}")
        + pair(bare.cpu_each, ours.cpu_each, f"{ours.cpu_each / bare.cpu_each:.1f}x" if bare.cpu else "-")
        + f"  {bare.complete}, {ours.complete} of {one.load.streams * one.rounds}".ljust(18)
        + f"  {one.others:.0%}"
    )


def _verdict(compared: list[Compared]) -> int:
    claims = [one for one in compared if one.load.streams == CLAIM]
    print(f"\nclaim at {CLAIM} streams: at most {MOST_MEDIAN:g} ms more in the median, {MOST_P99:g} ms more at p99")
    for one in claims:
        word = "PASS" if one.met else "FAIL"
        unfair = f" (others took {one.others:.0%} of the machine: measure again alone)" if one.others > FAIR else ""
        print(f"  {word}  {one.load.rate:g} pieces a second: {one.median:+.2f} ms, {one.p99:+.2f} ms{unfair}")
    if not claims:
        print("  not measured")
    return 0 if all(one.met for one in claims) else 1
