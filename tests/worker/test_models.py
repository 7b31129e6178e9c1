"""Models that misbehave: each ends in a clear state with its reason, the partial text kept, nothing left open."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
from aiohttp import web

from qqconsole.bots.models import Bot
from qqconsole.deliveries.models import Chunk, ChunkStatus, Delivery, Segment, SegmentStatus
from simulator.model import add_model_routes
from tests.worker.conftest import House, LoopThread, Platform

HALF = "晚风把一天的热气吹散了，街角的灯一盏一盏亮起来。你可以"
WHOLE = "晚风把一天的热气吹散了，街角的灯一盏一盏亮起来。你可以慢慢走，不用赶时间；前面那家小店还开着，先喝碗热汤再说。"
BEFORE = "稍等，我先去找一张合适的图，马上发给你。"
AFTER = "图片已经在上面了。山的颜色一层比一层淡，是傍晚才有的样子。"
NOTICE = "没能回答，已经记下了。"


class Case(NamedTuple):
    """One of the simulator's models, and what must become of its reply in a private chat and in a group."""

    model: str
    status: str
    reason: str
    shown: tuple[str, ...]
    in_group: tuple[str, ...] | None = None


CASES = [
    Case("error-400", "failed", "model_refused", (NOTICE,)),
    Case("error-401", "failed", "model_key_refused", (NOTICE,)),
    Case("error-403", "failed", "model_key_refused", (NOTICE,)),
    Case("error-429", "failed", "model_busy", (NOTICE,)),
    Case("error-500", "failed", "model_error", (NOTICE,)),
    Case("error-503", "failed", "model_error", (NOTICE,)),
    Case("stall", "interrupted", "model_silent", (HALF,)),
    Case("cut", "interrupted", "model_cut", (HALF,)),
    Case("no-done", "interrupted", "model_cut", (HALF,)),
    Case("error-mid", "interrupted", "model_error", (HALF,)),
    Case("bad-json", "interrupted", "model_garbled", (HALF,)),
    Case("bad-utf8", "interrupted", "model_garbled", (HALF,)),
    Case("filter", "interrupted", "model_filtered", (HALF,)),
    Case("empty", "failed", "empty_reply", ()),
    Case("blank", "failed", "empty_reply", ()),
    Case("length", "delivered", "", (HALF,)),
    Case("split", "delivered", "", (WHOLE,)),
    Case("keepalive", "delivered", "", (WHOLE,)),
    Case("short", "delivered", "", ("好的，收到。",)),
    Case("echo", "delivered", "", ("/echo 请照样说一遍，一个字也不要改。",)),
    Case("tool", "delivered", "", (BEFORE, "[media]晚霞", AFTER)),
    Case("tool-bad", "delivered", "", (BEFORE, AFTER), in_group=(BEFORE + AFTER,)),
    Case("tool-unasked", "delivered", "", (BEFORE, AFTER), in_group=(BEFORE + AFTER,)),
    Case(
        "tool-loop",
        "delivered",
        "",
        tuple(bubble for n in range(1, 9) for bubble in (f"第 {n} 张图，这就来。", f"[media]第 {n} 张")),
    ),
]


def _words(bubbles: list[dict[str, Any]]) -> tuple[str, ...]:
    return tuple(("[media]" if bubble["kind"] == "media" else "") + bubble["text"] for bubble in bubbles)


@pytest.mark.parametrize("scene", ["c2c", "group"])
def test_every_kind_of_misbehaving(scene: str, house: House, platform: Platform, make_bot: Callable[..., Bot]) -> None:
    make_bot(source_model="demo", model_silence_timeout=2.5, notice_text=NOTICE)
    house.start()
    house.until(platform.live)
    targets = {case.model: f"{number:032X}" for number, case in enumerate(CASES)}
    for case in CASES:
        platform.say(targets[case.model], f"/{case.model} 请照样说一遍，一个字也不要改。", scene=scene, author="A" * 32)
    deliveries = {delivery.session.target_id: delivery for delivery in house.ended(len(CASES), 40)}
    expected, found = {}, {}
    for case in CASES:
        delivery = deliveries[targets[case.model]]
        shown = case.in_group if scene == "group" and case.in_group is not None else case.shown
        expected[case.model] = (case.status, case.reason, shown)
        found[case.model] = (delivery.status, delivery.reason, _words(platform.bot_bubbles(targets[case.model], scene)))
        assert bool(delivery.detail) == delivery.reason.startswith("model_"), case.model
    assert found == expected
    _nothing_is_open()
    # A conversation that was answered keeps what the model said, also where only half of it came.
    assert deliveries[targets["stall"]].generated_text == HALF
    assert deliveries[targets["tool"]].generated_text == BEFORE + AFTER
    assert platform.violations() == []


