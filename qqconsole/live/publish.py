"""Publish after commit: hand events to every viewer, few messages each holding many events.

``publish`` may be called from any thread. One background thread with its own loop encodes each event once, joins what
came meanwhile and sends one layer message: at once when nothing was sent lately, else at the end of the interval. Who
watches, and what, is the hub's business (``live.hub``). Nothing here is needed for correctness: the rows are the truth,
and a viewer that misses an event sees the gap in ``seq`` and asks for a replay.
"""

from __future__ import annotations

import asyncio
import json
import logging
import threading
import time
from collections.abc import Iterable, Sequence
from typing import Any

from channels.layers import get_channel_layer
from django.core.serializers.json import DjangoJSONEncoder

from qqconsole.live.layer import ThreadSafeLayer

log = logging.getLogger(__name__)

ALL = "live.all"
"""The one group: every process in which somebody watches is in it."""
FRAME = "live.frame"
"""The layer message's type. Its ``text`` is the encoded frame, its ``cuts`` are ``[whose, start, end]`` for each event
that concerns one session (``whose`` is its key) or every session page (``EVERYBODY``)."""
EVERYBODY = 0
PREFIX, SUFFIX = '{"type":"events","events":[', "]}"
"""What stands around the events of a frame."""

INTERVAL = 0.01
"""Seconds between two messages of one process."""
MOST_EVENTS_WAITING = 20_000
"""Beyond it (the layer is stuck) events are dropped and counted; viewers see the gap."""


def whose(event: dict[str, Any]) -> int | None:
    """Return the key of the session whose page shows the event, ``EVERYBODY``, or None: only pages that show all."""
    if event.get("session") is not None:
        return int(event["session"])
    return EVERYBODY if event.get("type") == "bot" else None


def encode_frame(encoded_events: Iterable[str]) -> str:
    """Return the JSON text of one frame that holds events already encoded."""
    return PREFIX + ",".join(encoded_events) + SUFFIX


def encode(document: Any) -> str:
    """Return compact JSON; datetimes and lazy translations are put into words."""
    return json.dumps(document, cls=DjangoJSONEncoder, ensure_ascii=False, separators=(",", ":"))


class Publisher:
    """The background thread. ``interval`` is seconds; ``layer`` defaults to the project's channel layer."""

    def __init__(self, layer: Any = None, interval: float = INTERVAL) -> None:
        self._layer = layer
        self._interval = interval
        self._lock = threading.Lock()
        self._waiting: list[dict[str, Any]] = []
        self._scheduled = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._last_flush = 0.0
        self._flushing: asyncio.Task[None] | None = None
        self.events = 0
        self.frames = 0
        self.dropped = 0
        """Events that never reached the layer: too many waiting, unencodable, or the layer failed."""

    def publish(self, events: Sequence[dict[str, Any]]) -> None:
        """Queue events for every viewer. Thread-safe, returns at once and never raises."""
        if not events:
            return
        with self._lock:
            room = MOST_EVENTS_WAITING - len(self._waiting)
            self._waiting.extend(events[:room])
            self.dropped += max(0, len(events) - room)
            if self._scheduled:
                return
            self._scheduled = True
            loop = self._ensure_loop()
        loop.call_soon_threadsafe(self._start_flush)

    def tell(self, group: str, message: dict[str, Any]) -> None:
        """Send one message to a group of the layer, at once. Thread-safe, returns at once and never raises."""
        with self._lock:
            loop = self._ensure_loop()
        asyncio.run_coroutine_threadsafe(self._tell(group, message), loop)

    async def _tell(self, group: str, message: dict[str, Any]) -> None:
        try:
            await (self._layer or get_channel_layer()).group_send(group, message)
        except Exception:  # the layer's own errors are many; whoever is told looks at the rows as well
            log.exception("a message was lost: group=%s", group)

    def stop(self, timeout: float = 2.0) -> None:
        """Send what waits and end the thread, within ``timeout`` seconds; ``publish`` starts a new one."""
        with self._lock:
            loop, self._loop = self._loop, None
        if loop is None:
            return
        try:
            asyncio.run_coroutine_threadsafe(self._finish(), loop).result(timeout)
        except TimeoutError:
            log.warning("live events were still waiting when the publisher was stopped")
        finally:
            loop.call_soon_threadsafe(loop.stop)

    def _ensure_loop(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            threading.Thread(target=_run, args=(self._loop,), name="live-publisher", daemon=True).start()
        return self._loop

    # In the publisher's loop

    def _start_flush(self) -> None:
        self._flushing = asyncio.get_running_loop().create_task(self._flush_soon())

    async def _flush_soon(self) -> None:
        pause = self._last_flush + self._interval - time.monotonic()
        if pause > 0:
            await asyncio.sleep(pause)
        await self._flush_now()

    async def _finish(self) -> None:
        if self._flushing is not None:
            self._flushing.cancel()
        await self._flush_now()

    async def _flush_now(self) -> None:
        with self._lock:
            events, self._waiting = self._waiting, []
            self._scheduled = False
        self._last_flush = time.monotonic()
        texts: list[str] = []
        cuts: list[list[int]] = []
        place = len(PREFIX)
        for event in events:
            try:
                text = encode(event)
            except (TypeError, ValueError):
                self.dropped += 1
                log.exception("a live event could not be encoded: type=%s", event.get("type"))
                continue
            if (owner := whose(event)) is not None:
                cuts.append([owner, place, place + len(text)])
            place += len(text) + 1
            texts.append(text)
        self.events += len(texts)
        if not texts:
            return
        try:
            layer = self._layer or get_channel_layer()
            await layer.group_send(ALL, {"type": FRAME, "text": encode_frame(texts), "cuts": cuts})
            self.frames += 1
        except Exception:  # the layer's own errors are many; each loss is counted and logged
            self.dropped += len(texts)
            log.exception("a live frame was lost: events=%d", len(texts))


def _run(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
    finally:
        loop.close()


publisher = Publisher()
"""The process's own."""


def publish(events: Sequence[dict[str, Any]]) -> None:
    """Hand events (``live.documents``) to every viewer, after their rows are committed.

    Thread-safe, returns at once, never raises. Events of one delivery go out in the order given.
    """
    publisher.publish(events)


def counters() -> dict[str, int]:
    """Return what was published since the start, for /metrics: events, frames, and both kinds of loss."""
    layer = publisher._layer or get_channel_layer()
    # Redis's layer counts nothing, and asks for a running loop when it is asked for what it does not have.
    layer_dropped = layer.dropped if isinstance(layer, ThreadSafeLayer) else 0
    return {
        "events": publisher.events,
        "frames": publisher.frames,
        "dropped_events": publisher.dropped,
        "dropped_frames": layer_dropped,
    }
