"""Where a text that is too long for one bubble is cut, and how much of one that is not whole yet may be shown. Pure.

The order of preference: between paragraphs, at the end of a line or sentence, at a word or clause, between two
characters as a reader sees them. A cut is never inside a link, an address, inline code, a table's row or a code point,
and inside a fence or between the rows of a table only where that block alone is longer than the limit (or part of it
is shown already and cannot be taken back). A fence that is cut is closed there and opened again in what follows: a
declared transform, recorded beside the text and never in it. White space at a cut stays where it was written: at the
end of what comes before.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from enum import IntEnum

from adapter.blocks import Block, BlockKind, blocks_of, may_open_fence
from adapter.boundaries import cluster_start, fits, reach, weight
from adapter.spans import Span, spans_of


class Rank(IntEnum):
    """How good a place for a cut is: the lower, the better."""

    PARAGRAPH = 0
    SENTENCE = 1
    WORD = 2
    ROW = 3
    """Between two rows of a table, or two lines of a fence."""


_SENTENCE = re.compile(r"[。！？!?…；]+[\"'”’」』）)\]】》*_]*[ \t　]*|[.!?]+[\"')\]*_]*[ \t]+")
_WORD = re.compile(r"[ \t　]+|[，、：:,;）】》」』—]+")
_HEADING = re.compile(r"[ \t>]*#{1,6}[ \t]")
_BLANK_LINE_BEFORE = re.compile(r"\n[ \t>]*\n\Z")
_LONGEST_BLANK_LINE = 40
_HEAD_SHARE = 4
"""A fence is closed and opened again only where both lines together take no more than this part of the limit."""
_UNSEEN = 2_250
"""Bytes of code that may be kept from the user until it is known in which bubble they go (an eighth of 18,000)."""


def zone(budget: int) -> int:
    """Bytes before the limit within which text is shown only up to a good place for a cut."""
    return max(budget // 8, min(budget // 2, 1_024))


def cut_at(text: str, budget: int, *, head: str = "", floor: int = 0, whole: bool = False) -> int:
    """Where ``text``, which does not fit into ``budget`` bytes, is cut: at ``floor`` (what is shown already) or behind.

    ``head`` is what stands before it in its bubble (a fence that was opened again); ``whole``: no more text will come.
    Together with ``head`` and ``closing`` the part before the cut fits, unless what is shown already does not.
    """
    return _Cutter(text, budget, head, floor, whole).cut()


def showable(text: str, budget: int, *, head: str = "", floor: int = 0) -> int:
    """How far a ``text`` that is not whole yet, and fits, may be shown: near the limit only up to where it may be cut,
    since what a user sees is never taken back."""
    used = weight(head) + weight(text)
    if used * 2 <= budget and budget > 2 * _UNSEEN:
        return len(text)
    cutter = _Cutter(text, budget, head, floor, whole=False)
    waiting = cutter.waiting_block()
    if waiting is not None:
        return waiting
    if used <= budget - zone(budget):
        return len(text)
    return cutter.last_good(reach(text, budget - zone(budget) - weight(head)))


def moving_block(text: str, budget: int, *, head: str = "", floor: int = 0) -> int | None:
    """Where a fence or table begins that goes to the next bubble whole, though ``text`` still fits: it began in the
    second half, is not over, and too much of it would have to wait unseen. None: nothing does."""
    if (weight(head) + weight(text)) * 2 <= budget:
        return None
    cutter = _Cutter(text, budget, head, floor, whole=False)
    start = cutter.waiting_block()
    if start is None or not cutter.is_late(start) or fits(text[start:], zone(budget)):
        return None
    return start


def closing(text: str, head: str, budget: int) -> str:
    """What closes the fence that is open at the end of ``head + text``; "" where none is."""
    fence = _open_fence(head + text)
    if fence is None or not _pays(fence, budget):
        return ""
    return fence.closer if text.endswith("\n") else "\n" + fence.closer


def reopening(text: str, head: str, budget: int) -> str:
    """What opens the same fence again in the bubble behind; "" where none is open."""
    fence = _open_fence(head + text)
    return fence.opener if fence is not None and _pays(fence, budget) else ""


def _open_fence(text: str) -> Block | None:
    blocks = blocks_of(text, whole=False)
    last = blocks[-1] if blocks else None
    if last is None or last.kind is not BlockKind.FENCE or last.ended or last.end < len(text):
        return None
    # A closing line that lacks only its newline closes it all the same where nothing follows.
    return None if blocks_of(text + "\n", whole=False)[-1].ended else last


def _pays(fence: Block, budget: int) -> bool:
    return (weight(fence.opener) + weight(fence.closer) + 1) * _HEAD_SHARE <= budget


class _Cutter:
    """One text, what may be cut in it, and the candidates in the order of their worth."""

    def __init__(self, text: str, budget: int, head: str, floor: int, whole: bool) -> None:
        self._budget = budget
        self._room = budget - weight(head)
        self._floor = floor
        self._furthest = reach(text, self._room)
        window = text[: self._furthest + budget]
        self._whole = whole and len(window) == len(text)
        self._text = window
        self._blocks = [_moved(block, len(head)) for block in blocks_of(head + window, whole=self._whole)]
        self._spans: list[Span] = []
        self._spans_from = len(window) + 1

    # ---- what is asked ----------------------------------------------------------------------------------------

    def cut(self) -> int:
        furthest = max(self._furthest, self._floor)
        if furthest <= self._floor:
            return self._floor
        for share in (zone(self._budget), self._budget // 2):
            found = self.best(max(self._floor, reach(self._text, self._room - share)), furthest)
            if found is not None:
                return found
        loose = self._between_characters(furthest)
        if loose is not None:
            return loose
        found = self.best(self._floor, furthest)
        return found if found is not None else self._forced(furthest)

    def last_good(self, near: int) -> int:
        found = self.best(max(self._floor, near), len(self._text))
        return self._floor if found is None else found

    def waiting_block(self) -> int | None:
        """Where the block begins that nobody has seen anything of, and that is not shown before it is over: whole it
        may need a bubble of its own. That is one in the second half, or with little room left behind its beginning;
        elsewhere more than ``_UNSEEN`` might have to wait. At a bubble's very beginning there is nothing to decide."""
        start = self._unfinished_block()
        if start is None or start <= 0 or start < self._floor:
            return None
        return start if self.is_late(start) or self._room_behind(start) <= _UNSEEN else None

    def _unfinished_block(self) -> int | None:
        """Where the block begins that may go on, or only begin, with the text that comes."""
        last = self._blocks[-1] if self._blocks else None
        if last is not None and not last.ended and last.end == len(self._text):
            return last.start
        line = self._text.rfind("\n") + 1
        return line if may_open_fence(self._text, line) else None

    def is_late(self, at: int) -> bool:
        """Whether more than half of the bubble is before ``at``."""
        return not fits(self._text[:at], self._room // 2)

    def _room_behind(self, at: int) -> int:
        return self._room - weight(self._text[:at])

    def best(self, low: int, high: int) -> int | None:
        """The best place from ``low`` to ``high``: the last one of the lowest rank there is."""
        found: dict[Rank, int] = {}
        for rank, at in self._candidates(low, high):
            if max(low, 1) <= at <= high and at > found.get(rank, 0) and self._may(rank, at):
                found[rank] = at
        return found[min(found)] if found else None

    # ---- candidates -------------------------------------------------------------------------------------------

    def _candidates(self, low: int, high: int) -> Iterator[tuple[Rank, int]]:
        text = self._text
        line = text.find("\n", max(low - 1, 0), high) + 1
        while line:
            yield self._rank_of_line(line), line
            line = text.find("\n", line, high) + 1
        for block in self._blocks:
            yield Rank.PARAGRAPH, block.start
        for rank, pattern in ((Rank.SENTENCE, _SENTENCE), (Rank.WORD, _WORD)):
            for match in pattern.finditer(text, max(low - 1, 0), high):
                yield rank, match.end()
        for span in self._spans_behind(low):
            yield Rank.WORD, span.start
            yield Rank.WORD, span.end

    def _rank_of_line(self, at: int) -> Rank:
        text = self._text
        for block in self._blocks:
            if block.start < at < block.end or self._open_at(block, at):
                return Rank.ROW
            if at in (block.start, block.end):
                return Rank.PARAGRAPH
        if _HEADING.match(text, at) or _BLANK_LINE_BEFORE.search(text, max(0, at - _LONGEST_BLANK_LINE), at):
            return Rank.PARAGRAPH
        return Rank.SENTENCE

    def _may(self, rank: Rank, at: int) -> bool:
        block = self._block_around(at)
        if block is not None:
            return rank is Rank.ROW and self._may_cut(block, at)
        return rank is not Rank.ROW and self._span_around(at) is None and cluster_start(self._text, at) == at

    def _block_around(self, at: int) -> Block | None:
        return next((block for block in self._blocks if block.start < at < block.end or self._open_at(block, at)), None)

    def _open_at(self, block: Block, at: int) -> bool:
        """Whether the block ends exactly where the text does, and may go on with what comes."""
        return not block.ended and block.start < at == block.end == len(self._text)

    def _may_cut(self, block: Block, at: int) -> bool:
        shown = block.start < self._floor
        if not shown and self._fits(block):
            return False
        if block.kind is BlockKind.TABLE:
            return True
        if at <= max(block.body, 0) or not _pays(block, self._budget):
            return at > max(block.body, 0)
        return fits(self._text[:at], self._room - weight(block.closer)) or at <= self._floor

    def _fits(self, block: Block) -> bool:
        """Whether the block, as far as it is known, has room in one bubble of its own."""
        return fits(self._text[max(block.start, 0) : block.end], self._budget if block.start >= 0 else self._room)

    def _spans_behind(self, low: int) -> Sequence[Span]:
        """The spans from the paragraph that ``low`` is in."""
        paragraph = max(self._text.rfind("\n\n", 0, low), 0)
        if paragraph < self._spans_from:
            self._spans, self._spans_from, at = [], paragraph, paragraph
            for block in self._blocks:
                if block.start > at:
                    self._spans += spans_of(self._text, at, block.start, whole=True)
                at = max(block.end, at)
            self._spans += spans_of(self._text, at, len(self._text), whole=self._whole)
        return self._spans

    def _span_around(self, at: int, *, hard: bool = False) -> Span | None:
        spans = self._spans_behind(at)
        return next((span for span in spans if span.start < at < span.end and (span.hard or not hard)), None)

    # ---- where there is no good place -------------------------------------------------------------------------

    def _between_characters(self, furthest: int) -> int | None:
        """The last place between two characters; None where that would cut a block or a link that has room."""
        block = self._block_around(furthest)
        if block is not None:
            if (self._fits(block) and block.start >= self._floor) or block.kind is BlockKind.TABLE:
                return None
            furthest = reach(self._text, self._room - weight(block.closer) - 1) if block.closer else furthest
        at = cluster_start(self._text, furthest)
        if self._span_around(at, hard=True) is not None or at <= max(self._floor, 0 if block is None else block.body):
            return None
        return at

    def _forced(self, furthest: int) -> int:
        """Something that may not be cut is longer than the room there is: before it, else within it."""
        block = self._block_around(furthest)
        if block is not None and block.closer and _pays(block, self._budget):
            furthest = max(self._floor, reach(self._text, self._room - weight(block.closer) - 1))
        around = self._span_around(furthest, hard=True)
        if around is not None and around.start > self._floor:
            return around.start
        at = cluster_start(self._text, furthest)
        return max(at if at > self._floor else furthest, self._floor, 0 if self._floor else 1)


def _moved(block: Block, by: int) -> Block:
    if not by:
        return block
    return Block(
        block.kind, block.start - by, block.end - by, block.ended, block.opener, block.closer, max(0, block.body - by)
    )
