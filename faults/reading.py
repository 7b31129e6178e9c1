"""Does a screen show what was written? Text is followed character by character, with the declared transforms only.

These are (house plan 6.8): a newline that closes a bubble; white space where the text is cut between two bubbles; a
fence closed and opened again at a cut; an address neutralised where QQ refuses it. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

NEUTRALISED = {".": "。", ":": "："}
_CLOSED = re.compile(r"\n *(?:`{3,}|~{3,})\s*\Z")
_OPENED = re.compile(r"\A *(?:`{3,}|~{3,})[^\n`]*\n")


def follow(written: str, shown: Sequence[str], *, between: bool = False) -> int | None:
    """Return how many characters of ``written`` the bubbles ``shown`` bring, one after the other; None where they show
    anything else than that: text that is missing between them, twice, changed or out of order. ``between``: there may
    be other bubbles before and after these."""
    return _follow(written, 0, shown, first=not between, between=between)


def _follow(written: str, at: int, shown: Sequence[str], *, first: bool, between: bool) -> int | None:
    if not shown:
        return at
    for bubble in _as_written(shown[0], first=first, last=len(shown) == 1 and not between):
        start = _past_blank(written, at)
        if alike(written[start : start + len(bubble)], bubble):
            reached = _follow(written, start + len(bubble), shown[1:], first=False, between=between)
            if reached is not None:
                return reached
    return None


def _as_written(bubble: str, *, first: bool, last: bool) -> Iterator[str]:
    """Yield the ways in which a bubble's text may have stood in what was written."""
    yield bubble.strip()
    unopened = _OPENED.sub("", bubble)
    if not first and unopened != bubble:
        yield unopened.strip()
    if not last:
        if (unclosed := _CLOSED.sub("", bubble)) != bubble:
            yield unclosed.strip()
        if not first and (bare := _CLOSED.sub("", unopened)) != unopened:
            yield bare.strip()


def alike(written: str, shown: str) -> bool:
    """Return whether these are the same characters, but for those that neutralise an address."""
    return written == shown or (
        len(written) == len(shown)
        and all(one == other or NEUTRALISED.get(one) == other for one, other in zip(written, shown, strict=True))
    )


def whole(written: str, reached: int) -> bool:
    """Return whether nothing but white space is left behind the characters that were reached."""
    return not written[reached:].strip()


def _past_blank(written: str, at: int) -> int:
    while at < len(written) and written[at].isspace():
        at += 1
    return at
