"""What a run consists of, and how late each of its requests was. Pure.

A request is late by ``arrival - max(written, released)``, each in seconds of the machine's monotonic clock, which all
processes share:

- ``arrival``: when the platform's handler had the request (the simulator's journal).
- ``written``: when the model wrote the first piece that this request is the first to carry (its stamp is part of the
  text: ``[17@1234.567890]``); for a closing frame, when it wrote the last piece, at once followed by its end.
- ``released``: the time the sender itself was waiting for before it sent: the frame interval counted from the start of
  its request before, and the 300 ms QQ wants after an answer. Nothing, where it did not wait.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

STAMP = re.compile(r"\[(\d+)@(\d+\.\d+)\]")
INTERVAL = 0.5
CLOSING_GAP = 0.3
FINISHED = 10


@dataclass(frozen=True)
class Load:
    """``streams`` conversations at once, begun over ``ramp`` seconds; each answer has ``pieces``, ``rate`` a second."""

    streams: int
    rate: float
    pieces: int
    ramp: float
    model_name: str = ""
    """Another model than the one that stamps its pieces."""

    @property
    def model(self) -> str:
        """The simulator's model that writes this."""
        return self.model_name or f"bench:rate={self.rate:g},pieces={self.pieces},stamp=1"

    def openid(self, number: int) -> str:
        """Return who begins conversation ``number``: another user in every load."""
        return f"L{self.streams}R{self.rate:g}P{self.pieces}N{number:04d}"

    @property
    def frames(self) -> int:
        """The most requests one answer can become."""
        return math.ceil(min(self.pieces, self.pieces / self.rate / INTERVAL)) + 3

    @property
    def seconds(self) -> float:
        """How long a run lasts at least."""
        return self.ramp + self.pieces / self.rate

    def begins(self, number: int) -> float:
        """Return the seconds after which conversation ``number`` (from 0) begins."""
        return self.ramp * number / self.streams


@dataclass(frozen=True)
class Release:
    """One request as its sender let it go: for which message, and the time it had waited for (None: none)."""

    msg_id: str
    until: float | None


def percentile(values: Iterable[float], share: float) -> float:
    """Return the smallest of the values that ``share`` of them do not exceed. Raises ValueError for none."""
    ordered = sorted(values)
    if not ordered:
        raise ValueError("nothing was measured")
    return ordered[max(math.ceil(share * len(ordered)) - 1, 0)]


@dataclass(frozen=True)
class Run:
    """What one side did with a load."""

    delays: Sequence[float]
    complete: int
    """Streams that arrived whole: every piece, in order, and a closing frame."""
    requests: int
    cpu: float
    """Seconds of processor time."""
    others: float
    """The share of the machine that others took meanwhile: above a tenth, the slowest requests are theirs too."""

    def delay(self, share: float) -> float:
        """Return the delay in milliseconds that ``share`` of the requests do not exceed."""
        return percentile(self.delays, share) * 1000

    @property
    def cpu_each(self) -> float:
        """Milliseconds of processor time for each request."""
        return self.cpu / self.requests * 1000


@dataclass(frozen=True)
class Arrived:
    """One frame as the platform got it: ``text`` is all of the stream so far, whatever the dialect sends of it."""

    at: float
    answered: float
    text: str
    closing: bool


def arrivals(requests: Iterable[Mapping[str, Any]]) -> dict[str, list[Arrived]]:
    """Return the frames of each message, oldest first, from the platform's journal; both dialects are read."""
    arrived: dict[str, list[Arrived]] = defaultdict(list)
    for request in requests:
        body = request["body"]
        mine = arrived[body["msg_id"]]
        if "stream" in body:
            text = (mine[-1].text if mine else "") + body["markdown"]["content"]
            closing = body["stream"]["state"] == FINISHED
        else:
            text, closing = body["content_raw"], body["input_state"] == FINISHED
        mine.append(Arrived(request["at"], request["at"] + (request.get("seconds") or 0.0), text, closing))
    return arrived


def throttled(requests: Sequence[Mapping[str, Any]], interval: float) -> list[Release]:
    """Return what a sender let go that waits ``interval`` after each answer and tells nobody: from the journal."""
    releases = []
    for msg_id, mine in arrivals(requests).items():
        until = None
        for frame in mine:
            # A closing frame does not wait.
            releases.append(Release(msg_id, until if until is not None and until <= frame.at else None))
            until = frame.answered + interval
    return releases


def measured(
    load: Load,
    releases: Iterable[Release],
    requests: Sequence[Mapping[str, Any]],
    used: tuple[float, float],
    *,
    newest: bool = False,
) -> Run:
    """Return the run, from what the side let go, what the platform's journal holds, and what ``Meter.stop`` said.

    ``newest``: late since the last piece a request carries, whatever waited before it.
    """
    let_go: dict[str, list[float | None]] = defaultdict(list)
    for release in releases:
        let_go[release.msg_id].append(release.until)
    delays: list[float] = []
    complete = total = 0
    for msg_id, mine in arrivals(requests).items():
        if len(mine) != len(let_go[msg_id]):
            raise RuntimeError(f"{msg_id}: {len(mine)} requests arrived, {len(let_go[msg_id])} were let go")
        carried = 0
        total += len(mine)
        for frame, until in zip(mine, let_go[msg_id], strict=True):
            pieces = [(int(number), float(at)) for number, at in STAMP.findall(frame.text)]
            _, written = pieces[-1 if newest or frame.closing else min(carried, len(pieces) - 1)]
            delays.append(frame.at - max(written, until or 0.0))
            carried = len(pieces)
        whole = [number for number, _ in pieces] == list(range(load.pieces))
        complete += whole and mine[-1].closing
    return Run(delays, complete, total, *used)
