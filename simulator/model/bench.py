"""The `bench` model: pieces of known content at an even pace, so that loss, repetition or reordering shows.

Parameters, in the model's name (`bench:rate=30,seconds=10,chars=6`) or in the user's text:
`rate` pieces a second (30), `seconds` (10) or `pieces` (rate x seconds), `chars` characters a piece (6), and
`stamp=1` to have every piece carry the monotonic time in seconds of its writing: `[17@1234.567890]`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from simulator.model.steps import Piece, StampedPiece, Step

DIGITS = 5
FILLER = "天地玄黄宇宙洪荒日月盈昃辰宿列张寒来暑往秋收冬藏"
PARAMETER = re.compile(r"([a-z]+)=([0-9]+(?:\.[0-9]+)?)")


def parameters(text: str) -> dict[str, float]:
    """Return every `name=number` found in `text`."""
    return {name: float(value) for name, value in PARAMETER.findall(text)}


@dataclass(frozen=True, slots=True)
class Bench:
    """One run: `count` pieces of `chars` characters, `rate` a second."""

    rate: float = 30.0
    count: int = 300
    chars: int = DIGITS + 1
    stamp: bool = False

    @classmethod
    def of(cls, given: Mapping[str, float]) -> Bench:
        """Return the run that `given` asks for, held within what one simulator can be asked."""
        rate = min(max(given.get("rate", 30.0), 0.1), 1000.0)
        count = int(given.get("pieces", round(rate * given.get("seconds", 10.0))))
        chars = int(given.get("chars", DIGITS + 1))
        return cls(rate, min(max(count, 1), 100_000), min(max(chars, DIGITS + 1), 2000), given.get("stamp", 0) > 0)

    def piece(self, number: int) -> str:
        """Return piece `number` (from 0): its number, filler that shifts with it, a comma; `chars` long."""
        filler = self.chars - DIGITS - 1
        turned = number % len(FILLER)
        stock = FILLER[turned:] + FILLER[:turned]
        padding = (stock * (filler // len(stock) + 1))[:filler]
        return f"{number:0{DIGITS}d}{padding},"

    def text(self) -> str:
        """Return the whole answer, as it must reach the user (unstamped runs)."""
        return "".join(self.piece(number) for number in range(self.count))

    def steps(self, phase: float) -> Iterator[Step]:
        """Yield the pieces; the first after `phase` of one gap, so that many streams do not beat together."""
        gap = 1 / self.rate
        for number in range(self.count):
            pause = gap * phase if number == 0 else gap
            yield StampedPiece(number, pause) if self.stamp else Piece(self.piece(number), pause)
