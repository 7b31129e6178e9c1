"""QQ's answers to upload_prepare: what can be gone by is gone by, everything else is refused in words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapter.parts import Prepared, read_prepared, read_ttl

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
FIELDS = ("upload_id", "parts", "block_size", "upload_config", "file_info", "index", "presigned_url", "retry_timeout")


def part(index: Any = 1, size: Any = "50", url: Any = "https://cos.example/a?sign=1") -> dict[str, Any]:
    return {"index": index, "presigned_url": url, "block_size": size}


def answer(*parts: Any, **more: Any) -> dict[str, Any]:
    return {"upload_id": "u", "parts": list(parts), **more}


def plan(data: dict[str, Any], size: int) -> list[tuple[Any, int, int]]:
    prepared = read_prepared(data, size)
    assert isinstance(prepared, Prepared), prepared
    return [(each.index, each.offset, each.size) for each in prepared.parts]


@pytest.mark.parametrize("base", [0, 1, 7])
def test_offsets_go_by_position_whatever_the_first_number_is(base: int) -> None:
    data = answer(part(base), part(base + 1), part(base + 2, "20"))
    assert plan(data, 120) == [(base, 0, 50), (base + 1, 50, 50), (base + 2, 100, 20)]


def test_a_last_part_announced_as_large_as_the_others_is_as_large_as_what_is_left() -> None:
    assert plan(answer(part(1), part(2)), 70) == [(1, 0, 50), (2, 50, 20)]


def test_sizes_as_numbers_as_text_or_only_once_for_all() -> None:
    assert plan(answer(part(1, 50), part(2, 50.0)), 100) == [(1, 0, 50), (2, 50, 50)]
    assert plan(answer(part("1", None), part("2", ""), block_size="50"), 100) == [("1", 0, 50), ("2", 50, 50)]


def test_what_qq_says_about_trying_again_is_kept_within_reason() -> None:
    def told(**config: Any) -> tuple[float, float]:
        prepared = read_prepared(answer(part(), upload_config=config), 50)
        assert isinstance(prepared, Prepared)
        return prepared.retry_timeout, prepared.retry_delay

    assert told() == (300.0, 1.0)
    assert told(retry_timeout="20", retry_delay=2) == (20.0, 2.0)
    assert told(retry_timeout=1e9, retry_delay=0) == (600.0, 0.1)
    assert told(retry_timeout=None, retry_delay="soon") == (300.0, 1.0)


def test_a_file_that_qq_has_already_needs_no_parts() -> None:
    assert read_prepared({"file_info": "F", "parts": []}, 50) == Prepared(file_info="F")


@pytest.mark.parametrize(
    ("data", "word"),
    [
        ({}, "upload_id"),
        ({"upload_id": None, "parts": [part()]}, "upload_id"),
        (answer(), "without parts"),
        ({"upload_id": "u", "parts": {"0": part()}}, "without parts"),
        (answer("part"), "cannot be read"),
        (answer({**part(), "index": None}), "no number"),
        (answer(part(True)), "no number"),
        (answer(part(url="ftp://cos/a")), "no address"),
        (answer(part(url=None)), "no address"),
        (answer(part(size="40")), "add up"),
        (answer(part(size="-50")), "add up"),
        (answer(part(size="a")), "add up"),
        (answer(part(1), part(2)), "add up"),
        (answer(part(1, 25), part(1, 25)), "the same number"),
    ],
)
def test_what_cannot_be_gone_by(data: dict[str, Any], word: str) -> None:
    refusal = read_prepared(data, 50)
    assert isinstance(refusal, str)
    assert word in refusal


@given(st.dictionaries(st.sampled_from(FIELDS), JSON | st.lists(st.dictionaries(st.sampled_from(FIELDS), JSON))))
def test_no_answer_breaks_it_and_a_plan_covers_the_file_exactly(data: dict[str, Any]) -> None:
    prepared = read_prepared(data, 50)
    if isinstance(prepared, Prepared) and not prepared.file_info:
        at = 0
        for each in prepared.parts:
            assert each.offset == at
            at += each.size
        assert at == 50


def test_how_long_a_file_info_is_good() -> None:
    told = [300, "300", 0, None, -1, "soon", True]
    assert [read_ttl({"ttl": each}) for each in told] == [300, 300, 0, None, None, None, None]
    assert read_ttl({}) is None


def test_no_time_goes_beyond_every_calendar() -> None:
    now = datetime.now(UTC)
    for told in (10**18, "1e300", 2**63):
        ttl = read_ttl({"ttl": told})
        assert ttl is not None
        assert now + timedelta(days=300) < now + timedelta(seconds=ttl)


def test_an_address_that_lets_others_write_is_shown_nowhere() -> None:
    assert "sign" not in repr(read_prepared(answer(part()), 50))
