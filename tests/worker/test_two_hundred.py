"""Two hundred conversations at once in the one embedded process: complete at QQ and in the live view."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from simulator import DEMO_APP_ID
from simulator.model.bench import Bench
from tests.worker.console_process import ROOT, ConsoleProcess

CONVERSATIONS = 200
BENCH = Bench(rate=8, count=64, chars=24)
MODEL = "bench:rate=8,pieces=64,chars=24"
MOST_MEMORY = 250.0
"""Megabytes."""


@pytest.fixture
def simulator_url() -> Iterator[str]:
    """The simulator as a process of its own: it must not share the console's or the test's processor time."""
    rates = ["--stream-rate", "5000", "--message-rate", "5000"]
    process = subprocess.Popen(
        [sys.executable, "-m", "simulator", "--port", "0", *rates], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    with process.stdout:
        found = re.search(r"http://\S+", process.stdout.readline())
        assert found is not None
        yield found[0]
        process.terminate()
        process.wait(10)


@pytest.fixture
def console(tmp_path: Path) -> Iterator[ConsoleProcess]:
    process = ConsoleProcess(tmp_path)
    process.manage("migrate", "--verbosity", "0")
    yield process
    process.stop()


class LiveView:
    """What a browser knows: each delivery's text, put together from the chunks of its live events."""

    def __init__(self) -> None:
        self.seqs: dict[int, list[int]] = defaultdict(list)
        self.statuses: dict[int, str] = {}
        self.chunks: dict[int, dict[tuple[int, int], str]] = defaultdict(dict)

    def take(self, event: dict[str, Any]) -> None:
        if event["type"] != "delivery":
            return
        pk = event["delivery"]
        self.seqs[pk].append(event["seq"])
        self.statuses[pk] = event["status"]
        for chunk in event["chunks"]:
            self.chunks[pk][chunk["segment"], chunk["number"]] = chunk["text"]

    def text(self, pk: int) -> str:
        return "".join(text for _, text in sorted(self.chunks[pk].items()))

    @property
    def ended(self) -> int:
        return sum(status not in ("queued", "sending") for status in self.statuses.values())


async def _watch(url: str, token: str, view: LiveView, connected: asyncio.Event) -> None:
    """Follow the live socket until every conversation has ended."""
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.ws_connect(f"{url}/ws/live/", max_msg_size=0) as socket,
    ):
        async for message in socket:
            document = json.loads(message.data)
            if any(bot["state"] == "connected" for bot in document.get("bots", ())):
                connected.set()
            for event in document.get("events", ()):
                view.take(event)
                if event["type"] == "bot" and event["state"] == "connected":
                    connected.set()
            if view.ended >= CONVERSATIONS:
                return


async def _run(console_url: str, token: str, simulator_url: str) -> tuple[LiveView, float]:
    view, connected = LiveView(), asyncio.Event()
    async with aiohttp.ClientSession() as session, asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        watching = tasks.create_task(_watch(console_url, token, view, connected))
        await connected.wait()
        began = time.monotonic()
        for number in range(CONVERSATIONS):
            said = {"bot": DEMO_APP_ID, "target": f"{number:032X}", "text": "los"}
            async with session.post(f"{simulator_url}/_sim/say", json=said) as answer:
                assert answer.status == 200
        await watching
    return view, time.monotonic() - began


async def _ask(url: str) -> Any:
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return await answer.json()


async def test_two_hundred_conversations_at_once(console: ConsoleProcess, simulator_url: str) -> None:
    console.add_bot("bot", simulator_url, "--source-model", MODEL)
    console.manage("user", "add", "watcher", "--role", "operator", QQCONSOLE_USER_PASSWORD="a long enough password")
    token = re.search(r"qqc_\S+", console.manage("apitoken", "create", "watcher"))
    assert token is not None
    console.start()
    view, seconds = await _run(console.url, token[0], simulator_url)
    memory = console.peak_memory()
    print(f"{CONVERSATIONS} conversations in {seconds:.1f} s, peak memory {memory:.0f} MB")
    assert set(view.statuses.values()) == {"delivered"}
    assert {view.text(pk) for pk in view.statuses} == {BENCH.text()}
    for seqs in view.seqs.values():
        assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))
    screens = (await _ask(f"{simulator_url}/_sim/screens?bot={DEMO_APP_ID}"))["screens"]
    assert len(screens) == CONVERSATIONS
    for screen in screens:
        bubbles = [(bubble["state"], bubble["text"]) for bubble in screen["bubbles"] if bubble["from"] == "bot"]
        assert bubbles == [("done", BENCH.text())], screen["target"]
    assert (await _ask(f"{simulator_url}/_sim/violations"))["violations"] == []
    assert memory < MOST_MEMORY
    assert not [line for line in console.lines if "level=error" in line]
