"""One media delivery, in memory: our sender and client against a strict platform, and what a recorder would hold."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from adapter.answers import Answer
from adapter.client import Credentials, QQClient, Timeouts
from adapter.content import BytesContent
from adapter.frames import Frame, Pair
from adapter.limits import Pace
from adapter.outside import Outside, Patience
from adapter.pieces import MediaItem, MediaKind, MediaOutcome, SendMedia
from adapter.policy import Policy
from adapter.request import Request
from adapter.segment import Segment
from adapter.sender import Intent, Sender
from adapter.stream import StreamMachine
from adapter.targets import Scene, Target
from adapter.verdicts import Outcome, Verdict
from simulator import DEMO_APP_ID, DEMO_SECRET, Simulator
from simulator.samples import mp4, png

INLINE = 40_000
"""Bytes that go in one piece here; a part is as large."""


@dataclass
class Book:
    """What a recorder writes down: each request before it leaves, and what became of it."""

    first_seq: int = 1
    intended: list[tuple[Frame, Request]] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    segments: dict[int, Segment] = field(default_factory=dict)
    _seq: int | None = None

    async def intend(self, frame: Frame, segment: Segment, build: Callable[[int | None], Request]) -> Intent:
        if frame.pair is Pair.NONE:
            self._seq = None
        elif frame.pair is Pair.NEW:
            self._seq, self.first_seq = self.first_seq, self.first_seq + 1
        request = build(self._seq)
        self.intended.append((frame, request))
        return Intent(request, frame)

    def settle(self, intent: Intent, answer: Answer, verdict: Verdict, segment: Segment) -> Awaitable[None]:
        self.verdicts.append(verdict)
        self.segments[segment.number] = segment
        return asyncio.sleep(0)

    def ended(self, segment: Segment) -> Awaitable[None]:
        self.segments[segment.number] = segment
        return asyncio.sleep(0)

    def generated(self, text: str) -> None: ...

    def reasoned(self, text: str) -> None: ...

    def whole(self) -> None: ...


@dataclass
class House:
    """The platform with one user and one group, and the bot's client."""

    sim: Simulator
    client: QQClient
    outside: Outside
    scene: Scene

    @property
    def target(self) -> Target:
        return Target(self.scene, f"TARGET{self.scene.value.upper()}")

    def item(self, way: str) -> MediaItem:
        """A file that goes that way first."""
        match way:
            case "data":
                return MediaItem(MediaKind.IMAGE, content=BytesContent(png(16)), name="小图.png")
            case "parts":
                film = b"".join(mp4(100_000))
                return MediaItem(MediaKind.VIDEO, content=BytesContent(film), name="影片.mp4")
            case "url":
                return MediaItem(MediaKind.IMAGE, url=f"{self.sim.url}/_sim/pictures/demo.png", name="demo.png")
            case _:
                return MediaItem(MediaKind.VOICE, url=f"{self.sim.url}/_sim/samples/voice.mp3", name="voice.mp3")

    async def attempt(self, item: MediaItem, *, passive: bool = False, first_seq: int = 1) -> tuple[Outcome, Book]:
        """One try at a delivery of that item alone."""
        policy = Policy(
            None,
            reference=await self.said() if passive else None,
            media_passive=passive,
            direct_limit=INLINE,
            delays=(0.01,),
            tries=3,
            part_tries=3,
            way_tries=2,
            part_silence=0.45,
            fresh_prepares=1,
            allow_private=True,
        )
        book = Book(first_seq)
        sender = Sender(StreamMachine(policy), self.client, book, self.target, outside=self.outside)
        async with asyncio.timeout(60):
            return await sender.run(_alone(item)), book

    async def said(self) -> str:
        """The user writes to the bot; return the msg_id."""
        return await self.sim.say(DEMO_APP_ID, self.target.id, "发给我", scene=self.scene.value)

    @property
    def shown(self) -> list[dict[str, Any]]:
        """What the bot has put on the user's screen."""
        bubbles = self.sim.screen(DEMO_APP_ID, self.scene.value, self.target.id)
        return [bubble for bubble in bubbles if bubble["from"] == "bot"]


async def _alone(item: MediaItem) -> AsyncGenerator[SendMedia, MediaOutcome | None]:
    yield SendMedia(item)


def hurry(sim: Simulator) -> None:
    """Let the platform take parts of a size that tests can wait for, from a bot that never sends too often."""
    sim.switches.part_size = INLINE
    sim.switches.part_retry_delay = 0
    sim.switches.part_retry_timeout = 2
    sim.switches.proactive_times = 1000


async def opened(sim: Simulator, scene: Scene) -> House:
    """Return a house whose client gives up soon. Close its client and its ``outside``."""
    at = Credentials(DEMO_APP_ID, DEMO_SECRET, sim.url, f"{sim.url}/app/getAppAccessToken")
    timeouts = Timeouts(message=0.3, upload=0.5, connect=2.0)
    client = QQClient(at, pace=Pace(*[10_000.0] * 6), timeouts=timeouts)
    return House(sim, client, Outside(Patience(connect=2.0, silence=0.15)), scene)
