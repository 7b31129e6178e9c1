"""The console as many processes on PostgreSQL and Redis, or as one on SQLite; each part can be knocked out."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, closing, suppress
from pathlib import Path
from typing import Any

import aiohttp
import psycopg

from bench.platform import Platform
from bench.processes import ROOT, free_port
from bench.services import Server, forgetful_redis, postgresql_server
from faults.plan import BOTS

MANY = ("worker a", "worker b", "gateway", "web", "redis", "postgresql")
"""The parts that are knocked out where there are many processes: with kill -9, the services by their own signals."""
ONE = ("console",)
LIMITS = ("per-second", "per-minute", "target-minute", "target-day")
READY_WITHIN = 60.0


class House:
    """Every process of one console, the platform it talks to, and its rows."""

    def __init__(self, folder: Path, platform: Platform, environment: dict[str, str]) -> None:
        self.folder, self.platform = folder, platform
        self.url = f"http://127.0.0.1:{free_port()}"
        self.token = ""
        self.services: dict[str, Server] = {}
        self.killed = 0
        kept = {name: value for name, value in os.environ.items() if not name.startswith("QQCONSOLE_")}
        ours = {"QQCONSOLE_HOME": str(folder / "home"), "PYTHONUNBUFFERED": "1", "QQCONSOLE_LOG_LEVEL": "INFO"}
        self._environment = {**kept, **ours, **environment}
        self._commands: dict[str, list[str]] = {}
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    async def manage(self, *arguments: str, **environment: str) -> str:
        """Run a management command; return what it printed. Raises RuntimeError."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "manage.py", *arguments, cwd=ROOT, env={**self._environment, **environment},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        said, errors = await process.communicate()
        if process.returncode:
            raise RuntimeError(f"{arguments}: {errors.decode()}")
        return said.decode().strip()

    def start(self, part: str, *command: str) -> None:
        """Start a process; what it says goes into a file of its name."""
        self._commands[part] = [sys.executable, *command]
        self._start(part)

    def _start(self, part: str) -> None:
        with (self.folder / f"{part}.log").open("ab") as log:
            self._running[part] = subprocess.Popen(
                self._commands[part], cwd=ROOT, env=self._environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    async def knock_out(self, part: str, away: float) -> None:
        """End the part at once and start it again ``away`` seconds later; a service keeps what it has on disk."""
        self.killed += 1
        if part in self.services:
            number = signal.SIGQUIT if part == "postgresql" and self.killed % 2 else signal.SIGINT
            await asyncio.to_thread(self.services[part].end, number)
            await asyncio.sleep(away)
            await asyncio.to_thread(self.services[part].start)
            return
        process = self._running.pop(part)
        process.kill()
        await asyncio.to_thread(process.wait)
        await asyncio.sleep(away)
        self._start(part)

    def fallen(self) -> list[str]:
        """Return the parts that ended by themselves, each with its exit code."""
        return [f"{part} ({code})" for part, one in self._running.items() if (code := one.poll()) is not None]

    def end(self) -> None:
        """End every process."""
        for process in self._running.values():
            process.terminate()
        for process in self._running.values():
            with suppress(subprocess.TimeoutExpired):
                process.wait(20)
            process.kill()
            process.wait()

    async def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """Return what the database holds; raises OSError while it cannot be asked."""
        return await asyncio.to_thread(self._rows, statement)

    def _rows(self, statement: str) -> list[tuple[Any, ...]]:
        try:
            if "postgresql" not in self.services:
                file = self.folder / "home" / "db.sqlite3"
                with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=20)) as lite:
                    return lite.execute(statement).fetchall()
            with psycopg.connect(self.services["postgresql"].url, connect_timeout=2) as database:
                return database.execute(statement.encode()).fetchall()
        except (psycopg.Error, sqlite3.Error) as error:
            raise OSError(f"the database: {error}") from error

    async def ready(self, http: aiohttp.ClientSession) -> None:
        """Return when every part is well and every bot is connected. Raises TimeoutError, with what is not."""
        parts: Any = "nobody answers"
        try:
            async with asyncio.timeout(READY_WITHIN):
                while True:
                    with suppress(aiohttp.ClientError):
                        async with http.get(f"{self.url}/healthz") as answer:
                            parts = await answer.text()
                            bots = (await self.platform.get("state"))["bots"]
                            if answer.status == 200 and all(bot["live"] for bot in bots):
                                return
                    await asyncio.sleep(0.2)
        except TimeoutError:
            raise TimeoutError(f"the house is not ready: {parts}; fallen: {self.fallen()}") from None

    async def furnish(self) -> None:
        """Migrate; add the bots and an API token."""
        await self.manage("migrate", "-v", "0")
        self.token = (await self.manage("apitoken", "create", "faults")).split()[-1]
        await asyncio.gather(*(self._add_bot(dialect) for dialect in BOTS))

    async def _add_bot(self, dialect: str) -> None:
        app_id, secret = BOTS[dialect]
        words = {
            "app-id": app_id,
            "api-base": self.platform.url,
            "token-url": f"{self.platform.url}/app/getAppAccessToken",
            "dialect": dialect,
            "source-url": f"{self.platform.url}/v1",
            "source-model": "demo",
            "throttle-ms": "320",
            "message-timeout": "1.5",
            "upload-timeout": "3",
            "stream-rate": "2000",
            "message-rate": "2000",
            "history-turns": "1",
            **{f"proactive-{limit}": "100000" for limit in LIMITS},
        }
        given = [part for word, value in words.items() for part in (f"--{word}", value)]
        secrets = {"QQCONSOLE_BOT_SECRET": secret, "QQCONSOLE_SOURCE_KEY": "any"}
        await self.manage("bot", "add", dialect, *given, "--allow-private-urls", **secrets)


