"""A stream's place in the line: asked for once, kept until it is used, given back when something else comes first."""

from __future__ import annotations

import asyncio

from adapter.request import Endpoint
from adapter.turns import Line


class Desk:
    """Gives turns under the test's hand."""

    def __init__(self) -> None:
        self.places: list[asyncio.Future[None]] = []
        self.free = False

    def turn(self, endpoint: Endpoint) -> asyncio.Future[None] | None:
        if self.free:
            return None
        self.places.append(asyncio.get_running_loop().create_future())
        return self.places[-1]


async def test_a_turn_comes_once_and_wakes_who_waits() -> None:
    desk, woken = Desk(), asyncio.Event()
    line = Line(desk, Endpoint.STREAM, woken.set)
    assert not line.join()
    assert not line.join()
    assert len(desk.places) == 1
    desk.places[0].set_result(None)
    await woken.wait()
    assert line.mine
    line.leave()
    assert line.mine, "a turn that came is kept for the next frame"
    line.used()
    assert not line.mine


async def test_who_has_something_else_to_send_leaves_the_line() -> None:
    desk, woken = Desk(), asyncio.Event()
    line = Line(desk, Endpoint.STREAM, woken.set)
    line.join()
    line.leave()
    assert desk.places[0].cancelled()
    await asyncio.sleep(0)
    assert not woken.is_set()
    assert not line.mine
    desk.free = True
    assert line.join()


def test_without_a_pace_it_is_always_ones_turn() -> None:
    line = Line(None, Endpoint.OTHER, lambda: None)
    assert line.join()
    line.used()
    assert line.mine
