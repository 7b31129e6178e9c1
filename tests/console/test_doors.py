"""Health, metrics, headers: what the console tells those who did not sign in."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import OperationalError
from django.test import Client
from django.utils import timezone

from qqconsole import health, metrics, tallies
from qqconsole.bots.models import Bot, BotConnection
from qqconsole.conversations.models import Session
from qqconsole.deliveries.models import Chunk, Delivery
from qqconsole.engine import tally_rows

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _fresh_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "_last", None)
    tally_rows.take()


def value(text: str, series: str) -> float:
    """The value of one series; fails when it is not there exactly once."""
    (found,) = re.findall(rf"^{re.escape(series)} (\S+)$", text, re.MULTILINE)
    return float(found)


def scrape(client: Client | None = None, **headers: str) -> str:
    response = (client or Client()).get("/metrics", headers=headers)
    assert response.status_code == 200
    return response.content.decode()


@pytest.mark.parametrize(
    ("parts", "status"),
    [
        ({"database": "", "loop": "", "worker": "", "sweep": ""}, 200),
        ({"database": "", "loop": "", "worker": "no worker was seen lately", "sweep": ""}, 503),
    ],
)
def test_health_names_the_part(monkeypatch: pytest.MonkeyPatch, parts: dict[str, str], status: int) -> None:
    monkeypatch.setattr(health, "check", lambda: parts)

    response = Client().get("/healthz")

    assert response.status_code == status
    assert response.json() == {"ok": status == 200, "parts": parts}


def test_health_of_this_database_is_looked_at() -> None:
    assert Client().get("/healthz").json()["parts"]["database"] == ""
    assert Client().post("/healthz").status_code == 405


def test_what_is_open_is_read_from_the_rows(delivery: Delivery, session: Session) -> None:
    now = timezone.now()
    waiting, later = (Delivery.objects.create(session=session, kind="message", status="queued") for _ in range(2))
    Delivery.objects.filter(pk=waiting.pk).update(created_at=now - timedelta(seconds=90))
    Delivery.objects.filter(pk=later.pk).update(
        created_at=now - timedelta(seconds=900), due_at=now + timedelta(hours=1)
    )

    text = scrape()

    assert value(text, 'qqconsole_deliveries_open{status="queued"}') == 2
    assert value(text, 'qqconsole_deliveries_open{status="sending"}') == 0
    assert 90 <= value(text, "qqconsole_queue_age_seconds") < 120


def test_what_happened_is_counted_once_and_for_all(delivery: Delivery, monkeypatch: pytest.MonkeyPatch) -> None:
    for chunk in Chunk.objects.order_by("pk"):
        tallies.answered(chunk, 0.7 if chunk.number == 1 else None)
    tallies.ended("delivered")
    scrape()
    tallies.ended("delivered")
    Delivery.objects.all().delete()
    monkeypatch.setattr(metrics, "_last", None)

    text = scrape()

    assert value(text, 'qqconsole_deliveries_ended_total{status="delivered"}') == 2
    assert value(text, 'qqconsole_deliveries_ended_total{status="unknown"}') == 0
    assert value(text, 'qqconsole_chunks_total{status="accepted"}') == 1
    assert value(text, 'qqconsole_chunks_total{status="refused"}') == 1
    assert value(text, 'qqconsole_refusals_total{code="40034017"}') == 1
    assert value(text, 'qqconsole_qq_seconds_bucket{kind="opening",le="0.01"}') == 0
    assert value(text, 'qqconsole_qq_seconds_bucket{kind="opening",le="0.025"}') == 1
    assert value(text, 'qqconsole_qq_seconds_sum{kind="opening"}') == 0.0125
    assert value(text, 'qqconsole_first_frame_seconds_bucket{le="0.5"}') == 0
    assert value(text, 'qqconsole_first_frame_seconds_bucket{le="+Inf"}') == 1
    assert value(text, "qqconsole_first_frame_seconds_count") == 1


def test_what_two_processes_counted_is_added_up() -> None:
    for by in (2.0, 3.0):
        tally_rows.add({("chunks", 'status="accepted"'): by, ("qq", 'kind="closing",le="0.05"'): by})

    text = scrape()

    assert value(text, 'qqconsole_chunks_total{status="accepted"}') == 5
    assert value(text, 'qqconsole_qq_seconds_count{kind="closing"}') == 5


def test_what_cannot_be_written_is_counted_with_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(taken: object) -> None:
        raise OperationalError("the database is away")

    tallies.ended("failed")
    with monkeypatch.context() as broken:
        broken.setattr(tally_rows, "add", away)
        with pytest.raises(OperationalError):
            scrape()

    assert value(scrape(), 'qqconsole_deliveries_ended_total{status="failed"}') == 1


def test_an_empty_queue_has_no_age() -> None:
    assert value(scrape(), "qqconsole_queue_age_seconds") == 0


@pytest.mark.parametrize(
    ("state", "age", "enabled", "connected"),
    [
        ("connected", 1, True, 1.0),
        ("connected", 16, True, 0.0),
        ("waiting", 1, True, 0.0),
        ("connected", 1, False, None),
    ],
)
def test_a_gateway_counts_while_its_process_lives(
    bot: Bot, state: str, age: int, enabled: bool, connected: float | None
) -> None:
    Bot.objects.update(enabled=enabled)
    BotConnection.objects.create(bot=bot, state=state, seen_at=timezone.now() - timedelta(seconds=age))

    text = scrape()

    if connected is None:
        assert 'bot="demo"' not in text
    else:
        assert value(text, 'qqconsole_gateway_connected{bot="demo"}') == connected


def test_a_second_scrape_soon_after_asks_the_database_nothing(django_assert_num_queries: object) -> None:
    scrape()
    with django_assert_num_queries(0):  # type: ignore[operator]
        scrape()


def test_metrics_are_read_on_this_machine_or_with_a_right(operator_client: Client, token: str) -> None:
    far = {"REMOTE_ADDR": "192.0.2.7"}

    assert Client(**far).get("/metrics").status_code == 401
    assert Client().get("/metrics", headers={"X-Forwarded-For": "127.0.0.1"}).status_code == 401
    assert Client().get("/metrics", headers={"Forwarded": "for=127.0.0.1"}).status_code == 401
    assert Client(REMOTE_ADDR="::1").get("/metrics").status_code == 200
    assert Client(**far).get("/metrics", headers={"Authorization": f"Bearer {token}"}).status_code == 200
    assert operator_client.get("/metrics", REMOTE_ADDR="192.0.2.7").status_code == 200


def test_every_answer_forbids_what_the_pages_do_not_need() -> None:
    headers = Client().get("/accounts/login/", HTTP_HOST="localhost:8000").headers

    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == policy["script-src"] == policy["style-src"] == "'self'"
    assert policy["connect-src"] == "'self' ws://localhost:8000 wss://localhost:8000"
    assert policy["frame-ancestors"] == "'none'"
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    assert "no-store" in headers["Cache-Control"]


def test_a_foreign_host_name_is_refused() -> None:
    assert Client().get("/healthz", HTTP_HOST="evil.example").status_code == 400
