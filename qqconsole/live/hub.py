"""Hub: one subscription of a process, however many watch there and however many processes publish.

What comes from all publishers is joined, at most twenty frames a second for each viewer and fewer under load, the first
few after a silence at once; a frame that many viewers get is one string. A viewer of one session gets the events of
that session, cut out of the publishers' text by the places they name: nothing is decoded or encoded again.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from typing import Any
from weakref import WeakKeyDictionary

from channels.layers import get_channel_layer
from redis.exceptions import RedisError

from qqconsole import tallies
from qqconsole.live.publish import ALL, EVERYBODY, PREFIX, SUFFIX

log = logging.getLogger(__name__)

INTERVAL = 0.05
"""Seconds between two frames to a viewer."""
AT_ONCE = 3
"""Frames that may follow one another without a pause after a silence of as many intervals: what one request to QQ makes
(its intent, its answer), which need not wait for each other where only one answer is watched."""
LONGEST_INTERVAL = 0.5
SESSIONS_AT_FULL_RATE = 200
"""More sessions than this with news in the last two seconds stretch the interval in proportion."""
LIVELY = 2.0
MOST_FRAMES = 200
"""Frames that wait for one viewer; the next ones it misses, and is told to start again."""
AWAY = (OSError, RedisError)
ECHO = "live.echo"
ECHO_EVERY = 2.0
"""Seconds between two looks whether the layer still brings what was sent."""
AGAIN_AFTER = 1.0
"""Seconds between the end of listening by an error nobody expected, and its new beginning."""
DEAF_AFTER = 3
"""Echoes missing in a row after which what viewers see is not called live any more."""


class Mailbox:
    """What waits for one viewer. Belongs to the hub's loop."""

    def __init__(self, session: int | None) -> None:
        self.session = session
        """The one session it follows; None: all."""
        self.missed = False
        """Something did not get to it: its viewer is told to start again, and sets this back."""
        self._frames: asyncio.Queue[str] = asyncio.Queue(MOST_FRAMES)

    async def next(self) -> str:
        """Return the next frame's text, waiting for it."""
        return await self._frames.get()

    def put(self, frame: str) -> None:
        try:
            self._frames.put_nowait(frame)
        except asyncio.QueueFull:
            self.missed = True
            tallies.count("live", 'what="dropped_frames"')


class _Audience:
    """Those who watch the same: everything, or one session."""

    def __init__(self) -> None:
        self.mailboxes: set[Mailbox] = set()
        self._texts: list[str] = []
        self._timer: asyncio.TimerHandle | None = None
        self._paid_until = 0.0
        """Each frame pays for one interval; it may be handed out while the debt is below ``AT_ONCE``."""

    def add(self, text: str, interval: float) -> None:
        """Hand the events' text out: soon, where little was handed out lately, else when the interval is over."""
        self._texts.append(text)
        if self._timer is None:
            pause = self._paid_until - (AT_ONCE - 1) * interval - time.monotonic()
            self._timer = asyncio.get_running_loop().call_later(max(0.0, pause), self._hand_out, interval)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _hand_out(self, interval: float) -> None:
        self._timer = None
        self._paid_until = max(self._paid_until, time.monotonic()) + interval
        frame, self._texts = PREFIX + ",".join(self._texts) + SUFFIX, []
        for mailbox in self.mailboxes:
            mailbox.put(frame)