@asynccontextmanager
async def simulated(folder: Path, seed: int, journal: int) -> AsyncIterator[Platform]:
    """Run the platform, which is never knocked out: it is the truth."""
    port = free_port()
    bots = [part for bot in BOTS.values() for part in ("--bot", ":".join(bot))]
    rates = [part for name in ("stream", "message", "file", "part") for part in (f"--{name}-rate", "100000")]
    command = [sys.executable, "-m", "simulator", "--port", str(port), "--seed", str(seed), "--journal", str(journal)]
    with (folder / "simulator.log").open("wb") as log:
        process = subprocess.Popen([*command, *bots, *rates], cwd=ROOT, stdout=log, stderr=log)  # noqa: ASYNC220
    try:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as http:
            platform = Platform(f"http://127.0.0.1:{port}", http, process.pid)
            async with asyncio.timeout(READY_WITHIN):
                while True:
                    with suppress(aiohttp.ClientConnectionError):
                        await platform.get("state")
                        break
                    await asyncio.sleep(0.1)
            yield platform
    finally:
        process.terminate()
        process.wait(20)


@asynccontextmanager
async def many(folder: Path, platform: Platform) -> AsyncIterator[House]:
    """Run the console as docs/operations.md sets it up for many machines: two workers, gateway, web, beat."""
    async with AsyncExitStack() as stack:
        database = stack.enter_context(postgresql_server())
        redis = stack.enter_context(forgetful_redis())
        house = House(folder, platform, {"DATABASE_URL": database.url, "REDIS_URL": redis.url})
        house.services = {"postgresql": database, "redis": redis}
        stack.callback(house.end)
        await house.furnish()
        port = house.url.rpartition(":")[2]
        celery = ("-m", "celery", "-A", "qqconsole")
        pool = ("--pool=threads", "--concurrency=400")
        house.start("web", "-m", "daphne", "-b", "127.0.0.1", "-p", port, "qqconsole.asgi:application")
        house.start("gateway", "manage.py", "gateway")
        house.start("worker a", *celery, "worker", *pool, "-n", "a@here")
        house.start("worker b", *celery, "worker", *pool, "-n", "b@here")
        house.start("beat", *celery, "beat")
        yield house


@asynccontextmanager
async def one(folder: Path, platform: Platform) -> AsyncIterator[House]:
    """Run the console as one process on SQLite, which is what ``make run`` starts."""
    house = House(folder, platform, {})
    try:
        await house.furnish()
        house.start("console", "manage.py", "console", "--no-demo", "--port", house.url.rpartition(":")[2])
        yield house
    finally:
        house.end()


KINDS: dict[str, tuple[Callable[[Path, Platform], Any], tuple[str, ...]]] = {"many": (many, MANY), "one": (one, ONE)}
"""The two ways the console runs, each with the parts of it that can be knocked out."""
