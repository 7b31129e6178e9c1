"""The sender over a client and a recorder in memory: its waiting, its source, and whatever breaks around it."""

from __future__ import annotations

import asyncio

import pytest
from sender_house import FenceLost, House, Slow, Told, at_once, until
from strict_qq import FINE, Fault, Strike

from adapter import lint
from adapter.dialects import DIALECTS
from adapter.errors import LintError
from adapter.frames import Frame, FrameKind
from adapter.pieces import Break, MediaItem, MediaKind, MediaOutcome, Reasoning, SendMedia, SourceFailed, Text
from adapter.segment import SegmentStatus
from adapter.sender import jitter

PICTURE = MediaItem(MediaKind.IMAGE, url="https://example.org/a.png")


async def test_a_reply_that_is_there_at_once_goes_as_one_message() -> None:
    house = House()
    outcome = await house.run(at_once(Text("a whole "), Reasoning("hm"), Text("reply, at once")))
    assert outcome.status == "delivered"
    assert house.book.kinds == ["plain"]
    assert house.qq.screen == ["a whole reply, at once"]
    assert (house.book.text, house.book.thought) == ("a whole reply, at once", "hm")


@pytest.mark.parametrize("road", DIALECTS)
async def test_a_slow_reply_streams_and_each_intent_comes_before_its_answer(road: str) -> None:
    house, slow = House(road=road), Slow(Text("first words"), Text(" and more"))
    running = asyncio.create_task(house.run(slow.source()))
    slow.go()
    await until(lambda: house.book.lines[-1:] == ["settle accepted"])
    slow.go()
    await until(lambda: len(house.book.frames) == 2 and house.book.lines[-1] == "settle accepted")
    slow.go()
    assert (await running).status == "delivered"
    assert house.book.kinds == ["opening", "middle", "closing"]
    assert house.book.lines[::2] == ["intend opening", "intend middle", "intend closing"]
    assert set(house.book.lines[1::2]) == {"settle accepted"}
    assert house.qq.screen[0].rstrip("\n") == "first words and more"
    assert slow.closed


async def test_after_a_break_the_source_goes_on_only_when_the_segment_is_closed() -> None:
    house = House()
    seen: list[tuple[list[str], bool]] = []

    async def source() -> Told:
        yield Text("before the tool")
        await until(lambda: bool(house.qq.qq.bubbles))
        yield Break("tool")
        seen.append((house.qq.screen, house.qq.left_open))
        yield Text("after the tool")

    assert (await house.run(source())).status == "delivered"
    assert seen == [(["before the tool"], False)]
    assert house.qq.screen == ["before the tool", "after the tool"]


async def test_media_is_answered_with_what_became_of_it() -> None:
    house = House()
    told: list[MediaOutcome | None] = []

    async def source() -> Told:
        yield Text("look:")
        told.append((yield SendMedia(PICTURE)))
        told.append((yield SendMedia(PICTURE)))
        yield Text("nice?")

    house.qq.faults = [FINE, FINE, FINE, Fault(Strike.REFUSED, 850031)]
    outcome = await house.run(source())
    assert house.book.kinds == ["plain", "upload", "media", "upload", "plain"]
    assert told[0] == MediaOutcome(True)
    assert told[1] is not None
    assert (told[1].sent, told[1].code) == (False, 850031)
    assert (outcome.status, outcome.code) == ("failed", 850031)


async def test_media_that_cannot_go_at_all_is_told_without_a_frame() -> None:
    house = House()
    told: list[MediaOutcome | None] = []

    async def source() -> Told:
        told.append((yield SendMedia(MediaItem(MediaKind.IMAGE, url="http://127.0.0.1/a.png"))))

    await house.run(source())
    assert told[0] is not None
    assert not told[0].sent
    assert told[0].why
    assert house.book.frames == []


async def test_a_group_does_not_notice_a_break() -> None:
    house = House(road="group")
    await house.run(at_once(Text("one "), Break(), Text("two")))
    assert house.qq.screen == ["one two"]


@pytest.mark.parametrize(
    ("error", "reason"),
    [(SourceFailed("model_cut", "the line was cut"), "model_cut"), (ZeroDivisionError("oh"), "source_crashed")],
)
async def test_a_source_that_breaks_leaves_its_text_a_closed_stream_and_a_reason(error: Exception, reason: str) -> None:
    house, slow = House(), Slow(Text("half a sentence"), then=error)
    running = asyncio.create_task(house.run(slow.source()))
    slow.go()
    await until(lambda: bool(house.qq.qq.bubbles))
    slow.go()
    outcome = await running
    assert (outcome.status, outcome.reason) == ("interrupted", reason)
    assert house.qq.screen == ["half a sentence"]
    assert not house.qq.left_open
    assert str(error).split(": ")[-1] in outcome.detail


async def test_a_notice_where_there_is_nothing_to_see() -> None:
    async def source() -> Told:
        raise SourceFailed("model_refused")
        yield Text("")

    house = House(notice="sorry")
    assert (await house.run(source())).status == "failed"
    assert house.qq.screen == ["sorry"]


@pytest.mark.parametrize("road", DIALECTS)
@pytest.mark.parametrize("frames", [0, 1, 2, 3])
@pytest.mark.parametrize("how", ["cancel", "interrupt"])
async def test_stopped_anywhere_it_closes_what_is_open_and_the_source(how: str, frames: int, road: str) -> None:
    house = House(road=road)
    slow = Slow(Text("one two"), Text(" three"), Text(" four"), Text(" five"))
    running = asyncio.create_task(house.run(slow.source()))
    for count in range(1, frames + 1):
        slow.go()
        await until(lambda count=count: len(house.book.lines) == 2 * count)  # type: ignore[misc]
    getattr(house.sender, how)("stopped")
    outcome = await running
    expected = "cancelled" if how == "cancel" else "interrupted" if frames else "failed"
    assert (outcome.status, outcome.reason) == (expected, "stopped")
    assert not house.qq.left_open
    assert slow.closed or not slow.given
    assert house.book.kinds == ["opening", "middle", "middle"][:frames] + (["closing"] if frames else [])


