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

    @property
    def model(self) -> str:
        """The simulator's model that writes this."""
        return f"bench:rate={self.rate:g},pieces={self.pieces},stamp=1"

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
        ordered = sorted(self.delays)
        return ordered[max(math.ceil(share * len(ordered)) - 1, 0)] * 1000

    @property
    def cpu_each(self) -> float:
        """Milliseconds of processor time for each request."""
        return self.cpu / self.requests * 1000


def measured(
    load: Load, releases: Iterable[Release], requests: Sequence[Mapping[str, Any]], used: tuple[float, float]
) -> Run:
    """Return the run, from what the side let go, what the platform's journal holds, and what ``Meter.stop`` said."""
    let_go: dict[str, list[float | None]] = defaultdict(list)
    for release in releases:
        let_go[release.msg_id].append(release.until)
    arrived: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for request in requests:
        arrived[request["body"]["msg_id"]].append(request)
    delays: list[float] = []
    complete = 0
    for msg_id, mine in arrived.items():
        if len(mine) != len(let_go[msg_id]):
            raise RuntimeError(f"{msg_id}: {len(mine)} requests arrived, {len(let_go[msg_id])} were let go")
        carried = 0
        for request, until in zip(mine, let_go[msg_id], strict=True):
            pieces = [(int(number), float(at)) for number, at in STAMP.findall(request["body"]["content_raw"])]
            closing = request["body"]["input_state"] == FINISHED
            _, written = pieces[-1 if closing else carried]
            delays.append(request["at"] - max(written, until or 0.0))
            carried = len(pieces)
        whole = [number for number, _ in pieces] == list(range(load.pieces))
        complete += whole and mine[-1]["body"]["input_state"] == FINISHED
    return Run(delays, complete, len(requests), *used)
