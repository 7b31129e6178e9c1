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
