"""The same code on many machines: every part a process of its own on PostgreSQL and Redis, some of them killed."""

from __future__ import annotations

import asyncio
import re
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import psycopg
import pytest
import pytest_asyncio
from distributed import CELERY, MANAGE, Platform, Processes, User

from bench.processes import free_port
from bench.services import missing_services, postgresql, redis_server

BOTS = {"stream_messages": ("7001", "secret-of-the-new"), "messages.stream": ("7002", "secret-of-the-old")}
"""App id and secret by dialect."""
PASSWORD = "correct horse battery"
SHORT = "/bench rate=15 pieces=30 chars=12"
LONG = "/bench rate=2 pieces=600 chars=12"
BUSY = ("queued", "sending")


class House:
    """All processes of one console, its platform, and a user who watches."""

    def __init__(self, folder: Path, database: str, redis: str, http: aiohttp.ClientSession) -> None:
        self.processes = Processes(folder, DATABASE_URL=database, REDIS_URL=redis)
        self._database, self._http = database, http
        self._ports = free_port(), free_port()
        self.platform = Platform(http, f"http://127.0.0.1:{self._ports[0]}")
        self.user: User

    async def set_up(self) -> None:
        """As docs/operations.md says: migrate, add bots and people, start each part."""
        bots = [part for bot in BOTS.values() for part in ("--bot", ":".join(bot))]
        rates = ["--stream-rate", "5000", "--message-rate", "5000"]
        simulator = [sys.executable, "-m", "simulator", "--port", str(self._ports[0])]
        self.processes.start("simulator", *simulator, *bots, *rates)
        manage = self.processes.manage
        await asyncio.to_thread(manage, "migrate")
        person = asyncio.to_thread(manage, "user", "add", "wang", QQCONSOLE_USER_PASSWORD=PASSWORD)
        created = asyncio.to_thread(manage, "apitoken", "create", "test")
        token, *_ = await asyncio.gather(created, person, *(self._add_bot(dialect) for dialect in BOTS))
        self.user = User(self._http, f"http://127.0.0.1:{self._ports[1]}", token)
        web = ["-m", "daphne", "-b", "127.0.0.1", "-p", str(self._ports[1]), "qqconsole.asgi:application"]
        self.processes.start("web", sys.executable, *web)
        self.start_gateway()
        self.start_worker("a")
        self.start_worker("b")
        self.processes.start("beat", *CELERY, "beat")

    async def _add_bot(self, dialect: str) -> None:
        app_id, secret = BOTS[dialect]
        platform = self.platform.url
        where = ["--app-id", app_id, "--api-base", platform, "--token-url", f"{platform}/app/getAppAccessToken"]
        source = ["--source", "openai", "--source-url", f"{platform}/v1", "--source-model", "demo"]
        pace = ["--stream-rate", "2000", "--message-rate", "2000", "--throttle-ms", "320"]
        given = [*where, "--dialect", dialect, *source, *pace]
        secrets = {"QQCONSOLE_BOT_SECRET": secret, "QQCONSOLE_SOURCE_KEY": ""}
        await asyncio.to_thread(self.processes.manage, "bot", "add", dialect, *given, **secrets)

    def start_gateway(self) -> None:
        self.processes.start("gateway", *MANAGE, "gateway")

    def start_worker(self, name: str) -> None:
        pool = ["--pool=threads", "--concurrency=200", "-n", f"{name}@here"]
        self.processes.start(f"worker {name}", *CELERY, "worker", *pool)

    async def say(self, people: str, number: int, text: str) -> None:
        """``number`` users of each bot write."""
        for app_id, _ in BOTS.values():
            for one in range(number):
                await self.platform.say(app_id, f"{people}-{one}", text)

    async def rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """What no outsider sees: who owns what."""

        def ask() -> list[tuple[Any, ...]]:
            with psycopg.connect(self._database) as connection:
                cursor = connection.execute(statement, values)
                return cursor.fetchall() if cursor.description else []

        return await asyncio.to_thread(ask)

    async def owned_by(self, worker: str) -> set[int]:
        """The deliveries that this worker is sending now; its process is part of the owner's name."""
        owner = f"%:{self.processes.pid(f'worker {worker}')}:%"
        sending = "SELECT id FROM deliveries_delivery WHERE status = 'sending' AND owner LIKE %s"
        return {row[0] for row in await self.rows(sending, owner)}

    async def ready(self) -> bool:
        status, _ = await self.user.health()
        beats = await self.rows("SELECT 1 FROM engine_processbeat WHERE kind = 'worker'")
        return status == 200 and len(beats) == 2

    async def connected(self) -> bool:
        return all(bot["live"] for bot in (await self.platform.get("state"))["bots"])

    async def streaming(self, number: int) -> bool:
        """Whether that many deliveries are under way, each with something on the user's screen."""
        shown = [pk for pk, status in self.user.statuses.items() if status == "sending" and self.user.live_text(pk)]
        return len(shown) == number

    async def ended(self, number: int) -> bool:
        return self.user.whole and sum(status not in BUSY for status in self.user.statuses.values()) == number

    async def check(self) -> list[dict[str, Any]]:
        """What QQ's users see is what the API tells, what the events told, and what the model wrote; nothing is open.

        Returns every delivery.
        """
        bots = {bot["id"]: bot["app_id"] for bot in (await self.user.get("bots"))["items"]}
        sessions = {one["id"]: one for one in (await self.user.get("sessions", limit="200"))["items"]}
        screens = {app_id: await self.platform.bubbles(app_id) for app_id in bots.values()}
        deliveries = await self.user.deliveries()
        for delivery in deliveries:
            segments = [segment for attempt in delivery["attempts"] for segment in attempt["segments"]]
            session = sessions[delivery["session"]]
            (bubble,) = screens[bots[session["bot"]]][session["target_id"]]
            stored = "".join(segment["text"] for segment in segments)
            assert [segment["status"] for segment in segments] == ["closed"]
            assert bubble["state"] == "done"
            assert bubble["text"].rstrip("\n") == stored == delivery["generated_text"]
            assert self.user.live_text(delivery["id"]) == stored
        assert (await self.platform.get("violations"))["violations"] == []
        return deliveries

    async def sign_in(self) -> str:
        """As in a browser; return the page one sees then."""
        async with self._http.get(f"{self.user.url}/") as page:
            assert page.url.path == "/accounts/login/"
            fields = dict(re.findall(r'name="(csrfmiddlewaretoken)" value="([^"]+)"', await page.text()))
            fields |= {"username": "wang", "password": PASSWORD}
        async with self._http.post(page.url, data=fields, headers={"Referer": self.user.url}) as answer:
            assert answer.status == 200
            assert answer.url.path == "/"
            return await answer.text()


