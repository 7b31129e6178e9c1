"""Door: one bot's gate in one process. Told how the bot stands, it lets through, or holds, all who send for it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace

from adapter.answers import Accepted, Answer, InReview, Unknown
from adapter.breaker import BreakerState
from adapter.gate import Heard
from adapter.loss import AfterLoss, Loss
from adapter.request import Endpoint, Request
from adapter.signs import Sign, sign_of

_SHOWN = (Endpoint.MESSAGE, Endpoint.STREAM)
Later = Callable[[float, Callable[[], None]], object]
"""Call something after so many seconds; what it returns can ``cancel()``."""


class Door:
    """``tell`` hears every sign that whoever keeps the breaker must know of. ``clock`` is the one losses are told in:
    the time of day, since other processes tell of them."""

    def __init__(
        self,
        tell: Callable[[Sign, Answer], None],
        *,
        after_loss: AfterLoss = AfterLoss.HOLD,
        settle: float = 1.0,
        clock: Callable[[], float] = time.time,
        later: Later | None = None,
    ) -> None:
        self.after_loss = after_loss
        self.settle = settle
        self.failing = False
        """Whether failures are counted: then a success is worth telling."""
        self._tell = tell
        self._clock = clock
        self._later = later or asyncio.get_running_loop().call_later
        self._state = BreakerState.WELL
        self._loss: Loss | None = None
        self._trying: object | None = None
        self._refused = False
        """Whether somebody was turned away since the last wake because another was trying."""
        self._watchers: dict[Callable[[], None], None] = {}
        self._armed_for = 0.0

    # ---- how the bot stands -----------------------------------------------------------------------------------

    @property
    def state(self) -> BreakerState:
        return self._state

    @state.setter
    def state(self, state: BreakerState) -> None:
        if state is not self._state:
            self._state, self._trying = state, None
            self._wake()

    @property
    def loss(self) -> Loss | None:
        return self._loss

    @loss.setter
    def loss(self, loss: Loss | None) -> None:
        self._loss = loss
        self._wake()
        self._arm()

    @property
    def holds(self) -> bool:
        """Whether a lost gateway session keeps everything back."""
        if self._loss is None or self.after_loss is not AfterLoss.HOLD:
            return False
        return self._clock() < self._loss.held_until(self.settle)

    # ---- the gate ---------------------------------------------------------------------------------------------

    def enter(self, who: object) -> bool:
        if self._state is BreakerState.PAUSED or self.holds:
            self._arm()
            return False
        if self._state is BreakerState.TRIAL:
            if self._trying not in (None, who):
                self._refused = True
                return False
            self._trying = who
        return True

    def leave(self, who: object) -> None:
        if self._trying is who:
            self._trying = None
            if self._refused:
                self._wake()

    def heard(self, who: object, request: Request, answer: Answer) -> Heard:
        sign = sign_of(request.endpoint, answer)
        if sign is Sign.BROKEN or (sign is Sign.FAILED and self._state is BreakerState.TRIAL):
            # Told to the others in a moment; here nobody else runs into it meanwhile.
            self._tell_on(sign, answer)
            self.state = BreakerState.PAUSED
        elif sign is Sign.WELL and (self.failing or self._state is not BreakerState.WELL):
            self._tell_on(sign, answer)
            self.state = BreakerState.WELL
        elif sign is Sign.FAILED and self._state is BreakerState.WELL:
            self._tell_on(sign, answer)
        if self._trying is who:
            self._trying = None
            self._wake()
        about_bot = sign in (Sign.FAILED, Sign.BROKEN) and self._state is BreakerState.PAUSED
        return Heard(self._doubted(request, answer), about_bot)

    def doubts(self, sent_at: float, answered_at: float) -> bool:
        """Whether what was under way then may have been taken and shown to nobody. Seconds of ``clock``."""
        if self._loss is None or self.after_loss is AfterLoss.IGNORE:
            return False
        return self._loss.touches(sent_at, answered_at, self.settle)

    def watch(self, wake: Callable[[], None]) -> None:
        self._watchers[wake] = None

    def unwatch(self, wake: Callable[[], None]) -> None:
        self._watchers.pop(wake, None)

    # ---- within -----------------------------------------------------------------------------------------------

    def _tell_on(self, sign: Sign, answer: Answer) -> None:
        self.failing = sign is not Sign.WELL
        self._tell(sign, answer)

    def _doubted(self, request: Request, answer: Answer) -> Answer:
        """The answer, marked where QQ may have accepted it and shown nobody anything."""
        if request.endpoint not in _SHOWN:
            return answer
        now = self._clock()
        untaken = not isinstance(answer, Accepted | InReview | Unknown)
        if untaken or not self.doubts(now - answer.exchange.elapsed, now):
            return answer
        return replace(answer, exchange=replace(answer.exchange, suspect=True))

    def _wake(self) -> None:
        self._refused = False
        for wake in list(self._watchers):
            wake()

    def _arm(self) -> None:
        """Wake those who wait when the hold ends by itself."""
        if self._loss is None or not self.holds:
            return
        until = self._loss.held_until(self.settle)
        if until != self._armed_for:
            self._armed_for = until
            self._later(max(0.0, until - self._clock()) + 0.001, self._rearm)

    def _rearm(self) -> None:
        self._armed_for = 0.0
        self._wake()
        self._arm()
