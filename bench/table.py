"""The one table: what was measured, beside its floor and its peer from the same run, and what it must be. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any, TypeAlias

Cell: TypeAlias = float | str | None
HEADS = ("", "ours", "floor", "peer", "must", "verdict")
GAP = "  "


@dataclass(frozen=True)
class Row:
    """One figure. ``met`` None: nothing is demanded of it. ``spoilt``: others took so much of the machine that a
    figure of time says little.
    """

    group: str
    what: str
    ours: Cell
    floor: Cell = None
    peer: Cell = None
    must: str = ""
    met: bool | None = None
    spoilt: float = 0.0

    @property
    def verdict(self) -> str:
        """PASS or FAIL; with a question mark where others decided it."""
        if self.met is None:
            return ""
        return ("PASS" if self.met else "FAIL") + ("?" if self.spoilt > FAIR else "")


FAIR = 0.1
"""The share of the machine above which others decide what the slowest requests are."""


def failed(rows: Iterable[Row]) -> bool:
    """Whether a demand was not met."""
    return any(row.met is False for row in rows)


def as_json(rows: Sequence[Row], notes: Sequence[str]) -> dict[str, Any]:
    """Return rows and notes as JSON."""
    return {"rows": [asdict(row) | {"verdict": row.verdict} for row in rows], "notes": list(notes)}


def as_text(rows: Sequence[Row], notes: Sequence[str] = ()) -> str:
    """Return the table, aligned; a line of its own for each group."""
    table = [
        (row.group, (row.what, *map(_shown, (row.ours, row.floor, row.peer)), row.must, row.verdict)) for row in rows
    ]
    lines = [HEADS, *(cells for _, cells in table)]
    widths = [max(_width(cells[place]) for cells in lines) for place in range(len(HEADS))]
    text = [_line(HEADS, widths)]
    for group, members in groupby(table, key=lambda each: each[0]):
        text += ["", group, *(_line(cells, widths) for _, cells in members)]
    spoilt = max((row.spoilt for row in rows), default=0.0)
    if spoilt > FAIR:
        text += ["", f"? others took up to {spoilt:.0%} of the machine meanwhile: measure again alone."]
    return "\n".join([*text, *([""] if notes else []), *notes])


def _cells(row: Row) -> tuple[str, ...]:
    return (row.what, *map(_shown, (row.ours, row.floor, row.peer)), row.must, row.verdict)


def _shown(cell: Cell) -> str:
    if cell is None:
        return "-"
    if isinstance(cell, str):
        return cell
    if abs(cell) >= 100 or cell == int(cell):
        return f"{cell:,.0f}"
    return f"{cell:.1f}" if abs(cell) >= 10 else f"{cell:.2f}"


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *figures, must, verdict = [
        _padded(cell, width, right=0 < place < 4) for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return GAP.join([f"  {first}", *figures, must, verdict]).rstrip()


def _padded(cell: str, width: int, *, right: bool) -> str:
    blank = " " * (width - _width(cell))
    return blank + cell if right else cell + blank


def _width(text: str) -> int:
    """The columns of a terminal: a Chinese character takes two."""
    return sum(2 if unicodedata.east_asian_width(each) in "WF" else 1 for each in text)
