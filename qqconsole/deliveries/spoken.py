"""Spoken: what a delivery's source has said so far, and how much of it is stored. Used on the loop only."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

from qqconsole.deliveries.models import Delivery
from qqconsole.deliveries.tails import TailValues
from qqconsole.engine.keeper import Keeper

LONG = 4_000
"""Characters; a longer tail goes into the delivery's row: its own row stays small however long nothing leaves."""


class Spoken:
    def __init__(
        self, delivery: Delivery, keeper: Keeper | None, fold: Callable[[dict[str, str]], None], *, generates: bool
    ) -> None:
        """``keeper`` stores it between intents; None: nobody need do that. ``fold`` writes the texts into the
        delivery's row at once. ``generates``: its text is not in that row already."""
        self._delivery_id: int = delivery.pk
        self._fence: int = delivery.fence
        self._keeper = keeper
        self._fold = fold
        self._generates = generates
        # The first of each is stored with the last intent, or on its way there; the rest is the tail.
        self._generated: list[str] = [delivery.generated_text]
        self._reasoned: list[str] = [delivery.reasoning_text]
        self._ended = False
        self.has_tail = delivery.fence > 1
        """Whether there may be a tail in the database: of ours, or of an owner before."""

    def generated(self, text: str) -> None:
        if self._generates:
            self._generated.append(text)
            if self._keeper is not None:
                self._keeper.note(self)

    def reasoned(self, text: str) -> None:
        self._reasoned.append(text)
        if self._keeper is not None:
            self._keeper.note(self)

    def end(self) -> None:
        """Store at once that nothing comes behind it: a process that takes over then loses nothing."""
        self._ended = True
        self.keep()

    def keep(self) -> None:
        """Store what is there at once."""
        if self._keeper is not None:
            self._keeper.keep_now(self)

    def tail(self) -> TailValues:
        """What no intent has taken along, to be stored now."""
        self.has_tail = True
        if _behind(self._generated) + _behind(self._reasoned) > LONG:
            self._fold(self.texts())
        text, reasoning = "".join(self._generated[1:]), "".join(self._reasoned[1:])
        starts = len(self._generated[0]), len(self._reasoned[0])
        return TailValues(self._delivery_id, self._fence, starts[0], text, starts[1], reasoning, self._ended)

    def texts(self) -> dict[str, str]:
        """All of it, for an intent that stores it: the pieces are joined once and kept so."""
        if len(self._generated) > 1:
            self._generated = ["".join(self._generated)]
        if len(self._reasoned) > 1:
            self._reasoned = ["".join(self._reasoned)]
        if self._keeper is not None:
            self._keeper.forget(self)
        return {"generated_text": self._generated[0], "reasoning_text": self._reasoned[0]}


def _behind(pieces: list[str]) -> int:
    return sum(map(len, islice(pieces, 1, None)))
