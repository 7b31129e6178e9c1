"""One HTTP request to QQ's API, as data: what is sent, where, and under which rate limit and time-out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Endpoint(StrEnum):
    """The groups QQ limits apart from each other (sheet 6.2); ``OTHER`` has no limit of its own."""

    MESSAGE = "message"
    STREAM = "stream"
    FILES = "files"
    PREPARE = "prepare"
    PART_FINISH = "part_finish"
    RECALL = "recall"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Request:
    """``path`` starts with "/"; the client encodes what a URL cannot hold. ``body`` goes out as JSON."""

    method: str
    path: str
    body: dict[str, Any]
    endpoint: Endpoint
    urgent: bool = False
    """Opening and closing frames pass middle ones in the queue of the pace limiter."""


_ENDPOINTS: tuple[tuple[str, str, Endpoint], ...] = (
    ("POST", r"/stream_messages$", Endpoint.STREAM),
    ("POST", r"/messages$", Endpoint.MESSAGE),
    ("POST", r"/files$", Endpoint.FILES),
    ("POST", r"/upload_prepare$", Endpoint.PREPARE),
    ("POST", r"/upload_part_finish$", Endpoint.PART_FINISH),
    ("DELETE", r"/messages/[^/]+$", Endpoint.RECALL),
)


def endpoint_of(method: str, path: str) -> Endpoint:
    """The group a call belongs to, for calls that were not built as a Request."""
    for wanted, ending, endpoint in _ENDPOINTS:
        if method == wanted and re.search(ending, path):
            return endpoint
    return Endpoint.OTHER
