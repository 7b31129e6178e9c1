"""More streams than a bot's rate feeds, before a platform that keeps QQ's own rates: all whole, none throttled."""

from __future__ import annotations

from collections.abc import Callable

from qqconsole.bots.models import Bot
from qqconsole.deliveries.models import Chunk, Status
from tests.worker.conftest import House, LoopThread, Platform

PEOPLE = 40
STRICT = {"stream_rate": 50, "message_rate": 100}
"""QQ's own (docs/protocol.md 6.2)."""
SETTING = {"stream_rate": 45, "message_rate": 90}
"""What a bot has where nobody set anything."""


def test_forty_streams_share_forty_frames_a_second(
    house: House, sim_thread: LoopThread, make_bot: Callable[..., Bot]
) -> None:
    with Platform(sim_thread, **STRICT) as strict:
        model = "bench:rate=10,seconds=4,chars=6"
        make_bot(at=strict, source_model=model, dialect="stream_messages", **SETTING)
        house.start()
        house.until(strict.live)
        for number in range(PEOPLE):
            strict.say(f"{number:032}", "tell me")
        deliveries = house.ended(PEOPLE, 40)
        assert [delivery.status for delivery in deliveries] == [Status.DELIVERED] * PEOPLE
        for delivery in deliveries:
            (bubble,) = strict.bot_bubbles(delivery.session.target_id)
            assert bubble["text"] == delivery.generated_text
            assert bubble["state"] == "done"
        frames = strict.requests("/stream_messages")
        assert {frame["status"] for frame in frames} == {200}
        assert strict.violations() == []
        # Each stream wanted one every half second; each had its opening, its close, and middle ones between.
        each = [Chunk.objects.filter(segment__attempt__delivery=delivery).count() for delivery in deliveries]
        assert min(each) >= 3