def _nothing_is_open() -> None:
    assert not Segment.objects.filter(status=SegmentStatus.OPEN).exists()
    assert not Chunk.objects.filter(status=ChunkStatus.SENDING).exists()
    for segment in Segment.objects.filter(kind="stream"):
        states = list(segment.chunks.order_by("number").values_list("state", flat=True))
        assert states == [1] * (len(states) - 1) + [10]


def test_thoughts_are_kept_and_never_sent(house: House, platform: Platform, make_bot: Callable[..., Bot]) -> None:
    make_bot(source_model="reasoning")
    house.start()
    house.until(platform.live)
    platform.say("A" * 32, "hello, what can you do?")
    (delivery,) = house.ended()
    assert delivery.status == "delivered"
    assert "先想清楚他要什么" in delivery.reasoning_text
    assert _words(platform.bot_bubbles("A" * 32)) == (delivery.generated_text,)
    assert "先想清楚他要什么" not in str(platform.requests("/v2/"))


def test_a_short_answer_is_one_plain_message_and_one_that_is_there_at_once_takes_no_middle_frame(
    house: House, platform: Platform, make_bot: Callable[..., Bot]
) -> None:
    make_bot(source_model="demo")
    house.start()
    house.until(platform.live)
    platform.say("A" * 32, "/short")
    platform.say("B" * 32, "/instant hello, what can you do?")
    short, instant = house.ended(2)
    (chunk,) = Chunk.objects.filter(segment__attempt__delivery=short)
    assert (chunk.kind, chunk.text) == ("plain", short.generated_text)
    # The model's own end may come a moment after its words: then they are a stream of two frames.
    kinds = list(Chunk.objects.filter(segment__attempt__delivery=instant).values_list("kind", flat=True))
    assert kinds in (["plain"], ["opening", "closing"])
    assert _words(platform.bot_bubbles("B" * 32)) == (instant.generated_text,)


@pytest.fixture
def locked_model(sim_thread: LoopThread) -> Iterator[str]:
    """A model server that asks for the key "right"."""
    app = web.Application()
    add_model_routes(app, key="right")
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    sim_thread.run(runner.setup())
    sim_thread.run(web.TCPSite(runner, "127.0.0.1", 0).start())
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    sim_thread.run(runner.cleanup())


def test_a_wrong_key_is_told_and_mended_while_the_console_runs(
    house: House, platform: Platform, make_bot: Callable[..., Bot], locked_model: str
) -> None:
    bot = make_bot(source_model="echo", source_url=locked_model, source_key="wrong-key", notice_enabled=False)
    house.start()
    house.until(platform.live)
    platform.say("A" * 32, "eins")
    (refused,) = house.ended()
    assert (refused.status, refused.reason) == ("failed", "model_key_refused")
    assert "wrong-key" not in refused.detail
    assert platform.bot_bubbles("A" * 32) == []
    Bot.objects.filter(pk=bot.pk).update(source_url="http://127.0.0.1:9/v1")
    platform.say("A" * 32, "zwei")
    house.ended(2)
    bot.refresh_from_db()
    bot.source_key, bot.source_url = "right", locked_model
    bot.save()
    platform.say("A" * 32, "drei")
    house.ended(3)
    told = list(Delivery.objects.order_by("pk").values_list("status", "reason"))
    assert told == [("failed", "model_key_refused"), ("failed", "model_unreachable"), ("delivered", "")]
    assert _words(platform.bot_bubbles("A" * 32)) == ("drei",)
