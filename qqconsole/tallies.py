"""Counting what happens, in this process's memory: a chunk costs a few additions. ``engine.tally_rows`` adds the sums
to the rows all processes share, so that the figures are true for the whole house, and outlive processes and retention.

A tally is named by a Prometheus metric and its labels in their written form. A histogram is a tally for each bucket
(``le``: seconds, up to and with), one for the sum.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Mapping
from typing import Protocol

Key = tuple[str, str]
"""The metric, and its labels in their written form: ("chunks", 'status="accepted"')."""

BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Seconds; what takes longer is in "+Inf"."""
_LE = (*(f'le="{bound}"' for bound in BUCKETS), 'le="+Inf"')
_SHOWS = ("opening", "plain", "media")
"""Kinds of chunk with which the user sees something for the first time."""
_SAID_NO = ("refused", "throttled")

_counts: dict[Key, float] = {}
_lock = threading.Lock()


class Answered(Protocol):
    """A chunk's row, as far as it is counted."""

    kind: str
    status: str
    code: int | None
    elapsed_ms: float | None


def count(name: str, labels: str = "", by: float = 1) -> None:
    """Add to one tally. From any thread."""
    with _lock:
        _counts[name, labels] = _counts.get((name, labels), 0) + by


def observe(name: str, seconds: float, labels: str = "") -> None:
    """Add one reading to a histogram. From any thread."""
    place = _LE[bisect_left(BUCKETS, seconds)]
    bucket, total = (name, f"{labels},{place}" if labels else place), (f"{name}:sum", labels)
    with _lock:
        _counts[bucket] = _counts.get(bucket, 0) + 1
        _counts[total] = _counts.get(total, 0) + seconds


def answered(chunk: Answered, since_asked: float | None) -> None:
    """A chunk has its answer; ``since_asked``: seconds since its delivery was asked for, where it is the first one."""
    count("chunks", f'status="{chunk.status}"')
    if chunk.elapsed_ms is not None:
        observe("qq", chunk.elapsed_ms / 1000, f'kind="{chunk.kind}"')
    if chunk.status in _SAID_NO:
        count("refusals", f'code="{"" if chunk.code is None else chunk.code}"')
    elif since_asked is not None and chunk.status == "accepted" and chunk.kind in _SHOWS:
        observe("first_frame", since_asked)


def ended(status: str) -> None:
    """A delivery came to an end."""
    count("deliveries_ended", f'status="{status}"')


def take() -> dict[Key, float]:
    """Return what was counted since the last time, and begin anew."""
    global _counts
    with _lock:
        taken, _counts = _counts, {}
    return taken


def give_back(taken: Mapping[Key, float]) -> None:
    """What was taken could not be written: it is counted with the next."""
    for (name, labels), by in taken.items():
        count(name, labels, by)
