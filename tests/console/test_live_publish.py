"""The publisher: at once when idle, many events a frame when busy, and never in its caller's way."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest

from qqconsole.live.layer import ThreadSafeLayer
from qqconsole.live.publish import ALL, EVERYBODY, MOST_EVENTS_WAITING, Publisher, encode, whose


class Recording(ThreadSafeLayer):
    """A real layer that also keeps what was sent to which group, and when."""

    def __init__(self) -> None:
        super().__init__(capacity=10_000)
        self.sent: list[tuple[float, str, list[dict[str, Any]]]] = []

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        frame = json.loads(message["text"])
        assert frame["type"] == "events"
        self.sent.append((time.monotonic(), group, frame["events"]))
        await super().group_send(group, message)

    def of(self, group: str) -> list[list[dict[str, Any]]]:
        return [events for _, sent_to, events in self.sent if sent_to == group]


@pytest.fixture
def layer() -> Recording:
    return Recording()


@pytest.fixture
def publisher(layer: Recording) -> Iterator[Publisher]:
    publisher = Publisher(layer)
    yield publisher
    publisher.stop()


def event(delivery: int, seq: int = 1, session: int = 7) -> dict[str, Any]:
    return {"type": "delivery", "delivery": delivery, "seq": seq, "session": session}


async def read(layer: ThreadSafeLayer, channel: str, events: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    async with asyncio.timeout(10):
        while len(found) < events:
            found += json.loads((await layer.receive(channel))["text"])["events"]
    return found


def test_an_event_is_of_one_session_of_every_one_or_of_none():
    assert whose(event(1, session=9)) == 9
    assert whose({"type": "bot", "bot": 3}) == EVERYBODY
    assert whose({"type": "bulk", "bulk": 3}) is None


async def test_the_first_waits_for_no_interval(layer):
    await layer.group_add(ALL, "viewer")
    slow = Publisher(layer, interval=60)
    try:
        slow.publish([event(1, 1)])
        assert (await read(layer, "viewer", 1))[0]["seq"] == 1
    finally:
        slow.stop()


async def test_the_first_is_sent_at_once_and_what_follows_together(layer, publisher):
    await layer.group_add(ALL, "viewer")
    publisher.publish([event(1, 1)])
    assert (await read(layer, "viewer", 1))[0]["seq"] == 1
    for seq in range(2, 300):
        publisher.publish([event(1, seq)])
    assert [e["seq"] for e in await read(layer, "viewer", 298)] == list(range(2, 300))
    times = [at for at, group, _ in layer.sent if group == ALL]
    assert len(times) <= 15
    assert all(later - earlier > 0.009 for earlier, later in pairwise(times))


async def test_the_cuts_say_where_each_event_of_a_session_stands(layer, publisher):
    await layer.group_add(ALL, "viewer")
    publisher.publish([event(1, session=5), {"type": "odd"}, event(2, session=6) | {"text": "好"}, {"type": "bot"}])
    message = await layer.receive("viewer")
    cut = [(whose, json.loads(message["text"][start:end])) for whose, start, end in message["cuts"]]
    assert [(whose, found.get("delivery")) for whose, found in cut] == [(5, 1), (6, 2), (EVERYBODY, None)]
    assert [found["type"] for found in json.loads(message["text"])["events"]] == ["delivery", "odd", "delivery", "bot"]


async def test_from_many_threads_each_in_its_order(layer, publisher):
    await layer.group_add(ALL, "viewer")

    def write(delivery: int) -> None:
        for seq in range(1, 101):
            publisher.publish([event(delivery, seq)])

    await asyncio.gather(*(asyncio.to_thread(write, delivery) for delivery in range(4)))
    found = await read(layer, "viewer", 400)
    for delivery in range(4):
        assert [e["seq"] for e in found if e["delivery"] == delivery] == list(range(1, 101))


class Broken(ThreadSafeLayer):
    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        raise OSError("no layer today")


def test_a_broken_layer_is_counted_and_disturbs_nobody(caplog):
    publisher = Publisher(Broken())
    publisher.publish([event(1)])
    publisher.stop()
    assert publisher.dropped == 1
    assert "no layer today" in caplog.text


async def test_what_cannot_be_encoded_is_counted_and_the_rest_goes_out(layer, publisher, caplog):
    await layer.group_add(ALL, "viewer")
    publisher.publish([{"type": "odd", "thing": object()}, event(2)])
    assert [e["delivery"] for e in await read(layer, "viewer", 1)] == [2]
    assert publisher.dropped == 1


def test_a_stuck_layer_does_not_fill_the_memory():
    publisher = Publisher(Recording())
    with publisher._lock:  # the background thread cannot take anything meanwhile
        publisher._scheduled = True
    publisher.publish([event(1)] * (MOST_EVENTS_WAITING + 10))
    assert publisher.dropped == 10
    assert len(publisher._waiting) == MOST_EVENTS_WAITING


async def test_after_stop_the_rest_is_out_and_publishing_starts_anew(layer):
    publisher = Publisher(layer)
    publisher.publish([event(1, 1)])
    publisher.publish([event(1, 2)])
    publisher.stop()
    assert [e["seq"] for events in layer.of(ALL) for e in events] == [1, 2]
    publisher.publish([event(1, 3)])
    publisher.stop()
    assert [e["seq"] for events in layer.of(ALL) for e in events] == [1, 2, 3]


def test_text_is_encoded_as_it_is():
    assert json.loads(encode({"text": "好</script>\u2028👩‍👩‍👧"})) == {"text": "好</script>\u2028👩‍👩‍👧"}
