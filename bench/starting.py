"""Start-up and memory at rest: from the command to a healthy answer, on an empty data folder and on one that is there.

The floor is a bare Daphne that says one word. Then what a stream costs while its model is silent, beside the bare
loop's: the streams are open, a piece comes every ten seconds.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass

import aiohttp

from bench.console_side import console
from bench.platform import BARE, OURS, Platform, platform
from bench.processes import free_port, line_with, megabytes, running
from bench.streams import Load
from bench.table import Row

GROUP = "Starting, and memory"
STEP = 0.02
SETTLES = 3.0
"""Seconds after which a process that has started holds what it holds at rest."""
SILENT_RATE = 0.1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--streams", type=int, default=500, help="silent streams at once (500)")


@dataclass(frozen=True)
class Started:
    seconds: float
    megabytes: float


async def rows(given: argparse.Namespace, notes: list[str]) -> AsyncIterator[Row]:
    """Start each, then open the silent streams."""
    async with aiohttp.ClientSession() as http:
        hello = await _started(http, {}, "/", "-m", "bench.hello")
        with tempfile.TemporaryDirectory(prefix="qqconsole-bench-") as folder:
            home = {"QQCONSOLE_HOME": folder}
            first, again = [
                await _started(http, home, "/healthz", "manage.py", "console", "--no-demo", "--port") for _ in range(2)
            ]
    yield Row(GROUP, "first start, with all migrations, s", first.seconds, hello.seconds)
    yield Row(GROUP, "start until healthy, s", again.seconds, hello.seconds)
    yield Row(GROUP, "memory at rest, MB", again.megabytes, hello.megabytes)
    ours, bare = await _silent(given.streams)
    yield Row(GROUP, f"memory a silent stream ({given.streams} open), MB", ours, bare)


async def _started(http: aiohttp.ClientSession, environment: dict[str, str], path: str, *command: str) -> Started:
    port = free_port()
    began = time.monotonic()
    async with running(*command, str(port), environment=environment) as process, asyncio.timeout(120):
        while not await _answers(http, f"http://127.0.0.1:{port}{path}"):  # noqa: ASYNC110 - another process's state
            await asyncio.sleep(STEP)
        took = time.monotonic() - began
        await asyncio.sleep(SETTLES)
        return Started(took, megabytes(process.pid))


async def _answers(http: aiohttp.ClientSession, url: str) -> bool:
    with suppress(aiohttp.ClientConnectionError):
        async with http.get(url) as answer:
            return answer.status == 200
    return False


async def _silent(streams: int) -> tuple[float, float]:
    """Return the megabytes each silent stream costs the console, and the bare loop."""
    load = Load(streams, SILENT_RATE, 5, ramp=10.0)
    async with platform() as sim:
        async with console(sim) as house:
            await house.answer_with("bench:rate=5,pieces=5")
            await _say(sim, Load(20, 5.0, 5, ramp=1.0))
            await sim.all_closed(OURS[0], within=30)
            await house.answer_with(load.model)
            idle = megabytes(house.pid)
            await _say(sim, load)
            await _open(sim, OURS[0], streams)
            ours = (megabytes(house.pid) - idle) / streams
        await sim.post("reset")
        async with _bare(sim, load) as process:
            idle = megabytes(process.pid)
            assert process.stdin is not None
            process.stdin.write(b"go\n")
            await _open(sim, BARE[0], streams)
            return ours, (megabytes(process.pid) - idle) / streams


@asynccontextmanager
async def _bare(sim: Platform, load: Load) -> AsyncIterator[asyncio.subprocess.Process]:
    async with running("-m", "bench.bare", sim.url, json.dumps(asdict(load))) as process:
        await line_with(process, "ready")
        yield process


async def _say(sim: Platform, load: Load) -> None:
    async def one(number: int) -> None:
        await asyncio.sleep(load.begins(number))
        await sim.say(OURS[0], load.openid(number), "bench")

    await asyncio.gather(*map(one, range(load.streams)))


async def _open(sim: Platform, app_id: str, streams: int) -> None:
    """Return when all of them are open at once. Raises TimeoutError."""
    async with asyncio.timeout(60):
        while (await sim.bot(app_id))["open_streams"] < streams:  # noqa: ASYNC110 - another process's state
            await asyncio.sleep(0.2)
