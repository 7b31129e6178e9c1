"""One request to QQ's interface, read and understood, and the answer to it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import StreamReader

from simulator.bots import Bot
from simulator.codes import Refusal
from simulator.ledger import Inbound
from simulator.platform import Platform

if TYPE_CHECKING:
    from simulator.streams_current import CurrentStream
    from simulator.streams_legacy import LegacyStream

JSON = "application/json"  # exactly: botpy takes a charset for "not JSON" (sheet 8.1)


@dataclass(slots=True)
class Answer:
    """What goes back: `body` is dumped as JSON unless it is bytes; None sends no body."""

    status: int
    body: Any
    content_type: str = JSON
    headers: dict[str, str] = field(default_factory=dict)

    def payload(self) -> bytes:
        """Return the bytes on the wire."""
        if isinstance(self.body, bytes):
            return self.body
        if self.body is None:
            return b""
        return json.dumps(self.body, ensure_ascii=False).encode()


@dataclass(slots=True)
class Call:
    """One authenticated request. Handlers read it, and leave `stream` and `pair` behind for the exchange.

    The body of a PUT is not in `raw`: its handler reads it off `incoming` as it arrives.
    """

    platform: Platform
    bot: Bot
    n: int
    endpoints: tuple[str, ...]
    scene: str | None
    target: str
    params: Mapping[str, str]
    query: Mapping[str, str]
    body: dict[str, Any]
    raw: bytes
    content_type: str
    now: float
    incoming: StreamReader | None = None
    frame: str | None = None
    hidden: bool = False
    stream: CurrentStream | LegacyStream | None = None
    pair: tuple[Inbound, int] | None = None

    def violate(self, rule: str, detail: str) -> None:
        """Note that this request broke a rule no client may break."""
        self.platform.journal.violate(rule, self.bot.app_id, self.n, detail)


def frame_kind(endpoints: tuple[str, ...], body: dict[str, Any]) -> str | None:
    """Return opening, middle or closing for a streaming frame of either dialect, None for anything else."""
    if "stream" in endpoints:
        if body.get("stream_msg_id") in (None, ""):
            return "opening"
        return "closing" if body.get("input_state") == 10 else "middle"
    stream = body.get("stream")
    if "message" not in endpoints or not isinstance(stream, dict):
        return None
    if stream.get("id") in (None, ""):
        return "opening"
    return "closing" if stream.get("state") in (9, 10, 19, 20) else "middle"


def parsed(raw: bytes, content_type: str) -> dict[str, Any]:
    """Return the JSON object in a request body, {} for none; raises 50035 for anything else."""
    if not raw or not content_type.startswith(JSON):
        if raw and not content_type.startswith("multipart/"):
            raise Refusal(50035)
        return {}
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise Refusal(50035) from error
    if not isinstance(body, dict):
        raise Refusal(50035)
    return body
