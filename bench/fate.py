"""What one user was left with, compared with what the model wrote. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

PIECE = re.compile(r"(\d{5})[^,\d]*,")
"""A piece of the simulator's ``bench`` model: its number, filler, a comma."""
UNFINISHED = frozenset({"streaming", "rolled_back", "finalised"})
"""A bubble its sender did not close: still open, or ended by QQ."""


@dataclass(frozen=True)
class Fate:
    """Numbers of streams. ``whole``: to the character, once, in order, and closed."""

    streams: int = 1
    whole: int = 0
    lost: int = 0
    twice: int = 0
    left_open: int = 0

    def __str__(self) -> str:
        return f"{self.whole}/{self.streams} ({self.lost} {self.twice} {self.left_open})"


def fate(bubbles: Sequence[Mapping[str, Any]], wrote: str) -> Fate:
    """Return what the user has in these bubbles of the bot's, of what the model wrote.

    White space at a bubble's edges does not count: QQ asks for it at the end of a stream.
    """
    shown = "".join(bubble["text"].strip() for bubble in bubbles)
    pieces, wanted = PIECE.findall(shown), PIECE.findall(wrote)
    open_ = any(bubble["state"] in UNFINISHED for bubble in bubbles)
    return Fate(
        whole=shown == wrote and not open_,
        lost=not set(wanted) <= set(pieces),
        twice=len(pieces) > len(set(pieces)),
        left_open=open_,
    )


def summed(fates: Iterable[Fate]) -> Fate:
    """Return all of them together."""
    each = list(fates)
    return Fate(
        sum(one.streams for one in each),
        sum(one.whole for one in each),
        sum(one.lost for one in each),
        sum(one.twice for one in each),
        sum(one.left_open for one in each),
    )
