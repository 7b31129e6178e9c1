"""From "QQ has accepted the chunk" to "an operator sees it", with many streams and fifty viewers.

Accepted is the moment the platform answered; seen is the animation frame in which a session's page of a real Chromium
shows the text as accepted, and, for every stream, the moment a websocket viewer has the event. Everything between lies
in between: the answer's way back, the settling commit, the publisher's interval, the layer, the socket, the page.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
from playwright.async_api import Page

from bench.console_side import Console, console, manage
from bench.painted import Painted
from bench.platform import OURS, Platform, platform
from bench.processes import free_port, line_with, running
from bench.streams import STAMP, Load, arrivals, percentile
from bench.table import Row
from bench.watching import NAME, PASSWORD, browser

GROUP = "From accepted to seen"
MOST_MEDIAN, MOST_P95 = 50.0, 150.0
MOST_FRAMES, LEAST_FRAMES = 20.0, 10.0
CUT_AT = 0.75
"""The part of an answer after which the watched page's socket is cut; what is seen later is not counted as a delay."""
RECONNECTS_WITHIN = 5.0
ACCEPTED = '[data-segment] [data-slot="accepted"]'
BARE_SECONDS = 20.0
ENCODED = re.compile(r'^qqconsole_live_total\{what="events"\} ([\d.e+]+)$', re.MULTILINE)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--streams", type=int, default=200, help="how many at once (200)")
    parser.add_argument("--viewers", type=int, default=50, help="viewers, the browser among them (50)")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long each answer is (60)")


@dataclass(frozen=True)
class Seen:
    """What was seen of a run: delays in seconds."""

    painted: list[float]
    heard: list[float]
    frames: float
    """Frames a second that a viewer got."""
    missing: str
    encoded: float
    """Events made into text."""
    events: int
    """Events one viewer got."""
    untold: int
    """Gaps in what a viewer was told, and viewers that were cut off."""


async def rows(given: argparse.Namespace, notes: list[str]) -> AsyncIterator[Row]:
    """Measure the bare page, then the console."""
    floor, floor_frames = await _bare(given)
    load = Load(given.streams, 1.0, round(given.seconds), ramp=10.0)
    async with platform(journal=load.streams * (load.frames + 8)) as sim, console(sim) as house:
        seen = await _ours(sim, house, load, given.viewers)
    p50, p95 = (percentile(seen.painted, share) * 1000 for share in (0.5, 0.95))
    about = f"{given.streams} streams, {given.viewers} viewers"
    bare = [percentile(floor, share) * 1000 for share in (0.5, 0.95)]
    yield Row(GROUP, f"{about}: p50 to the page, ms", p50, bare[0], None, f"{MOST_MEDIAN:g}", p50 <= MOST_MEDIAN)
    yield Row(GROUP, f"{about}: p95 to the page, ms", p95, bare[1], None, f"{MOST_P95:g}", p95 <= MOST_P95)
    for share in (0.5, 0.95):
        yield Row(GROUP, f"{about}: p{share * 100:.0f} to a socket, ms", percentile(seen.heard, share) * 1000)
    rate = LEAST_FRAMES <= round(seen.frames) <= MOST_FRAMES
    yield Row(GROUP, "frames a second for a viewer of all", seen.frames, floor_frames, None, "10 to 20", rate)
    each = seen.encoded / seen.events
    yield Row(GROUP, "times an event was encoded, for all viewers", each, 1.0, None, "1", each < 1.05)
    whole = seen.missing or "nothing missing"
    yield Row(GROUP, "the page after its socket was cut", whole, None, None, "nothing missing", not seen.missing)
    yield Row(GROUP, "gaps, or viewers cut off", float(seen.untold), None, None, "0", not seen.untold)
    notes.append(f"seen: {len(seen.painted)} pieces on the page, {len(seen.heard)} chunks at the socket.")


# ---- the floor ----------------------------------------------------------------------------------------------------


async def _bare(given: argparse.Namespace) -> tuple[list[float], float]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    async with running("-m", "bench.bare_page", str(port), str(given.streams)) as server:
        await line_with(server, "ready")
        async with (
            running("-m", "bench.viewers", url, "none", str(given.viewers - 1)) as viewers,
            browser(url, signed_in=False) as watching,
        ):
            await line_with(viewers, "ready")
            page = Painted(watching.page, "p")
            await page.watch()
            before = await _told(viewers)
            await asyncio.sleep(BARE_SECONDS)
            told, times, text = await _told(viewers), await page.times(), await page.text()
    wrote = {int(number): float(at) for number, at in STAMP.findall(text)}
    # What was on the page when it began to be watched came before.
    first = min(times) + 1 if times else 0
    delays = [seen - wrote[number] for number, seen in times.items() if number > first]
    return delays, (told["frames"][0] - before["frames"][0]) / BARE_SECONDS


# ---- the console --------------------------------------------------------------------------------------------------


