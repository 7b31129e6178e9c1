"""Where a long text is cut: it fits, nothing is lost, and nothing is cut that should not be."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapter.blocks import BlockKind, blocks_of
from adapter.boundaries import cluster_start, weight
from adapter.cutting import closing, cut_at, moving_block, reopening, showable

quick = settings(
    max_examples=400, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"


def parts(text: str, budget: int) -> list[tuple[str, str, str]]:
    """``text`` cut as one that is there at once: what opens each part, its own text, what closes it."""
    made, head = [], ""
    while weight(head + text) > budget:
        at = cut_at(text, budget, head=head, whole=True)
        made.append((head, text[:at], closing(text[:at], head, budget)))
        head, text = reopening(text[:at], head, budget), text[at:]
    return [*made, (head, text, "")]


def streamed(pieces: list[str], budget: int) -> list[tuple[str, str, str]]:
    """The same for a text that comes in pieces, each shown as far as it may be before the next one comes."""
    made, head, text, floor = [], "", "", 0
    waiting = list(pieces)
    while waiting:
        text += waiting.pop(0)
        while True:
            if weight(head + text) > budget:
                at = cut_at(text, budget, head=head, floor=floor)
            elif (moving := moving_block(text, budget, head=head, floor=floor)) is not None:
                at = moving
            else:
                break
            made.append((head, text[:at], closing(text[:at], head, budget)))
            head, text, floor = reopening(text[:at], head, budget), text[at:], 0
        floor = max(floor, showable(text, budget, head=head, floor=floor))
    return [*made, (head, text, "")]


def bodies(made: list[tuple[str, str, str]]) -> list[str]:
    return [text for _, text, _ in made]


# ---- preferences --------------------------------------------------------------------------------------------------


def test_between_paragraphs_before_sentences_before_words() -> None:
    paragraphs = "甲乙丙。丁戊己。\n\n庚辛壬。癸子丑。寅"
    assert bodies(parts(paragraphs, weight(paragraphs) - 3))[0] == "甲乙丙。丁戊己。\n\n"
    assert bodies(parts("One two. Three four", 16))[0] == "One two. "
    assert bodies(parts("One two three four", 16))[0] == "One two three "
    assert bodies(parts("甲乙丙，丁戊己庚", 21))[0] == "甲乙丙，"


def test_white_space_stays_where_it_was_written() -> None:
    assert bodies(parts("first line\n\n  second line", 20)) == ["first line\n\n", "  second line"]


def test_no_character_of_the_reader_is_broken() -> None:
    assert bodies(parts(FAMILY * 3, 40)) == [FAMILY * 2, FAMILY]
    assert bodies(parts("e\u0301" * 6, 10)) == ["e\u0301" * 3] * 2
    assert bodies(parts("\U0001f1e8\U0001f1f3" * 3, 20)) == ["\U0001f1e8\U0001f1f3" * 2, "\U0001f1e8\U0001f1f3"]


@pytest.mark.parametrize(
    "kept",
    [
        "[the page](https://a.example/b_(c)?d=e)",
        "![a picture](https://a.example/b.png)",
        "[![badge](https://a.example/b.svg)](https://a.example)",
        "[two words][ref]",
        "<https://a.example/b>",
        "https://a.example/b/c?d=e",
        "`some code`",
        "``code ` with a tick``",
        "<@!123 456>",
        "**bold words**",
        "$a + b$",
    ],
)
@pytest.mark.parametrize("whole", [True, False])
def test_what_belongs_together_is_not_cut(kept: str, whole: bool) -> None:
    text = "甲乙丙丁戊己庚辛" * 2 + kept + "甲乙丙丁戊己庚辛" * 8
    for budget in range(50, 50 + weight(kept)):
        at = cut_at(text, budget, whole=whole)
        assert not 16 < at < 16 + len(kept), text[:at]


def test_an_unfinished_link_goes_to_the_next_part_with_its_end() -> None:
    text = "一二三四五六七八九十 [a page](https://a.exa"
    for end in range(12, len(text)):
        assert cut_at(text[: end + 1], weight(text[:end])) <= 11, text[:end]


# ---- blocks -------------------------------------------------------------------------------------------------------


FENCE = "```python\nprint(1)\nprint(2)\n```\n"
TABLE = "| a | b |\n| - | - |\n| 1 | 2 |\n| 3 | 4 |\n"


@pytest.mark.parametrize(
    "block", [FENCE, TABLE, FENCE.replace("`", "~"), "````\n```\n````\n", "- one\n  ```\n  a\n  ```\n"]
)
def test_a_block_that_has_room_for_itself_is_not_cut(block: str) -> None:
    text = "前言前言。\n" + block + "后记。" * 9
    for budget in range(max(weight(block), 40), weight(text)):
        made = bodies(parts(text, budget))
        assert any(block.removesuffix("\n") in part for part in made), (budget, made)


def test_a_fence_longer_than_the_limit_is_closed_and_opened_again() -> None:
    text = "```python\n" + "a = 1\n" * 40 + "```\nafter"
    made = parts(text, 120)
    assert [head for head, _, _ in made] == [""] + ["```python\n"] * (len(made) - 1)
    assert [tail for _, _, tail in made] == ["```"] * (len(made) - 1) + [""]
    assert all(weight("".join(part)) <= 120 for part in made)
    assert all(part.endswith("\n") for part in bodies(made)[:-1])
    assert bodies(made)[-1].endswith("```\nafter")


@pytest.mark.parametrize(
    ("opening", "closes", "opens"),
    [
        ("~~~~sh\n", "~~~~", "~~~~sh\n"),
        ("> ```js\n> ", "> ```", "> ```js\n"),
        ("1. one\n   ```\n   ", "   ```", "   ```\n"),
        ("- - deep\n      ```js\n      ", "      ```", "   ```js\n"),
    ],
)
def test_a_fence_in_a_list_or_a_quote_is_closed_where_it_stands(opening: str, closes: str, opens: str) -> None:
    text = opening + "x" * 9
    assert closing(text, "", 400) == "\n" + closes
    assert reopening(text, "", 400) == opens


def test_what_looks_like_a_fence_is_none() -> None:
    for text in (
        "``` a ` b\n",
        "    ```\ncode\n",
        "`` x\n",
        "text ``` text\n",
        "> ```\nafter the quote\n",
        "```\na\n```",
    ):
        assert reopening(text, "", 400) == "", text


def test_a_table_longer_than_the_limit_is_cut_between_rows() -> None:
    text = "| a | b |\n| - | - |\n" + "| 1 | 2 |\n" * 30
    made = parts(text, 100)
    assert len(made) > 2
    assert all(part.endswith("|\n") for part in bodies(made))


# ---- not whole yet ------------------------------------------------------------------------------------------------


def test_far_from_the_limit_everything_is_shown() -> None:
    assert showable("[half a li", 1_000) == 10
    assert showable("```\nhalf a fen", 1_000) == 14


def test_near_the_limit_only_what_may_stay_is_shown() -> None:
    text = "一二三四五。" * 30
    assert showable(text + "未完", 600) == len(text)
    assert showable(text + "[未完](http", 600) == len(text)


def test_a_fence_that_begins_late_waits_and_then_begins_the_next_bubble() -> None:
    text = "一二三四五。" * 60 + "\n"
    begun = text + "```python\n" + "a = 1\n"
    assert showable(begun, 2_100) == len(text)
    assert moving_block(begun, 2_100) is None
    long = begun + "b = 2\n" * 170
    assert moving_block(long, 2_100) == len(text)
    assert moving_block(long, 2_100, floor=len(text) + 5) is None


# ---- any text -----------------------------------------------------------------------------------------------------

WORDS = st.sampled_from(
    [
        *[
            "字字字。",
            "a word ",
            "another. ",
            "，",
            "\n",
            "\n\n",
            "🎉",
            FAMILY,
            "e\u0301",
            "**bold**",
            "`code`",
            "  ",
            "* item\n",
        ],
        *[
            "[link](https://a.example/b)",
            "https://a.example/c ",
            "| a | b |\n",
            "|-|-|\n",
            "```py\n",
            "```\n",
            "~~~\n",
            "> q\n",
        ],
        *[
            "> ```\n",
            "- ",
            "[",
            "](",
            "`",
            "<",
            "&amp;",
            "\\",
            "$",
            "# head\n",
            "x" * 30,
            "长" * 20,
            "\r\n",
            "\u200d",
            "\u2028",
        ],
    ]
)
TEXTS = st.lists(WORDS, max_size=120).map("".join) | st.text(max_size=200)
BUDGETS = st.integers(60, 400)


@quick
@given(TEXTS, BUDGETS)
def test_the_parts_fit_and_together_they_are_the_text(text: str, budget: int) -> None:
    made = parts(text, budget)
    assert "".join(bodies(made)) == text
    assert all(weight("".join(part)) <= budget for part in made)
    assert all(bodies(made)[:-1]), "a part without text"


@quick
@given(st.lists(TEXTS, max_size=12), BUDGETS)
def test_the_same_holds_of_a_text_that_comes_in_pieces(pieces: list[str], budget: int) -> None:
    made = streamed(pieces, budget)
    assert "".join(bodies(made)) == "".join(pieces)
    assert all(weight("".join(part)) <= budget for part in made)
    assert all(bodies(made)[:-1]), "a part without text"


@quick
@given(TEXTS, BUDGETS)
def test_every_fence_that_is_cut_is_closed_and_opened_again(text: str, budget: int) -> None:
    """Read by itself, each part ends outside of a fence, unless the text itself leaves one open."""
    made = parts(text, budget)
    for head, body, tail in made[:-1]:
        last = [block for block in blocks_of(head + body + tail, whole=True) if block.kind is BlockKind.FENCE][-1:]
        assert not last or last[0].end < len(head + body + tail) or tail or last[0].ended


@quick
@given(TEXTS, BUDGETS)
def test_no_reader_s_character_is_broken_where_there_is_room_for_it(text: str, budget: int) -> None:
    at = 0
    for part in bodies(parts(text, budget))[:-1]:
        at += len(part)
        start = cluster_start(text, at)
        assert start == at or weight(text[start : at + 1]) > budget // 4


@quick
@given(TEXTS.filter(lambda text: "|" not in text and "`" not in text and "~" not in text), BUDGETS)
def test_no_link_is_cut(text: str, budget: int) -> None:
    for part in bodies(parts(text, budget)):
        for link in ("[link](https://a.example/b)", "https://a.example/c"):
            assert part.count(link[:4]) >= part.count(link)
    joined = bodies(parts(text, budget))
    whole = sum(part.count("[link](https://a.example/b)") for part in joined)
    assert whole == text.count("[link](https://a.example/b)")
