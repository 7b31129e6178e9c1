"""What the machine says of one frame's answer, and of the whole reply."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """Of one frame: becomes the status of its Chunk."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    """40054005 on the exact repeat of an unknown outcome: proof that QQ has it."""
    IN_REVIEW = "in_review"
    REFUSED = "refused"
    THROTTLED = "throttled"
    UNKNOWN = "unknown"


TAKEN = (Verdict.ACCEPTED, Verdict.DUPLICATE, Verdict.IN_REVIEW)
"""QQ has the frame."""


class OutcomeStatus(StrEnum):
    DELIVERED = "delivered"
    IN_REVIEW = "in_review"
    FAILED = "failed"
    UNKNOWN = "unknown"
    INTERRUPTED = "interrupted"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Outcome:
    status: OutcomeStatus
    reason: str = ""
    """A code word; the console puts it into plain words."""
    code: int | None = None
    """QQ's code, where QQ decided it."""
    detail: str = ""
