"""The hub: one subscription of a process, one frame for all who watch the same."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from channels.layers import get_channel_layer

from qqconsole.live.hub import AT_ONCE, MOST_FRAMES, Hub, Mailbox, here
from qqconsole.live.publish import ALL, Publisher


@pytest_asyncio.fixture
async def hub() -> AsyncIterator[Hub]:
    await get_channel_layer().flush()
    hub = Hub(interval=0.05, echo_every=0.02)
    yield hub
    for audience in list(hub._audiences.values()):
        for mailbox in list(audience.mailboxes):
            await hub.leave(mailbox)


@pytest.fixture
def publishers() -> Any:
    """Two, as of two processes."""
    made = [Publisher(), Publisher()]
    yield made
    for publisher in made:
        publisher.stop()


def event(delivery: int, seq: int = 1, session: int = 7) -> dict[str, Any]:
    return {"type": "delivery", "delivery": delivery, "seq": seq, "session": session}


async def events(mailbox: Mailbox, number: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    async with asyncio.timeout(10):
        while len(found) < number:
            found += json.loads(await mailbox.next())["events"]
    return found


async def test_everybody_gets_everything_and_a_session_its_own(hub, publishers):
    all_of_it, five, six = await hub.join(), await hub.join(5), await hub.join(6)
    publishers[0].publish([event(1, session=5), event(2, session=6), {"type": "bot", "bot": 1}])
    assert len(await events(all_of_it, 3)) == 3
    assert [e.get("delivery", "bot") for e in await events(five, 2)] == [1, "bot"]
    assert [e.get("delivery", "bot") for e in await events(six, 2)] == [2, "bot"]


async def test_viewers_of_the_same_get_one_and_the_same_string(hub, publishers):
    mailboxes = [await hub.join() for _ in range(3)]
    publishers[0].publish([event(1)])
    async with asyncio.timeout(10):
        frames = [await mailbox.next() for mailbox in mailboxes]
    assert frames[0] is frames[1] is frames[2]


async def test_what_two_processes_publish_comes_in_few_frames_each_in_its_order(hub, publishers):
    mailbox = await hub.join()
    for seq in range(1, 151):
        for delivery, publisher in enumerate(publishers):
            publisher.publish([event(delivery, seq)])
        await asyncio.sleep(0.002)
    found, frames = [], 0
    async with asyncio.timeout(10):
        while len(found) < 300:
            found += json.loads(await mailbox.next())["events"]
            frames += 1
    for delivery in range(2):
        assert [e["seq"] for e in found if e["delivery"] == delivery] == list(range(1, 151))
    assert frames < 30


async def test_a_quiet_session_waits_for_no_interval(publishers):
    hub = Hub(interval=60)
    mailbox = await hub.join(7)
    other = await hub.join()
    publishers[0].publish([event(1, session=5)])
    await events(other, 1)
    publishers[0].publish([event(2, session=7)])
    assert [e["delivery"] for e in await events(mailbox, 1)] == [2]
    await hub.leave(mailbox)
    await hub.leave(other)


async def test_what_follows_at_once_is_a_few_frames_and_no_more(publishers):
    hub = Hub(interval=60)
    mailbox, witness = await hub.join(7), await hub.join(5)
    for seq in range(1, AT_ONCE + 1):
        publishers[0].publish([event(1, seq)])
        assert [e["seq"] for e in await events(mailbox, 1)] == [seq]
    publishers[0].publish([event(1, AT_ONCE + 1), event(2, session=5)])
    await events(witness, 1)
    assert mailbox._frames.empty()
    await hub.leave(mailbox)
    await hub.leave(witness)


async def test_many_sessions_stretch_the_interval(hub, publishers):
    mailbox = await hub.join()
    assert hub.current_interval() == 0.05
    publishers[0].publish([event(one, session=one) for one in range(1, 801)])
    await events(mailbox, 800)
    assert hub.current_interval() == pytest.approx(0.2)


async def test_a_viewer_who_reads_nothing_misses_and_keeps_nobody(hub):
    slow, quick = await hub.join(), await hub.join()
    layer = get_channel_layer()
    hub._interval = 0.0
    for _ in range(MOST_FRAMES + 5):
        await layer.group_send(ALL, {"type": "live.frame", "text": '{"type":"events","events":[1]}', "cuts": []})
        async with asyncio.timeout(10):
            await quick.next()
    assert slow.missed
    assert not quick.missed


async def test_the_last_who_leaves_ends_the_subscription(hub, publishers):
    layer = get_channel_layer()
    one, two = await hub.join(), await hub.join(3)
    await hub.leave(one)
    assert layer._groups[ALL]
    await hub.leave(two)
    assert ALL not in layer._groups
    again = await hub.join()
    publishers[0].publish([event(4)])
    assert [e["delivery"] for e in await events(again, 1)] == [4]


async def test_a_layer_that_brings_nothing_is_noticed_and_what_was_missed_is_told(hub):
    mailbox = await hub.join()
    layer = get_channel_layer()
    await layer.flush()
    members, taken = layer._put, []
    layer._put = lambda channel, message: taken.append(message) or True  # its server is gone
    try:
        await until(lambda: hub.deaf)
    finally:
        layer._put = members
    await until(lambda: not hub.deaf)
    assert mailbox.missed
    assert taken


async def test_each_loop_has_its_own():
    assert here() is here()
    assert await asyncio.to_thread(lambda: asyncio.run(_other())) is not here()


async def _other() -> Hub:
    return here()


async def until(truth: Any) -> None:
    async with asyncio.timeout(10):
        while not truth():  # noqa: ASYNC110 - the truth has no event
            await asyncio.sleep(0.005)


async def test_an_error_nobody_expected_ends_no_subscription(hub, publishers):
    hub._again_after = 0.1
    mailbox = await hub.join()
    await get_channel_layer().send(hub._channel, {"type": "something else"})
    async with asyncio.timeout(10):
        while not hub.deaf:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
        while hub.deaf or not mailbox.missed:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    publishers[0].publish([event(1)])
    assert [e["delivery"] for e in await events(mailbox, 1)] == [1]
