"""Run a peer in a process of its own: botpy and nonebot both keep their state in globals."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from simulator import DEMO_APP_ID, DEMO_SECRET, Simulator

PEERS = Path(__file__).parent / "peers"
PATIENCE = 20  # seconds


class Peer:
    """A running peer; what it says on standard output can be awaited."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._said: list[dict[str, Any]] = []
        self._spoke = asyncio.Event()
        self.noise = ""

    async def listen(self) -> None:
        """Take in what the peer says until it ends."""
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            if line.startswith(b"{"):
                self._said.append(json.loads(line))
            else:
                self.noise += line.decode(errors="replace")
            self._spoke.set()
        self._said.append({"event": "ended"})
        self._spoke.set()

    async def hear(self, event: str) -> dict[str, Any]:
        """Return (and forget) the first thing of that kind the peer says; raises AssertionError when it does not."""
        try:
            async with asyncio.timeout(PATIENCE):
                while True:
                    for said in self._said:
                        if said["event"] == event:
                            self._said.remove(said)
                            return said
                        assert said["event"] != "ended", f"the peer ended:\n{self.noise}"
                    self._spoke.clear()
                    await self._spoke.wait()
        except TimeoutError:
            raise AssertionError(f"no {event!r} from the peer:\n{self.noise}") from None


@asynccontextmanager
async def running(name: str, sim: Simulator) -> AsyncIterator[Peer]:
    """Start `peers/<name>.py` against the simulator, wait until it is connected, end it afterwards."""
    address = sim.url.removeprefix("http://")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(PEERS / f"{name}.py"), address, DEMO_APP_ID, DEMO_SECRET),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    peer = Peer(process)
    listening = asyncio.create_task(peer.listen())
    try:
        assert (await peer.hear("ready"))["name"] == "演示机器人"
        yield peer
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        await listening


async def seen(
    sim: Simulator, scene: str, target: str, enough: Callable[[list[dict[str, Any]]], bool]
) -> list[dict[str, Any]]:
    """Return the bot's bubbles on that screen once they are `enough`; raises AssertionError when they never are."""
    changed = asyncio.Event()

    def note(*change: object) -> None:
        changed.set()

    def bubbles() -> list[dict[str, Any]]:
        return [each for each in sim.screen(DEMO_APP_ID, scene, target) if each["from"] == "bot"]

    sim.platform.observers.add(note)
    try:
        async with asyncio.timeout(PATIENCE):
            while not enough(bubbles()):
                changed.clear()
                await changed.wait()
    except TimeoutError:
        requests = [(each["path"], each["status"], each["answer"]) for each in sim.requests()][-5:]
        raise AssertionError(f"on the screen: {bubbles()}; last requests: {requests}") from None
    finally:
        sim.platform.observers.discard(note)
    return bubbles()
