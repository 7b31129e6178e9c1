"""A bot that may not send: what its pages, the API and the metrics say of it, and who may have it tried at once."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from adapter.loss import LONGEST_HOLD
from qqconsole.accounts.callers import Caller
from qqconsole.accounts.models import AuditLine
from qqconsole.bots import gate_rows
from qqconsole.bots.gate_rows import Why
from qqconsole.bots.models import Bot, BotGate, GateState
from qqconsole.bots.standing import standstill
from qqconsole.deliveries.missing import read_missing
from qqconsole.deliveries.models import Delivery, Segment, Status
from qqconsole.deliveries.resend import ResendRefused, resend
from qqconsole.engine import claims
from qqconsole.metrics import RowsCollector
from tests.console.rows import connect, make_bot, make_delivery, make_session, make_stream

pytestmark = pytest.mark.django_db
ADA = Caller("ada", is_admin=True)


def _read(client: Client, path: str, language: str = "en") -> str:
    """The page as it is read: the catalogue of words that it brings along says everything."""
    page = client.get(path, headers={"accept-language": language}).content.decode()
    return re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)


def _pause(bot: Bot, **fields: Any) -> BotGate:
    now = timezone.now()
    values = {"state": GateState.PAUSED, "paused_at": now, "probe_at": now + timedelta(seconds=20), "failures": 10}
    return BotGate.objects.create(bot=bot, **{**values, "reason": "refused", "code": 11298, **fields})


def test_a_paused_bot_says_why_on_its_card_and_on_what_waits(admin_client: Client, operator_client: Client) -> None:
    bot = make_bot()
    connect(bot)
    _pause(bot)
    waiting = make_delivery(make_session(bot), status=Status.QUEUED, started_at=None)
    for path in ("/bots/", "/deliveries/", f"/deliveries/{waiting.pk}/"):
        page = _read(operator_client, path, "zh-hans")
        assert "暂停发送" in page
        assert "白名单" in page
        assert "立即重试</button></form>" not in page
    assert f'action="/bots/{bot.pk}/try/"' in admin_client.get("/bots/").content.decode()


def test_a_lost_gateway_session_is_told_by_what_the_bot_does_then(operator_client: Client) -> None:
    said = {}
    for mode in ("hold", "suspect", "ignore"):
        bot = make_bot(name=f"bot-{mode}", after_4009=mode)
        BotGate.objects.create(bot=bot, lost_at=timezone.now())
        page = _read(operator_client, "/deliveries/")
        said[mode] = ("answers wait until it is back" in page, "what is sent now is marked" in page)
        bot.delete()
    assert said == {"hold": (True, False), "suspect": (False, True), "ignore": (False, False)}


def test_answers_that_were_held_for_long_enough_are_not_said_to_wait(operator_client: Client) -> None:
    bot = make_bot(after_4009="hold")
    BotGate.objects.create(bot=bot, lost_at=timezone.now() - timedelta(seconds=LONGEST_HOLD + 1))
    page = _read(operator_client, "/deliveries/")
    assert "what is sent now is marked" in page
    assert "answers wait" not in page


def test_a_gateway_session_that_is_back_is_said_to_settle_until_sending_goes_on(operator_client: Client) -> None:
    said, now = {}, timezone.now()
    for mode in ("hold", "suspect", "ignore"):
        bot = make_bot(after_4009=mode, settle_ms=60_000)
        BotGate.objects.create(bot=bot, lost_at=now - timedelta(seconds=30), live_at=now)
        waiting = make_delivery(make_session(bot), status=Status.QUEUED, started_at=None)
        pages = [_read(operator_client, path) for path in ("/deliveries/", f"/deliveries/{waiting.pk}/", "/bots/")]
        words = (
            "answers wait until it has settled",
            "Sending goes on at",
            "is marked until it has settled",
        )
        said[mode] = [tuple(word in page for word in words) for page in pages]
        bot.delete()
    assert said == {
        "hold": [(True, True, False)] * 3,
        "suspect": [(False, False, True)] * 3,
        "ignore": [(False, False, False)] * 3,
    }


def test_once_it_has_settled_there_is_nothing_to_say() -> None:
    bot = make_bot(settle_ms=1_000)
    now = timezone.now()
    BotGate.objects.create(bot=bot, lost_at=now - timedelta(seconds=30), live_at=now - timedelta(seconds=1))
    assert standstill(bot) is None


def test_the_words_say_for_how_long_they_are_true() -> None:
    """Nothing happens when a hold has lasted long enough, or a session has settled: the page has to know."""
    now = timezone.now()
    long_ago, just_now = now - timedelta(seconds=LONGEST_HOLD - 20), now - timedelta(seconds=1)

    def left(after_4009: str, lost_at: datetime, live_at: datetime | None) -> int | None:
        bot = make_bot(after_4009=after_4009, settle_ms=60_000)
        BotGate.objects.create(bot=bot, lost_at=lost_at, live_at=live_at)
        still = standstill(bot)
        assert still is not None
        assert (still.goes_on_at is not None) == (after_4009 == "hold" and live_at is not None)
        return None if still.left_ms is None else round(still.left_ms / 1000)

    assert left("hold", long_ago, None) == 20
    assert left("suspect", long_ago, None) is None
    assert left("hold", just_now, now) == left("suspect", long_ago, now) == 60
    # Held for long enough before it has settled: then it goes, marked.
    assert left("hold", long_ago, now) == 20


def test_an_admin_has_a_paused_bot_tried_at_once_and_the_audit_says_so(
    admin_client: Client, published: Any, django_capture_on_commit_callbacks: Any
) -> None:
    bot = make_bot()
    gate = _pause(bot)
    with django_capture_on_commit_callbacks(execute=True):
        assert admin_client.post(f"/bots/{bot.pk}/try/").status_code == 302
    before, gate = gate.probe_at, BotGate.objects.get(bot=bot)
    assert gate.probe_at <= timezone.now() < before
    assert AuditLine.objects.get().action == "try_bot"
    assert [(event["type"], event["sending"]["state"]) for event in published()] == [("bot", "paused")]


def test_a_bot_that_sends_is_not_hurried(admin_client: Client) -> None:
    bot = make_bot()
    assert admin_client.post(f"/bots/{bot.pk}/try/").status_code == 302
    assert not AuditLine.objects.exists()


def test_one_process_tries_a_paused_bot_and_no_other() -> None:
    bot = make_bot()
    _pause(bot, probe_at=timezone.now())
    assert gate_rows.take_probe(bot.pk)
    assert not gate_rows.take_probe(bot.pk)
    stepped = gate_rows.probed(bot.pk, Why("unreachable", None, "no connection"))
    assert (stepped.gate.probes, stepped.gate.reason, stepped.gate.code) == (1, "unreachable", None)
    assert gate_rows.probed(bot.pk, None).gate.state == GateState.TRIAL


def test_what_a_paused_bot_is_to_send_is_not_begun() -> None:
    bot, other = make_bot(), make_bot()
    _pause(bot)
    for each in (bot, other):
        make_delivery(make_session(each), status=Status.QUEUED, started_at=None)
    assert [delivery.session.bot for delivery in claims.next_in_turn()] == [other]
    BotGate.objects.update(state=GateState.TRIAL)
    assert claims.next_in_turn().count() == 2


def test_a_session_lost_twice_before_it_is_back_was_lost_once() -> None:
    bot, now = make_bot(), timezone.now()
    assert gate_rows.back(bot.pk, now) is None
    gate_rows.lost(bot.pk, now)
    gate_rows.lost(bot.pk, now + timedelta(seconds=5))
    gate = gate_rows.back(bot.pk, now + timedelta(seconds=9))
    assert gate is not None
    assert (gate.lost_at, gate.live_at) == (now, now + timedelta(seconds=9))
    assert gate_rows.lost(bot.pk, now + timedelta(minutes=30)).lost_at == now + timedelta(minutes=30)


def _suspect() -> Delivery:
    delivery = make_stream(make_session(), ["你好，", "世界"], closed=True, suspect=True)
    Segment.objects.filter(attempt__delivery=delivery).update(suspect=True)
    return delivery


def test_what_qq_may_have_dropped_is_found_and_sent_again_with_the_tick(admin_client: Client, token: str) -> None:
    delivery = _suspect()
    make_stream(make_session(), ["gut"], closed=True)
    headers = {"authorization": f"Bearer {token}"}
    found = Client().get("/api/v1/deliveries?suspect=true", headers=headers).json()["items"]
    assert [(item["id"], item["suspect"], item["status"]) for item in found] == [(delivery.pk, True, "delivered")]
    page = _read(admin_client, f"/deliveries/{delivery.pk}/")
    assert "may have dropped it" in page
    assert f"/deliveries/{delivery.pk}/resend/" in page
    left = read_missing(delivery)
    assert [piece.text for piece in left.pieces] == ["你好，世界"]
    assert left.doubtful
    with pytest.raises(ResendRefused) as refused:
        resend(delivery.pk, ADA)
    assert refused.value.reason == "second_copy"
    assert resend(delivery.pk, ADA, accept_second_copy=True).number == 2


def test_what_arrived_for_certain_is_not_sent_again() -> None:
    delivery = make_stream(make_session(), ["gut"], closed=True)
    with pytest.raises(ResendRefused) as refused:
        resend(delivery.pk, ADA, accept_second_copy=True)
    assert refused.value.reason == "already_delivered"


def test_the_api_and_the_metrics_tell_of_the_pause(token: str) -> None:
    bot = make_bot(name="ill")
    _pause(bot)
    make_bot(name="well")
    items = Client().get("/api/v1/bots", headers={"authorization": f"Bearer {token}"}).json()["items"]
    assert {item["name"]: item["sending"]["state"] for item in items} == {"ill": "paused", "well": "well"}
    paused = next(metric for metric in RowsCollector().collect() if metric.name == "qqconsole_bot_paused")
    assert {sample.labels["bot"]: sample.value for sample in paused.samples} == {"ill": 1, "well": 0}
