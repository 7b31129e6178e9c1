"""The `long` model's answer: thousands of characters with everything that is hard to cut."""

from __future__ import annotations

import functools
from pathlib import Path

SOURCE = Path(__file__).parent / "long.md"
OPENING = "这是一条很长的回答，用来看看长文本能不能完整送到。\n\n"


@functools.cache
def _sections() -> tuple[str, ...]:
    parts = SOURCE.read_text(encoding="utf-8").split("<!-- section -->\n")
    return tuple(part.strip() + "\n\n" for part in parts)


def long_text(chars: int) -> str:
    """Return an answer of at least `chars` characters, always the same, ending with its count of sections."""
    sections = _sections()
    parts = [OPENING]
    length, number = len(OPENING), 0
    while length < chars:
        section = sections[number % len(sections)].replace("{n}", str(number + 1))
        parts.append(section)
        length += len(section)
        number += 1
    parts.append(f"——完，共 {number} 节。")
    return "".join(parts)
