"""Two bots on two platforms in one house: nothing crosses."""

from __future__ import annotations

from collections.abc import Callable

from qqconsole.bots.models import Bot
from qqconsole.deliveries.models import Delivery, Status
from simulator.options import BotAccount
from tests.worker.conftest import House, LoopThread, Platform

USER = "A" * 32


def test_neither_tokens_nor_messages_cross(
    house: House, platform: Platform, sim_thread: LoopThread, make_bot: Callable[..., Bot]
) -> None:
    """The same person, on platforms of their own, at the same time; each platform knows one of the bots only."""
    other_account = BotAccount("777", "other-secret")
    with Platform(sim_thread, bots=[other_account]) as other:
        make_bot("here", source_model="bench:rate=30,seconds=1,chars=6", dialect="stream_messages")
        make_bot(
            "there",
            at=other,
            app_id="777",
            secret="other-secret",
            source_model="bench:rate=30,seconds=1,chars=9",
            dialect="messages.stream",
        )
        house.start()
        house.until(platform.live)
        house.until(lambda: other.live("777"))
        platform.say(USER, "hier")
        other.say(USER, "dort", app_id="777")
        first, second = house.ended(2)
        assert (first.status, second.status) == (Status.DELIVERED, Status.DELIVERED)
        for at, app_id, name in ((platform, None, "here"), (other, "777", "there")):
            (delivery,) = Delivery.objects.filter(session__bot__name=name)
            which = {} if app_id is None else {"app_id": app_id}
            (bubble,) = at.bot_bubbles(USER, **which)
            assert bubble["text"].rstrip("\n") == delivery.generated_text
            bots = {request["bot"] for request in at.requests() if not request["path"].startswith("/v1/")}
            # A token of the other platform would have been refused here, and nobody's request noted.
            assert bots == {app_id or "102000001"}
            assert {request["status"] for request in at.requests()} == {200}
            assert at.violations() == []
