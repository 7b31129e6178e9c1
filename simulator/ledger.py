"""The passive ledger: which inbound ids may be answered, until when and how often (sheet 3.4, 3.5, 8.3)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

from simulator.bounded import Bounded
from simulator.codes import Refusal
from simulator.switches import Switches

C2C_EVENTS = frozenset({"INTERACTION_CREATE", "C2C_MSG_RECEIVE", "FRIEND_ADD"})
GROUP_EVENTS = frozenset({"INTERACTION_CREATE", "GROUP_ADD_ROBOT", "GROUP_MSG_RECEIVE", "GROUP_MEMBER_ADD"})
KEPT = 50_000
STREAM_EVENTS = C2C_EVENTS | {"C2C_MESSAGE_CREATE"}


class Streamed(Protocol):
    """A stream of either dialect, as far as the ledger cares."""

    id: str
    text: str


@dataclass(slots=True)
class Inbound:
    """Something that may be answered: an inbound message or event, with what was already sent on it."""

    scene: str
    target: str
    id: str
    event_type: str
    at: float
    used: int = 0
    pairs: dict[int, str] = field(default_factory=dict)
    streams: list[Streamed] = field(default_factory=list)

    def refuse_repeat(self, seq: int) -> None:
        """Raise 40054005 when this (msg_id, msg_seq) was used, whatever the content (sheet 3.5)."""
        if seq in self.pairs:
            raise Refusal(40054005)

    def refuse_over(self, limit: int | None, code: int) -> None:
        """Raise `code` when every reply this id allows was sent (sheet 3.4)."""
        if limit is not None and self.used >= limit:
            raise Refusal(code)

    def spend(self, seq: int | None, content: str, *, slot: bool) -> None:
        """Note an accepted send: the pair is taken, and one reply with it if `slot`."""
        if seq is not None:
            self.pairs[seq] = content
        if slot:
            self.used += 1


class PassiveLedger:
    """Every inbound id of one bot."""

    def __init__(self, switches: Switches) -> None:
        self._switches = switches
        self._messages: Bounded[str, Inbound] = Bounded(KEPT)
        self._events: Bounded[str, Inbound] = Bounded(KEPT)

    def note_message(self, scene: str, target: str, msg_id: str, event_type: str, at: float) -> None:
        """A user's message arrived; a repeat of it does not make it younger."""
        self._messages.setdefault(msg_id, Inbound(scene, target, msg_id, event_type, at))

    def note_event(self, scene: str, target: str, event_id: str, event_type: str, at: float) -> None:
        """An event went out with this outer `id` (sheet 2.2)."""
        self._events.setdefault(event_id, Inbound(scene, target, event_id, event_type, at))

    def has(self, body: dict[str, Any]) -> bool:
        """Return whether this body's (msg_id, msg_seq) was used: it repeats what is there."""
        msg_id = body.get("msg_id")
        inbound = self._messages.get(msg_id) if isinstance(msg_id, str) else None
        return inbound is not None and body.get("msg_seq") in inbound.pairs

    def limit(self, scene: str) -> int | None:
        """Return how many replies one inbound id of this scene allows."""
        limits = {"c2c": self._switches.c2c_limit, "group": self._switches.group_limit}
        return limits.get(scene, self._switches.guild_limit)

    def window(self, scene: str) -> float:
        """Return how many seconds an inbound id of this scene may be answered."""
        windows = {"c2c": self._switches.c2c_window, "group": self._switches.group_window}
        return windows.get(scene, self._switches.guild_window)

    def message(self, scene: str, target: str, msg_id: Any, now: float) -> Inbound:
        """Return the inbound message of that id; raises 40034024 (foreign, wrong scene, garbage) or the expiry code."""
        found = self._messages.get(msg_id) if isinstance(msg_id, str) else None
        guild = scene in ("guild", "dm")
        if found is None or (found.scene, found.target) != (scene, target):
            raise Refusal(304026 if guild else 40034024)
        if now - found.at > self.window(scene):
            raise Refusal(304027 if guild else self._switches.expired_code)
        return found

    def event(self, scene: str, target: str, event_id: Any, now: float, *, stream: bool = False) -> Inbound:
        """Return the event of that outer id; raises 40034025 (unknown), 40034027 (not replyable), 40034026 (old)."""
        found = self._events.get(event_id) if isinstance(event_id, str) else None
        if found is None or (found.scene, found.target) != (scene, target):
            raise Refusal(40034025)
        allowed = STREAM_EVENTS if stream else (C2C_EVENTS if scene == "c2c" else GROUP_EVENTS)
        if scene in ("c2c", "group") and found.event_type not in allowed:
            raise Refusal(40034027)
        if now - found.at > self.window(scene):
            raise Refusal(40034026)
        return found

    def answered(
        self, scene: str, target: str, body: dict[str, Any], now: float, *, stream: bool = False
    ) -> Inbound | None:
        """Return what this body answers, by msg_id before event_id, or None for a proactive send; raises Refusal."""
        if body.get("msg_id") not in (None, ""):
            return self.message(scene, target, body["msg_id"], now)
        if body.get("event_id") not in (None, ""):
            return self.event(scene, target, body["event_id"], now, stream=stream)
        return None
