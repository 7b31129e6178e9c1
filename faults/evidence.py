"""What a run leaves behind, as the judge reads it: what was said, written, claimed and seen."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from faults.plan import File, Line


def mark_of(body: dict[str, Any]) -> str:
    """Return what a request and our record of it have in common: the message it answers, its number, its index; ""
    for one that answers no message. A trace id alone would not do: an answer that is cut off brings none.
    """
    stream = body.get("stream") or {}
    if not body.get("msg_id"):
        return ""
    return f"{body.get('msg_id') or ''}#{body.get('msg_seq') or ''}#{body.get('index', stream.get('index'))}"


@dataclass(slots=True)
class Evidence:
    lines: dict[str, Line] = field(default_factory=dict)
    """What users said, by the msg_id the platform gave it."""
    said_again: int = 0
    """Messages that went down with a gateway session the bot gave up: their users said them once more."""
    files: dict[str, File] = field(default_factory=dict)
    """The media items the API took, by their idempotency keys."""
    heard: dict[int, str] = field(default_factory=dict)
    """The msg_id of each message the console stored, by its row's key."""
    sessions: dict[int, tuple[str, str, str]] = field(default_factory=dict)
    """App id, scene and target of each of the console's sessions, by its row's key."""
    keys: dict[int, str] = field(default_factory=dict)
    """The idempotency key of each delivery that has one."""
    deliveries: list[dict[str, Any]] = field(default_factory=list)
    """Every delivery as our own API tells it, oldest first."""
    answers: list[dict[str, Any]] = field(default_factory=list)
    """What the model wrote, request by request."""
    screens: list[dict[str, Any]] = field(default_factory=list)
    """What every user sees at the end, long after everything: open streams have met their end."""
    open_streams: int = 0
    """Streams that were open at the platform when everything had settled."""
    violations: list[dict[str, Any]] = field(default_factory=list)
    """The must-not rules the platform saw broken (sheet 8.12)."""
    rules: list[dict[str, Any]] = field(default_factory=list)
    """The faults, each with how often it struck."""
    unseen: set[str] = field(default_factory=set)
    """The marks and trace ids of the requests the platform took and showed to nobody: the window after a 4009."""
    held: set[str] = field(default_factory=set)
    """The marks and trace ids of the requests the platform took and keeps for a person's review (sheet 3.3)."""
    dropped: int = 0
    """How many requests these were."""
    requests: int = 0
    knocked_out: dict[str, int] = field(default_factory=dict)
    takeovers: int = 0
    fallen: list[str] = field(default_factory=list)
    """Parts that ended by themselves."""
    unsettled: list[str] = field(default_factory=list)
    """What had not come to an end when the patience was over, in words."""
    seconds: float = 0.0
