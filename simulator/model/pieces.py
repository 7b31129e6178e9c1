"""Cut a text into deltas the way a language model's tokens fall; seeded, so always the same way."""

from __future__ import annotations

import hashlib
import json
import random
import re
from collections.abc import Iterator
from typing import Any

from simulator.model.steps import Piece

# A word with the space before it, a run of spaces, one newline, or any single character.
TOKEN = re.compile(r" ?[A-Za-z0-9_'’]+|[ \t]+|\n|.", re.DOTALL)


def seed_of(request: dict[str, Any]) -> int:
    """Return a number made of the request's model and messages: the same request gives the same number."""
    told = {"model": request.get("model"), "messages": request.get("messages"), "seed": request.get("seed")}
    raw = json.dumps(told, sort_keys=True, ensure_ascii=True).encode()
    return int.from_bytes(hashlib.sha256(raw).digest()[:8], "big")


def cut(text: str, rng: random.Random, most: int = 3) -> Iterator[str]:
    """Yield `text` in order, one to `most` tokens at a time; joined again it is `text` exactly."""
    held: list[str] = []
    wanted = rng.randint(1, most)
    for token in TOKEN.findall(text):
        held.append(token)
        if len(held) >= wanted:
            yield "".join(held)
            held.clear()
            wanted = rng.randint(1, most)
    if held:
        yield "".join(held)


def paced(text: str, rng: random.Random, rate: float, most: int = 3) -> Iterator[Piece]:
    """Yield `text` as pieces about `rate` a second, each gap between 0.6 and 1.4 of the even one."""
    even = 1 / rate
    for part in cut(text, rng, most):
        yield Piece(part, even * rng.uniform(0.6, 1.4))
