"""A sender with a record in memory, between a source and the simulator."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from adapter.answers import Answer, Exchange
from adapter.client import Credentials, QQClient, Timeouts
from adapter.content import FileContent
from adapter.desk import MediaDesk
from adapter.frames import Frame, Pair
from adapter.limits import Pace
from adapter.pieces import MediaItem, MediaKind, MediaOutcome, Piece, SendMedia
from adapter.policy import Policy
from adapter.request import Request
from adapter.segment import Segment
from adapter.sender import Intent, Sender
from adapter.stream import StreamMachine
from adapter.targets import Scene, Target
from adapter.verdicts import Outcome, Verdict
from simulator import DEMO_APP_ID, DEMO_SECRET, Simulator

Told = AsyncGenerator[Piece, MediaOutcome | None]
MP4 = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom"


@dataclass
class Row:
    frame: Frame
    request: Request
    segment: Segment
    verdict: Verdict | None = None
    exchange: Exchange = field(default_factory=Exchange)


@dataclass
class Record:
    rows: list[Row] = field(default_factory=list)
    progress: list[dict[str, Any] | None] = field(default_factory=list)
    seq: int = 0

    async def intend(self, frame: Frame, segment: Segment, build: Callable[[int | None], Request]) -> Intent:
        self.seq += frame.pair is Pair.NEW
        request = build(None if frame.pair is Pair.NONE else self.seq)
        self.rows.append(Row(frame, request, segment))
        self.progress.append(segment.upload.progress() if segment.upload else None)
        return Intent(request, self.rows[-1])

    def settle(self, intent: Intent, answer: Answer, verdict: Verdict, segment: Segment) -> Awaitable[None]:
        row = intent.ticket
        assert isinstance(row, Row)
        row.verdict, row.exchange = verdict, answer.exchange
        return asyncio.sleep(0)

    def ended(self, segment: Segment) -> Awaitable[None]:
        return asyncio.sleep(0)

    def generated(self, text: str) -> None:
        """Not of interest here."""

    def reasoned(self, text: str) -> None:
        """Not of interest here."""

    def whole(self) -> None:
        """Not of interest here."""

    @property
    def kinds(self) -> list[str]:
        return [row.frame.kind.value for row in self.rows]

    def of(self, kind: str) -> list[Row]:
        return [row for row in self.rows if row.frame.kind == kind]


@dataclass
class Road:
    sim: Simulator
    client: QQClient
    target: Target

    async def run(self, source: Told, *, desk: MediaDesk | None = None, **policy: Any) -> tuple[Outcome, Record]:
        record = Record()
        chosen: dict[str, Any] = {"allow_private": True, "delays": (0.01,), "closing_gap": 0.0, **policy}
        machine = StreamMachine(Policy(None, **chosen))
        sender = Sender(machine, self.client, record, self.target, desk=desk)
        async with asyncio.timeout(30):
            return await sender.run(source), record

    async def send(self, item: MediaItem, **more: Any) -> tuple[Outcome, Record]:
        return await self.run(only(item), **more)

    @property
    def screen(self) -> list[dict[str, Any]]:
        shown = self.sim.screen(DEMO_APP_ID, self.target.scene.value, self.target.id)
        return [bubble for bubble in shown if bubble["from"] == "bot"]

    @property
    def files(self) -> list[tuple[str, str, int]]:
        """Type, name and size of what the user sees."""
        media = [bubble["media"] for bubble in self.screen if bubble["media"]]
        return [(each["type"], each["name"], each["size"]) for each in media]


def road(sim: Simulator, scene: Scene) -> Road:
    credentials = Credentials(DEMO_APP_ID, DEMO_SECRET, sim.url, f"{sim.url}/app/getAppAccessToken")
    pace = Pace(*[10_000.0] * 6)
    client = QQClient(credentials, pace=pace, timeouts=Timeouts(message=1.0, upload=2.0, connect=1.0))
    return Road(sim, client, Target(scene, "SOMEBODY1"))


async def only(item: MediaItem) -> Told:
    yield SendMedia(item)


async def film(path: Path, size: int, name: str = "影片.mp4") -> MediaItem:
    """A video of so many bytes on disk."""
    with path.open("wb") as file:
        file.write(MP4)
        file.truncate(size)
    return MediaItem(MediaKind.VIDEO, content=await FileContent.of(path), name=name)
