"""What the machine says when it is asked what may be done now."""

from __future__ import annotations

from dataclasses import dataclass

from adapter.frames import Frame
from adapter.verdicts import Outcome


@dataclass(frozen=True, slots=True)
class Send:
    frame: Frame


@dataclass(frozen=True, slots=True)
class Wait:
    until: float
    """Machine time, seconds; new input other than text may come before."""


@dataclass(frozen=True, slots=True)
class NeedAnswer:
    """A frame is in flight."""


@dataclass(frozen=True, slots=True)
class NeedInput:
    """Nothing to send until the source says more."""

    until: float | None = None
    """Machine time, seconds, at which to ask again even if it says nothing: QQ's window for the open stream ends."""


@dataclass(frozen=True, slots=True)
class NeedTurn:
    """A middle frame could be composed, but the bot's other streams come first: ask again when it is our turn, and then
    it holds all that came meanwhile."""

    until: float | None = None
    """As of ``NeedInput``."""


@dataclass(frozen=True, slots=True)
class Done:
    outcome: Outcome


Move = Send | Wait | NeedAnswer | NeedInput | NeedTurn | Done
