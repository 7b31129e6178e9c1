"""The bytes of one HTTP request and answer: address and body out, a bounded body in."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import quote

import aiohttp
from yarl import URL

from adapter.codes import TOKEN_CODES

ANSWER_LIMIT = 1_048_576
"""Bytes of one answer that are read; QQ's are under a few thousand."""


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """One HTTP answer as it came. ``elapsed``: seconds of the last try, without waiting for rate or token."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    elapsed: float


class RequestFailed(Exception):
    """No HTTP answer arrived. ``error`` says why, ``elapsed`` is the seconds it took to find out."""

    def __init__(self, error: Exception, elapsed: float) -> None:
        super().__init__(f"{type(error).__name__}: {error}")
        self.error = error
        self.elapsed = elapsed


class ClientClosed(RuntimeError):
    """Asked to send after ``close``: nothing left."""


@lru_cache(maxsize=4096)
def url_of(base: str, path: str) -> URL:
    """``base`` + ``path``, with what a path cannot hold encoded; ``%2F`` and its like are left as they are."""
    lone_percent_encoded = re.sub(r"%(?![0-9A-Fa-f]{2})", "%25", path)
    return URL(base + quote(lone_percent_encoded, safe="/%:@!$&'()*+,;=~"), encoded=True)


def encode(body: Any) -> bytes:
    """Compact JSON in UTF-8: QQ's size limits count its bytes (sheet 4.2.2 r14).

    Raises TypeError or ValueError for what JSON cannot hold.
    """
    try:
        return json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    except UnicodeEncodeError:
        # A lone surrogate from a model has no UTF-8; escaped, it is valid JSON.
        return json.dumps(body, separators=(",", ":"), allow_nan=False).encode()


async def read_bounded(response: aiohttp.ClientResponse) -> bytes:
    """The body, cut off a little after ``ANSWER_LIMIT`` bytes."""
    body = bytearray()
    async for piece in response.content.iter_any():
        body += piece
        if len(body) > ANSWER_LIMIT:
            response.close()
            break
    return bytes(body)


def blames_token(answer: RawAnswer) -> bool:
    """A 401 for the token, or without any code; not one for the IP list, a ban, a permission (sheet 1.4)."""
    if answer.status != 401:
        return False
    try:
        fields = json.loads(answer.body)
    except (ValueError, RecursionError):
        return True
    if not isinstance(fields, dict):
        return True
    codes = {str(fields.get(name)) for name in ("code", "err_code")} - {"None", "0"}
    return not codes or not {str(code) for code in TOKEN_CODES}.isdisjoint(codes)
