"""JSON from outside, read into values that every database and every JSON can carry. Pure.

A declared transform: NUL and halves of surrogate pairs become U+FFFD; NaN, Infinity and numbers beyond a float's
range become null. Without it one such character keeps a whole event, or QQ's answer, out of the database.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

LONGEST_ID = 200
"""Characters of an id of QQ's that is kept: of a message, an event, a stream, a gateway session (theirs are under 120).
A longer one counts as none. It is never cut: a part of it could be another's."""
LONGEST_TARGET = 128
"""The same of a user, a group, a guild channel (theirs have 32)."""

REPLACEMENT = "\ufffd"
_UNFIT = re.compile("[\x00\ud800-\udfff]")


def load(text: str | bytes) -> Any:
    """The value in ``text``. Raises ValueError where it is no JSON, or nested deeper than can be read."""
    try:
        return _value(json.loads(text, parse_constant=lambda _: None, parse_float=_finite))
    except RecursionError:
        raise ValueError("nested too deeply") from None


def storable(text: str) -> str:
    """``text`` with whole surrogate pairs joined, and lone halves and NUL replaced by U+FFFD; the same string where it
    holds none of them."""
    if not _UNFIT.search(text):
        return text
    joined = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return joined.replace("\x00", REPLACEMENT)


def _finite(number: str) -> float | None:
    value = float(number)
    return value if math.isfinite(value) else None


def _value(value: Any) -> Any:
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict):
        return {storable(name): _value(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_value(inner) for inner in value]
    return value
