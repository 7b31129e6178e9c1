"""Typing hints: only while there is nothing to be seen, only as often as the ledger lets them, never in the way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from sender_house import House, Slow, at_once, until

from adapter.answers import Accepted, Answer, Refused, Unknown
from adapter.passive import Denied, Use, may_use
from adapter.pieces import Text
from adapter.request import Request
from adapter.sender import Sender
from adapter.stream import StreamMachine
from adapter.targets import Scene, Target
from adapter.typing_hints import TypingHints
from adapter.verdicts import OutcomeStatus

USER = Target(Scene.C2C, "T1")


@dataclass
class Kept:
    """The record of hints: one message's answers, of which QQ allows four."""

    used: int = 0
    broken: bool = False
    answers: list[Answer] = field(default_factory=list)

    async def intend(self, seconds: int, build: Callable[[int], Request]) -> tuple[Request, object] | Denied:
        if self.broken:
            raise RuntimeError("the database is away")
        if not may_use(Use.TYPING, self.used, 4):
            return Denied("none_left", self.used)
        self.used += 1
        return build(self.used), self.used

    def settle(self, ticket: object, answer: Answer) -> None:
        self.answers.append(answer)


@dataclass
class Phone:
    """QQ's side of the hints."""

    bodies: list[dict] = field(default_factory=list)
    answer: Answer = field(default_factory=lambda: Accepted("hint-1"))
    door: asyncio.Event = field(default_factory=asyncio.Event)

    async def send(self, request: Request) -> Answer:
        self.bodies.append(request.body)
        await self.door.wait()
        return self.answer


def made(book: Kept | None = None, *, silence: float = 0.01, seconds: float = 0.02) -> tuple[House, Kept, Phone]:
    """A house whose replies hint after ``silence``, and again every ``seconds``."""
    house, kept, phone = House(), book or Kept(), Phone()
    phone.door.set()
    hints = TypingHints(phone, kept, USER, "inbound-1", seconds, silence=silence)  # type: ignore[arg-type]
    house.machine = StreamMachine(house.machine.policy)
    house.sender = Sender(house.machine, house.qq, house.book, USER, hints=hints)
    return house, kept, phone


def over(house: House) -> bool:
    """Whether nothing will hint any more."""
    hints = house.sender._hints
    return hints is not None and hints._task is not None and hints._task.done()


async def test_silence_shows_that_somebody_is_typing_and_leaves_two_answers() -> None:
    house, kept, phone = made()
    slow = Slow(Text("Guten Morgen zusammen"))
    running = asyncio.create_task(house.run(slow.source()))
    await until(lambda: len(phone.bodies) == 2)
    # The third is asked for and denied: then nobody asks any more.
    await until(lambda: over(house))
    assert kept.used == len(phone.bodies) == 2
    assert phone.bodies[0] == {
        "msg_type": 6,
        "input_notify": {"input_type": 1, "input_second": 0.02},
        "msg_id": "inbound-1",
        "msg_seq": 1,
    }
    slow.go(2)
    assert (await running).status is OutcomeStatus.DELIVERED


async def test_an_answer_that_is_there_at_once_needs_no_hint() -> None:
    house, kept, phone = made(silence=0.5)
    await house.run(at_once(Text("Guten Morgen zusammen")))
    assert (kept.used, phone.bodies) == (0, [])


async def test_no_hint_leaves_after_the_first_frame() -> None:
    house, _, phone = made(silence=0.05)
    slow = Slow(Text("Guten Morgen"), Text(" zusammen, wie geht es"))
    running = asyncio.create_task(house.run(slow.source()))
    slow.go()
    await until(lambda: bool(house.book.frames))
    await until(lambda: over(house))
    assert phone.bodies == []
    slow.go(2)
    await running


async def test_an_answer_waits_for_no_hint_and_the_record_says_what_became_of_it() -> None:
    house, kept, phone = made()
    phone.door.clear()
    slow = Slow(Text("Guten Morgen zusammen"))
    running = asyncio.create_task(house.run(slow.source()))
    await until(lambda: bool(phone.bodies))
    slow.go(2)
    assert (await running).status is OutcomeStatus.DELIVERED
    assert [type(answer) for answer in kept.answers] == [Unknown]


async def test_what_becomes_of_a_hint_is_nothing_to_the_answer() -> None:
    for book in (Kept(broken=True), Kept()):
        house, _, phone = made(book)
        phone.answer = Refused(22006, True)
        slow = Slow(Text("Guten Morgen zusammen"))
        running = asyncio.create_task(house.run(slow.source()))
        await until(lambda house=house: over(house))
        assert len(phone.bodies) == (0 if book.broken else 1)
        slow.go(2)
        assert (await running).status is OutcomeStatus.DELIVERED
