"""Many replies of one bot at once, from the model to strict QQ, on a clock whose minutes pass at once."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest
from sender_house import Book, Told
from strict_qq import StrictQQ
from test_limits import most_in_one_second
from virtual_time import run_virtually

from adapter.answers import Answer, Throttled
from adapter.dialects import DIALECTS
from adapter.limits import Pace
from adapter.pieces import Text
from adapter.policy import Policy
from adapter.request import Request
from adapter.sender import Sender
from adapter.stream import StreamMachine
from adapter.targets import Scene, Target
from adapter.verdicts import OutcomeStatus

LATENCY = 0.08


def now() -> float:
    return asyncio.get_running_loop().time()


@dataclass
class Platform:
    """QQ, which throttles what is more than ``grants`` in one second."""

    grants: int
    code: int | None
    pace: Pace
    arrived: list[float] = field(default_factory=list)
    taken: list[float] = field(default_factory=list)
    throttled: int = 0

    async def send(self, request: Request, qq: StrictQQ) -> Answer:
        await self.pace.wait(request.endpoint, urgent=request.urgent)
        self.arrived.append(now())
        await asyncio.sleep(LATENCY / 2)
        if sum(moment > now() - 1.0 for moment in self.taken[-self.grants :]) >= self.grants:
            self.throttled += 1
            throttle = Throttled(None, self.code)
            self.pace.throttled(request, throttle)
            answer: Answer = throttle
        else:
            self.taken.append(now())
            answer = qq.post(request, now())
        await asyncio.sleep(LATENCY / 2)
        return answer


@dataclass
class Door:
    """One user's way to the platform: the sender's client."""

    platform: Platform
    qq: StrictQQ = field(default_factory=lambda: StrictQQ(gap=0.3))
    sent: list[float] = field(default_factory=list)

    async def send(self, request: Request) -> Answer:
        answer = await self.platform.send(request, self.qq)
        self.sent.append(now())
        return answer


@dataclass
class Seen:
    whole: str
    shown: str
    late: float
    """Seconds between the end of the model and the end of the reply."""
    middles: int


async def reply(number: int, platform: Platform, dialect: str, begins: float, lasts: float) -> Seen:
    text = [f"{number}:{piece}，" for piece in range(int(lasts * 4))]
    ended = 0.0

    async def model() -> Told:
        nonlocal ended
        await asyncio.sleep(begins)
        for piece in text:
            await asyncio.sleep(0.25)
            yield Text(piece)
        ended = now()

    door, book = Door(platform), Book()
    policy = Policy(DIALECTS[dialect], reference="inbound-1", interval=0.5, open_after=4)
    target = Target(Scene.C2C, f"U{number}")
    sender = Sender(StreamMachine(policy), door, book, target, turns=platform.pace, clock=now)
    outcome = await sender.run(model())
    assert outcome.status is OutcomeStatus.DELIVERED
    assert door.qq.violations == []
    assert not any(bubble.open for bubble in door.qq.bubbles)
    shown = "".join(bubble.text for bubble in door.qq.bubbles)
    return Seen("".join(text), shown, now() - ended, book.kinds.count("middle"))


def crowd(
    number: int, *, lasts: float, grants: int = 45, code: int | None = None, dialect: str = "stream_messages"
) -> tuple[Platform, list[Seen]]:
    async def story() -> tuple[Platform, list[Seen]]:
        platform = Platform(grants, code, Pace(stream=45.0, message=45.0, clock=now))
        each = [reply(n, platform, dialect, begins=n * 0.04, lasts=lasts) for n in range(number)]
        return platform, await asyncio.gather(*each)

    return run_virtually(story())


@pytest.mark.parametrize("dialect", DIALECTS)
def test_three_hundred_replies_are_whole_and_closed_in_time(dialect: str) -> None:
    platform, replies = crowd(300, lasts=30.0, dialect=dialect)
    assert platform.throttled == 0
    assert most_in_one_second(platform.arrived) <= 45
    for told in replies:
        assert told.shown.rstrip("\n") == told.whole
        assert told.late < 2.0
    assert min(told.middles for told in replies) >= 3


def test_a_bot_that_is_granted_less_than_its_setting_slows_down_and_loses_nothing() -> None:
    platform, replies = crowd(60, lasts=40.0, grants=25, code=50002)
    assert all(told.shown == told.whole for told in replies)
    assert platform.throttled > 0
    assert platform.throttled < 0.1 * len(platform.arrived)
    # It found the rate, rather than giving up.
    assert len(platform.taken) > 0.6 * 25 * (platform.taken[-1] - platform.taken[0])
