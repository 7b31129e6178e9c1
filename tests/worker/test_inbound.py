"""What comes in is stored once, answered once or not at all, and survives every way a gateway connection ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qqconsole.bots.models import Bot, BotConnection, ConnectionState
from qqconsole.conversations.models import InboundMessage, PlatformEvent, Session
from qqconsole.deliveries.models import Delivery, Status
from simulator import DEMO_APP_ID
from simulator.control_gateway import command_gateway
from simulator.inbound import happen, push_raw
from simulator.options import BotAccount
from tests.worker.conftest import House, Platform

USER = "A" * 32


def _words(platform: Platform, target: str, scene: str = "c2c", **which: Any) -> list[str]:
    return [bubble["text"].rstrip("\n") for bubble in platform.bot_bubbles(target, scene, **which)]


def test_every_scene_with_all_its_optional_fields_missing(
    house: House, platform: Platform, make_bot: Callable[..., Bot]
) -> None:
    make_bot(source_model="echo")
    house.start()
    house.until(platform.live)
    missing = ["timestamp", "message_type", "message_scene", "member", "seq", "seq_in_channel", "mentions"]
    missing += ["author.username", "author.union_openid", "author.avatar", "author.bot", "author.member_role"]
    places = {"c2c": USER, "group": "B" * 32, "guild": "81001", "dm": "91001"}
    for scene, target in places.items():
        platform.say(target, f"aus {scene}", scene=scene, author="C" * 32, omit=missing)
    assert {delivery.status for delivery in house.ended(4)} == {Status.DELIVERED}
    for scene, target in places.items():
        assert _words(platform, target, scene) == [f"aus {scene}"]
    assert set(Session.objects.values_list("scene", "target_id")) == set(places.items())
    assert not InboundMessage.objects.exclude(sent_at=None).exists()


def test_what_cannot_be_answered_is_kept_and_breaks_nothing(
    house: House, platform: Platform, make_bot: Callable[..., Bot]
) -> None:
    make_bot(source_model="echo")
    house.start()
    house.until(platform.live)
    odd: list[Any] = [None, [], "words", 7, {"id": "m1", "content": "von niemandem"}, {"author": {"user_openid": USER}}]
    odd += [{"id": "m" * 201, "author": {"user_openid": USER}}, {"id": "m3", "author": {"user_openid": "U" * 129}}]
    odd += [{"id": {"not": "text"}, "author": {"user_openid": USER}}, {"id": "m2", "author": "nobody", "content": []}]
    for number, d in enumerate(odd):
        event = {"t": "C2C_MESSAGE_CREATE", "id": f"odd:{number}", "d": d}
        platform.do(lambda simulator, event=event: push_raw(simulator.platform.bot(DEMO_APP_ID), event, "c2c", USER))
    platform.do(lambda simulator: happen(simulator.platform.bot(DEMO_APP_ID), "FRIEND_ADD", "c2c", USER))
    _command(platform, DEMO_APP_ID, do="unknown_event")
    _command(platform, DEMO_APP_ID, do="invalid_json")
    platform.say(USER, "und jetzt richtig")
    house.ended()
    assert _words(platform, USER) == ["und jetzt richtig"]
    kept = PlatformEvent.objects.order_by("pk").values_list("type", flat=True)
    assert list(kept) == ["C2C_MESSAGE_CREATE"] * len(odd) + ["FRIEND_ADD", "SOMETHING_QQ_ADDED_LATER"]
    assert InboundMessage.objects.count() == 1


def test_group_messages_are_all_stored_and_answered_once_where_they_address_the_bot(
    house: House, platform: Platform, make_bot: Callable[..., Bot]
) -> None:
    make_bot(source_model="echo")
    house.start()
    house.until(platform.live)
    at, plain = "GROUP_AT_MESSAGE_CREATE", "GROUP_MESSAGE_CREATE"
    said: dict[str, dict[str, Any]] = {
        "erst das eine": {"events": [at, plain]},
        "dann das andere": {"events": [plain, at]},
        "nur erwähnt": {"events": [plain]},
        "unter uns": {"events": [plain], "mention": False},
        "dreimal": {"events": [at, plain, at], "repeat": 3},
    }
    groups = {text: f"{number:032X}" for number, text in enumerate(said)}
    for text, how in said.items():
        platform.say(groups[text], text, scene="group", author=USER, **how)
    house.ended(4)
    # In order behind all of them: once it is answered, nothing of the others is still on its way in.
    platform.say("F" * 32, "zum Schluss")
    house.ended(5)
    for text, group in groups.items():
        assert _words(platform, group, "group") == ([] if text == "unter uns" else [text])
        stored = InboundMessage.objects.get(session__target_id=group)
        assert stored.addressed == (text != "unter uns")
        assert stored.deliveries.count() == stored.addressed
    assert platform.violations() == []


def test_nothing_is_lost_or_doubled_however_the_connection_ends(
    house: House, platform: Platform, make_bot: Callable[..., Bot]
) -> None:
    endings: list[dict[str, Any]] = [
        {"do": "close", "code": 4009},
        {"do": "close", "code": 4000},
        {"do": "cut"},
        {"do": "op7"},
        {"do": "op9", "resumable": True},
    ]
    names = [f"40{number}" for number in range(len(endings))]
    for name in names:
        platform.do(lambda simulator, name=name: simulator.platform.register(BotAccount(name, "secret")))
        make_bot(name, app_id=name, secret="secret", source_model="echo")
    house.start()
    for name in names:
        house.until(lambda name=name: platform.live(name))
        for number in range(12):
            platform.say(f"{number:032X}", f"vorher {number}", app_id=name)
    for name, ending in zip(names, endings, strict=True):
        _command(platform, name, **ending)
        for number in range(12):
            platform.say(f"{number:032X}", f"danach {number}", app_id=name)
    deliveries = house.ended(24 * len(names), 30)
    assert {delivery.status for delivery in deliveries} == {Status.DELIVERED}
    for name in names:
        for number in range(12):
            said = _words(platform, f"{number:032X}", app_id=name)
            assert said == [f"vorher {number}", f"danach {number}"], name
    assert InboundMessage.objects.count() == Delivery.objects.count() == 24 * len(names)
    assert platform.violations() == []


def test_a_session_that_is_gone_is_replaced_by_a_fresh_one(
    house: House, platform: Platform, make_bot: Callable[..., Bot]
) -> None:
    bot = make_bot(source_model="echo")
    house.start()
    house.until(platform.live)
    connected = BotConnection.objects.filter(bot=bot, state=ConnectionState.CONNECTED)
    before = house.until(lambda: connected.exclude(gateway_session="").first()).gateway_session
    _command(platform, DEMO_APP_ID, do="op9", resumable=False)
    house.until(lambda: connected.exclude(gateway_session__in=["", before]).first())
    platform.say(USER, "wieder da?")
    house.ended()
    assert _words(platform, USER) == ["wieder da?"]


def _command(platform: Platform, app_id: str, **command: Any) -> None:
    platform.do(lambda simulator: command_gateway(simulator.platform, simulator.platform.bot(app_id), command))
