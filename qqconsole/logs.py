"""One line a record: key=value, the delivery and QQ's trace id where the caller gave them, no secrets."""

from __future__ import annotations

import functools
import json
import logging
import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from adapter import redaction as adapter_redaction

EXTRAS = ("delivery", "session", "bot", "chunk", "code", "trace_id")
"""What ``logger.info(…, extra={…})`` may carry into the line."""

_OURS = [
    (
        re.compile(
            r"""(?i)((?:\b|_)(?:api[_-]?key|secret[_-]?key|source[_-]?key|encryption[_-]?keys?|passw(?:or)?d)\b["']?"""
            r"""\s*[:=]\s*["']?)[^\s"',;&}]+"""
        ),
        r"\1***",
    ),
    (re.compile(r"""(?i)\b((?:qqconsole_session|qqconsole_csrf|csrfmiddlewaretoken)=)[^\s"';&,]+"""), r"\1***"),
    (
        re.compile(
            r"""(?i)([?&](?:x-amz-(?:signature|credential|security-token)|x-cos-security-token|q-signature|q-ak|sign"""
            r"""|sig|signature|token|rkey|ossaccesskeyid|awsaccesskeyid)=)[^\s"'&<>]+"""
        ),
        r"\1***",
    ),
    (re.compile(r"\b(sk-|qqc_)[A-Za-z0-9_-]{8,}"), r"\1***"),
    (re.compile(r"(://[^/\s:@]*:)[^/\s@]+@"), r"\1***@"),
]
"""What the adapter never sees: the model's keys, our own tokens and cookies, passwords and signatures in addresses."""
SHORTEST = 6
"""Characters of a secret that is looked for as it is; a shorter one would take words of the line with it."""


def redact(text: str) -> str:
    """The text with tokens, secrets, keys and passwords cut out."""
    text = adapter_redaction.redact(text)
    for pattern, replacement in _OURS:
        text = pattern.sub(replacement, text)
    for secret in _held():
        text = text.replace(secret, "***")
    return text


@functools.cache
def _held() -> tuple[str, ...]:
    """The secrets that the settings hold, as they are: whatever a line calls them, they do not leave."""
    if not settings.configured:
        return ()
    database: dict[str, Any] = settings.DATABASES["default"]
    media: dict[str, Any] = settings.STORAGES["media"].get("OPTIONS", {})
    held = [settings.SECRET_KEY, *settings.ENCRYPTION_KEYS, database.get("PASSWORD"), media.get("secret_key")]
    held.append(urlsplit(settings.REDIS_URL).password)
    return tuple(secret for secret in held if secret and len(secret) >= SHORTEST)


def about(delivery: Any, **more: Any) -> dict[str, Any]:
    """Return ``extra`` of a log line about a delivery (loaded with its session); None is left out."""
    session = delivery.session
    return {"delivery": delivery.pk, "session": session.pk, "bot": session.bot_id, **more}


def key_value(key: str, value: object) -> str:
    """``key=value``; quoted as JSON where the value holds spaces, quotes, line ends or what no terminal should get."""
    text = str(value)
    if text.isprintable() and text and not re.search(r"[\s\"=]", text):
        return f"{key}={text}"
    quoted = json.dumps(text, ensure_ascii=False)
    if not quoted.isprintable():
        # JSON lets line ends of other alphabets and most control characters stand as they are.
        quoted = "".join(one if one.isprintable() else json.dumps(one)[1:-1] for one in quoted)
    return f"{key}={quoted}"


class KeyValueFormatter(logging.Formatter):
    """Redaction happens here, on the finished line, so that a traceback's text goes through it too."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, tz=UTC).isoformat(timespec="milliseconds")
        pairs = [("at", at), ("level", record.levelname.lower()), ("logger", record.name)]
        pairs.append(("message", record.getMessage()))
        pairs += [(name, getattr(record, name)) for name in EXTRAS if getattr(record, name, None) is not None]
        if record.exc_info:
            pairs.append(("traceback", self.formatException(record.exc_info)))
        return redact(" ".join(key_value(key, value) for key, value in pairs))
