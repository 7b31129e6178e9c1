"""Health, metrics, headers: what the console tells those who did not sign in."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from qqconsole import health, metrics
from qqconsole.bots.models import Bot, BotConnection
from qqconsole.conversations.models import Session
from qqconsole.deliveries.models import Delivery

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _fresh_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "_last", None)


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


def test_metrics_count_rows(delivery: Delivery, session: Session) -> None:
    waiting = Delivery.objects.create(session=session, kind="message", status="queued")
    Delivery.objects.filter(pk=waiting.pk).update(created_at=timezone.now() - timedelta(seconds=90))

    text = scrape()

    assert value(text, 'qqconsole_deliveries{status="delivered"}') == 1
    assert value(text, 'qqconsole_deliveries{status="queued"}') == 1
    assert value(text, 'qqconsole_deliveries{status="unknown"}') == 0
    assert value(text, 'qqconsole_chunks{status="accepted"}') == 1
    assert value(text, 'qqconsole_chunks{status="refused"}') == 1
    assert value(text, 'qqconsole_refusals{code="40034017"}') == 1
    assert 90 <= value(text, "qqconsole_queue_age_seconds") < 120


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
