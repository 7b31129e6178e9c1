"""A fence that has room in a bubble of its own is not cut: always where nothing was shown yet, and in a stream too but
where part of it was on the screen long before anybody could know that it would not end in time (decision 9).

A fence is one here that begins on a line of its own, and not so deep in a list that it would be none outside of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scripted import outcome, screen, travel
from test_cutting import parts

from adapter.blocks import Block, BlockKind, blocks_of
from adapter.boundaries import fits, weight
from adapter.cutting import cut_at, moving_block, reopening, showable

quick = settings(
    max_examples=300, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
PROSE = [
    "字字字。",
    "a word ",
    "\n",
    "\n\n",
    "\n> quoted\n",
    "\n- item\n",
    "\n# head\n",
    "长" * 20,
    "\n| a | b |\n",
    "|-|-|\n",
]
CODE = ["\n```py\n", "\n```\n", "\n~~~\n", "\n````\n", "\n  ```\n", "\n> ```\n", "\n1. x\n   ```\n", "\nprint(1)\n"]
FENCES = [f"\n```\n{'code = 1' * length}\n```\n" for length in (1, 8, 16)]
TEXTS = st.lists(st.sampled_from(PROSE + CODE + FENCES), max_size=80).map("".join)
LIMITS = st.integers(60, 400)

LARGE = st.integers(5_000, 9_000)
"""With so much room a fence of the first half is shown as it comes."""
LARGE_TEXTS = st.lists(
    st.integers(1, 60).map(lambda length: "一句话。" * length + "\n")
    | st.integers(50, 400).map(lambda length: "```py\n" + "total += 1  # 加一\n" * length + "```\n"),
    min_size=4,
    max_size=10,
).map("".join)
UNSEEN = 2_250
"""Bytes that may be kept from the user for it, as the decision has it."""


@dataclass(frozen=True)
class Cut:
    begins: int
    """Where its bubble begins, as all places in the whole text."""
    shown: int
    """How far the user had seen the text."""
    at: int
    room: int
    """Bytes for text in its bubble."""


def streamed(pieces: list[str], limit: int, every: int) -> list[Cut]:
    """The cuts of a text that comes in pieces; a frame leaves with each so many of them."""
    cuts: list[Cut] = []
    begins, head, text, shown = 0, "", "", 0
    for number, piece in enumerate(pieces):
        text += piece
        while True:
            if weight(head + text) > limit:
                at = cut_at(text, limit, head=head, floor=shown)
            elif (moving := moving_block(text, limit, head=head, floor=shown)) is not None:
                at = moving
            else:
                break
            cuts.append(Cut(begins, begins + shown, begins + at, limit - weight(head)))
            head, text, begins, shown = reopening(text[:at], head, limit), text[at:], begins + at, 0
        if number % every == 0:
            shown = max(shown, showable(text, limit, head=head, floor=shown))
    return cuts


def torn(text: str, cuts: list[int], limit: int) -> list[tuple[Block, int]]:
    """The fences that have room for themselves and were cut all the same, each with the place in ``cuts``."""
    fences = [block for block in blocks_of(text, whole=True) if block.kind is BlockKind.FENCE]
    alone = [fence for fence in fences if fits(text[fence.start : fence.end], limit)]
    return [(fence, number) for fence in alone for number, at in enumerate(cuts) if fence.start < at < fence.end]


# ---- any text -----------------------------------------------------------------------------------------------------


@quick
@given(TEXTS, LIMITS)
def test_of_a_text_that_is_whole_none_is_cut(text: str, limit: int) -> None:
    cuts, at = [], 0
    for _, part, _ in parts(text, limit)[:-1]:
        at += len(part)
        cuts.append(at)
    assert torn(text, cuts, limit) == []


@quick
@given(st.lists(TEXTS | st.sampled_from(PROSE + CODE), max_size=30), LIMITS, st.integers(1, 4))
def test_of_a_stream_with_a_small_limit_none_is_cut(pieces: list[str], limit: int, every: int) -> None:
    """All that might have to wait unseen is little."""
    cuts = streamed(pieces, limit, every)
    assert torn("".join(pieces), [cut.at for cut in cuts], limit) == []


@settings(quick, max_examples=150)
@given(LARGE_TEXTS, LARGE, st.integers(100, 900))
def test_of_a_stream_with_a_large_limit_only_what_was_seen_early_is_cut(text: str, limit: int, piece: int) -> None:
    cuts = streamed([text[at : at + piece] for at in range(0, len(text), piece)], limit, every=1)
    for fence, number in torn(text, [cut.at for cut in cuts], limit):
        cut = cuts[number]
        before = weight(text[cut.begins : fence.start])
        assert fence.start < cut.shown, "nobody had seen anything of it"
        assert before * 2 <= cut.room, "it began in the second half"
        assert cut.room - before > UNSEEN, "little would have had to wait"


def test_what_has_to_wait_for_it_is_at_most_2250_bytes() -> None:
    begun = "前言。\n" + "```py\nprint(1)\n"
    assert showable(begun, weight("前言。\n") + UNSEEN) == len("前言。\n")
    assert showable(begun, weight("前言。\n") + UNSEEN + 1) == len(begun)


@pytest.mark.parametrize("tail", ["`", "``", "```", "~~", "   ", "> ``", "- ``"])
def test_of_what_may_become_a_fence_s_first_line_nothing_is_shown(tail: str) -> None:
    assert showable("前言。\n" + tail, 1_000) == len("前言。\n")


# ---- the machine --------------------------------------------------------------------------------------------------

INTRO = "先说两句，再看代码。\n\n"
FENCE = "```py\n" + "total += 1\n" * 20 + "```\n"


def slowly(text: str, each: int = 20) -> list[object]:
    """A frame's time between two pieces."""
    return [part for at in range(0, len(text), each) for part in (text[at : at + each], 1.2)]


def test_a_stream_with_little_room_shows_the_fence_whole_in_the_next_bubble() -> None:
    made = travel(*slowly(INTRO + FENCE), "<end>", frame_bytes=weight(FENCE) + 20, open_after=5)
    assert screen(made) == [INTRO, FENCE]
    assert outcome(made) == ("delivered", "")


def test_a_fence_that_fits_behind_the_prose_stays_there() -> None:
    made = travel(*slowly(INTRO + FENCE + "完。"), "<end>", frame_bytes=weight(INTRO + FENCE) + 20, open_after=5)
    assert screen(made) == [INTRO + FENCE + "完。"]


def test_a_large_fence_of_which_no_frame_brought_anything_moves_whole() -> None:
    """It outgrew the bubble between two frames."""
    prose, fence = "说明。" * 200 + "\n", "```py\n" + "total += 1\n" * 480 + "```\n"
    made = travel(prose, 2, fence[:900], fence[900:], 2, "<end>", frame_bytes=5_400, open_after=5)
    assert screen(made) == [prose, fence]


def test_a_large_fence_that_was_seen_is_closed_and_opened_again() -> None:
    prose, fence = "说明。" * 200 + "\n", "```py\n" + "total += 1\n" * 480 + "```\n"
    made = travel(prose, 2, fence[:900], 2, fence[900:], 2, "<end>", frame_bytes=5_400, open_after=5)
    first, second = screen(made)
    assert first.startswith(prose + "```py\n")
    assert first.endswith("\n```")
    assert second.startswith("```py\n")
    assert "".join(segment.text for segment in made.machine.segments.values()) == prose + fence
