"""Gate: may this bot send now? The sender asks before a frame is composed, so that held text goes with the next one.

Pace is another thing: it says when the next request of a bot that may send leaves (``adapter.limits``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from adapter.answers import Answer
from adapter.request import Request


@dataclass(frozen=True, slots=True)
class Heard:
    """``answer`` as it is to be recorded; ``about_bot``: it says nothing of the frame, which goes again without having
    used up a try."""

    answer: Answer
    about_bot: bool = False


class Gate(Protocol):
    """Belongs to one event loop; none of its calls waits. ``who`` is whoever asks, the same object each time."""

    def enter(self, who: object) -> bool:
        """Whether ``who`` may send now; then it says ``leave`` or ``heard`` before it asks again."""
        ...

    def leave(self, who: object) -> None:
        """``who`` sends nothing after all."""
        ...

    def heard(self, who: object, request: Request, answer: Answer) -> Heard:
        """What came of the request that was let through."""
        ...

    def watch(self, wake: Callable[[], None]) -> None:
        """Call ``wake`` whenever it is worth asking again."""
        ...

    def unwatch(self, wake: Callable[[], None]) -> None: ...


class OpenGate:
    """Nothing is ever held."""

    def enter(self, who: object) -> bool:
        return True

    def leave(self, who: object) -> None:
        pass

    def heard(self, who: object, request: Request, answer: Answer) -> Heard:
        return Heard(answer)

    def watch(self, wake: Callable[[], None]) -> None:
        pass

    def unwatch(self, wake: Callable[[], None]) -> None:
        pass
