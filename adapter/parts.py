"""What QQ answers to upload_prepare (sheet 5.3), however odd: a plan to go by, or words about what is wrong with it.

Offsets go by position: ``index`` begins at 0 or at 1, and is only ever echoed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

MOST_PARTS = 10_000
_TIMEOUT, _LONGEST_TIMEOUT = 300.0, 600.0
_DELAY, _SHORTEST_DELAY, _LONGEST_DELAY = 1.0, 0.1, 30.0
_LONGEST_TTL = 365 * 24 * 3600
"""Seconds. No calendar holds what an odd answer may say, and a year is as good as for ever."""


@dataclass(frozen=True, slots=True)
class Part:
    index: int | str
    """QQ's own number for it, as QQ wrote it."""
    offset: int
    size: int
    """Bytes."""
    url: str = field(repr=False)
    """Where it is PUT. Whoever has this address may write there: it is in no record and no log."""
    md5: str = ""
    """Known once it was read."""


@dataclass(frozen=True, slots=True)
class Prepared:
    upload_id: str = ""
    parts: tuple[Part, ...] = ()
    retry_timeout: float = _TIMEOUT
    """Seconds for which a part that failed may be tried again."""
    retry_delay: float = _DELAY
    """Seconds before the second try of a part."""
    file_info: str = ""
    """QQ has the very same file already: nothing is to be uploaded (sheet 9, "instant upload")."""


def read_prepared(data: Mapping[str, Any], size: int) -> Prepared | str:
    """The plan in ``data`` for ``size`` bytes; or, in plain English, why it is none."""
    file_info = data.get("file_info")
    if isinstance(file_info, str) and file_info:
        return Prepared(file_info=file_info)
    upload_id = data.get("upload_id")
    if isinstance(upload_id, int) and not isinstance(upload_id, bool):
        upload_id = str(upload_id)
    if not isinstance(upload_id, str) or not upload_id:
        return "QQ prepared the upload without an upload_id"
    parts = _read_parts(data, size)
    if isinstance(parts, str):
        return parts
    config = data.get("upload_config")
    config = config if isinstance(config, Mapping) else {}
    timeout = _number(config.get("retry_timeout"))
    delay = _number(config.get("retry_delay"))
    return Prepared(
        upload_id,
        parts,
        _TIMEOUT if timeout is None else min(max(timeout, 0.0), _LONGEST_TIMEOUT),
        _DELAY if delay is None else min(max(delay, _SHORTEST_DELAY), _LONGEST_DELAY),
    )


def _read_parts(data: Mapping[str, Any], size: int) -> tuple[Part, ...] | str:
    given = data.get("parts")
    if not isinstance(given, list) or not given:
        return "QQ prepared the upload without parts"
    if len(given) > MOST_PARTS:
        return f"QQ prepared the upload in more than {MOST_PARTS} parts"
    parts: list[Part] = []
    offset = 0
    for each in given:
        if not isinstance(each, Mapping):
            return "QQ described a part of the upload in a way that cannot be read"
        index, url = each.get("index"), each.get("presigned_url")
        if isinstance(index, bool) or not isinstance(index, int | str) or index == "":
            return "QQ gave a part of the upload no number"
        if not isinstance(url, str) or not url.lower().startswith(("http://", "https://")):
            return "QQ gave a part of the upload no address"
        block = _number(each.get("block_size")) or _number(data.get("block_size"))
        # The last part may be announced with the size of the others.
        here = min(int(block), size - offset) if block else 0
        if here <= 0:
            return "the sizes of the parts do not add up to the file's"
        parts.append(Part(index, offset, here, url))
        offset += here
    if offset != size:
        return "the sizes of the parts do not add up to the file's"
    if len({str(part.index) for part in parts}) != len(parts):
        return "QQ gave two parts of the upload the same number"
    return tuple(parts)


def read_ttl(data: Mapping[str, Any]) -> int | None:
    """Seconds for which a file_info is good: 0 for ever, None where QQ did not say (sheet 5.1)."""
    ttl = _number(data.get("ttl"))
    return None if ttl is None or ttl < 0 else int(min(ttl, _LONGEST_TTL))


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None
