"""One run: feed the conversations, strike, knock out, wait until everything has its end, and gather the evidence."""

from __future__ import annotations

import asyncio
import io
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from random import Random
from typing import Any

import aiohttp

from bench.platform import Platform
from faults.evidence import Evidence, mark_of
from faults.house import House
from faults.plan import BOTS, Blow, Cut, File, Line, Plan

LOOK_EVERY = 0.5
OPEN = "SELECT id, status, reason FROM deliveries_delivery WHERE status IN ('queued', 'sending') ORDER BY id"
SESSIONS = "SELECT s.id, b.app_id, s.scene, s.target_id FROM conversations_session s JOIN bots_bot b ON b.id = s.bot_id"
DROPS_FOR = 5.0
"""Seconds for which the platform answers 200 and shows nothing after a 4009, unless the bot is back sooner."""
PART_SIZE = 1_500_000
CAPTION = "第 {} 个文件"
LONG_AFTER = 4000.0
"""Seconds the platform's clock is moved on at the end: whatever is open then meets its end."""
STRUCK_FOR = 4
"""Times the length of the plan for which faults strike at most: a slow machine needs longer for the same."""
HEARD_WITHIN = 40.0
"""Seconds after which a message that is not there does not come any more: a gateway's successor is there in 20."""
Tell = Callable[[str], None]