class Hub:
    """Belongs to one loop: ``here()`` gives its own. Listens while somebody watches."""

    def __init__(
        self, interval: float = INTERVAL, echo_every: float = ECHO_EVERY, again_after: float = AGAIN_AFTER
    ) -> None:
        self.deaf = False
        """Whether the layer brings nothing at the moment: what viewers see may be old."""
        self._interval = interval
        self._echo_every = echo_every
        self._again_after = again_after
        self._broken = False
        self._audiences: dict[int | None, _Audience] = {}
        self._lock = asyncio.Lock()
        self._tasks: list[asyncio.Task[None]] = []
        self._channel = ""
        self._lively: dict[int, float] = {}
        self._echoes = 0

    async def join(self, session: int | None = None) -> Mailbox:
        """Return a mailbox that gets everything published from now on."""
        mailbox = Mailbox(session)
        async with self._lock:
            if not self._tasks:
                await self._start()
            self._audiences.setdefault(session, _Audience()).mailboxes.add(mailbox)
        return mailbox

    async def leave(self, mailbox: Mailbox) -> None:
        """Forget the mailbox; the last one ends the subscription."""
        async with self._lock:
            audience = self._audiences.get(mailbox.session)
            if audience is not None:
                audience.mailboxes.discard(mailbox)
                if not audience.mailboxes:
                    audience.close()
                    del self._audiences[mailbox.session]
            if not self._audiences and self._tasks:
                await self._stop()

    async def _start(self) -> None:
        layer = get_channel_layer()
        self._channel = await layer.new_channel("live")
        await layer.group_add(ALL, self._channel)
        self.deaf, self._broken, self._echoes = False, False, 0
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._listen(layer)), loop.create_task(self._listen_to_itself(layer))]

    async def _stop(self) -> None:
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        try:
            await get_channel_layer().group_discard(ALL, self._channel)
        except AWAY:
            log.warning("the channel layer is away: a subscription could not be ended there")

    async def _listen(self, layer: Any) -> None:
        """Hear for ever: whatever breaks it, it begins again, and what came meanwhile its viewers have missed."""
        while True:
            try:
                await self._hear(layer)
            except Exception:
                log.exception("the live events could not be heard: trying again")
                self.deaf, self._broken = True, True
                await asyncio.sleep(self._again_after)
                self._broken = False
                self._all_missed()

    async def _hear(self, layer: Any) -> None:
        take_missed = getattr(layer, "take_missed", None)
        while True:
            message = await layer.receive(self._channel)
            if message["type"] == ECHO:
                self._echoes = 0
                continue
            if take_missed is not None and take_missed(self._channel):
                self._all_missed()
            self._share(message["text"], message["cuts"])

    async def _listen_to_itself(self, layer: Any) -> None:
        """A layer that lost its server says nothing: that silence must not look like peace."""
        while True:
            self._echoes += 1
            try:
                await layer.send(self._channel, {"type": ECHO})
            except AWAY as error:
                log.warning("the channel layer does not take anything: %s", type(error).__name__)
            await asyncio.sleep(self._echo_every)
            deaf = self._broken or self._echoes >= DEAF_AFTER
            if self.deaf and not deaf:
                self._all_missed()
            self.deaf = deaf

    def _all_missed(self) -> None:
        for audience in self._audiences.values():
            for mailbox in audience.mailboxes:
                mailbox.missed = True

    def current_interval(self) -> float:
        """Return the seconds between two frames under the present load."""
        return min(LONGEST_INTERVAL, self._interval * max(1.0, len(self._lively) / SESSIONS_AT_FULL_RATE))

    def _share(self, text: str, cuts: list[tuple[int, int, int]]) -> None:
        """Give each audience its part of what one process published."""
        now, parts = time.monotonic(), defaultdict[int | None, list[str]](list)
        watched = self._audiences.keys()
        for session, start, end in cuts:
            self._lively[session] = now
            if session == EVERYBODY:
                for one in watched - {None}:
                    parts[one].append(text[start:end])
            elif session in watched:
                parts[session].append(text[start:end])
        if len(self._lively) > SESSIONS_AT_FULL_RATE:
            self._lively = {session: at for session, at in self._lively.items() if at > now - LIVELY}
        interval = self.current_interval()
        if None in watched:
            self._audiences[None].add(text[len(PREFIX) : -len(SUFFIX)], interval)
        for one, texts in parts.items():
            self._audiences[one].add(",".join(texts), interval)


_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = WeakKeyDictionary()


def here() -> Hub:
    """Return the hub of the running loop."""
    return _hubs.setdefault(asyncio.get_running_loop(), Hub())
