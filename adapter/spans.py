"""What within a paragraph is not cut in two: links, addresses, code, tags, escapes; and, softly, emphasis. Pure."""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Span:
    start: int
    end: int
    hard: bool
    """Cut in two it would not only look odd: it would not work."""


_BRACKETS = r"\[(?:[^\[\]\n]|\n(?!\s*\n)|\[(?:[^\[\]\n]|\n(?!\s*\n))*\])*\]"
_DESTINATION = r"\((?:<[^<>\n]*>|(?:[^()\s\\]|\\.|\((?:[^()\s\\]|\\.)*\))*)(?:\s+(?:\"[^\"\n]*\"|'[^'\n]*'))?\s*\)"
_ADDRESS = r"(?:https?://|www\.)[^\s<>\"'`，。！？；：、（）《》【】「」『』“”‘’…]+"
_TOKEN = re.compile(
    rf"(?P<link>!?{_BRACKETS}(?:{_DESTINATION}|\[[^\[\]\n]*\]))"
    r"|(?P<code>`+)"
    r"|(?P<tag><[A-Za-z/@!][^<>\n]*>)"
    rf"|(?P<address>{_ADDRESS})"
    r"|(?P<entity>&\#?\w{1,31};)"
    r"|(?P<escape>\\[!-/:-@\[-`{-~])"
)
_UNFINISHED = re.compile(
    rf"(?:!?{_BRACKETS}\((?:[^()\s\\]|\\.|\([^()\s]*\)?)*(?:\s+[\"'][^\n]*)?"
    r"|!?\[(?:[^\[\]\n]|\[[^\[\]\n]*\](?:\([^()\s]*\)?)?)*\]?"
    r"|<[A-Za-z/@!][^<>\n]*|&\#?\w{0,31}|\\|!)\Z"
)
_EMPHASIS = re.compile(
    r"\*\*(?=\S)[^\n]{1,300}?(?<=\S)\*\*|(?<!\w)__(?=\S)[^\n]{1,300}?(?<=\S)__(?!\w)|~~(?=\S)[^\n]{1,300}?(?<=\S)~~"
    r"|(?<![\w*])\*(?=[^\s*])[^*\n]{1,300}(?<=\S)\*(?!\*)|(?<![\w_])_(?=[^\s_])[^_\n]{1,300}(?<=\S)_(?![\w_])"
    r"|\$\$[^$]{1,1000}\$\$|\$(?=\S)[^$\n]{1,300}(?<=\S)\$|\\\([^\n]{1,300}?\\\)|\\\[(?s:.{1,300}?)\\\]"
)
_UNFINISHED_EMPHASIS = re.compile(r"(?:\*\*|~~|__)(?=\S)(?:(?!\*\*|~~|__)[^\n])*\Z")
_LONGEST = 2_000
"""Characters of an unfinished link: what is longer is none."""


def spans_of(text: str, start: int, end: int, *, whole: bool) -> list[Span]:
    """The spans of ``text`` between two places that lie outside of them; ``whole``: no more will come behind it."""
    found = _tokens(text, start, end, whole=whole)
    if not whole:
        # Only the last line can hold what is not finished yet.
        line = max(text.rfind("\n", start, end) + 1, start, end - _LONGEST)
        if (tail := _unfinished(text, line, end, found)) is not None:
            found.append(Span(tail, end, hard=True))
        elif (match := _UNFINISHED_EMPHASIS.search(text, line, end)) is not None:
            found.append(Span(match.start(), end, hard=False))
    found += [Span(match.start(), match.end(), hard=False) for match in _EMPHASIS.finditer(text, start, end)]
    return found


def _unfinished(text: str, line: int, end: int, found: list[Span]) -> int | None:
    """Where something begins that may go on behind ``end``, outside of what is finished (a picture inside a link's
    text is finished, its link is not)."""
    while (match := _UNFINISHED.search(text, line, end)) is not None:
        around = next((span for span in found if span.start < match.start() < span.end), None)
        if around is None:
            return match.start()
        line = around.end
    return None


def _tokens(text: str, start: int, end: int, *, whole: bool) -> list[Span]:
    found: list[Span] = []
    runs = _runs(text, start, end)
    at = start
    while (match := _TOKEN.search(text, at, end)) is not None:
        at = match.end()
        if match["code"]:
            closing = _closing(runs, match.start("code"), len(match["code"]))
            paragraph_ends = _paragraph_end(text, match.end(), end)
            if closing is not None and closing <= paragraph_ends:
                at = closing
                found.append(Span(match.start(), at, hard=True))
            elif closing is None and paragraph_ends == end and not whole:
                found.append(Span(match.start(), end, hard=True))
        else:
            found.append(Span(match.start(), at, hard=True))
    return found


def _runs(text: str, start: int, end: int) -> dict[int, list[int]]:
    """Runs of back-ticks by their length: where each begins."""
    runs: dict[int, list[int]] = {}
    for match in re.compile("`+").finditer(text, start, end):
        runs.setdefault(len(match[0]), []).append(match.start())
    return runs


def _closing(runs: dict[int, list[int]], start: int, length: int) -> int | None:
    places = runs.get(length, [])
    later = bisect_left(places, start + 1)
    return places[later] + length if later < len(places) else None


def _paragraph_end(text: str, start: int, end: int) -> int:
    found = text.find("\n\n", start, end)
    return end if found < 0 else found
