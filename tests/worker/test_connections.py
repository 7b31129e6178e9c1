"""Bots that cannot connect: the page says why, the house lives on, and what is mended recovers by itself."""

from __future__ import annotations

import socket
from collections.abc import Callable

from django.db import connection as database

from qqconsole.bots import reasons
from qqconsole.bots.models import Bot, BotConnection, ConnectionState
from qqconsole.deliveries.models import Delivery
from simulator import DEMO_SECRET
from simulator.options import BotAccount
from tests.worker.conftest import House, LoopThread, Platform


def _connection(bot: Bot, state: str) -> BotConnection | None:
    return BotConnection.objects.filter(bot=bot, state=state).first()


WRONG = [
    ("app_id", "999", ConnectionState.REFUSED, "token_refused"),
    ("secret", "not-the-secret", ConnectionState.REFUSED, "token_refused"),
    ("token_url", "http://127.0.0.1:9/token", ConnectionState.WAITING, "unreachable"),
    ("api_base", "http://127.0.0.1:9", ConnectionState.WAITING, "unreachable"),
    ("api_base", "ftp://no.such", ConnectionState.WAITING, "unreachable"),
]


def test_wrong_settings_are_told_and_mended_while_the_house_runs(
    house: House, platform: Platform, make_bot: Callable[..., Bot]
) -> None:
    bots, right = [], []
    for number, (name, value, _, _) in enumerate(WRONG):
        account = BotAccount(f"30{number}", f"secret-{number}")
        platform.do(lambda simulator, account=account: simulator.platform.register(account))
        identity = {"app_id": account.app_id, "secret": account.secret}
        bots.append(make_bot(f"bot {number}", source_model="echo", **identity | {name: value}))
        right.append(identity | {"api_base": platform.url, "token_url": f"{platform.url}/app/getAppAccessToken"})
    house.start()
    for bot, (name, _, state, reason) in zip(bots, WRONG, strict=True):
        connection = house.until(lambda bot=bot, state=state: _connection(bot, state))
        assert connection.reason == reason, name
        assert reasons.in_words(connection.reason) != connection.reason
        assert "not-the-secret" not in connection.detail
    for bot, values in zip(bots, right, strict=True):
        for name, value in values.items():
            setattr(bot, name, value)
        bot.save()
    for number, bot in enumerate(bots):
        house.until(lambda bot=bot: _connection(bot, ConnectionState.CONNECTED))
        platform.say("A" * 32, "bist du da?", app_id=f"30{number}")
    assert {delivery.status for delivery in house.ended(len(bots))} == {"delivered"}


def test_an_address_that_is_not_on_the_list(house: House, platform: Platform, make_bot: Callable[..., Bot]) -> None:
    platform.do(lambda simulator: simulator.switches.patch({"ip_refused": True}))
    bot = make_bot(source_model="echo")
    house.start()
    connection = house.until(lambda: _connection(bot, ConnectionState.REFUSED))
    assert (connection.reason, connection.code) == ("ip_not_listed", 11298)


def test_a_platform_that_comes_up_later_is_met_by_itself(
    house: House, sim_thread: LoopThread, make_bot: Callable[..., Bot]
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    bot = make_bot(source_model="echo", api_base=url, token_url=f"{url}/app/getAppAccessToken", source_url=f"{url}/v1")
    house.start()
    assert house.until(lambda: _connection(bot, ConnectionState.WAITING)).reason == "unreachable"
    with Platform(sim_thread, port=port) as late:
        house.until(lambda: _connection(bot, ConnectionState.CONNECTED))
        late.say("A" * 32, "endlich")
        house.ended()
        assert [bubble["text"] for bubble in late.bot_bubbles("A" * 32)] == ["endlich"]


def test_one_unreadable_bot_keeps_no_other_out(house: House, platform: Platform, make_bot: Callable[..., Bot]) -> None:
    broken = make_bot("broken", source_model="echo")
    # As after the loss of the key it was encrypted with.
    _overwrite_secret(broken.pk, "gAAAAABnot-a-token")
    make_bot("well", source_model="echo")
    house.start()
    house.until(platform.live)
    connection = house.until(lambda: _connection(broken, ConnectionState.REFUSED))
    assert "cannot be decrypted" in connection.detail
    platform.say("A" * 32, "und du?")
    (delivery,) = house.ended()
    assert delivery.status == "delivered"
    _overwrite_secret(broken.pk, None)
    assert house.until(lambda: _connection(broken, ConnectionState.CONNECTED))


def _overwrite_secret(bot_id: int, ciphertext: str | None) -> None:
    if ciphertext is None:
        bot = Bot.objects.defer("secret").get(pk=bot_id)
        bot.secret = DEMO_SECRET
        bot.save(update_fields=["secret"])
        return
    with database.cursor() as cursor:
        cursor.execute("UPDATE bots_bot SET secret = %s WHERE id = %s", [ciphertext, bot_id])


def test_a_bot_switched_off_receives_nothing_and_back_on_misses_nothing(
    house: House, platform: Platform, make_bot: Callable[..., Bot]
) -> None:
    bot = make_bot(source_model="echo")
    house.start()
    house.until(platform.live)
    Bot.objects.filter(pk=bot.pk).update(enabled=False)
    house.until(lambda: _connection(bot, ConnectionState.STOPPED))
    house.until(lambda: not platform.live())
    platform.say("A" * 32, "hört mich jemand?")
    Bot.objects.filter(pk=bot.pk).update(enabled=True)
    (delivery,) = house.ended()
    assert delivery.inbound is not None
    assert delivery.inbound.content == "hört mich jemand?"
    assert Delivery.objects.count() == 1
