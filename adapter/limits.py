"""QQ's rates, kept from our side: a little under what QQ allows, in any one second (docs/protocol.md 6.2).

The permits are one process's own (``adapter.permits``) or shared by all processes (``adapter.shared_permits``).

The steps of an upload in parts keep the count alone, at QQ's own ten: each part's bytes go out before its part_finish,
which spaces them as it is, and one that QQ throttles after all costs a wait and nobody's stream.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from adapter.answers import Throttled
from adapter.lanes import Lane
from adapter.permits import Permits, Window
from adapter.request import Endpoint, Request
from adapter.throttles import Throttles

_AT_ONCE = frozenset({Endpoint.PREPARE, Endpoint.PART_FINISH})

MakePermits = Callable[[Endpoint, float, Callable[[], None]], Permits]
"""For an endpoint and its rate; the last is to be called when ``ready_at`` may say something new."""


def window_for(endpoint: Endpoint, rate: float, changed: Callable[[], None]) -> Permits:
    """Return permits of this process alone. Raises ValueError for a rate that is not above 0."""
    return Window(rate, evenly=endpoint not in _AT_ONCE)


@dataclass(frozen=True, slots=True)
class Reading:
    """What one endpoint's pace is like now, for people: requests a second, how many wait, throttles so far."""

    rate: float
    waiting: int
    throttles: int


class Pace:
    """One bot's rates, in requests a second for each group of endpoints; ``Endpoint.OTHER`` is not limited.

    Belongs to one event loop. Raises ValueError for a rate that is not above 0.
    """

    def __init__(
        self,
        stream: float = 45.0,
        message: float = 90.0,
        files: float = 45.0,
        prepare: float = 10.0,
        part_finish: float = 10.0,
        recall: float = 9.0,
        *,
        permits: MakePermits = window_for,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._lanes: dict[Endpoint, Lane] = {}
        self._throttles: dict[Endpoint, Throttles] = {}
        rates = {
            Endpoint.STREAM: stream,
            Endpoint.MESSAGE: message,
            Endpoint.FILES: files,
            Endpoint.PREPARE: prepare,
            Endpoint.PART_FINISH: part_finish,
            Endpoint.RECALL: recall,
        }
        for endpoint, rate in rates.items():
            self._lanes[endpoint] = Lane(permits(endpoint, rate, self._teller(endpoint)), clock)
            self._throttles[endpoint] = Throttles()

    def _teller(self, endpoint: Endpoint) -> Callable[[], None]:
        return lambda: self._lanes[endpoint].look_again()

    async def wait(self, endpoint: Endpoint, *, urgent: bool = False) -> None:
        """Return when one request may leave, and then it must. ``urgent``: it opens or closes a stream."""
        lane = self._lanes.get(endpoint)
        if lane is not None:
            await lane.wait(urgent)

    def turn(self, endpoint: Endpoint) -> asyncio.Future[None] | None:
        """Ask to compose a middle frame. None: now; else a future that is done when it is this stream's turn, and that
        whoever wants no more cancels."""
        lane = self._lanes.get(endpoint)
        return None if lane is None else lane.turn()

    def throttled(self, request: Request, answer: Throttled) -> None:
        """Slow the bot down where the answer means the whole bot; what waits goes on waiting, nothing is lost."""
        lane = self._lanes.get(request.endpoint)
        if lane is None:
            return
        now = self._clock()
        seconds = self._throttles[request.endpoint].silence(answer, request.path, now)
        if seconds is not None:
            lane.throttles += 1
            lane.permits.throttled(now, seconds)
            lane.look_again()

    def set_rates(self, *, stream: float, message: float) -> None:
        """The bot's settings changed; what waits and what left already counts on. Raises ValueError as above."""
        for endpoint, rate in ((Endpoint.STREAM, stream), (Endpoint.MESSAGE, message)):
            self._lanes[endpoint].permits.set_rate(rate)
            self._lanes[endpoint].look_again()

    def readings(self) -> Mapping[Endpoint, Reading]:
        """Return each endpoint's pace now."""
        return {key: Reading(lane.rate, lane.waiting, lane.throttles) for key, lane in self._lanes.items()}