class Runner:
    """Lets a plan happen to a house. ``most_open``: deliveries under way at most before nobody says anything new;
    ``patience``: seconds everything may take to come to its end once nothing strikes any more."""

    def __init__(self, plan: Plan, house: House, *, most_open: int, patience: float, tell: Tell = print) -> None:
        self._plan, self._house, self._platform = plan, house, house.platform
        self._most_open, self._patience, self._tell = most_open, patience, tell
        self._evidence = Evidence()
        self._open = 0
        self._sessions: dict[tuple[str, str, str], int] = {}
        self._down: Counter[str] = Counter()
        self._began = 0.0

    async def run(self) -> Evidence:
        """Return what it left behind, whatever came to an end."""
        async with aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=20), headers={"Authorization": f"Bearer {self._house.token}"}
        ) as http:
            await self._house.ready(http)
            await _hurry(self._platform)
            await self._put_faults([dict(rule) for rule in self._plan.rules])
            self._began = time.monotonic()
            looking = asyncio.create_task(self._look())
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._feed())
                    group.create_task(self._strike(self._plan.cuts, self._cut))
                    group.create_task(self._strike(self._plan.blows, self._knock_out))
                    for file in self._plan.files:
                        group.create_task(self._send(http, file))
                await self._while_most_are_open()
                self._evidence.rules = (await self._platform.get("faults"))["faults"]
                await self._put_faults([])
                await self._settle()
                self._evidence.seconds = time.monotonic() - self._began
                await self._gather(http)
            finally:
                looking.cancel()
                await asyncio.gather(looking, return_exceptions=True)
        return self._evidence

    async def _put_faults(self, rules: list[dict[str, Any]]) -> None:
        async with self._platform.http.put(f"{self._platform.url}/_sim/faults", json={"faults": rules}) as answer:
            answer.raise_for_status()

    # ---- what happens -----------------------------------------------------------------------------------------

    async def _until(self, at: float) -> None:
        await asyncio.sleep(max(0.0, self._began + at - time.monotonic()))

    async def _feed(self) -> None:
        for line in self._plan.lines:
            await self._until(line.at)
            while self._open >= self._most_open:  # noqa: ASYNC110 - the database is another process
                await asyncio.sleep(LOOK_EVERY)
            msg_id = await self._say(line)
            self._evidence.lines[msg_id] = line

    async def _say(self, line: Line) -> str:
        details = {} if line.scene == "c2c" else {"author": f"{'C' if line.scene == 'group' else 1}{line.number:019d}"}
        said = await self._platform.post(
            "say", bot=line.app_id, scene=line.scene, target=line.target, text=line.text, **details
        )
        return str(said["msg_id"])

    async def _strike(self, blows: tuple[Any, ...], how: Callable[[Any], Awaitable[None]]) -> None:
        for blow in blows:
            await self._until(blow.at)
            await how(blow)

    async def _cut(self, cut: Cut) -> None:
        await self._platform.post("gateway", bot=cut.app_id, **cut.command)
        self._down[f"gateway {cut.command.get('code', cut.command['do'])}"] += 1

    async def _knock_out(self, blow: Blow) -> None:
        await self._house.knock_out(blow.part, blow.away)
        self._down[blow.part] += 1
        self._tell(
            f"  {time.monotonic() - self._began:5.0f} s  {blow.part} was down for {blow.away:g} s; {self._open} open"
        )

    async def _send(self, http: aiohttp.ClientSession, file: File) -> None:
        """Ask our API until it says yes: whoever asks again under the same key gets the same delivery."""
        await self._until(file.at)
        key = f"file {file.number}"
        given: dict[str, Any] = {"kind": "media", "caption": CAPTION.format(file.number), "idempotency_key": key}
        content = _content(file)
        if content is None:
            sample = "pictures/demo.png" if file.way == "url" else "samples/voice.mp3"
            given["url"] = f"{self._platform.url}/_sim/{sample}"
        while time.monotonic() < self._began + self._plan.seconds + self._patience:
            session = self._sessions.get((file.line.app_id, file.line.scene, file.line.target))
            try:
                if session is not None:
                    if content is not None and "file" not in given:
                        given["file"] = await _upload(http, self._house.url, *content)
                    async with http.post(
                        f"{self._house.url}/api/v1/deliveries", json={**given, "session": session}
                    ) as made:
                        if made.status == 201:
                            self._evidence.files[key] = file
                            return
            except (aiohttp.ClientError, TimeoutError):
                pass
            await asyncio.sleep(LOOK_EVERY)
        self._evidence.unsettled.append(f"the API never took {key}")

    # ---- its end ----------------------------------------------------------------------------------------------

    async def _look(self) -> None:
        """Know how many deliveries are open, and the sessions, whenever the database can be asked."""
        while True:
            try:
                self._open = len(await self._house.rows(OPEN))
                self._sessions = {place: pk for pk, place in (await self._read_sessions()).items()}
            except OSError:
                pass
            await asyncio.sleep(LOOK_EVERY)

    async def _read_sessions(self) -> dict[int, tuple[str, str, str]]:
        return {pk: (app_id, scene, target) for pk, app_id, scene, target in await self._house.rows(SESSIONS)}

    async def _while_most_are_open(self) -> None:
        """What piled up while parts of the house were down goes through the faults as well, not behind their backs."""
        latest = self._began + STRUCK_FOR * self._plan.seconds
        while self._open > len(self._plan.lines) // 10 and time.monotonic() < latest:  # noqa: ASYNC110 - as above
            await asyncio.sleep(LOOK_EVERY)

    async def _settle(self) -> None:
        """Wait until everything that was said is heard and nothing is queued or being sent."""
        deadline, left = time.monotonic() + self._patience, "?"
        repeat_at = time.monotonic() + HEARD_WITHIN
        while time.monotonic() < deadline:
            try:
                heard = {qq_id for (qq_id,) in await self._house.rows("SELECT qq_id FROM conversations_inboundmessage")}
                busy = await self._house.rows(OPEN)
            except OSError as error:
                left = str(error)
            else:
                unheard = [msg_id for msg_id in self._evidence.lines if msg_id not in heard]
                left = f"{len(unheard)} unheard, {len(busy)} open: {busy[:10]}"
                if not unheard and not busy:
                    return
                if unheard and time.monotonic() > repeat_at:
                    await self._say_again(unheard)
                    repeat_at = deadline
            await asyncio.sleep(LOOK_EVERY)
        self._evidence.unsettled.append(left)

    async def _say_again(self, unheard: list[str]) -> None:
        """QQ keeps events for whoever resumes a gateway session; with a session that is given up they are lost, and
        what a user would do is say it again. A bot that never gave one up has no such excuse."""
        identified = {bot["app_id"]: bot["identified"] for bot in (await self._platform.get("state"))["bots"]}
        for msg_id in unheard:
            line = self._evidence.lines[msg_id]
            if identified[line.app_id] > 1:
                del self._evidence.lines[msg_id]
                self._evidence.lines[await self._say(line)] = line
                self._evidence.said_again += 1

    async def _gather(self, http: aiohttp.ClientSession) -> None:
        evidence, platform, rows = self._evidence, self._platform, self._house.rows
        evidence.fallen = self._house.fallen()
        evidence.knocked_out = dict(self._down)
        evidence.heard = dict(await rows("SELECT id, qq_id FROM conversations_inboundmessage"))
        evidence.sessions = await self._read_sessions()
        evidence.keys = dict(
            await rows("SELECT id, idempotency_key FROM deliveries_delivery WHERE idempotency_key <> ''")
        )
        ((takeovers,),) = await rows("SELECT coalesce(sum(fence - 1), 0) FROM deliveries_delivery WHERE fence > 1")
        evidence.takeovers = int(takeovers)
        ids = [row[0] for row in await rows("SELECT id FROM deliveries_delivery ORDER BY id")]
        evidence.deliveries = await _read_all(http, self._house.url, ids)
        evidence.open_streams = sum(bot["open_streams"] for bot in (await platform.get("state"))["bots"])
        evidence.answers = (await platform.get("model/answers", script="play"))["answers"]
        requests = await platform.arrived()
        evidence.requests = requests[-1]["n"] if requests else 0
        unseen = [one for one in requests if one["unseen"]]
        evidence.unseen = _marks_of(unseen)
        evidence.held = _marks_of([one for one in requests if one["held"]])
        evidence.dropped = len(unseen)
        bodies = {one["n"]: one["body"] for one in requests}
        await platform.post("clock", advance=LONG_AFTER)
        evidence.violations = [
            {**one, "mark": mark_of(bodies.get(one["n"]) or {})}
            for one in (await platform.get("violations"))["violations"]
        ]
        for app_id, _ in BOTS.values():
            evidence.screens += (await platform.get("screens", bot=app_id))["screens"]