@pytest_asyncio.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    if missing := missing_services():
        pytest.skip(f"not installed: {', '.join(missing)} (scripts/test_packages.sh installs them as root)")
    cookies = aiohttp.CookieJar(unsafe=True)
    patience = aiohttp.ClientTimeout(total=20)
    with postgresql() as database, redis_server() as redis:
        async with aiohttp.ClientSession(timeout=patience, cookie_jar=cookies) as http:
            made = House(tmp_path, database, redis, http)
            try:
                await made.set_up()
                yield made
                await made.user.leave()
            finally:
                await asyncio.to_thread(made.processes.stop_all)


async def test_many_processes_carry_every_reply_once_whoever_dies(house: House) -> None:
    user, processes, until = house.user, house.processes, house.user.until
    await until(house.ready, 30)
    await until(house.connected)
    await user.follow()

    await house.say("first", 12, SHORT)
    await until(lambda: house.ended(24))
    deliveries = await house.check()
    answers = (await house.platform.get("model/answers"))["answers"]
    assert {delivery["status"] for delivery in deliveries} == {"delivered"}
    assert sorted(delivery["generated_text"] for delivery in deliveries) == sorted(one["text"] for one in answers)
    assert await house.rows("SELECT DISTINCT fence FROM deliveries_delivery") == [(1,)]

    # One worker is told to end in the middle of its streams: it closes them, the others take what comes.
    await house.say("long", 10, LONG)
    await until(lambda: house.streaming(20))
    closed, killed = await house.owned_by("a"), await house.owned_by("b")
    assert closed
    assert killed
    processes.tell("worker a")
    house.start_worker("c")
    await house.say("late", 2, SHORT)
    assert await processes.ended("worker a", 15) == 0
    assert {user.statuses[pk] for pk in closed} == {"interrupted"}
    processes.tell("gateway")
    assert await processes.ended("gateway", 10) == 0
    await house.say("unheard", 2, SHORT)
    house.start_gateway()

    # Another one is killed: whoever is left closes its streams when the lease has ended.
    await until(house.ready, 30)
    await until(lambda: house.ended(24 + len(closed) + 8))
    assert await house.owned_by("b") == killed
    processes.tell("worker b", signal.SIGKILL)
    await processes.ended("worker b", 5)
    await house.rows("UPDATE deliveries_delivery SET lease_until = now() WHERE id = ANY(%s)", list(killed))
    await until(lambda: house.ended(24 + 20 + 8))
    ends = {delivery["id"]: (delivery["status"], delivery["reason"]) for delivery in await house.check()}
    assert {pk for pk, end in ends.items() if end == ("interrupted", "shutdown")} == closed
    assert {pk for pk, end in ends.items() if end == ("interrupted", "interrupted")} == killed
    assert sum(end == ("delivered", "") for end in ends.values()) == 32

    assert "wang" in await house.sign_in()
    processes.tell("worker c")
    assert await processes.ended("worker c", 15) == 0
    # The killed one's last sign of life must grow old by itself; here we do not wait for it.
    await house.rows("UPDATE engine_processbeat SET seen_at = seen_at - interval '20 s' WHERE kind = 'worker'")
    status, parts = await user.health()
    assert status == 503
    assert parts["worker"]
    assert not parts["loop"]
    others = ("gateway", "web", "beat")
    for name in others:
        processes.tell(name)
    for name in others:
        assert await processes.ended(name, 10) == 0, processes.log(name)
