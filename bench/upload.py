"""A file of 100 MB in parts, beside a bare loop of the same requests; and the memory it takes.

The platform runs in a process of its own, with nobody's rates. On one side the whole console (the API, a Celery task,
real SQLite, the intent row committed before each request), on the other ``bench.bare_upload``. Measured is the time
from "send this" (the call of the API; on the bare side the prepare) until the platform has answered the message, with
the file on the screen. Both sides know the file's sums before: the console since the file was taken into its library,
whose memory is measured too.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from bench import bare_upload
from bench.console_side import Console, console
from bench.platform import BARE, OURS, Platform, platform
from bench.processes import Meter, forget_peak, line_with, megabytes, peak_megabytes, running
from simulator.samples import mp4

LEAST_RATIO = 0.8
"""The share of the bare loop's speed that the console must reach."""
MOST_MEMORY = 40.0
"""Megabytes the console may hold above its idle state, while it takes a file in and while it sends it."""
FAIR = 0.1
MEGABYTE = 1024 * 1024
TARGET = "UPLOADBENCH"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--megabytes", type=int, default=100, help="size of the file (100)")
    parser.add_argument("--rounds", type=int, default=3, help="uploads on each side, in turn (3)")


@dataclass(frozen=True)
class Took:
    """One upload: seconds, and the share of the machine that others took meanwhile."""

    seconds: float
    others: float


async def run(given: argparse.Namespace) -> int:
    """Measure both sides in turn, print each; return 0 where the claims hold."""
    print((__doc__ or "").strip() + "\n")
    with tempfile.TemporaryDirectory(prefix="qqconsole-bench-") as folder:
        path = _film(Path(folder, "film.mp4"), given.megabytes)
        async with platform() as sim, console(sim) as house, _door(house) as api, _bare(sim, path) as bare:
            return await _compare(sim, house, api, bare, path, given)


async def _compare(sim: Platform, house: Console, api: Api, bare: Bare, path: Path, given: argparse.Namespace) -> int:
    size = given.megabytes
    session = await _session(sim, api)
    await _deliver(
        sim, house, api, session, await api.take_in(_film(path.with_name("small.mp4"), 12))
    )  # first imports, connections, token
    await bare.upload()
    await asyncio.sleep(1)
    idle = megabytes(house.pid)
    forget_peak(house.pid)
    began = time.monotonic()
    taken = await api.take_in(path)
    intake, intake_peak = time.monotonic() - began, peak_megabytes(house.pid) - idle
    print(f"taken into the library: {size / intake:.0f} MB/s, {intake_peak:+.1f} MB above the idle {idle:.0f} MB\n")
    forget_peak(house.pid)
    print(f"{'round':8}{'bare MB/s':>12}{'ours MB/s':>12}{'ratio':>8}{'others':>9}")
    ratios, unfair = [], 0.0
    for number in range(1, given.rounds + 1):
        theirs = await bare.upload()
        ours = await _deliver(sim, house, api, session, taken)
        ratios.append(theirs.seconds / ours.seconds)
        others = max(theirs.others, ours.others)
        unfair = max(unfair, others)
        speeds = f"{size / theirs.seconds:>12.1f}{size / ours.seconds:>12.1f}"
        print(f"{number:<8}{speeds}{ratios[-1]:>8.2f}{others:>9.0%}", flush=True)
    await _same_on_both(sim, path)
    return _verdict(statistics.median(ratios), max(intake_peak, peak_megabytes(house.pid) - idle), unfair)


def _verdict(ratio: float, memory: float, unfair: float) -> int:
    fast, small = ratio >= LEAST_RATIO, memory < MOST_MEMORY
    beside = f" (others took {unfair:.0%} of the machine: measure again alone)" if unfair > FAIR else ""
    print(f"\nclaim: at least {LEAST_RATIO:g} of the bare loop's speed, less than {MOST_MEMORY:g} MB above idle")
    print(f"  {'PASS' if fast else 'FAIL'}  {ratio:.2f} of its speed in the median{beside}")
    print(f"  {'PASS' if small else 'FAIL'}  {memory:+.1f} MB at the peak")
    return 0 if fast and small else 1


def _film(path: Path, megabytes: int) -> Path:
    """Write a video of that size; return where it lies."""
    with path.open("wb") as file:
        file.writelines(mp4(megabytes * MEGABYTE))
    return path


# ---- the side under test ------------------------------------------------------------------------------------------


