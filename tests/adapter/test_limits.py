"""The pace limiter: never more than N in any one second, in order, and without starving anyone."""

from __future__ import annotations

import asyncio
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapter.answers import Throttled
from adapter.limits import Pace
from adapter.permits import Window
from adapter.request import Endpoint, Request


def most_in_one_second(times: list[float]) -> int:
    most = first = 0
    for last, moment in enumerate(times):
        while moment - times[first] >= 1.0:
            first += 1
        most = max(most, last - first + 1)
    return most


def run(window: Window, arrivals: list[float]) -> list[float]:
    """What leaves when, for requests that arrive in this order; the wait is taken by moving the clock."""
    now, left = 0.0, []
    for arrival in arrivals:
        now = max(now, arrival)
        now = window.ready_at(now)
        window.take(now)
        left.append(now)
    return left


@given(
    rate=st.sampled_from([1.0, 2.5, 9.0, 45.0, 90.0]),
    gaps=st.lists(st.floats(0, 0.4), min_size=1, max_size=300),
    evenly=st.booleans(),
)
def test_never_more_than_n_in_any_one_second(rate: float, gaps: list[float], evenly: bool) -> None:
    arrivals, now = [], 0.0
    for gap in gaps:
        now += gap * gap
        arrivals.append(now)
    assert most_in_one_second(run(Window(rate, evenly=evenly), arrivals)) <= rate


def test_a_crowd_leaves_evenly() -> None:
    left = run(Window(45.0), [0.0] * 180)
    assert most_in_one_second(left) <= 45
    assert 3.0 < left[-1] < 4.4
    in_the_first_tenth = sum(1 for moment in left if moment < 0.1)
    assert in_the_first_tenth <= 4 + 5


def test_ten_parts_are_finished_as_fast_as_they_come() -> None:
    left = run(Window(10.0, evenly=False), [0.0] * 20)
    assert left[:10] == [0.0] * 10
    assert left[10:] == [pytest.approx(1.1)] * 10


def test_a_lone_request_does_not_wait() -> None:
    arrivals = [n * 0.05 for n in range(100)]
    assert run(Window(45.0), arrivals) == arrivals


def test_rates_below_one_stretch_the_window() -> None:
    left = run(Window(0.5), [0.0] * 4)
    assert [round(moment) for moment in left] == [0, 2, 4, 6]


@pytest.mark.parametrize("rate", [0, -1, float("nan"), float("inf")])
def test_a_rate_must_be_above_zero(rate: float) -> None:
    with pytest.raises(ValueError, match="above 0"):
        Window(rate)


def test_a_throttled_window_opens_again_slower_and_finds_back() -> None:
    window = Window(10.0)
    window.throttled(1.0, 4.0)
    assert window.ready_at(1.0) == 5.0
    assert window.ready_at(6.0) == 6.0
    assert window.gap(5.0) > 1.2 * Window(10.0).gap(5.0)
    assert window.gap(60.0) == Window(10.0).gap(60.0)


def test_what_left_counts_against_a_new_rate_too() -> None:
    window = Window(20.0)
    for _ in range(20):
        window.take(window.ready_at(0.0))
    window.set_rate(5.0)
    assert window.ready_at(1.0) > 1.8


async def test_the_real_clock_keeps_the_rate_and_the_order() -> None:
    pace, order, times = Pace(stream=100.0), [], []

    async def one(number: int) -> None:
        await pace.wait(Endpoint.STREAM)
        order.append(number)
        times.append(time.monotonic())

    await asyncio.gather(*(one(number) for number in range(150)))
    assert order == list(range(150))
    assert most_in_one_second(times) <= 100
    assert times[-1] - times[0] < 2.5


async def test_urgent_ones_pass_but_do_not_starve_the_others() -> None:
    pace, order = Pace(stream=50.0), []

    async def one(name: str, urgent: bool) -> None:
        await pace.wait(Endpoint.STREAM, urgent=urgent)
        order.append(name)

    for _ in range(5):
        await pace.wait(Endpoint.STREAM)
    await asyncio.gather(*(one(f"plain{n}", False) for n in range(4)), *(one(f"urgent{n}", True) for n in range(10)))
    assert order[0] == "urgent0"
    assert [name for name in order if name.startswith("urgent")] == [f"urgent{n}" for n in range(10)]
    assert [name for name in order if name.startswith("plain")] == [f"plain{n}" for n in range(4)]
    assert order.index("plain0") <= 5


async def test_a_waiter_that_gives_up_takes_no_place() -> None:
    pace = Pace(recall=1.0)
    await pace.wait(Endpoint.RECALL)
    gone = asyncio.create_task(pace.wait(Endpoint.RECALL))
    stays = asyncio.create_task(pace.wait(Endpoint.RECALL))
    await asyncio.sleep(0)
    gone.cancel()
    # A place that was kept for the one who left would cost a second second.
    async with asyncio.timeout(1.9):
        await stays
    with pytest.raises(asyncio.CancelledError):
        await gone


def frame(path: str = "/v2/users/U/stream_messages", endpoint: Endpoint = Endpoint.STREAM) -> Request:
    return Request("POST", path, {}, endpoint)


async def test_slowing_down_holds_waiters_and_newcomers() -> None:
    pace = Pace()
    pace.throttled(frame(), Throttled(0.15))
    started = time.monotonic()
    held = asyncio.create_task(pace.wait(Endpoint.STREAM))
    await pace.wait(Endpoint.MESSAGE)
    assert not held.done()
    await held
    assert time.monotonic() - started >= 0.15


async def test_an_answer_closes_an_endpoint_for_a_minute_at_most() -> None:
    now = 100.0
    pace = Pace(clock=lambda: now)
    pace.throttled(frame(), Throttled(3_600))
    now += 59.9
    held = asyncio.create_task(pace.wait(Endpoint.STREAM))
    done, _ = await asyncio.wait({held}, timeout=0.05)
    assert not done
    now += 0.2
    async with asyncio.timeout(5):
        await held


async def test_other_endpoints_are_not_limited() -> None:
    pace = Pace()
    async with asyncio.timeout(30):
        for _ in range(1_000):
            await pace.wait(Endpoint.OTHER)
        pace.throttled(frame("/x", Endpoint.OTHER), Throttled(60.0))
        await pace.wait(Endpoint.OTHER)


def test_requests_held_up_on_their_way_still_keep_the_rate() -> None:
    """A new connection or a busy machine delays some by up to 0.08 s, and they meet the next ones at QQ."""
    left = run(Window(45.0), [0.0] * 180)
    arrived = sorted(moment + (0.08 if number % 20 < 10 else 0.0) for number, moment in enumerate(left))
    assert most_in_one_second(arrived) <= 45
