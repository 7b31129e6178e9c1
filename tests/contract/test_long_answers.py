"""An answer of 100,000 characters against the platform's own limits: no bubble too long, no character lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator

import pytest

from adapter.client import Credentials, QQClient
from adapter.dialects import DIALECTS
from adapter.limits import Pace
from adapter.pieces import MediaOutcome, Piece, Text
from adapter.policy import Policy
from adapter.segment import SegmentStatus
from adapter.sender import Sender
from adapter.stream import StreamMachine
from adapter.targets import Scene, Target
from adapter.verdicts import OutcomeStatus
from simulator import DEMO_APP_ID, DEMO_SECRET, Simulator
from tests.contract.media_road import Record

USER, GROUP = "USER1", "GROUP1"
LENGTH = 100_000
CODE = "".join(f"    total += {number}  # 加上 {number}\n" for number in range(60))
TABLE = "| 项目 | value |\n| --- | --- |\n" + "".join(f"| 第 {row} 行 | {row} |\n" for row in range(20))


def answer() -> str:
    """Chinese and English prose, links, lists, a table, and fences: one of them longer than any bubble."""
    made, number = ["```python\n" + CODE * 20 + "```\n\n"], 0
    while sum(map(len, made)) < LENGTH:
        number += 1
        made.append(
            f"## 第 {number} 节\n\n" + "这一句话说的是同一件事，见[说明](https://a.example/doc?n=1)。" * 9 + "\n\n"
        )
        made.append("An English sentence with **bold words** and `some code` in it. " * 6 + "\n\n- 一\n- 二 👨‍👩‍👧\n\n")
        made.append(TABLE + "\n" if number % 3 == 0 else "```sh\n" + "make test\n" * 40 + "```\n\n")
    return "".join(made)[:LENGTH]


@pytest.fixture
async def sim() -> AsyncIterator[Simulator]:
    async with Simulator(seed=1, stream_rate=10_000, message_rate=10_000) as started:
        started.switches.stream_pacing = 0.0
        started.switches.c2c_limit = started.switches.group_limit = None
        yield started


async def source(text: str, piece: int) -> AsyncGenerator[Piece, MediaOutcome | None]:
    for at in range(0, len(text), piece):
        yield Text(text[at : at + piece])
        await asyncio.sleep(0.001)


async def send(
    sim: Simulator, text: str, road: str, *, piece: int = 700, ends: OutcomeStatus = OutcomeStatus.DELIVERED
) -> tuple[StreamMachine, Record, list[str]]:
    scene, user = (Scene.GROUP, GROUP) if road == "group" else (Scene.C2C, USER)
    asked = await sim.say(DEMO_APP_ID, user, "讲讲", scene="group" if road == "group" else "c2c")
    quick = {"interval": 0.005, "closing_gap": 0.0, "opening_grace": 0.0, "delays": (0.001,)}
    machine = StreamMachine(Policy(DIALECTS.get(road), reference=asked, **quick))
    record = Record()
    at = Credentials(DEMO_APP_ID, DEMO_SECRET, sim.url, f"{sim.url}/app/getAppAccessToken")
    client = QQClient(at, pace=Pace(stream=10_000, message=10_000))
    try:
        outcome = await Sender(machine, client, record, Target(scene, user)).run(source(text, piece))
    finally:
        await client.close()
    assert outcome.status is ends, outcome
    bubbles = [one for one in sim.screen(DEMO_APP_ID, scene.value, user) if one["from"] == "bot"]
    return machine, record, [bubble["text"] for bubble in bubbles]


def undone(machine: StreamMachine, shown: list[str]) -> str:
    """What the user sees without what closes and opens a fence that was cut, and the older dialect's last newline."""
    texts = []
    for segment, bubble in zip(machine.segments.values(), shown, strict=True):
        whole = segment.opens_with + segment.text + segment.closes_with
        assert bubble in (whole, whole + "\n")
        texts.append(bubble[len(segment.opens_with) :][: len(segment.text)])
    return "".join(texts)


@pytest.mark.parametrize("road", [*DIALECTS, "group"])
async def test_nothing_is_lost_and_no_bubble_is_too_long(sim: Simulator, road: str) -> None:
    # Groups take no addresses.
    text = answer().replace("https://a.example/doc?n=1", "x" if road == "group" else "https://a.example/doc?n=1")
    machine, record, shown = await send(sim, text, road)
    assert undone(machine, shown) == text
    assert all(
        segment.status in (SegmentStatus.CLOSED, SegmentStatus.DELIVERED) for segment in machine.segments.values()
    )
    most = 4_000 if road == "messages.stream" else 18_000
    assert max(len(row.frame.wire_text.encode()) for row in record.rows) <= most
    assert not any(row.verdict == "refused" for row in record.rows)
    assert sim.violations() == []
    if road == "messages.stream":
        assert len(shown) == 1
    else:
        assert len(shown) > len(text.encode()) // 18_000
        # Each bubble can be read by itself: every fence that opens there is closed there.
        assert all(bubble.count("```") % 2 == 0 for bubble in shown[:-1])
        assert sum(bool(segment.closes_with) for segment in machine.segments.values()) <= 3, "a short fence was cut"
        assert sum(bubble.count("[说明](https://a.example/doc?n=1)") for bubble in shown) == text.count(
            "[说明](https://a.example/doc?n=1)"
        )


@pytest.mark.parametrize("road", DIALECTS)
async def test_a_platform_that_takes_less_than_is_known_is_met(sim: Simulator, road: str) -> None:
    sim.switches.stream_max_bytes = sim.switches.legacy_frame_bytes = 2_048
    text = answer()[60_000:75_000]
    machine, record, shown = await send(sim, text, road)
    assert undone(machine, shown) == text
    # It is learnt once a reply, not once a bubble.
    assert 1 <= sum(row.verdict == "refused" for row in record.rows) <= 5


async def test_a_stream_that_takes_no_more_frames_not_even_a_closing_one_loses_nothing(sim: Simulator) -> None:
    sim.switches.legacy_frame_limit = 6
    text = answer()[60_000:70_000]
    machine, _, shown = await send(sim, text, "messages.stream", piece=300, ends=OutcomeStatus.UNKNOWN)
    assert undone(machine, shown) == text
