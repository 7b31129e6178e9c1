"""The side under test: the whole console in one process, with a bot on the simulator."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path

from bench.platform import OURS, UNLIMITED, Platform
from bench.processes import free_port, line_with, peak_megabytes, running
from bench.streams import INTERVAL, Release

NAME = "bench"
DIALECT = "stream_messages"


@dataclass
class Console:
    """``pid`` is the process that does all the work; ``url`` is where its pages and its API are."""

    platform: Platform
    home: Path
    pid: int
    url: str = ""
    _read: int = 0

    async def answer_with(self, model: str, dialect: str = DIALECT) -> None:
        """Point the bot at this model; a reply reads its bot's row, so the next one is answered by it."""
        await add_bot(self.platform, {"QQCONSOLE_HOME": str(self.home)}, model, dialect)

    def releases(self) -> list[Release]:
        """Return what was let go since the last call, in order."""
        lines = (self.home / "probe").read_text().splitlines()
        mine, self._read = lines[self._read :], len(lines)
        return [Release(**json.loads(line)) for line in mine]

    def recorded(self) -> tuple[int, int]:
        """Return how many chunks the database holds, and how many of them were written down as accepted."""
        with closing(sqlite3.connect(f"file:{next(self.home.glob('*.sqlite3'))}?mode=ro", uri=True)) as database:
            row = database.execute("SELECT count(*), sum(status = 'accepted') FROM deliveries_chunk").fetchone()
        return row[0], row[1] or 0

    def busy(self) -> int:
        """Return how many deliveries have not ended."""
        with closing(sqlite3.connect(f"file:{next(self.home.glob('*.sqlite3'))}?mode=ro", uri=True)) as database:
            query = "SELECT count(*) FROM deliveries_delivery WHERE status IN ('queued', 'sending')"
            return int(database.execute(query).fetchone()[0])

    def forget_uploads(self) -> None:
        """Let the console forget what QQ calls the files it has uploaded."""
        with closing(sqlite3.connect(next(self.home.glob("*.sqlite3")), timeout=20)) as database, database:
            database.execute("DELETE FROM media_fileinfo")

    @property
    def megabytes(self) -> float:
        return peak_megabytes(self.pid)


async def manage(environment: dict[str, str], *arguments: str) -> str:
    """Run a management command to its end; return what it said. Raises RuntimeError where it failed."""
    async with running("manage.py", *arguments, environment=environment) as process:
        said, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"{arguments[0]} failed: {said.decode()}")
    return said.decode().strip()


async def add_bot(platform: Platform, environment: dict[str, str], model: str, dialect: str = DIALECT) -> None:
    """Add the bot, or point it at another model; ``environment`` names the console's data folder or database."""
    app_id, secret = OURS
    words = {
        "--app-id": app_id,
        "--api-base": platform.url,
        "--token-url": f"{platform.url}/app/getAppAccessToken",
        "--dialect": dialect,
        "--throttle-ms": f"{INTERVAL * 1000:.0f}",
        "--stream-rate": UNLIMITED,
        "--message-rate": UNLIMITED,
        "--source-url": f"{platform.url}/v1",
        "--source-model": model,
    }
    arguments = ["bot", "add", NAME, *(part for pair in words.items() for part in pair)]
    arguments.append("--allow-private-urls")  # the platform and its upload addresses are on this machine
    secrets = {"QQCONSOLE_BOT_SECRET": secret, "QQCONSOLE_SOURCE_KEY": "bench"}
    await manage({**environment, **secrets}, *arguments)


@asynccontextmanager
async def console(platform: Platform) -> AsyncIterator[Console]:
    """Run a console on an empty data folder until its bot is connected to the platform."""
    with tempfile.TemporaryDirectory(prefix="qqconsole-bench-") as folder:
        home = Path(folder)
        environment = {"QQCONSOLE_HOME": folder, "BENCH_PROBE": str(home / "probe")}
        await manage(environment, "migrate", "-v", "0")
        await add_bot(platform, {"QQCONSOLE_HOME": folder}, "instant")
        port = free_port()
        arguments = ("-m", "bench.probed_console", "--no-demo", "--port", str(port))
        async with running(*arguments, environment=environment, log=home / "log") as process:
            await line_with(process, "http://")
            async with asyncio.timeout(30):
                while not (await platform.bot(OURS[0]))["live"]:  # noqa: ASYNC110 - another process's state
                    await asyncio.sleep(0.2)
            yield Console(platform, home, process.pid, f"http://127.0.0.1:{port}")
