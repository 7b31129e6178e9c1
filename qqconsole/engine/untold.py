"""Untold: what this process knows of one bot's gateway session, and no row tells yet."""

from __future__ import annotations

from dataclasses import dataclass, replace

from adapter.loss import Loss


@dataclass(frozen=True, slots=True)
class Untold:
    """A loss, the return from a loss, or both in that order. Seconds of the clock that all processes share.

    Nothing leaves while no row can be written: losses between which nothing could be told are one loss, from the first
    4009 to the last READY.
    """

    lost_at: float | None = None
    live_at: float | None = None

    def then(self, later: Untold) -> Untold:
        """Both, where neither is written yet. A return takes no loss back: what fell between the two is looked for."""
        if later.lost_at is None:
            return self if self.live_at is not None else replace(self, live_at=later.live_at)
        return Untold(later.lost_at if self.lost_at is None else self.lost_at, later.live_at)

    def over(self, loss: Loss | None) -> Loss | None:
        """``loss`` as the row tells of it, with this laid over it: as it will stand once this is written."""
        if self.lost_at is not None and (loss is None or loss.live_at is not None):
            loss = Loss(self.lost_at)
        if self.live_at is not None and loss is not None and loss.live_at is None:
            loss = replace(loss, live_at=self.live_at)
        return loss
