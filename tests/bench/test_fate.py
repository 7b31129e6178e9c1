"""What a user was left with, as the benchmark counts it."""

from __future__ import annotations

from typing import Any

import pytest

from bench.fate import Fate, fate, summed

WROTE = "00000天地,00001玄黄,00002宇宙,"


def bubble(text: str, state: str = "done") -> dict[str, Any]:
    return {"text": text, "state": state}


@pytest.mark.parametrize(
    ("bubbles", "expected"),
    [
        ([bubble(WROTE + "\n")], Fate(whole=1)),
        ([bubble("00000天地,"), bubble("00001玄黄,00002宇宙,\n")], Fate(whole=1)),
        ([], Fate(lost=1)),
        ([bubble("00000天地,", "rolled_back")], Fate(lost=1, left_open=1)),
        ([bubble(WROTE, "streaming")], Fate(left_open=1)),
        ([bubble("00000天地,", "finalised"), bubble(WROTE)], Fate(twice=1, left_open=1)),
        ([bubble("00000天地,00002宇宙,00001玄黄,")], Fate()),
        ([bubble("00000天,00001玄黄,00002宇宙,")], Fate()),
    ],
)
def test_whole_lost_twice_or_left_open(bubbles: list[dict[str, Any]], expected: Fate) -> None:
    assert fate(bubbles, WROTE) == expected


def test_many_are_summed() -> None:
    many = summed([Fate(whole=1), Fate(lost=1, left_open=1), Fate(0)])
    assert str(many) == "1/2 (1 0 1)"
