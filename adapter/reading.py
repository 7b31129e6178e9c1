"""An HTTP answer of QQ's, however odd, read as one of ``adapter.answers``. Pure, and never raises.

The rules, in order (docs/protocol.md 1.5, 3.3, 6.2b; issue "Answers of QQ are typed"):

1. 201/202, or a review code: InReview, unless another code says no or an id says yes.
2. 5xx whose code is missing, unlisted or 系统繁忙 (also 12001-12003): Unknown, it may have taken effect.
3. 429, or a code of the rate family: Throttled.
4. Any other status outside 2xx, or a 200 with a non-zero code: Refused, final by the table of codes.
5. 2xx with what was wanted: Accepted; without it: Unknown("no_id").
"""

from __future__ import annotations

import email.message
from collections.abc import Mapping
from typing import Any, Literal

from adapter.answers import Accepted, Answer, Exchange, InReview, Refused, Throttled, Unknown
from adapter.codes import REVIEW_CODES, Reaction, is_permanent, known, telling
from adapter.redaction import redact
from adapter.storable import LONGEST_ID, load, storable

BODY_LIMIT = 4_000
"""Characters of QQ's answer, and of its words, kept in the record."""

TRACE_LIMIT = 128
"""Characters of a trace id; QQ's have 32."""

_ONLY_WITH_400 = frozenset({12001, 12002, 12003})
"""These count as a no only with HTTP 400 (docs/protocol.md 6.2b)."""

_BUSY = "系统繁忙"
_TOO_OFTEN = "频率限制"

Wants = Literal["message", "upload", "plan", "any"]


def read_answer(http_status: int, headers: Mapping[str, str], body: bytes, *, elapsed: float, wants: Wants) -> Answer:
    """The answer in ``body``.

    ``wants`` says what proves success: "message" an id, "upload" a file_info, "plan" any field at all, "any" the
    status alone. ``elapsed`` is in seconds.
    """
    text = storable(_decode(body, headers))
    parsed = _parse(text)
    fields: Mapping[str, Any] = parsed if isinstance(parsed, dict) else {}
    code, err_code = _number(fields.get("code")), _number(fields.get("err_code"))
    exchange = Exchange(
        http_status=http_status,
        code=code,
        err_code=err_code,
        message=redact(_message(fields)[: BODY_LIMIT * 2])[:BODY_LIMIT],
        trace_id=redact((_words(fields.get("trace_id")) or _header(headers, "x-tps-trace-id"))[:TRACE_LIMIT]),
        body=redact(text[: BODY_LIMIT * 2])[:BODY_LIMIT],
        elapsed=elapsed,
    )
    told = telling(code, err_code)
    if http_status in (201, 202) or told in REVIEW_CODES:
        in_review = _review(fields, told, exchange)
        if in_review is not None:
            return in_review
    if http_status >= 500 and _outcome_is_open(told, exchange.message):
        return Unknown("5xx", exchange)
    if http_status == 429 or _is_throttle(told, http_status, exchange.message):
        return Throttled(_retry_after(headers), told, exchange)
    if told is not None or not 200 <= http_status < 300:
        return Refused(told, _is_final(told, http_status), exchange)
    return _success(http_status, parsed, fields, exchange, wants)


def _success(status: int, parsed: Any, fields: Mapping[str, Any], exchange: Exchange, wants: Wants) -> Answer:
    if wants == "message":
        if found := _id(fields.get("id")):
            return Accepted(found, fields, exchange)
        return Unknown("no_id", exchange)
    if wants == "upload":
        if isinstance(fields.get("file_info"), str) and fields["file_info"]:
            return Accepted(_id(fields.get("file_uuid")), fields, exchange)
        return Unknown("no_id", exchange)
    if wants == "plan" and not fields:
        # Nothing to go by, and nothing that anybody could see: the same again.
        return Unknown("no_id", exchange)
    if isinstance(parsed, (dict, list)) or status == 204 or not exchange.body.strip():
        return Accepted(_id(fields.get("id")), fields, exchange)
    # A page of a proxy or a portal with status 200 is no answer of QQ's.
    return Unknown("no_id", exchange)


def _review(fields: Mapping[str, Any], told: int | None, exchange: Exchange) -> Answer | None:
    audit = _inner(_inner(fields, "data"), "message_audit") or _inner(fields, "message_audit")
    audit_id = _id(audit.get("audit_id"))
    if told in REVIEW_CODES or audit_id:
        return InReview(audit_id, exchange)
    if told is not None or _id(fields.get("id")):
        return None
    return InReview("", exchange)


def _outcome_is_open(told: int | None, message: str) -> bool:
    return known(told) is None or told in _ONLY_WITH_400 or _BUSY in message


def _is_throttle(told: int | None, status: int, message: str) -> bool:
    entry = known(told)
    if entry is not None:
        return entry.reaction is Reaction.THROTTLE
    # QQ has not published the code of this one (docs/protocol.md 6.1, "text only").
    return told is None and status >= 400 and _TOO_OFTEN in message


def _is_final(told: int | None, status: int) -> bool:
    return is_permanent(told) if told is not None else status >= 300


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds; no such header has been observed (docs/protocol.md 6.2). A date form is left unread."""
    try:
        seconds = float(_header(headers, "retry-after"))
    except ValueError:
        return None
    return seconds if 0 <= seconds <= 3_600 else None


def _decode(body: bytes, headers: Mapping[str, str]) -> str:
    head = email.message.Message()
    content_type = _header(headers, "content-type")
    charset = "utf-8"
    if "charset" in content_type.lower():
        head["content-type"] = content_type
        charset = head.get_content_charset("utf-8")
    try:
        return body.decode(charset, "replace").removeprefix("\ufeff")
    except (LookupError, UnicodeError):
        return body.decode("utf-8", "replace").removeprefix("\ufeff")


def _parse(text: str) -> Any:
    try:
        return load(text)
    except ValueError:
        return None


def _number(value: object) -> int | None:
    """A code as int, float or digits; None for anything else. QQ's have up to 8 digits; the record holds 31 bits."""
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float, str)):
        try:
            return max(-(2**31), min(int(value), 2**31 - 1))
        except (ValueError, OverflowError):
            return None
    return None


def _id(value: object) -> str:
    """QQ's id as text, "" for what cannot be one, or is too long to be kept. In guilds ids also arrive as numbers."""
    if isinstance(value, str):
        text = value.strip()
        return text if len(text) <= LONGEST_ID else ""
    if isinstance(value, int) and not isinstance(value, bool) and value:
        return str(value)
    return ""


def _words(value: object) -> str:
    return value if isinstance(value, str) else ""


def _message(fields: Mapping[str, Any]) -> str:
    """A success may hold a "message" of another shape; only text is words."""
    return _words(fields.get("message")) or _words(fields.get("msg"))


def _inner(fields: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = fields.get(name)
    return value if isinstance(value, dict) else {}


def _header(headers: Mapping[str, str], name: str) -> str:
    for key, value in headers.items():
        if key.lower() == name:
            return value
    return ""
