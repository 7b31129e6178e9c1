"""A gateway session: what was pushed to it, and to whom it goes now (sheet 2.2, 2.4)."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections import deque
from dataclasses import dataclass, field
from typing import Any

BACKLOG = 1000  # events kept for a resume

HELLO, DISPATCH, HEARTBEAT, IDENTIFY, RESUME, RECONNECT, INVALID, ACK = 10, 0, 1, 2, 6, 7, 9, 11


@dataclass(frozen=True, slots=True)
class Close:
    """Close the websocket with this code; None cuts the connection."""

    code: int | None
    reason: str = ""


class Connection:
    """One websocket. Whatever goes out passes this queue, so that order is kept."""

    def __init__(self) -> None:
        self.outbox: asyncio.Queue[str | Close] = asyncio.Queue()
        self.session: GatewaySession | None = None
        self.muted = False

    def send(self, frame: dict[str, Any]) -> None:
        """Queue a frame, unless this connection plays dead."""
        self.send_text(json.dumps(frame, ensure_ascii=False))

    def send_text(self, text: str) -> None:
        """Queue a frame as it is, valid or not."""
        if not self.muted:
            self.outbox.put_nowait(text)

    def close(self, code: int | None, reason: str = "") -> None:
        """Queue the end, after what is queued already."""
        self.outbox.put_nowait(Close(code, reason))


@dataclass(slots=True)
class GatewaySession:
    """One identified session; `connection` is None while nobody is there, and events wait in the backlog."""

    intents: int
    shard: tuple[int, int]
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    seq: int = 0
    connection: Connection | None = None
    backlog: deque[tuple[int, str]] = field(default_factory=lambda: deque(maxlen=BACKLOG))

    def wants(self, bit: int | None, shard: int) -> bool:
        """Return whether an event of that intent bit (None: always) and shard is for this session."""
        return (bit is None or bool(self.intents & (1 << bit))) and shard % self.shard[1] == self.shard[0]

    def dispatch(self, event: str, d: Any, event_id: str | None) -> None:
        """Give the event its number, keep it for a resume, and send it if somebody is there."""
        self.seq += 1
        frame: dict[str, Any] = {"op": DISPATCH, "s": self.seq, "t": event, "d": d}
        if event_id is not None:
            frame["id"] = event_id
        text = json.dumps(frame, ensure_ascii=False)
        self.backlog.append((self.seq, text))
        if self.connection is not None:
            self.connection.send_text(text)

    def replay(self, connection: Connection, seq: int) -> None:
        """Send what came after `seq`, then RESUMED with the empty string for its `d` (sheet 2.2)."""
        for number, text in self.backlog:
            if number > seq:
                connection.send_text(text)
        connection.send({"op": DISPATCH, "s": self.seq, "t": "RESUMED", "d": ""})
