"""The simulator in a process of its own: QQ's platform and the model, and what arrived at it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

from bench.processes import line_with, running

OURS = ("102000001", "bench-console-secret")
BARE = ("102000002", "bench-bare-secret")
PEER = ("102000003", "bench-peer-secret")
UNLIMITED = "100000"


@dataclass(frozen=True)
class Platform:
    """``url`` is the API's base address; the model is at ``url + "/v1"``."""

    url: str
    http: aiohttp.ClientSession
    pid: int = 0

    async def get(self, path: str, **query: str) -> Any:
        """Return the JSON of a control address."""
        async with self.http.get(f"{self.url}/_sim/{path}", params=query) as answer:
            answer.raise_for_status()
            return await answer.json()

    async def post(self, path: str, **body: Any) -> Any:
        """Move the platform; return its JSON."""
        async with self.http.post(f"{self.url}/_sim/{path}", json=body) as answer:
            answer.raise_for_status()
            return await answer.json()

    async def say(self, app_id: str, openid: str, text: str) -> str:
        """A user writes to the bot; return the msg_id."""
        return str((await self.post("say", bot=app_id, target=openid, text=text))["msg_id"])

    async def strike(self, faults: list[dict[str, Any]]) -> None:
        """Let these faults be in force, and no others."""
        async with self.http.put(f"{self.url}/_sim/faults", json={"faults": faults}) as answer:
            answer.raise_for_status()

    async def requests(self) -> list[dict[str, Any]]:
        """Return every request for a message that arrived since the last reset, oldest first."""
        return [one for one in (await self.get("requests"))["requests"] if "/v2/users/" in one["path"]]

    async def arrived(self, since: int = 0) -> list[dict[str, Any]]:
        """Return every request after number ``since``, whatever it was, oldest first."""
        requests: list[dict[str, Any]] = (await self.get("requests", since=str(since)))["requests"]
        return requests

    async def bot(self, app_id: str) -> dict[str, Any]:
        """Return the platform's view of one bot."""
        bots = (await self.get("state"))["bots"]
        return next(bot for bot in bots if bot["app_id"] == app_id)

    async def all_closed(self, app_id: str, *, within: float) -> None:
        """Return when no stream of the bot is open and the model writes nothing. Raises TimeoutError."""
        async with asyncio.timeout(within):
            while True:
                writing = (await self.get("model/answers", state="running"))["answers"]
                if not writing and (await self.bot(app_id))["open_streams"] == 0:
                    return
                await asyncio.sleep(0.5)


@asynccontextmanager
async def platform(journal: int = 10_000) -> AsyncIterator[Platform]:
    """Run a simulator that throttles nobody and remembers the last ``journal`` requests."""
    bots = [part for name, secret in (OURS, BARE, PEER) for part in ("--bot", f"{name}:{secret}")]
    rates = [part for name in ("stream", "message", "file", "part") for part in (f"--{name}-rate", UNLIMITED)]
    async with running("-m", "simulator", "--port", "0", "--journal", str(journal), *bots, *rates) as process:
        found = re.search(r"http://[\w.]+:\d+", await line_with(process, "http://"))
        assert found is not None
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as http:
            yield Platform(found[0], http, process.pid)
