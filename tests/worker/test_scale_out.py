"""The same code on many machines: every part a process of its own on PostgreSQL and Redis, some of them killed."""

from __future__ import annotations

import asyncio
import re
import signal
import sys
from collections.abc import AsyncIterator, Iterable
from itertools import groupby
from pathlib import Path
from typing import Any

import aiohttp
import psycopg
import pytest
import pytest_asyncio
from celery import Celery
from distributed import CELERY, MANAGE, Platform, Processes, User
from redis.asyncio import Redis

from bench.processes import free_port
from bench.services import missing_services, postgresql, redis_server

BOTS = {"stream_messages": ("7001", "secret-of-the-new"), "messages.stream": ("7002", "secret-of-the-old")}
"""App id and secret by dialect."""
PASSWORD = "correct horse battery"
SHORT = "/bench rate=15 pieces=30 chars=12"
LONG = "/bench rate=2 pieces=600 chars=12"
BUSY = ("queued", "sending")
CHUNKS = """SELECT DISTINCT a.delivery_id FROM deliveries_chunk c JOIN deliveries_segment g ON g.id = c.segment_id
    JOIN deliveries_attempt a ON a.id = g.attempt_id"""

pytestmark = pytest.mark.asyncio(loop_scope="module")


class House:
    """All processes of one console, its platform, and a user who watches."""

    def __init__(self, folder: Path, database: str, redis: str, http: aiohttp.ClientSession) -> None:
        self.processes = Processes(folder, DATABASE_URL=database, REDIS_URL=redis)
        self._database, self._redis, self._http = database, redis, http
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

    def start_worker(self, name: str, threads: int = 200) -> None:
        pool = ["--pool=threads", f"--concurrency={threads}", "-n", f"{name}@here"]
        self.processes.start(f"worker {name}", *CELERY, "worker", *pool)

    async def empty(self) -> None:
        """End every process but the platform."""
        for name in self.processes.running - {"simulator"}:
            self.processes.tell(name)
            await self.processes.ended(name, 20)

    async def ring(self, deliveries: Iterable[int]) -> None:
        """As a broker does that hands a message out again."""

        def ring() -> None:
            with Celery(broker=self._redis, set_as_current=False) as app:
                for pk in deliveries:
                    app.send_task("deliveries.deliver", args=[pk])

        await asyncio.to_thread(ring)

    async def waiting(self, number: int) -> bool:
        """Whether at least so many tasks lie in the broker, and none in the hands of a worker that has no thread for
        it (the sweep rings again for what waits, so there may be more)."""
        async with Redis.from_url(self._redis) as broker:
            return await broker.llen("celery") >= number and not await broker.hlen("unacked")

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

    async def shown(self, deliveries: list[int]) -> bool:
        """Whether QQ has taken something of each, and no answer of its waits to be written."""
        taken = f"{CHUNKS} WHERE a.delivery_id = ANY(%s) AND c.status = 'accepted'"
        return len(await self.rows(taken, deliveries)) == len(deliveries)

    async def told(self, deliveries: list[int]) -> list[tuple[Any, ...]]:
        """All that tells whether somebody went on with them: their rows, and how many requests there were."""
        rows = "SELECT id, status, fence, seq, generated_text FROM deliveries_delivery WHERE id = ANY(%s) ORDER BY id"
        requests = (await self.platform.get("requests?path=/v2/users/many"))["requests"]
        return [*await self.rows(rows, deliveries), (len(requests),)]

    async def nothing_twice(self, after: int) -> None:
        """Each user's bubbles are the texts of the later deliveries, in their order; nothing is open."""
        rows = """SELECT b.app_id, s.target_id, d.generated_text FROM deliveries_delivery d
            JOIN conversations_session s ON s.id = d.session_id JOIN bots_bot b ON b.id = s.bot_id
            WHERE d.id > %s ORDER BY s.id, d.id"""
        screens = {app_id: await self.platform.bubbles(app_id) for app_id, _ in BOTS.values()}
        for (app_id, target), mine in groupby(await self.rows(rows, after), key=lambda row: row[:2]):
            bubbles = screens[app_id][target]
            assert {bubble["state"] for bubble in bubbles} == {"done"}
            assert [bubble["text"].rstrip("\n") for bubble in bubbles] == [text for _, _, text in mine]
        assert (await self.platform.get("violations"))["violations"] == []

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


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    if missing := missing_services():
        pytest.skip(f"not installed: {', '.join(missing)} (scripts/test_packages.sh installs them as root)")
    cookies = aiohttp.CookieJar(unsafe=True)
    patience = aiohttp.ClientTimeout(total=20)
    with postgresql() as database, redis_server() as redis:
        async with aiohttp.ClientSession(timeout=patience, cookie_jar=cookies) as http:
            made = House(tmp_path_factory.mktemp("house"), database, redis, http)
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


