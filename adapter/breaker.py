"""Breaker: whether a bot that keeps failing is paused, and when it is tried again. A value; no clock, no I/O.

    WELL --ten failures in a row over two seconds, or one that says "broken"--> PAUSED
    PAUSED --a cheap call gets through--> TRIAL --a send gets through--> WELL
       ^-----------it does not: wait longer-----'--it does not: wait longer, PAUSED

It is shared by every process that sends for the bot: whoever keeps it stores the value and takes one step at a time.
Times are seconds of any clock all of them share.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

FAILURES = 10
SPAN = 2.0
"""Seconds between the first failure and the last: ten streams that lose one connection together are no outage."""
DELAYS: Sequence[float] = (5.0, 10.0, 20.0, 40.0, 60.0)
"""Seconds before the first, second, … probe; the last one goes on."""
PROBE_TIME = 30.0
"""Seconds after which a probe counts as lost with the process that made it."""


class BreakerState(StrEnum):
    WELL = "well"
    PAUSED = "paused"
    TRIAL = "trial"
    """The platform answers again: one send at a time, until one gets through."""


@dataclass(frozen=True, slots=True)
class Breaker:
    state: BreakerState = BreakerState.WELL
    failures: int = 0
    """In a row."""
    failing_since: float | None = None
    paused_at: float | None = None
    probes: int = 0
    """That failed since."""
    probe_at: float | None = None

    def failed(self, now: float, *, count: int = 1, broken: bool = False) -> Breaker:
        """``count`` sends failed for no fault of their own; ``broken``: no other could have got through either."""
        if self.state is BreakerState.PAUSED:
            return self
        if self.state is BreakerState.TRIAL:
            return self._paused(now, self.probes + 1)
        since = now if self.failing_since is None else self.failing_since
        failures = self.failures + count
        if broken or (failures >= FAILURES and now - since >= SPAN):
            return replace(self, failures=failures, failing_since=since)._paused(now, 0)
        return replace(self, failures=failures, failing_since=since)

    def worked(self) -> Breaker:
        """A send got through."""
        return Breaker()

    def may_probe(self, now: float) -> bool:
        return self.state is BreakerState.PAUSED and self.probe_at is not None and now >= self.probe_at

    def probe_failed(self, now: float) -> Breaker:
        return self._paused(now, self.probes + 1) if self.state is BreakerState.PAUSED else self

    def probe_worked(self) -> Breaker:
        if self.state is not BreakerState.PAUSED:
            return self
        return replace(self, state=BreakerState.TRIAL, probe_at=None)

    def hurried(self, now: float) -> Breaker:
        """Somebody has mended it, or thinks so: the next probe comes now."""
        return replace(self, probe_at=now) if self.state is BreakerState.PAUSED else self

    def _paused(self, now: float, probes: int) -> Breaker:
        return replace(
            self,
            state=BreakerState.PAUSED,
            paused_at=now if self.paused_at is None else self.paused_at,
            probes=probes,
            probe_at=now + DELAYS[min(probes, len(DELAYS) - 1)],
        )
