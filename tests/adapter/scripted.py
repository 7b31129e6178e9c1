"""Journeys written out by hand, for tests that tell one story each."""

from __future__ import annotations

from typing import Any

from journeys import Act, Journey, Travel
from strict_qq import Fault, Strike

LOST_ANSWER = Fault(Strike.LOST_ANSWER)
LOST_REQUEST = Fault(Strike.LOST_REQUEST)
IN_REVIEW = Fault(Strike.IN_REVIEW)


def refused(code: int) -> Fault:
    return Fault(Strike.REFUSED, code)


def throttled(code: int = 0, after: float | None = None) -> Fault:
    return Fault(Strike.THROTTLED, code, after)


def travel(*acts: Any, road: str = "stream_messages", faults: tuple[Fault, ...] = (), **settings: Any) -> Travel:
    """``acts``: a text, "<break>", "<media>", "<end>", "<fail>", "<cancel>", or a number of seconds before the next.
    An end is added where none is written. ``open_after`` is 12, as by default, and there is no notice."""
    written: list[Act] = []
    pause = 0.0
    for act in acts:
        if isinstance(act, (int, float)):
            pause += act
            continue
        what = act[1:-1] if act.startswith("<") else "text"
        written.append(Act(pause, what, "" if act.startswith("<") else act))
        pause = 0.0
    if not written or written[-1].what not in ("end", "fail", "cancel"):
        written.append(Act(pause, "end"))
    chosen = {"open_after": 12, "notice": False, **settings}
    return Travel(Journey(road, tuple(written), faults, **chosen)).go()


def kinds(made: Travel) -> list[str]:
    return [kept.frame.kind.value for kept in made.kept]


def sent(made: Travel) -> list[str]:
    """What went over the wire, in order."""
    return [kept.frame.wire_text for kept in made.kept]


def reasons(made: Travel) -> list[str]:
    return [kept.frame.why for kept in made.kept]


def screen(made: Travel) -> list[str]:
    """What the user sees in the end."""
    return [bubble.text for bubble in made.qq.bubbles]


def statuses(made: Travel) -> list[str]:
    return [segment.status.value for segment in made.machine.segments.values()]


def outcome(made: Travel) -> tuple[str, str]:
    assert made.outcome is not None
    return made.outcome.status.value, made.outcome.reason