@pytest.mark.parametrize("how", ["cancel", "interrupt"])
async def test_stopped_with_a_frame_in_flight_it_waits_for_the_answer(how: str) -> None:
    house, slow = House(), Slow(Text("one two three"))
    house.qq.door.clear()
    running = asyncio.create_task(house.run(slow.source()))
    slow.go()
    await house.qq.arrived.wait()
    getattr(house.sender, how)("stopped")
    assert not running.done()
    house.qq.door.set()
    await running
    assert house.book.kinds == ["opening", "closing"]
    assert not house.qq.left_open


async def test_stopped_before_it_runs_the_source_is_never_asked() -> None:
    house, slow = House(), Slow(Text("one"))
    house.sender.cancel()
    slow.go(9)
    assert (await house.run(slow.source())).status == "cancelled"
    assert slow.given == 0


async def test_stopped_while_the_source_waits_for_its_break() -> None:
    house, slow = House(), Slow(Text("one two three"), Break(), Text("never"))
    running = asyncio.create_task(house.run(slow.source()))
    slow.go()
    await until(lambda: bool(house.qq.qq.bubbles))
    house.qq.door.clear()
    house.qq.arrived.clear()
    slow.go()
    await house.qq.arrived.wait()  # the closing frame
    house.sender.interrupt("shutdown")
    house.qq.door.set()
    assert (await running).reason == "shutdown"
    assert house.qq.screen == ["one two three"]
    assert slow.closed


async def test_a_refused_message_that_is_cancelled_is_recorded_as_ended() -> None:
    house = House()
    house.qq.faults = [Fault(Strike.THROTTLED, 50002, 3.0)]
    running = asyncio.create_task(house.run(at_once(Text("hello"))))
    await until(lambda: house.book.lines[-1:] == ["settle throttled"])
    house.sender.cancel()
    assert (await running).status == "cancelled"
    assert house.book.lines[-1] == "ended failed"
    assert house.book.statuses == {1: SegmentStatus.FAILED}


@pytest.mark.parametrize("at", [1, 2, 3])
async def test_a_lost_fence_stops_everything_and_closes_the_source(at: int) -> None:
    house, slow = House(), Slow(Text("one two"), Text(" three"), Text(" four"))
    house.book.lose_fence_at = at
    running = asyncio.create_task(house.run(slow.source()))
    for count in range(1, at + 1):
        slow.go()
        await until(lambda count=count: len(house.book.frames) == count)  # type: ignore[misc]
    with pytest.raises(FenceLost):
        await running
    assert house.qq.qq.requests == at - 1
    assert slow.closed


async def test_an_answer_that_cannot_be_written_stops_everything() -> None:
    house, slow = House(), Slow(Text("one two"), Text(" three"))

    async def lost() -> None:
        raise FenceLost

    house.book._written = lost  # type: ignore[method-assign]
    running = asyncio.create_task(house.run(slow.source()))
    slow.go(2)
    with pytest.raises(FenceLost):
        await running
    assert house.qq.qq.requests == 1


async def test_a_frame_that_breaks_a_rule_never_leaves_and_the_stream_is_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = lint.check

    def strict(frame: Frame, *rest: object) -> None:
        if frame.kind is FrameKind.MIDDLE:
            raise LintError("a rule of the protocol")
        real(frame, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(lint, "check", strict)
    house, slow = House(), Slow(Text("one two"), Text(" three"))
    running = asyncio.create_task(house.run(slow.source()))
    slow.go()
    await until(lambda: bool(house.qq.qq.bubbles))
    slow.go()
    outcome = await running
    assert house.book.kinds == ["opening", "closing", "plain"]
    assert house.qq.screen == ["one two", " three"]
    assert (outcome.status, outcome.reason, outcome.detail) == ("failed", "protocol_rule", "a rule of the protocol")
    assert not house.qq.left_open
    assert slow.closed


async def test_a_source_that_cannot_be_closed_does_not_change_the_outcome(caplog: pytest.LogCaptureFixture) -> None:
    async def source() -> Told:
        try:
            yield Text("hello there")
            yield Break()
            await asyncio.sleep(60)
        finally:
            raise OSError("the socket is gone")

    house = House()
    running = asyncio.create_task(house.run(source()))
    await until(lambda: bool(house.qq.qq.bubbles))
    house.sender.cancel()
    assert (await running).status in ("cancelled", "delivered")
    assert house.qq.screen == ["hello there"]


async def test_a_task_that_is_cancelled_from_outside_closes_its_source() -> None:
    house, slow = House(), Slow(Text("one two three"))
    running = asyncio.create_task(house.sender.run(slow.source()))
    slow.go()
    await until(lambda: bool(house.qq.qq.bubbles))
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert slow.closed


async def test_without_a_source_the_machine_has_its_input_already() -> None:
    house = House()
    house.machine.text("what was left")
    house.machine.fail("interrupted")
    assert (await house.run(None)).status == "interrupted"
    assert house.qq.screen == ["what was left"]


def test_the_waits_are_scattered_by_a_fifth() -> None:
    assert all(0.8 <= jitter() <= 1.2 for _ in range(100))
