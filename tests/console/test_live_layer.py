"""The layer of one process: between threads, with groups, expiry and counted losses."""

from __future__ import annotations

import asyncio
import threading

import pytest
from channels.exceptions import ChannelFull

from qqconsole.live.layer import ThreadSafeLayer


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def in_another_thread(coroutine) -> None:
    thread = threading.Thread(target=lambda: asyncio.run(coroutine))
    thread.start()
    thread.join(5)
    assert not thread.is_alive()


async def test_wakes_a_loop_that_idles_in_another_thread():
    layer = ThreadSafeLayer()
    channel = await layer.new_channel()
    for number in range(20):
        waiting = asyncio.ensure_future(layer.receive(channel))
        await asyncio.sleep(0)
        await asyncio.to_thread(in_another_thread, layer.send(channel, {"type": "n", "n": number}))
        assert await asyncio.wait_for(waiting, 2) == {"type": "n", "n": number}


async def test_nothing_is_lost_or_reordered_between_four_sending_threads_and_one_receiver():
    layer = ThreadSafeLayer(capacity=10_000)
    await layer.group_add("g", "inbox!")

    async def send(sender: int) -> None:
        for number in range(500):
            await layer.group_send("g", {"type": "n", "sender": sender, "n": number})

    threads = [threading.Thread(target=lambda s=sender: asyncio.run(send(s))) for sender in range(4)]
    for thread in threads:
        thread.start()
    seen: dict[int, list[int]] = {sender: [] for sender in range(4)}
    async with asyncio.timeout(20):
        for _ in range(2000):
            message = await layer.receive("inbox!")
            seen[message["sender"]].append(message["n"])
    assert seen == {sender: list(range(500)) for sender in range(4)}


async def test_a_group_reaches_each_member_once_and_nobody_who_left():
    layer = ThreadSafeLayer()
    for channel in ("a", "b", "c"):
        await layer.group_add("g", channel)
    await layer.group_add("g", "a")
    await layer.group_discard("g", "b")
    await layer.group_send("g", {"type": "hello"})
    assert await layer.receive("a") == {"type": "hello"}
    assert await layer.receive("c") == {"type": "hello"}
    for channel in ("a", "b"):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(layer.receive(channel), 0.01)


async def test_a_receiver_that_gave_up_takes_nothing_with_it():
    layer = ThreadSafeLayer()
    first = asyncio.ensure_future(layer.receive("a"))
    second = asyncio.ensure_future(layer.receive("a"))
    await asyncio.sleep(0)
    await layer.send("a", {"type": "one"})
    first.cancel()
    assert await asyncio.wait_for(second, 1) == {"type": "one"}


async def test_a_full_mailbox_refuses_a_message_and_counts_what_a_group_loses():
    layer = ThreadSafeLayer(capacity=2)
    await layer.group_add("g", "slow")
    for _ in range(5):
        await layer.group_send("g", {"type": "n"})
    with pytest.raises(ChannelFull):
        await layer.send("slow", {"type": "n"})
    assert layer.dropped == 3
    assert layer.take_missed("slow") == 3
    assert layer.take_missed("slow") == 0


async def test_capacity_may_differ_by_channel():
    layer = ThreadSafeLayer(capacity=1, channel_capacity={"wide.*": 3})
    for _ in range(3):
        await layer.send("wide.a", {"type": "n"})
    await layer.send("narrow", {"type": "n"})
    with pytest.raises(ChannelFull):
        await layer.send("narrow", {"type": "n"})


async def test_an_old_message_expires_and_its_channel_leaves_its_groups():
    clock = Clock()
    layer = ThreadSafeLayer(expiry=60, clock=clock)
    await layer.group_add("g", "gone")
    await layer.group_send("g", {"type": "old"})
    clock.now += 61
    await layer.group_send("g", {"type": "new"})
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(layer.receive("gone"), 0.01)


async def test_a_viewer_who_stays_for_days_stays_in_its_group():
    clock = Clock()
    layer = ThreadSafeLayer(group_expiry=86_400, clock=clock)
    await layer.group_add("g", "here")
    await layer.group_add("g", "forgotten")
    waiting = asyncio.ensure_future(layer.receive("here"))
    await asyncio.sleep(0)
    clock.now += 200_000
    await layer.group_send("g", {"type": "still"})
    assert await asyncio.wait_for(waiting, 1) == {"type": "still"}
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(layer.receive("forgotten"), 0.01)


async def test_receivers_hold_copies_of_their_own():
    layer = ThreadSafeLayer()
    await layer.group_add("g", "a")
    await layer.group_add("g", "b")
    await layer.group_send("g", {"type": "n", "list": [1]})
    (await layer.receive("a"))["list"].append(2)
    assert (await layer.receive("b"))["list"] == [1]


async def test_flush_forgets_messages_and_groups():
    layer = ThreadSafeLayer()
    await layer.group_add("g", "a")
    await layer.send("a", {"type": "n"})
    await layer.flush()
    await layer.group_send("g", {"type": "n"})
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(layer.receive("a"), 0.01)


@pytest.mark.parametrize("name", ["", "spaces are not", "x" * 120, "umläut"])
async def test_names_are_checked(name):
    layer = ThreadSafeLayer()
    with pytest.raises(TypeError):
        await layer.send(name, {"type": "n"})
    with pytest.raises(TypeError):
        await layer.group_send(name, {"type": "n"})


async def test_a_closed_loop_is_passed_over():
    layer = ThreadSafeLayer()

    async def wait_a_moment() -> None:
        task = asyncio.ensure_future(layer.receive("a"))
        await asyncio.sleep(0)
        # The loop ends under its feet, as a killed thread's would.
        task._log_destroy_pending = False
        asyncio.get_running_loop().stop()

    loop = asyncio.new_event_loop()

    def run() -> None:
        task = loop.create_task(wait_a_moment())
        loop.run_forever()
        assert task.done()
        loop.close()

    await asyncio.to_thread(run)
    mine = asyncio.ensure_future(layer.receive("a"))
    await asyncio.sleep(0)
    await layer.send("a", {"type": "n"})
    assert await asyncio.wait_for(mine, 1) == {"type": "n"}


async def test_a_member_that_reads_stays_for_longer_than_a_day():
    """A page on a wall is open for weeks: it must not fall out of its group in the moment between two messages."""
    clock = Clock()
    layer = ThreadSafeLayer(clock=clock)
    await layer.group_add("g", "wall!")
    for day in range(3):
        for number in range(2):
            # Each comes while the one before is being dealt with: nobody waits on the channel then.
            clock.now += 43_201
            await layer.group_send("g", {"type": "n", "n": number, "day": day})
            async with asyncio.timeout(2):
                assert await layer.receive("wall!") == {"type": "n", "n": number, "day": day}
