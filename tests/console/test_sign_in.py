"""Signing in and out, and how often a wrong password may be tried."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from qqconsole.accounts import sign_in_limits
from qqconsole.accounts.models import User

pytestmark = pytest.mark.django_db

RIGHT = "correct horse battery"


def sign_in(name: str, password: str, address: str = "198.51.100.1", **headers: str) -> bool:
    """Whether this got in."""
    client = Client(REMOTE_ADDR=address)
    response = client.post("/accounts/login/", {"username": name, "password": password}, headers=headers)
    return response.status_code == 302 and "qqconsole_session" in response.cookies


def test_in_and_out(operator: User) -> None:
    client = Client()

    inside = client.post("/accounts/login/?next=/bots/", {"username": "olga", "password": RIGHT})
    assert (inside.status_code, inside.headers["Location"]) == (302, "/bots/")
    assert client.get("/api/v1/sessions").status_code == 200
    cookie = inside.cookies["qqconsole_session"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"

    assert client.get("/accounts/logout/").status_code == 405
    assert client.post("/accounts/logout/").status_code == 302
    assert client.get("/api/v1/sessions").status_code == 401


def test_the_way_back_leads_nowhere_else(operator: User) -> None:
    form = {"username": "olga", "password": RIGHT}

    response = Client().post("/accounts/login/?next=https://evil.example/", form)

    assert response.headers["Location"] == "/"


def test_a_form_without_its_csrf_token_is_refused(operator: User) -> None:
    browser = Client(enforce_csrf_checks=True)

    assert browser.post("/accounts/login/", {"username": "olga", "password": RIGHT}).status_code == 403


def test_after_five_wrong_passwords_the_right_one_waits(operator: User) -> None:
    for _ in range(sign_in_limits.PER_ACCOUNT_AND_ADDRESS):
        assert not sign_in("olga", "wrong")

    assert not sign_in("olga", RIGHT)
    assert not sign_in("OLGA", RIGHT)
    response = Client(REMOTE_ADDR="198.51.100.1").post(
        "/accounts/login/", {"username": "olga", "password": RIGHT}, headers={"Accept-Language": "en"}
    )
    assert "Too many failed sign-ins" in response.content.decode()


def test_the_owner_elsewhere_is_not_locked_out(operator: User) -> None:
    for _ in range(sign_in_limits.PER_ACCOUNT_AND_ADDRESS):
        sign_in("olga", "wrong")

    assert sign_in("olga", RIGHT, address="198.51.100.2")


def test_the_right_password_clears_the_count(operator: User) -> None:
    for _ in range(3):
        for _ in range(sign_in_limits.PER_ACCOUNT_AND_ADDRESS - 1):
            assert not sign_in("olga", "wrong")
        assert sign_in("olga", RIGHT)


def test_one_address_may_not_try_many_accounts(operator: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sign_in_limits, "PER_ADDRESS", 6)
    for n in range(6):
        assert not sign_in(f"name{n}", "wrong")

    assert not sign_in("olga", RIGHT)
    assert sign_in("olga", RIGHT, address="198.51.100.2")


def test_it_opens_again_when_the_window_has_passed(operator: User, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(sign_in_limits.PER_ACCOUNT_AND_ADDRESS):
        sign_in("olga", "wrong")
    assert not sign_in("olga", RIGHT)

    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + sign_in_limits.WINDOW + 1)

    assert not sign_in_limits.is_blocked("olga", "198.51.100.1")


def test_behind_a_proxy_the_address_is_the_one_the_proxy_saw(operator: User, settings: Any) -> None:
    settings.BEHIND_HTTPS = True
    headers = {"X-Forwarded-Proto": "https"}
    for n in range(sign_in_limits.PER_ACCOUNT_AND_ADDRESS):
        # What the visitor claims changes; what the proxy appends does not.
        sign_in("olga", "wrong", "10.0.0.1", **headers, **{"X-Forwarded-For": f"203.0.113.{n}, 198.51.100.9"})

    assert not sign_in("olga", RIGHT, "10.0.0.1", **headers, **{"X-Forwarded-For": "198.51.100.9"})
    assert sign_in("olga", RIGHT, "10.0.0.1", **headers, **{"X-Forwarded-For": "198.51.100.10"})


def test_a_name_may_hold_anything(db: None) -> None:
    for name in ("", "\N{PILE OF POO}" * 50, "a b\tc", "x" * 5000):
        assert not sign_in(name, "wrong")
    assert cache.get("sign-in:") is None


def test_a_disabled_account_stays_out(operator: User) -> None:
    operator.is_active = False
    operator.save()

    assert not sign_in("olga", RIGHT)


def test_one_machine_cannot_go_on_from_its_other_ipv6_addresses(operator: User) -> None:
    for last in range(5):
        assert not sign_in("olga", "wrong", f"2001:db8:1:2::{last + 1}")
    assert not sign_in("olga", RIGHT, "2001:db8:1:2:ffff::1")
    assert sign_in("olga", RIGHT, "2001:db8:1:3::1")


def test_an_ipv4_address_counts_as_itself_however_it_is_written(operator: User) -> None:
    for _ in range(5):
        assert not sign_in("olga", "wrong", "::ffff:198.51.100.7")
    assert not sign_in("olga", RIGHT, "198.51.100.7")
    assert sign_in("olga", RIGHT, "::ffff:198.51.100.8")
