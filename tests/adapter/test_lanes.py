"""Who goes first when a bot has more to say than QQ lets it: told on a clock whose minutes pass at once."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field

from test_limits import most_in_one_second
from virtual_time import run_virtually

from adapter.limits import Pace
from adapter.request import Endpoint

LATENCY = 0.05
COMMIT = 0.01
"""Seconds until the row of a frame is written."""


@dataclass
class Crowd:
    """Streams that would like a frame every half a second, at one bot's pace."""

    pace: Pace
    left: list[float] = field(default_factory=list)
    opened: list[float] = field(default_factory=list)
    closed: list[float] = field(default_factory=list)
    """Seconds each waited for its opening and closing frame."""
    middles: defaultdict[int, list[float]] = field(default_factory=lambda: defaultdict(list))
    waited_with_text: list[float] = field(default_factory=list)

    def now(self) -> float:
        return asyncio.get_running_loop().time()

    async def frame(self, urgent: bool) -> float:
        """Return the seconds it waited once it was written down."""
        await asyncio.sleep(COMMIT)
        began = self.now()
        await self.pace.wait(Endpoint.STREAM, urgent=urgent)
        self.left.append(self.now())
        waited = self.now() - began
        await asyncio.sleep(LATENCY)
        return waited

    async def stream(self, number: int, starts: float, lasts: float) -> None:
        await asyncio.sleep(starts)
        self.opened.append(await self.frame(urgent=True))
        until = self.now() + lasts
        while (left := until - self.now()) > 0:
            await asyncio.sleep(min(0.5, left))
            place = self.pace.turn(Endpoint.STREAM)
            if place is not None:
                done, _ = await asyncio.wait({place}, timeout=max(0.0, until - self.now()))
                if not done:
                    place.cancel()
                    break
            self.waited_with_text.append(await self.frame(urgent=False))
            self.middles[number].append(self.now())
        self.closed.append(await self.frame(urgent=True))


def crowd(number: int, *, spread: float, lasts: float, rate: float = 45.0) -> Crowd:
    """``number`` streams that start evenly within ``spread`` seconds."""

    async def story() -> Crowd:
        made = Crowd(Pace(stream=rate, clock=asyncio.get_running_loop().time))
        await asyncio.gather(*(made.stream(n, spread * n / number, lasts) for n in range(number)))
        return made

    return run_virtually(story())


def test_a_few_streams_never_wait() -> None:
    made = crowd(15, spread=0.5, lasts=10.0)
    assert max(made.opened + made.closed + made.waited_with_text) < 0.2
    assert all(len(times) >= 16 for times in made.middles.values())


def test_three_hundred_streams_share_the_rate_fairly_and_close_at_once() -> None:
    made = crowd(300, spread=30.0, lasts=60.0)
    assert most_in_one_second(made.left) <= 45
    assert max(made.opened) < 1.0
    assert max(made.closed) < 1.0
    # While all of them are open.
    counts = [sum(31 < moment < 60 for moment in times) for times in made.middles.values()]
    assert len(counts) == 300
    assert max(counts) <= 2 * min(counts)
    # The whole rate was used, and no frame grew old once it was composed.
    assert len(made.left) > 0.85 * 45 * 80
    assert max(made.waited_with_text) < 0.5


def test_a_storm_of_openings_takes_hardly_longer_than_alone_and_starves_nobody() -> None:
    made = crowd(400, spread=0.0, lasts=30.0)
    alone = 400 * 1.1 / 45
    assert max(made.opened) < alone * 1.15
    during = [moment for times in made.middles.values() for moment in times if moment < alone]
    assert len(during) > 10
    assert max(made.closed) < alone * 1.25


def test_who_leaves_the_line_holds_up_nobody() -> None:
    async def story() -> float:
        loop = asyncio.get_running_loop()
        pace = Pace(stream=1.0, clock=loop.time)
        assert pace.turn(Endpoint.STREAM) is None
        gone, stays = pace.turn(Endpoint.STREAM), pace.turn(Endpoint.STREAM)
        assert gone is not None
        assert stays is not None
        gone.cancel()
        assert pace.readings()[Endpoint.STREAM].waiting == 1
        await stays
        return loop.time()

    assert run_virtually(story()) < 1.2


def test_composed_frames_that_wait_hold_back_those_who_would_compose() -> None:
    async def story() -> None:
        pace = Pace(stream=1.0, clock=asyncio.get_running_loop().time)
        await pace.wait(Endpoint.STREAM)
        waiting = [asyncio.ensure_future(pace.wait(Endpoint.STREAM)) for _ in range(2)]
        await asyncio.sleep(0)
        place = pace.turn(Endpoint.STREAM)
        assert place is not None
        await asyncio.sleep(0.5)
        assert not place.done()
        await waiting[0]
        await place
        assert not waiting[1].done()
        await waiting[1]

    run_virtually(story())
