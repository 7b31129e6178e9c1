"""An answer longer than a bubble, through the whole house: rows, what the user sees and what was generated agree."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from qqconsole.bots.models import Bot
from qqconsole.deliveries.missing import unsent_text
from qqconsole.deliveries.models import Segment, Status
from tests.worker.conftest import House, Platform

USER = "A" * 32


@pytest.mark.parametrize("dialect", ["stream_messages", "messages.stream"])
def test_a_long_answer_is_several_bubbles_and_one_text(
    dialect: str, house: House, platform: Platform, make_bot: Callable[..., Bot]
) -> None:
    make_bot(dialect=dialect, source_model="bench:rate=30,seconds=2,chars=60", frame_bytes=1_000)
    house.start()
    house.until(platform.live)
    platform.say(USER, "讲讲")
    (delivery,) = house.ended()
    assert (delivery.status, delivery.reason) == (Status.DELIVERED, "")
    segments = list(Segment.objects.order_by("number"))
    shown = [bubble["text"].rstrip("\n") for bubble in platform.bot_bubbles(USER)]
    assert shown == [(one.opens_with + one.text + one.closes_with).rstrip("\n") for one in segments]
    assert "".join(one.text for one in segments) == delivery.generated_text
    assert unsent_text(delivery.generated_text, [one.text for one in segments]) == ""
    assert [one.full for one in segments] == [True] * (len(segments) - 1) + [False]
    assert (len(segments) > 2) is (dialect == "stream_messages")
    assert platform.violations() == []