async def _ours(sim: Platform, house: Console, load: Load, viewers: int) -> Seen:
    home = {"QQCONSOLE_HOME": str(house.home)}
    token = (await manage(home, "apitoken", "create", "bench")).split()[-1]
    await manage({**home, "QQCONSOLE_USER_PASSWORD": PASSWORD}, "user", "add", NAME, "--role", "operator")
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as http:
        session = await _session(sim, house, load, http)
        await house.answer_with(load.model)
        await sim.post("reset")
        watched = running("-m", "bench.viewers", house.url, token, str(viewers - 1))
        async with watched as process, browser(house.url) as watching:
            await line_with(process, "ready")
            page = await _open(watching.page, f"{house.url}/sessions/{session}/")
            encoded, before = await _encoded(http, house), await _told(process)
            began = time.monotonic()
            cut = asyncio.create_task(_cut(page, CUT_AT * load.pieces / load.rate))
            await _feed(sim, house, load)
            lasted = time.monotonic() - began
            after, requests = await _told(process), await sim.requests()
            return Seen(
                await _late(page, load, requests, await cut),
                _heard(after["accepted"], requests),
                (after["frames"][0] - before["frames"][0]) / lasted,
                await _missing(sim, page, load),
                await _encoded(http, house) - encoded,
                after["events"] - before["events"],
                after["gaps"] + after["gone"],
            )


async def _session(sim: Platform, house: Console, load: Load, http: aiohttp.ClientSession) -> int:
    """Let the watched user be known before; return the session's number."""
    await sim.say(OURS[0], load.openid(0), "hello")
    found: list[int] = []
    async with asyncio.timeout(30):
        while not found or house.busy():
            await asyncio.sleep(0.2)
            async with http.get(f"{house.url}/api/v1/sessions") as answer:
                found = [one["id"] for one in (await answer.json())["items"]]
    return found[0]


async def _open(page: Page, address: str) -> Painted:
    await page.goto(address)
    await page.wait_for_selector('[data-live][data-state="live"]', state="attached")
    painted = Painted(page, ACCEPTED)
    await painted.watch()
    return painted


async def _cut(page: Painted, after: float) -> float:
    """Cut the page's socket then; return when that was, on the monotonic clock."""
    await asyncio.sleep(after)
    cut = time.monotonic()
    await page.cut()
    return cut


async def _feed(sim: Platform, house: Console, load: Load) -> None:
    async def one(number: int) -> None:
        await asyncio.sleep(load.begins(number))
        await sim.say(OURS[0], load.openid(number), "bench")

    await asyncio.gather(*map(one, range(load.streams)))
    await asyncio.sleep(load.pieces / load.rate)
    await sim.all_closed(OURS[0], within=60)
    async with asyncio.timeout(30):
        while house.busy():  # noqa: ASYNC110 - another process's state
            await asyncio.sleep(0.2)


async def _late(page: Painted, load: Load, requests: list[dict[str, Any]], cut: float) -> list[float]:
    """Return for each piece the seconds from the answer to the first frame that carried it until it was painted."""
    accepted: dict[int, float] = {}
    for frames in arrivals(each for each in requests if f"/users/{load.openid(0)}/" in each["path"]).values():
        for frame in frames:
            for piece, _ in STAMP.findall(frame.text):
                accepted.setdefault(int(piece), frame.answered)
    times = await page.times()
    return [seen - accepted[piece] for piece, seen in times.items() if accepted[piece] < cut - 1]


def _heard(accepted: dict[str, float], requests: list[dict[str, Any]]) -> list[float]:
    answered = {each["trace_id"]: each["at"] + each["seconds"] for each in requests}
    return [heard - answered[trace] for trace, heard in accepted.items() if trace in answered]


async def _missing(sim: Platform, page: Painted, load: Load) -> str:
    """Return what is wrong with the page's text, beside the user's own screen; "" for nothing. It has been cut off and
    has come back."""
    bubbles = (await sim.get("screen", bot=OURS[0], target=load.openid(0)))["bubbles"]
    there = bubbles[-1]["text"].strip()
    deadline = time.monotonic() + RECONNECTS_WITHIN
    while (here := (await page.text()).strip()) != there and time.monotonic() < deadline:  # noqa: ASYNC110 - a page
        await asyncio.sleep(0.1)
    whole = [int(piece) for piece, _ in STAMP.findall(there)] == list(range(load.pieces))
    return "" if here == there and whole else f"the page shows {len(here)} characters of {len(there)}"


async def _told(viewers: asyncio.subprocess.Process) -> Any:
    assert viewers.stdin is not None
    viewers.stdin.write(b"count\n")
    return json.loads(await line_with(viewers, "{"))


async def _encoded(http: aiohttp.ClientSession, house: Console) -> float:
    """Return how many events the console has made into text since it began; its reading may be five seconds old."""
    await asyncio.sleep(5.5)
    async with http.get(f"{house.url}/metrics") as answer:
        found = ENCODED.search(await answer.text())
    return float(found[1]) if found else 0.0