async def test_two_workers_share_the_work_and_one_sleeps_through_its_leases(house: House) -> None:
    """Four threads each: neither takes what it cannot carry. One is killed, one stopped, and a third goes on."""
    processes, platform, until = house.processes, house.platform, house.user.until
    await house.empty()
    (before,) = (await house.rows("SELECT coalesce(max(id), 0) FROM deliveries_delivery"))[0]

    async def ended(number: int) -> bool:
        rows = await house.rows("SELECT status FROM deliveries_delivery WHERE id > %s", before)
        return sum(status not in BUSY for (status,) in rows) == number

    async def owned(worker: str, number: int) -> set[int]:
        mine = await house.owned_by(worker)
        return mine if len(mine) == number else set()

    house.start_gateway()
    house.start_worker("d", 4)
    house.start_worker("e", 4)
    await until(house.connected)
    await house.say("many", 4, LONG)
    stopped = await until(lambda: owned("d", 4))
    killed = await until(lambda: owned("e", 4))
    await until(lambda: house.shown([*stopped, *killed]))

    # What waits is nobody's: it goes on at once when there is a thread for it, whoever has died.
    await house.say("waits", 2, "/echo 我可以等一等，你们慢慢来。")
    await until(lambda: house.waiting(4))
    while True:
        processes.tell("worker d", signal.SIGSTOP)
        flying = f"{CHUNKS} WHERE c.status = 'sending' AND a.delivery_id = ANY(%s)"
        if not await house.rows(flying, [*stopped]):
            break
        processes.tell("worker d", signal.SIGCONT)
    processes.tell("worker e", signal.SIGKILL)
    await processes.ended("worker e", 5)
    house.start_worker("f")
    await until(lambda: ended(4))
    await house.ring([*stopped, *killed] * 3)

    # Both lose their leases; the one that was stopped knows nothing of it when it wakes.
    await house.rows("UPDATE deliveries_delivery SET lease_until = now() WHERE status = 'sending'")
    await until(lambda: ended(12))
    told = await house.told([*stopped, *killed])
    processes.tell("worker d", signal.SIGCONT)

    async def noticed() -> bool:
        return processes.log("worker d").count("another process's by now") == 4

    await until(noticed)
    assert await house.told([*stopped, *killed]) == told
    assert {(status, fence) for _, status, fence, *_ in told[:-1]} == {("interrupted", 2)}

    # Five messages of one user, two workers, and every task handed out once more when all is long over.
    asked = [
        await platform.say(BOTS["stream_messages"][0], "five", f"/echo 这是第 {number} 句话，请按先后回答我。")
        for number in range(5)
    ]
    await until(lambda: ended(17))
    await house.ring(pk for (pk,) in await house.rows("SELECT id FROM deliveries_delivery"))
    await house.say("last", 1, SHORT)
    await until(lambda: ended(19))
    frames = (await platform.get("requests?path=/v2/users/five/"))["requests"]
    assert [msg_id for msg_id, _ in groupby(frame["body"]["msg_id"] for frame in frames)] == asked
    later = await house.rows("SELECT DISTINCT fence FROM deliveries_delivery WHERE id > %s", max(stopped | killed))
    assert later == [(1,)]
    await house.nothing_twice(before)
