"""What the object storage behind QQ's presigned addresses answers to a PUT (sheet 5.3), as one of ``adapter.answers``.

A PUT shows nothing to anyone and may be done again, so ``Unknown`` is as good as a refusal that time may mend.
"""

from __future__ import annotations

import re

from adapter.answers import Accepted, Answer, Exchange, Refused, Throttled, Unknown

_CODE = re.compile(rb"<Code>([\w.-]{1,64})</Code>")
_MESSAGE = re.compile(rb"<Message>([^<]{1,200})</Message>")
_TRACE = re.compile(rb"<RequestId>([\w.=+/-]{1,128})</RequestId>")


def read_storage_answer(status: int, body: bytes, *, elapsed: float) -> Answer:
    """Of the body only its code, words and request id are kept: the rest repeats what the address was signed with."""
    code, message, trace = (_found(pattern, body) for pattern in (_CODE, _MESSAGE, _TRACE))
    words = ": ".join(each for each in (code, message) if each)
    exchange = Exchange(http_status=status, message=words, trace_id=trace, elapsed=elapsed)
    if 200 <= status < 300:
        return Accepted("", {}, exchange)
    if status == 429 or code == "SlowDown":
        return Throttled(None, None, exchange)
    if status >= 500 or status == 408:
        return Unknown("5xx", exchange)
    return Refused(None, True, exchange)


def _found(pattern: re.Pattern[bytes], body: bytes) -> str:
    match = pattern.search(body)
    return match[1].decode("utf-8", "replace") if match else ""
