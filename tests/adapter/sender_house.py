"""A sender with everything around it in memory: a client that is strict QQ, a recorder, a source under one's hand."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field

from strict_qq import FINE, Fault, StrictQQ

from adapter.answers import Answer
from adapter.dialects import DIALECTS
from adapter.frames import Frame, Pair
from adapter.pieces import MediaOutcome, Piece
from adapter.policy import DeadReference, Policy
from adapter.request import Request
from adapter.segment import Segment, SegmentStatus
from adapter.sender import Intent, Sender
from adapter.stream import StreamMachine
from adapter.targets import Scene, Target
from adapter.verdicts import Outcome, Verdict

Told = AsyncGenerator[Piece, MediaOutcome | None]


@dataclass
class QQ:
    """The client: strict QQ behind a door that may be held shut."""

    qq: StrictQQ = field(default_factory=lambda: StrictQQ(gap=0.0))
    faults: list[Fault] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    door: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.door.set()

    async def send(self, request: Request) -> Answer:
        self.arrived.set()
        await self.door.wait()
        return self.qq.post(request, time.monotonic(), self.faults.pop(0) if self.faults else FINE)

    @property
    def screen(self) -> list[str]:
        return [bubble.text for bubble in self.qq.bubbles]

    @property
    def left_open(self) -> bool:
        return any(bubble.open for bubble in self.qq.bubbles)


class FenceLost(Exception):
    pass


@dataclass
class Book:
    """The recorder: a list of what would be rows."""

    lines: list[str] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=list)
    text: str = ""
    thought: str = ""
    lose_fence_at: int = 0
    next_seq: int = 0
    last_seq: int | None = None
    segment_seqs: dict[int, int] = field(default_factory=dict)
    statuses: dict[int, SegmentStatus] = field(default_factory=dict)

    async def intend(self, frame: Frame, segment: Segment, build: Callable[[int | None], Request]) -> Intent:
        await asyncio.sleep(0)
        self.frames.append(frame)
        if len(self.frames) == self.lose_fence_at:
            raise FenceLost
        if frame.pair is Pair.NONE:
            self.last_seq = None
        elif frame.pair is Pair.SEGMENT:
            self.last_seq = self.segment_seqs[frame.segment]
        elif frame.pair is Pair.NEW:
            self.next_seq += 1
            self.last_seq = self.next_seq
            self.segment_seqs[frame.segment] = self.next_seq
        self.lines.append(f"intend {frame.kind}")
        return Intent(build(self.last_seq), frame)

    def settle(self, intent: Intent, answer: Answer, verdict: Verdict, segment: Segment) -> Awaitable[None]:
        self.lines.append(f"settle {verdict}")
        self.statuses[segment.number] = segment.status
        return self._written()

    def ended(self, segment: Segment) -> Awaitable[None]:
        self.lines.append(f"ended {segment.status}")
        self.statuses[segment.number] = segment.status
        return self._written()

    async def _written(self) -> None:
        await asyncio.sleep(0)

    def generated(self, text: str) -> None:
        self.text += text

    def reasoned(self, text: str) -> None:
        self.thought += text

    def whole(self) -> None:
        self.is_whole = True

    @property
    def kinds(self) -> list[str]:
        return [frame.kind.value for frame in self.frames]


@dataclass
class House:
    qq: QQ = field(default_factory=QQ)
    book: Book = field(default_factory=Book)
    road: str = "stream_messages"
    notice: str = ""
    on_dead_reference: DeadReference = DeadReference.PROACTIVE

    def __post_init__(self) -> None:
        dialect = DIALECTS.get(self.road)
        policy = Policy(
            dialect,
            reference="inbound-1",
            interval=0.02,
            closing_gap=0.005,
            open_after=4,
            delays=(0.01,),
            notice=self.notice,
            on_dead_reference=self.on_dead_reference,
        )
        self.machine = StreamMachine(policy)
        scene = Scene.C2C if dialect else Scene.GROUP
        self.sender = Sender(self.machine, self.qq, self.book, Target(scene, "T1"))

    async def run(self, source: Told | None) -> Outcome:
        async with asyncio.timeout(5):
            outcome = await self.sender.run(source)
        assert self.qq.qq.violations == []
        return outcome


async def at_once(*pieces: Piece) -> Told:
    for piece in pieces:
        yield piece


class Slow:
    """A source under the test's hand: it gives its next piece when told to, and remembers how it ended."""

    def __init__(self, *pieces: Piece, then: BaseException | None = None) -> None:
        self.pieces = pieces
        self.then = then
        self.given = 0
        self.told: list[MediaOutcome | None] = []
        self.closed = False
        self._go = asyncio.Semaphore(0)

    def go(self, count: int = 1) -> None:
        for _ in range(count):
            self._go.release()

    async def source(self) -> Told:
        try:
            for piece in self.pieces:
                await self._go.acquire()
                self.given += 1
                self.told.append((yield piece))
            await self._go.acquire()
            if self.then is not None:
                raise self.then
        finally:
            self.closed = True


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not true():  # noqa: ASYNC110 - it looks at the state of code under test, which has no event for it
            await asyncio.sleep(0.001)