class Api:
    """The console's API, as its user's program calls it."""

    def __init__(self, url: str, http: aiohttp.ClientSession) -> None:
        self._url, self._http = f"{url}/api/v1", http

    async def get(self, path: str) -> Any:
        async with self._http.get(f"{self._url}/{path}") as answer:
            answer.raise_for_status()
            return await answer.json()

    async def take_in(self, path: Path) -> int:
        """Upload the file into the library; return its number."""
        form = aiohttp.FormData()
        with path.open("rb") as file:
            form.add_field("file", file, filename=path.name, content_type="video/mp4")
            async with self._http.post(f"{self._url}/media", data=form) as answer:
                if answer.status != 201:
                    raise RuntimeError(f"the file was not taken: {answer.status} {await answer.text()}")
                return int((await answer.json())["id"])

    async def send(self, session: int, file: int) -> int:
        """Queue the file for the session; return the delivery's number."""
        wanted = {"session": session, "kind": "media", "file": file}
        async with self._http.post(f"{self._url}/deliveries", json=wanted) as answer:
            if answer.status != 201:
                raise RuntimeError(f"nothing was queued: {answer.status} {await answer.text()}")
            return int((await answer.json())["id"])


@asynccontextmanager
async def _door(house: Console) -> AsyncIterator[Api]:
    """Open the API with a token of our own."""
    environment = {"QQCONSOLE_HOME": str(house.home)}
    async with running("manage.py", "apitoken", "create", "bench", environment=environment) as process:
        said, _ = await process.communicate()
    headers = {"Authorization": f"Bearer {said.decode().split()[-1]}"}
    async with aiohttp.ClientSession(headers=headers, timeout=aiohttp.ClientTimeout(total=300)) as http:
        yield Api(house.url, http)


async def _session(sim: Platform, api: Api) -> int:
    """Let the user say something, so that there is a session; return its number once it was answered."""
    await sim.say(OURS[0], TARGET, "hello")
    await _bubble(sim, after=1, within=30)
    return int((await api.get("sessions"))["items"][0]["id"])


async def _bubble(sim: Platform, *, after: int, within: float) -> None:
    """Return when the user sees more than ``after`` bubbles. Raises TimeoutError."""
    async with asyncio.timeout(within):
        while len((await sim.get("screen", bot=OURS[0], target=TARGET))["bubbles"]) <= after:  # noqa: ASYNC110 - another process's state
            await asyncio.sleep(0.1)


async def _same_on_both(sim: Platform, path: Path) -> None:
    """Raise RuntimeError unless both users see the file itself."""
    for app_id, target in ((OURS[0], TARGET), (BARE[0], bare_upload.TARGET)):
        media = (await sim.get("screen", bot=app_id, target=target))["bubbles"][-1]["media"]
        if media["sha256"] != await asyncio.to_thread(_sha256, path):
            raise RuntimeError(f"{target} sees another file: {media}")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


async def _deliver(sim: Platform, house: Console, api: Api, session: int, file: int) -> Took:
    """Send the file. What QQ calls it is forgotten first, or nothing would be uploaded the second time."""
    house.forget_uploads()
    shown = len((await sim.get("screen", bot=OURS[0], target=TARGET))["bubbles"])
    last = max(each["n"] for each in await sim.arrived())
    meter, began = Meter(house.pid, sim.pid), time.monotonic()
    delivery = await api.send(session, file)
    try:
        await _bubble(sim, after=shown, within=120)
    except TimeoutError:
        raise RuntimeError(f"not delivered: {json.dumps(await api.get(f'deliveries/{delivery}'))}") from None
    _, others = meter.stop()
    arrived = await sim.arrived(last)
    sent = next(each for each in arrived if each["path"].endswith("/messages"))
    if not any(each["path"].endswith("/upload_prepare") for each in arrived):
        raise RuntimeError("it was not uploaded: the platform still had it")
    return Took(sent["at"] + sent["seconds"] - began, others)


# ---- the other side -----------------------------------------------------------------------------------------------


class Bare:
    """The bare loop in its process."""

    def __init__(self, sim: Platform, process: asyncio.subprocess.Process) -> None:
        self._sim, self._process = sim, process

    async def upload(self) -> Took:
        assert self._process.stdin is not None
        meter = Meter(self._process.pid, self._sim.pid)
        self._process.stdin.write(b"go\n")
        said = json.loads(await line_with(self._process, "seconds"))
        _, others = meter.stop()
        return Took(said["seconds"], others)


@asynccontextmanager
async def _bare(sim: Platform, path: Path) -> AsyncIterator[Bare]:
    async with running("-m", "bench.bare_upload", sim.url, str(path)) as process:
        await line_with(process, "ready")
        yield Bare(sim, process)
        assert process.stdin is not None
        process.stdin.close()