def _marks_of(requests: list[dict[str, Any]]) -> set[str]:
    return {mark for one in requests for mark in (mark_of(one["body"]), one["trace_id"]) if mark}


async def _hurry(platform: Platform) -> None:
    """The platform's limits that would only make the run longer are out of the way; parts are small."""
    switches = {
        "proactive_times": 100_000,
        "part_size": PART_SIZE,
        "part_retry_delay": 0,
        "part_retry_timeout": 5,
        "silent_drop_after_4009": DROPS_FOR,
    }
    async with platform.http.patch(f"{platform.url}/_sim/switches", json=switches) as answer:
        answer.raise_for_status()


async def _read_all(http: aiohttp.ClientSession, url: str, ids: list[int]) -> list[dict[str, Any]]:
    few = asyncio.Semaphore(4)

    async def read(pk: int) -> dict[str, Any]:
        async with few, http.get(f"{url}/api/v1/deliveries/{pk}") as answer:
            answer.raise_for_status()
            document: dict[str, Any] = await answer.json()
            return document

    return await asyncio.gather(*map(read, ids))


async def _upload(http: aiohttp.ClientSession, url: str, name: str, content: bytes) -> int:
    """Bring a file into the library; return its id. Raises aiohttp.ClientError where the API cannot take it now."""
    form = aiohttp.FormData()
    form.add_field("file", io.BytesIO(content), filename=name)
    async with http.post(f"{url}/api/v1/media", data=form) as answer:
        answer.raise_for_status()
        return int((await answer.json())["id"])


def _content(file: File) -> tuple[str, bytes] | None:
    """Name and bytes of what is uploaded to us first; None: it is sent by its address."""
    if file.way not in ("data", "parts"):
        return None
    size = 20_000 if file.way == "data" else 4_300_000
    return f"{file.number}.bin", Random(file.number).randbytes(size)
