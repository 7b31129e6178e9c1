"""A thousand streams on two worker processes, PostgreSQL and Redis, with fifty viewers, beside a bare client.

Everything runs for real and apart: simulator, gateway, Daphne, workers, viewers, a browser. What is late, and by how
much, is told by ``bench.streams``; the bare client runs the same load before, on the same machine, with nothing else.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from bench.console_side import add_bot
from bench.delay import bare_run
from bench.platform import OURS, Platform, platform
from bench.processes import cpu_seconds, free_port, line_with, peak_megabytes, running
from bench.services import postgresql, redis_server
from bench.streams import Load, Release, Run, measured
from bench.watching import browser

MOST_P99 = 100.0
"""Milliseconds a request may be later than the bare client's at the 99th percentile."""
MOST_MEMORY = 300.0
"""Megabytes each worker may ever hold."""
CONCURRENCY = "1000"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--streams", type=int, default=1000, help="how many at once (1000)")
    parser.add_argument("--gap", type=float, default=3.0, help="seconds between two pieces of a stream (3)")
    parser.add_argument("--seconds", type=float, default=90.0, help="how long each answer is (90)")
    parser.add_argument("--ramp", type=float, default=60.0, help="seconds in which they begin (60)")
    parser.add_argument("--workers", type=int, default=2, help="worker processes (2)")
    parser.add_argument("--viewers", type=int, default=50, help="websocket viewers (50)")
    parser.add_argument("--no-browser", action="store_true", help="without the Chromium that watches as well")


@dataclass
class House:
    """The console's processes, by name."""

    platform: Platform
    home: Path
    url: str
    token: str
    environment: dict[str, str]
    pids: dict[str, int] = field(default_factory=dict)

    def cpu(self) -> dict[str, float]:
        """Return the seconds of processor time each process has used."""
        return {name: cpu_seconds(pid) for name, pid in self.pids.items()}

    def releases(self) -> list[Release]:
        """Return what the workers let go; one message's in order, for one worker carries it."""
        lines = [line for file in sorted(self.home.glob("probe.*")) for line in file.read_text().splitlines()]
        return [Release(**json.loads(line)) for line in lines]


async def run(given: argparse.Namespace) -> int:
    """Run the load on both sides and print what was seen; return 0 where the claim holds."""
    print((__doc__ or "").strip() + "\n")
    rate = 1 / given.gap
    load = Load(given.streams, rate, max(int(given.seconds * rate), 2), given.ramp)
    async with platform(journal=load.streams * (load.pieces + 4)) as sim:
        bare = await bare_run(sim, load)
        print(f"bare: p50 {bare.delay(0.5):.1f} ms, p99 {bare.delay(0.99):.1f} ms, {bare.complete} whole", flush=True)
        await sim.post("reset")
        async with distributed(sim, load, given.workers) as house, AsyncExitStack() as stack:
            watching = ("-m", "bench.viewers", house.url, house.token, str(given.viewers))
            viewers = await stack.enter_async_context(running(*watching))
            await line_with(viewers, "ready")
            page = None if given.no_browser else await stack.enter_async_context(browser(house.url))
            before = house.cpu()
            await _feed(sim, load)
            used = {name: cpu - before[name] for name, cpu in house.cpu().items()}
            workers = sum(cpu for name, cpu in used.items() if name.startswith("worker"))
            ours = measured(load, house.releases(), await sim.requests(), (workers, 0.0))
            assert viewers.stdin is not None
            viewers.stdin.write(b"count\n")
            told = json.loads(await line_with(viewers, "{"))
            seen = await page.seen() if page is not None else "none"
            memory = {name: peak_megabytes(pid) for name, pid in house.pids.items()}
    _print_costs(ours, used, memory, load.seconds)
    frames = [count / load.seconds for count in sorted(told["frames"])]
    print(f"viewers: {frames[0]:.1f} to {frames[-1]:.1f} frames a second, {told['events']} events each, ", end="")
    print(f"{told['gaps']} gaps, {told['gone']} gone; browser: {seen}")
    later = ours.delay(0.99) - bare.delay(0.99)
    most = max(size for name, size in memory.items() if name.startswith("worker"))
    watched = not told["gaps"] and not told["gone"]
    met = ours.complete == load.streams and later <= MOST_P99 and most < MOST_MEMORY and watched
    print(f"\n{'PASS' if met else 'FAIL'}  {ours.complete} of {load.streams} whole; p99 {later:+.1f} ms", end="")
    print(f" (at most {MOST_P99:g}); {most:.0f} MB a worker (under {MOST_MEMORY:g}); {told['gaps']} gaps")
    return 0 if met else 1


