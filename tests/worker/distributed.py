"""The console as separate processes, and a user of it who sees only what everybody sees: API, live socket, phone."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import pytest

ROOT = Path(__file__).resolve().parents[2]
MANAGE = [sys.executable, "manage.py"]
CELERY = [sys.executable, "-m", "celery", "-A", "qqconsole"]
T = TypeVar("T")


class Processes:
    """Started by name, each with its output in a file of that name."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self._folder = folder
        kept = {name: value for name, value in os.environ.items() if not name.startswith("QQCONSOLE_")}
        self._environment = {**kept, "QQCONSOLE_HOME": str(folder / "home"), "PYTHONUNBUFFERED": "1", **environment}
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def manage(self, *arguments: str, **environment: str) -> str:
        """Run a management command to its end; return what it printed."""
        done = subprocess.run(
            [*MANAGE, *arguments],
            cwd=ROOT,
            env={**self._environment, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def start(self, name: str, *command: str) -> None:
        with (self._folder / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(
                command, cwd=ROOT, env=self._environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def pid(self, name: str) -> int:
        return self._running[name].pid

    @property
    def running(self) -> set[str]:
        return set(self._running)

    def tell(self, name: str, number: int = signal.SIGTERM) -> None:
        self._running[name].send_signal(number)

    async def ended(self, name: str, within: float) -> int:
        """Wait for the process; return its exit code. Raises TimeoutExpired after ``within`` seconds."""
        process = self._running.pop(name)
        return await asyncio.to_thread(process.wait, within)

    def log(self, name: str) -> str:
        return (self._folder / f"{name}.log").read_text(errors="replace")

    def stop_all(self) -> None:
        for process in self._running.values():
            process.terminate()
        for process in self._running.values():
            with suppress(subprocess.TimeoutExpired):
                process.wait(15)
            process.kill()


class Platform:
    """The simulator in its own process."""

    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self.http, self.url = http, url

    async def get(self, path: str, **query: str) -> Any:
        async with self.http.get(f"{self.url}/_sim/{path}", params=query) as answer:
            return await answer.json()

    async def say(self, app_id: str, target: str, text: str, **details: Any) -> str:
        """A user writes; return the message's id."""
        body = {"bot": app_id, "target": target, "text": text, **details}
        async with self.http.post(f"{self.url}/_sim/say", json=body) as answer:
            assert answer.status == 200, await answer.text()
            return str((await answer.json())["msg_id"])

    async def bubbles(self, app_id: str) -> dict[str, list[dict[str, Any]]]:
        """What the bot's users see of it, by user."""
        screens = (await self.get("screens", bot=app_id))["screens"]
        return {
            screen["target"]: [bubble for bubble in screen["bubbles"] if bubble["from"] == "bot"] for screen in screens
        }


class User:
    """Somebody with an API token who follows the live socket and believes nothing he was not told."""

    def __init__(self, http: aiohttp.ClientSession, url: str, token: str) -> None:
        self.http, self.url = http, url
        self._headers = {"Authorization": f"Bearer {token}"}
        self._news = asyncio.Event()
        self.seqs: defaultdict[int, set[int]] = defaultdict(set)
        """The sequence numbers that came over the socket or were asked for again, by delivery."""
        self.statuses: dict[int, str] = {}
        self._newest: dict[int, int] = {}
        self._accepted: defaultdict[int, dict[int, int]] = defaultdict(dict)
        self._chunks: defaultdict[int, dict[int, tuple[int, str]]] = defaultdict(dict)
        self._following: asyncio.Task[None] | None = None

    async def get(self, path: str, **query: str) -> Any:
        async with self.http.get(f"{self.url}/api/v1/{path}", params=query, headers=self._headers) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def deliveries(self) -> list[dict[str, Any]]:
        """Return every delivery in full, oldest first."""
        heads: list[dict[str, Any]] = []
        cursor = ""
        while True:
            page = await self.get("deliveries", limit="200", cursor=cursor)
            heads += page["items"]
            if not page["next"]:
                break
            cursor = re.findall(r"cursor=([^&]+)", page["next"])[0]
        return await asyncio.gather(*(self.get(f"deliveries/{head['id']}") for head in reversed(heads)))

    async def health(self) -> tuple[int, dict[str, str]]:
        """Return the status of /healthz and its parts; 0 while nobody answers."""
        try:
            async with self.http.get(f"{self.url}/healthz") as answer:
                return answer.status, (await answer.json())["parts"]
        except aiohttp.ClientConnectionError:
            return 0, {}

    async def follow(self) -> None:
        """Open the live socket; returns once its snapshot is there."""
        socket = await self.http.ws_connect(f"{self.url}/ws/live/", headers=self._headers, max_msg_size=0)
        assert (await socket.receive_json())["type"] == "hello"
        assert (await socket.receive_json())["type"] == "snapshot"
        self._following = asyncio.create_task(self._listen(socket))

    async def _listen(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        async for message in socket:
            frame = json.loads(message.data)
            for event in frame.get("events", ()):
                if event["type"] == "delivery":
                    await self._note(event, socket)
            self._news.set()

    async def _note(self, event: dict[str, Any], socket: aiohttp.ClientWebSocketResponse) -> None:
        delivery, seq = event["delivery"], event["seq"]
        newest = self._newest.get(delivery, 0)
        if "since" not in event and newest < seq - 1:
            # As the page does: a killed process may have committed what it never told.
            await socket.send_json({"type": "replay", "deliveries": {delivery: newest}})
        self.seqs[delivery].update(range(event.get("since", seq - 1) + 1, seq + 1))
        if seq > newest:
            self._newest[delivery], self.statuses[delivery] = seq, event["status"]
        for segment in event["segments"]:
            known = self._accepted[delivery].get(segment["id"], 0)
            self._accepted[delivery][segment["id"]] = max(known, segment["accepted_length"])
        for chunk in event["chunks"]:
            self._chunks[chunk["segment"]][chunk["number"]] = chunk["start"], chunk["text"]

    @property
    def whole(self) -> bool:
        """Whether there is no gap in what came so far."""
        return all(len(seqs) == max(seqs) for seqs in self.seqs.values())

    def live_text(self, delivery: int) -> str:
        """Return what QQ has of the delivery, by the events alone."""
        whole = ""
        for segment, accepted in sorted(self._accepted[delivery].items()):
            text = ""
            for _, (start, new) in sorted(self._chunks[segment].items()):
                text = text[:start] + new
            whole += text[:accepted]
        return whole

    async def until(self, truth: Callable[[], Awaitable[T]], within: float = 40.0) -> T:
        """Return what ``truth`` gave once it was true: looked at again at each live event, and twice a second."""
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            self._news.clear()
            if found := await truth():
                return found
            with suppress(TimeoutError):
                async with asyncio.timeout(0.5):
                    await self._news.wait()
        pytest.fail(f"not true within {within} s: {truth}")

    async def leave(self) -> None:
        if self._following is not None:
            self._following.cancel()
