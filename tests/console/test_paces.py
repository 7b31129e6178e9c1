"""One pace for each of QQ's applications, and what is told of it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from prometheus_client import generate_latest

from adapter.request import Endpoint
from qqconsole import metrics
from qqconsole.engine import beats
from qqconsole.engine.models import ProcessBeat
from qqconsole.engine.paces import Paces
from tests.console.rows import make_bot

pytestmark = pytest.mark.django_db


def rate(paces: Paces, name: str, endpoint: str = "stream") -> float:
    return float(paces.readings()["bots"][name][endpoint][0])


def test_two_rows_of_one_application_go_at_the_lower_rate() -> None:
    paces = Paces("")
    first, twin = make_bot("first", app_id="77", stream_rate=40.0), make_bot("twin", app_id="77", stream_rate=20.0)
    other = make_bot("other", app_id="78", stream_rate=40.0)
    assert paces.of(first) is paces.of(twin) is not paces.of(other)
    assert rate(paces, "first") == pytest.approx(20 / 1.1, abs=0.1)
    assert rate(paces, "other") == pytest.approx(40 / 1.1, abs=0.1)


def test_a_new_rate_holds_at_once_and_for_what_runs_already() -> None:
    paces, bot = Paces(""), make_bot("quick", stream_rate=40.0, message_rate=50.0)
    before = paces.of(bot)
    bot.stream_rate = 10.0
    assert paces.of(bot) is before
    assert rate(paces, "quick") == pytest.approx(10 / 1.1, abs=0.1)
    assert before.readings()[Endpoint.MESSAGE].rate == pytest.approx(50 / 1.1, abs=0.1)


def test_a_row_that_is_gone_or_moved_to_another_application_slows_nobody_any_more() -> None:
    paces = Paces("")
    first, twin = make_bot("first", app_id="77", stream_rate=40.0), make_bot("twin", app_id="77", stream_rate=20.0)
    paces.of(first), paces.of(twin)
    paces.keep([first.pk])
    assert rate(paces, "first") == pytest.approx(40 / 1.1, abs=0.1)
    paces.of(twin)
    twin.app_id = "79"
    paces.of(twin)
    assert rate(paces, "first") == pytest.approx(40 / 1.1, abs=0.1)
    assert rate(paces, "twin") == pytest.approx(20 / 1.1, abs=0.1)
    paces.keep([])
    assert paces.readings()["bots"] == {}


def value(name: str) -> float:
    text = generate_latest(metrics.registry).decode()
    (line,) = (line for line in text.splitlines() if line.startswith(f"{name} "))
    return float(line.split()[-1])


def told(rate: float, waiting: int, throttles: int, *, alone: bool = False) -> dict[str, object]:
    return {"alone": alone, "bots": {"b": {"stream": [rate, waiting, throttles]}}}


def test_metrics_add_up_what_the_living_processes_tell() -> None:
    beats.beat("one", "engine", "worker", pace=told(40.0, 3, 1))
    beats.beat("two", "engine", "worker", pace=told(38.0, 4, 0))
    beats.beat("dead", "engine", pace=told(1.0, 100, 100))
    ProcessBeat.objects.filter(owner="dead").update(seen_at=timezone.now() - timedelta(minutes=5))
    assert value('qqconsole_pace_rate{bot="b",endpoint="stream"}') == 38
    assert value('qqconsole_pace_waiting{bot="b",endpoint="stream"}') == 7
    assert value('qqconsole_pace_throttles{bot="b",endpoint="stream"}') == 1
    assert value("qqconsole_pace_alone") == 0
    assert beats.senders() == 2


def test_without_redis_the_shares_add_up() -> None:
    beats.beat("one", "engine", pace=told(20.0, 0, 0, alone=True))
    beats.beat("two", "engine", pace=told(20.0, 0, 0, alone=True))
    assert value('qqconsole_pace_rate{bot="b",endpoint="stream"}') == 40
    assert value("qqconsole_pace_alone") == 2
