"""Log lines: one a record, with what is needed to find the delivery, without secrets."""

from __future__ import annotations

import json
import logging
from types import SimpleNamespace
from typing import Any

import pytest

from qqconsole import logs
from qqconsole.error_reports import QuietReports
from qqconsole.logs import KeyValueFormatter, key_value, redact


def line(message: str, *arguments: object, **extra: object) -> str:
    record = logging.getLogger("qqconsole.test").makeRecord(
        "qqconsole.test", logging.INFO, "file", 1, message, arguments, None, extra=extra
    )
    return KeyValueFormatter().format(record)


def test_a_record_is_one_line_of_pairs() -> None:
    written = line("sent %s", "two\nlines", delivery=7, trace_id="t-1")

    assert "\n" not in written
    assert written.endswith('logger=qqconsole.test message="sent two\\nlines" delivery=7 trace_id=t-1')


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: QQBot SECRETSECRET",
        "Authorization: Bearer SECRETSECRET",
        "'Authorization': 'QQBot SECRETSECRET'",
        '{"access_token": "SECRETSECRET", "expires_in": 7200}',
        '{"appId": "1", "clientSecret": "SECRETSECRET"}',
        "clientSecret=SECRETSECRET&x=1",
        "api_key=SECRETSECRET",
        "api-key: SECRETSECRET",
        "password = SECRETSECRET",
        "the key sk-SECRETSECRET was refused",
        "token qqc_SECRETSECRET",
        "postgres://user:SECRETSECRET@host/db",
        "redis://:SECRETSECRET@host:6379/0 does not answer",
        "Cookie: a=b; qqconsole_session=SECRETSECRET; c=d",
        "QQCONSOLE_SECRET_KEY=SECRETSECRET",
        "source_key: 'SECRETSECRET'",
        "PUT https://bucket.example/key?partNumber=1&X-Amz-Signature=SECRETSECRET&x=1",
        "GET https://cos.example/o?q-sign-algorithm=sha1&q-ak=SECRETSECRET&q-signature=SECRETSECRET",
        "https://multimedia.example/download?appid=1406&fileid=x&rkey=SECRETSECRET",
    ],
)
def test_secrets_are_cut_out(text: str) -> None:
    assert "SECRETSECRET" not in redact(text)
    assert "SECRETSECRET" not in line("%s", text)


def test_words_that_only_look_like_it_stay() -> None:
    for text in ("the bot has no secret", "Bot demo is enabled", "password wrong"):
        assert redact(text) == text


def test_a_traceback_is_redacted_too() -> None:
    try:
        raise ValueError("Authorization: QQBot SECRETSECRET")
    except ValueError as error:
        record = logging.LogRecord(
            "qqconsole", logging.ERROR, "f", 1, "it broke", (), (type(error), error, error.__traceback__)
        )
    written = KeyValueFormatter().format(record)

    assert "ValueError" in written
    assert "SECRETSECRET" not in written


def test_pairs_quote_what_would_be_read_as_two() -> None:
    assert key_value("a", "plain") == "a=plain"
    assert key_value("a", "") == 'a=""'
    assert key_value("a", "b=c") == 'a="b=c"'


@pytest.mark.parametrize("odd", ["\x1b[2J", "\x9b2J", "a\u2028at=now", "a\x85b", "\x07", "a\u202eb", "\ud800"])
def test_a_value_neither_ends_the_line_nor_steers_a_terminal(odd: str) -> None:
    written = line("sent", trace_id=odd)
    assert written.isprintable()
    assert json.loads(written.rpartition("trace_id=")[2]) == odd


def test_botpy_is_mute() -> None:
    assert not logging.getLogger("botpy").isEnabledFor(logging.ERROR)
    assert logging.getLogger("botpy").propagate is False


def test_a_secret_that_is_held_is_cut_out_whatever_it_is_called(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.REDIS_URL = "redis://:the-redis-password@host/0"
    logs._held.cache_clear()
    try:
        for secret in (settings.SECRET_KEY, settings.ENCRYPTION_KEYS[0], "the-redis-password"):
            assert secret not in line("strange: <%s>", secret)
    finally:
        logs._held.cache_clear()


def test_a_line_about_a_delivery_says_which() -> None:
    session = SimpleNamespace(pk=3, bot_id=2)
    extra = logs.about(SimpleNamespace(pk=7, session=session), code=40034017, trace_id="t-1")
    assert line("ended", **extra).endswith("message=ended delivery=7 session=3 bot=2 code=40034017 trace_id=t-1")


def test_djangos_error_page_shows_no_password_in_an_address() -> None:
    shown = QuietReports().cleanse_setting(
        "CELERY", {"hosts": ["redis://:SECRETSECRET@host/0"], "x": "rediss://u:SECRETSECRET@h"}
    )
    assert "SECRETSECRET" not in str(shown)
    assert "@host/0" in str(shown)