def _print_costs(ours: Run, used: dict[str, float], memory: dict[str, float], seconds: float) -> None:
    print(f"ours: p50 {ours.delay(0.5):.1f} ms, p99 {ours.delay(0.99):.1f} ms, ", end="")
    print(f"{ours.complete} whole, {ours.requests} requests")
    for name, cpu in used.items():
        each = cpu / ours.requests * 1000
        print(f"  {name:10} {memory[name]:4.0f} MB at its peak, {cpu / seconds:4.0%} of a processor, ", end="")
        print(f"{each:.2f} ms a request")


async def _feed(sim: Platform, load: Load) -> None:
    async def one(number: int) -> None:
        await asyncio.sleep(load.begins(number))
        await sim.say(OURS[0], f"LOAD{number:05d}", "bench")

    await asyncio.gather(*map(one, range(load.streams)))
    await asyncio.sleep(load.pieces / load.rate)
    await sim.all_closed(OURS[0], within=120)


@asynccontextmanager
async def distributed(sim: Platform, load: Load, workers: int) -> AsyncIterator[House]:
    """The console as docs/operations.md sets it up for many machines, ready to answer with the load's model."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="qqconsole-scale-")))
        database, redis = stack.enter_context(postgresql()), stack.enter_context(redis_server())
        port = free_port()
        environment = {
            "DATABASE_URL": database,
            "REDIS_URL": redis,
            "QQCONSOLE_HOME": str(folder),
            "BENCH_PROBE": str(folder / "probe"),
        }

        async def manage(*arguments: str, **more: str) -> str:
            async with running("manage.py", *arguments, environment={**environment, **more}) as process:
                said, _ = await process.communicate()
                if process.returncode:
                    raise RuntimeError(f"{arguments}: {said.decode()}")
                return said.decode().strip()

        await manage("migrate", "-v", "0")
        await add_bot(sim, environment, load.model)
        token = (await manage("apitoken", "create", "bench")).split()[-1]
        await manage("user", "add", "operator", "--role", "operator", QQCONSOLE_USER_PASSWORD="a long bench password")
        house = House(sim, folder, f"http://127.0.0.1:{port}", token, environment)

        async def start(name: str, *arguments: str) -> None:
            context = running(*arguments, environment=environment, log=folder / f"{name}.log")
            house.pids[name] = (await stack.enter_async_context(context)).pid

        await start("web", "-m", "daphne", "-b", "127.0.0.1", "-p", str(port), "qqconsole.asgi:application")
        await start("gateway", "manage.py", "gateway")
        for number in range(workers):
            pool = ("--pool=threads", f"--concurrency={CONCURRENCY}", "-n", f"w{number}@here")
            await start(f"worker {number}", "-m", "bench.probed_worker", *pool)
        async with aiohttp.ClientSession() as http, asyncio.timeout(60):
            while not await _ready(http, house, workers):  # noqa: ASYNC110 - other processes' state
                await asyncio.sleep(0.3)
        yield house


async def _ready(http: aiohttp.ClientSession, house: House, workers: int) -> bool:
    try:
        async with http.get(f"{house.url}/healthz") as answer:
            well = answer.status == 200
    except aiohttp.ClientConnectionError:
        return False
    return well and (await house.platform.bot(OURS[0]))["live"] and len(list(house.home.glob("probe.*"))) == workers
