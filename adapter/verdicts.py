"""What the machine says of one frame's answer, and of the whole reply."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from adapter.answers import Accepted, Answer, InReview, Throttled, Unknown
from adapter.codes import Reaction


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


def verdict_on(answer: Answer, reaction: Reaction, *, in_doubt: bool) -> Verdict:
    """``in_doubt``: the frame repeats one whose outcome is unknown, under its pair and with its content."""
    if reaction is Reaction.DUPLICATE:
        return Verdict.DUPLICATE if in_doubt else Verdict.REFUSED
    match answer:
        case Accepted():
            return Verdict.ACCEPTED
        case InReview():
            return Verdict.IN_REVIEW
        case Unknown():
            return Verdict.UNKNOWN
        case _:
            return Verdict.THROTTLED if isinstance(answer, Throttled) else Verdict.REFUSED


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
    """Plain English for what neither the reason nor the code says."""
    step: str = ""
    """At which step of a media item it failed: fetch · prepare · part · finish · upload · send."""
