"""The passive ledger's rules: how long and how often one inbound message may be answered, and by what.

Pure; who counts (over all workers) is told by whoever keeps the rows. QQ counts each message that answers, and each
stream once, however many frames it has (sheet 3.4; of the older dialect's frames nobody saw them counted apart, 4.1).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from adapter.answers import Answer, Refused
from adapter.codes import Reaction, react
from adapter.frames import FrameKind
from adapter.targets import Scene

WINDOWS = {Scene.C2C: 3600.0, Scene.GROUP: 300.0, Scene.GUILD: 300.0, Scene.DM: 300.0}
"""Seconds in which a message may be answered (sheet 3.4)."""
ANSWERS = {Scene.C2C: 4, Scene.GROUP: 5}
"""Messages that may answer one message; of the guild scenes nothing is known."""


class Use(StrEnum):
    """What an answer is used for."""

    TEXT = "text"
    MEDIA = "media"
    TYPING = "typing"


SPARED = {Use.TEXT: 0, Use.MEDIA: 1, Use.TYPING: 2}
"""Answers that must be left behind it. The last one belongs to words; a typing hint, which says nothing, leaves one
more, so that an answer with a break or a picture in it still goes whole."""

_USES = {FrameKind.OPENING: Use.TEXT, FrameKind.PLAIN: Use.TEXT, FrameKind.MEDIA: Use.MEDIA}


def use_of(kind: FrameKind) -> Use | None:
    """What the frame uses an answer for; None: it goes on with a stream whose opening was counted, or QQ sends
    nothing for it."""
    return _USES.get(kind)


def used_below(use: Use, most: int | None) -> int | None:
    """Return how many answers must not be used yet for one more of this ``use``; None: nothing is counted.

    ``most``: how many QQ allows (``ANSWERS``)."""
    return None if most is None else max(0, most - SPARED[use])


def may_use(use: Use, used: int, most: int | None) -> bool:
    """Whether one more answer may be used, where ``used`` are gone already."""
    below = used_below(use, most)
    return below is None or used < below


def ends_answering(answer: Answer, kind: FrameKind) -> int | None:
    """QQ's code, where it says that the message named takes no more answers from anybody: expired, used up, or none of
    ours. None: it says nothing of that. Of media it does not: QQ refuses there what it takes with text (sheet 0.1)."""
    if not isinstance(answer, Refused) or kind is FrameKind.MEDIA:
        return None
    return answer.code if react(answer) is Reaction.REFERENCE else None


@dataclass(frozen=True, slots=True)
class Denied:
    """The ledger grants no answer: the frame was neither recorded nor sent."""

    why: str
    """none_left (all used, or what is left is for words) · closed (QQ takes no more)."""
    used: int = 0


@dataclass(frozen=True, slots=True)
class Later:
    """QQ's limit of messages that answer nothing is reached: nothing was recorded or sent."""

    seconds: float
