"""One line a record: key=value, the delivery and QQ's trace id where the caller gave them, no secrets."""

from __future__ import annotations

import json
import logging
import re
from datetime import UTC, datetime

EXTRAS = ("delivery", "session", "bot", "chunk", "code", "trace_id")
"""What ``logger.info(…, extra={…})`` may carry into the line."""

_REDACTIONS = [
    (re.compile(r"(?i)\b(QQBot|Bearer|Bot)\s+[A-Za-z0-9._~+/=-]{6,}"), r"\1 [redacted]"),
    (
        re.compile(
            r"(?i)([\"']?\b(?:authorization|access_token|clientsecret|client_secret|api[_-]?key|secret|password)\b"
            r"[\"']?\s*[:=]\s*[\"']?)(?!\[redacted\]|(?:QQBot|Bearer|Bot)\s)[^\s\"',;&}]+"
        ),
        r"\1[redacted]",
    ),
    (re.compile(r"\b(sk-|qqc_)[A-Za-z0-9_-]{8,}"), r"\1[redacted]"),
]


def redact(text: str) -> str:
    """The text with tokens, secrets and keys cut out."""
    for pattern, replacement in _REDACTIONS:
        text = pattern.sub(replacement, text)
    return text


def pair(key: str, value: object) -> str:
    """``key=value``; quoted as JSON where the value holds spaces, quotes or line ends."""
    text = str(value)
    plain = text and not re.search(r"[\s\"=]", text)
    return f"{key}={text if plain else json.dumps(text, ensure_ascii=False)}"


class PairsFormatter(logging.Formatter):
    """Redaction happens here, on the finished line, so that a traceback's text goes through it too."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, tz=UTC).isoformat(timespec="milliseconds")
        pairs = [("at", at), ("level", record.levelname.lower()), ("logger", record.name)]
        pairs.append(("message", record.getMessage()))
        pairs += [(name, getattr(record, name)) for name in EXTRAS if getattr(record, name, None) is not None]
        if record.exc_info:
            pairs.append(("traceback", self.formatException(record.exc_info)))
        return redact(" ".join(pair(key, value) for key, value in pairs))
