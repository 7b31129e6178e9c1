"""The parts of a Markdown text that are better not cut in two: fenced code and tables. Pure.

Read as CommonMark and GFM have them, with two liberties: a fence may stand deeper in a list than its item would allow
(models write it so), and a row of a table holds a "|".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum


class BlockKind(StrEnum):
    FENCE = "fence"
    TABLE = "table"


@dataclass(frozen=True, slots=True)
class Block:
    kind: BlockKind
    start: int
    end: int
    """Characters, from the beginning of its first line to the end of its last."""
    ended: bool
    """Nothing that comes can still belong to it."""
    opener: str = ""
    """Of a fence: the line that opens it again elsewhere, with its info string."""
    closer: str = ""
    """Of a fence: the line that closes it, without a newline."""
    body: int = 0
    """Of a fence: where its first line of code begins."""


_LEAD = r"(?P<lead>(?:[ \t]*>)*(?:[ \t]*(?:[-*+]|\d{1,9}[.)])(?=[ \t]))*[ \t]*)"
_OPENING = re.compile(_LEAD + r"(?P<mark>`{3,32}(?!`)|~{3,32}(?!~))(?P<info>[^\n]*)")
_BUD = re.compile(_LEAD + r"(?:`{0,2}|~{0,2})\Z")
_DELIMITER = re.compile(r"[ \t>]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$")
_ITEM = re.compile(r"[ \t>]*(?:[-*+]|\d{1,9}[.)])[ \t]")
_DEEP = 4
"""Columns from which a line outside of a list is indented code, not a fence."""
_LONGEST_INFO = 60
_HINTS = ("```", "~~~", "|")


def blocks_of(text: str, *, whole: bool) -> list[Block]:
    """The fences and tables of ``text`` in order; ``whole``: no more of it will come."""
    if not any(hint in text for hint in _HINTS):
        return []
    return _Reader(text, whole).read()


def may_open_fence(text: str, line: int) -> bool:
    """Whether the last line of ``text``, which begins at ``line`` and is not whole, may yet become a fence's first."""
    return line < len(text) and _BUD.match(text, line) is not None


class _Reader:
    def __init__(self, text: str, whole: bool) -> None:
        self._text = text
        self._whole = whole
        self._blocks: list[Block] = []

    def read(self) -> list[Block]:
        text, at, before = self._text, 0, 0
        in_list = blank = False
        while at < len(text):
            end = self._line_end(at)
            line = text[at:end]
            if not line.strip():
                blank = True
            else:
                item = _ITEM.match(line) is not None
                in_list = item or (in_list and not (blank and line[0] not in " \t>"))
                blank = False
                if passed := self._block(at, line, before, in_list):
                    at, before = passed, passed
                    continue
            before, at = at, end
        return self._blocks

    def _block(self, at: int, line: str, before: int, in_list: bool) -> int:
        """Where the block ends that is found at ``at``; 0: none is."""
        passed = self._fence(at, line, in_list) if "```" in line or "~~~" in line else 0
        return passed or (self._table(at, line, before) if "|" in line else 0)

    def _line_end(self, at: int) -> int:
        return self._text.find("\n", at) + 1 or len(self._text)

    # ---- fences -----------------------------------------------------------------------------------------------

    def _fence(self, at: int, line: str, in_list: bool) -> int:
        """Where the fence that opens at ``at`` ends; 0: none opens there."""
        found = _OPENING.match(line)
        if found is None or ("`" in found["info"] and found["mark"][0] == "`"):
            return 0
        lead, mark = found["lead"], found["mark"]
        if not in_list and ">" not in lead and len(lead.expandtabs(4)) >= _DEEP:
            return 0
        inside = "".join(letter if letter in " \t>" else " " for letter in lead)
        info = found["info"].rstrip()
        if len(info) > _LONGEST_INFO:
            info = (info.split() or [""])[0][:_LONGEST_INFO]
        quoted = inside.rstrip(" \t")
        depth = min(len(inside) - len(quoted), _DEEP - 1)
        end, ended = self._fence_end(at + len(line), mark, bool(quoted))
        self._blocks.append(
            Block(
                BlockKind.FENCE,
                at,
                end,
                ended,
                opener=f"{quoted}{' ' * depth}{mark}{info}\n",
                closer=inside + mark,
                body=at + len(line),
            )
        )
        return end

    def _fence_end(self, at: int, mark: str, quoted: bool) -> tuple[int, bool]:
        text = self._text
        if at >= len(text):
            return at, self._whole
        while at < len(text):
            end = self._line_end(at)
            line = text[at:end]
            if quoted and not line.lstrip(" \t").startswith(">"):
                return at, True
            inner = line.strip(" \t>\n" if quoted else " \t\n")
            if len(inner) >= len(mark) and inner == mark[0] * len(inner):
                # Without its newline it may yet become a longer line, which closes nothing.
                return end, line.endswith("\n") or self._whole
            at = end
        return at, self._whole

    # ---- tables -----------------------------------------------------------------------------------------------

    def _table(self, at: int, line: str, before: int) -> int:
        """Where the table ends whose delimiter row, or whose first row if there is no more yet, is at ``at``."""
        text = self._text
        head = text[before:at]
        fresh = not self._blocks or self._blocks[-1].end <= before
        if "|" in head and fresh and "-" in line and _DELIMITER.match(line.rstrip("\n")):
            start = before
        elif line.lstrip(" \t>").startswith("|") and not self._whole and at + len(line) == len(text):
            # It may be the head of one.
            start = at
        else:
            return 0
        end = at + len(line)
        while end < len(text):
            line_end = self._line_end(end)
            if "|" not in text[end:line_end]:
                # Its last row may still be on its way.
                ended = self._whole or line_end < len(text) or text.endswith("\n") or not _may_be_row(text[end:])
                self._blocks.append(Block(BlockKind.TABLE, start, end, ended))
                return end
            end = line_end
        self._blocks.append(Block(BlockKind.TABLE, start, end, self._whole))
        return end


def _may_be_row(beginning: str) -> bool:
    return not beginning.strip(" \t>")
