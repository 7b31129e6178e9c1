"""What comes from outside as JSON can be stored, whatever it holds."""

from __future__ import annotations

import json
import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapter.storable import load

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=())),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=())), inner),
    max_leaves=10,
)


@given(ANYTHING)
def test_whatever_comes_can_be_written_as_strict_json(value: object) -> None:
    text = json.dumps(load(json.dumps(value)), ensure_ascii=False, allow_nan=False)
    assert "\x00" not in text
    assert "\\u0000" not in text.replace("\\\\", "")
    text.encode()
    assert sqlite3.connect(":memory:").execute("SELECT json_valid(?)", [text]).fetchone() == (1,)


def test_what_any_database_can_carry_stays_as_it_is() -> None:
    value = {"a": ["😀", 1, 1.5, None, True, {"b": "\n\\u0000"}]}
    assert load(json.dumps(value)) == value


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, b"\xff"])
def test_what_is_no_json_raises_value_error(text: str | bytes) -> None:
    with pytest.raises(ValueError):
        load(text)
