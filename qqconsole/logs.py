"""One line a record: key=value, the delivery and QQ's trace id where the caller gave them, no secrets."""

from __future__ import annotations

import json
import logging
import re
from datetime import UTC, datetime

from adapter import redaction as adapter_redaction

EXTRAS = ("delivery", "session", "bot", "chunk", "code", "trace_id")
"""What ``logger.info(…, extra={…})`` may carry into the line."""

_OURS = [
    (re.compile(r"""(?i)(\b(?:api[_-]?key|password)\b["']?\s*[:=]\s*["']?)[^\s"',;&}]+"""), r"\1***"),
    (re.compile(r"\b(sk-|qqc_)[A-Za-z0-9_-]{8,}"), r"\1***"),
    (re.compile(r"(://[^/\s:@]*:)[^/\s@]+@"), r"\1***@"),
]
"""What the adapter never sees: the model's keys, our own tokens, passwords in addresses."""


def redact(text: str) -> str:
    """The text with tokens, secrets, keys and passwords cut out."""
    text = adapter_redaction.redact(text)
    for pattern, replacement in _OURS:
        text = pattern.sub(replacement, text)
    return text


def key_value(key: str, value: object) -> str:
    """``key=value``; quoted as JSON where the value holds spaces, quotes or line ends."""
    text = str(value)
    plain = text and not re.search(r"[\s\"=]", text)
    return f"{key}={text if plain else json.dumps(text, ensure_ascii=False)}"


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
