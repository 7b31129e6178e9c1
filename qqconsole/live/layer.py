"""A channel layer for one process whose parts run in different threads.

Channels' own in-memory layer queues on asyncio objects and never wakes a loop in another thread; here each
receiver is woken in its own loop (``call_soon_threadsafe``). Nothing is shared with other processes.
Follows the channel layer specification with the extensions *groups* and *flush*.
"""

from __future__ import annotations

import asyncio
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable
from copy import deepcopy
from typing import Any

from channels.exceptions import ChannelFull
from channels.layers import BaseChannelLayer

Message = dict[str, Any]
SWEEP_EVERY = 5.0
"""Seconds between two looks for what has expired."""


class _Mailbox:
    """What waits on one channel, and who waits for it. Touched only under the layer's lock."""

    __slots__ = ("messages", "waiters")

    def __init__(self) -> None:
        self.messages: deque[tuple[float, Message]] = deque()
        self.waiters: deque[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]] = deque()

    def wake_one(self) -> None:
        while self.waiters:
            loop, future = self.waiters.popleft()
            try:
                loop.call_soon_threadsafe(_resolve, future)
            except RuntimeError:  # its loop is closed: nobody is there any more
                continue
            return


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


class ThreadSafeLayer(BaseChannelLayer):  # type: ignore[misc]
    """In-process layer. A full mailbox refuses ``send`` (ChannelFull) and drops a group's message, counted.

    ``expiry`` and ``group_expiry`` are seconds, ``capacity`` is messages per channel.
    """

    extensions = ["groups", "flush"]

    def __init__(
        self,
        expiry: float = 60,
        group_expiry: float = 86_400,
        capacity: int = 100,
        channel_capacity: dict[Any, int] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(expiry=expiry, capacity=capacity)
        self.channel_capacity = self.compile_capacities(channel_capacity or {})
        self.group_expiry = group_expiry
        self.dropped = 0
        """Group messages that a full mailbox did not take, since the start."""
        self._clock = clock
        self._lock = threading.Lock()
        self._mailboxes: dict[str, _Mailbox] = {}
        self._groups: dict[str, dict[str, float]] = {}
        self._missed: dict[str, int] = {}
        self._next_sweep = clock() + SWEEP_EVERY

    # Channels

    async def new_channel(self, prefix: str = "specific") -> str:
        return f"{prefix}.threads!{secrets.token_hex(8)}"

    async def send(self, channel: str, message: Message) -> None:
        """Put a message on a channel; raises ChannelFull when its mailbox is full."""
        self._check_message(message)
        self.require_valid_channel_name(channel)
        with self._lock:
            self._sweep()
            if not self._put(channel, message):
                raise ChannelFull(channel)

    async def receive(self, channel: str) -> Message:
        """Return the next message of the channel, waiting for it in the caller's loop."""
        self.require_valid_channel_name(channel)
        loop = asyncio.get_running_loop()
        while True:
            with self._lock:
                self._sweep()
                mailbox = self._mailboxes.setdefault(channel, _Mailbox())
                if mailbox.messages:
                    _, message = mailbox.messages.popleft()
                    self._forget_if_idle(channel, mailbox)
                    self._is_alive(channel)
                    return message
                future: asyncio.Future[None] = loop.create_future()
                mailbox.waiters.append((loop, future))
            try:
                await future
            except asyncio.CancelledError:
                with self._lock:
                    self._leave(channel, mailbox, future)
                raise

    # Groups

    async def group_add(self, group: str, channel: str) -> None:
        self.require_valid_group_name(group)
        self.require_valid_channel_name(channel)
        with self._lock:
            self._groups.setdefault(group, {})[channel] = self._clock()

    async def group_discard(self, group: str, channel: str) -> None:
        self.require_valid_group_name(group)
        self.require_valid_channel_name(channel)
        with self._lock:
            self._discard(group, channel)

    async def group_send(self, group: str, message: Message) -> None:
        """Put a message on every channel of the group; a full mailbox misses it (see ``take_missed``)."""
        self._check_message(message)
        self.require_valid_group_name(group)
        with self._lock:
            self._sweep()
            for channel in self._groups.get(group, ()):
                if not self._put(channel, message):
                    self.dropped += 1
                    self._missed[channel] = self._missed.get(channel, 0) + 1

    def take_missed(self, channel: str) -> int:
        """Return how many group messages this channel missed since last asked: its owner should resync."""
        with self._lock:
            return self._missed.pop(channel, 0)

    # Flush

    async def flush(self) -> None:
        """Forget every message and group. Receivers go on waiting."""
        with self._lock:
            self._groups.clear()
            self._missed.clear()
            for channel, mailbox in list(self._mailboxes.items()):
                mailbox.messages.clear()
                self._forget_if_idle(channel, mailbox)

    async def close(self) -> None:
        """Nothing to let go of; the specification's name for it."""

    # Inside the lock

    def _put(self, channel: str, message: Message) -> bool:
        mailbox = self._mailboxes.setdefault(channel, _Mailbox())
        if len(mailbox.messages) >= self.get_capacity(channel):
            return False
        mailbox.messages.append((self._clock() + self.expiry, deepcopy(message)))
        mailbox.wake_one()
        return True

    def _leave(self, channel: str, mailbox: _Mailbox, future: asyncio.Future[None]) -> None:
        waiting = [waiter for waiter in mailbox.waiters if waiter[1] is not future]
        if len(waiting) == len(mailbox.waiters) and mailbox.messages:
            # It had been woken for a message it will not take: someone else may.
            mailbox.wake_one()
        mailbox.waiters = deque(waiting)
        self._forget_if_idle(channel, mailbox)

    def _forget_if_idle(self, channel: str, mailbox: _Mailbox) -> None:
        if not mailbox.messages and not mailbox.waiters and self._mailboxes.get(channel) is mailbox:
            del self._mailboxes[channel]

    def _is_alive(self, channel: str) -> None:
        """Who reads stays in its groups, though nobody waits on the channel between two messages."""
        for members in self._groups.values():
            if channel in members:
                members[channel] = self._clock()

    def _discard(self, group: str, channel: str) -> None:
        members = self._groups.get(group)
        if members is None:
            return
        members.pop(channel, None)
        if not members:
            del self._groups[group]
        if not any(channel in others for others in self._groups.values()):
            self._missed.pop(channel, None)

    def _sweep(self) -> None:
        now = self._clock()
        if now < self._next_sweep:
            return
        self._next_sweep = now + SWEEP_EVERY
        for channel, mailbox in list(self._mailboxes.items()):
            expired = False
            while mailbox.messages and mailbox.messages[0][0] < now:
                mailbox.messages.popleft()
                expired = True
            if expired:
                # Nobody reads it (specification): it leaves its groups.
                for group in [name for name, members in self._groups.items() if channel in members]:
                    self._discard(group, channel)
            self._forget_if_idle(channel, mailbox)
        for group, members in list(self._groups.items()):
            for channel, joined in list(members.items()):
                if joined + self.group_expiry < now and not self._is_awaited(channel):
                    self._discard(group, channel)

    def _is_awaited(self, channel: str) -> bool:
        mailbox = self._mailboxes.get(channel)
        return mailbox is not None and bool(mailbox.waiters)

    @staticmethod
    def _check_message(message: Message) -> None:
        if not isinstance(message, dict):
            raise TypeError("a channel layer carries dicts")
