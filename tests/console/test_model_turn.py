"""Bytes of a model's stream, however they are cut, as what was heard."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from adapter.pieces import Text
from adapter.storable import storable
from qqconsole.replies.characters import Characters
from qqconsole.replies.event_stream import EventStream
from qqconsole.replies.model_turn import CallStarted, CallWhole, ModelTurn

ENDINGS = st.sampled_from([b"\n", b"\r\n", b"\r"])


@st.composite
def cut(draw: st.DrawFn, data: bytes) -> list[bytes]:
    """Return ``data`` in pieces cut anywhere."""
    at = sorted(draw(st.lists(st.integers(0, len(data)), max_size=12)))
    return [data[start:end] for start, end in zip([0, *at], [*at, len(data)], strict=True)]


TEXTS = st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=8), max_size=8)


@given(st.data(), TEXTS, ENDINGS, st.sampled_from([b"", b": comment"]))
def test_events_survive_any_cut_of_the_network(
    data: st.DataObject, texts: list[str], ending: bytes, comment: bytes
) -> None:
    before = comment + ending if comment else b""
    events = [before + b"data: " + json.dumps(text, ensure_ascii=False).encode() + ending * 2 for text in texts]
    stream = EventStream()
    # As they are mostly written, an event a read; and cut anywhere.
    parts = data.draw(st.one_of(st.just(events), cut(b"".join(events))))
    read = [event for part in parts for event in stream.feed(part)] + stream.finish()
    assert [json.loads(event) for event in read] == texts


def test_data_in_several_lines_is_one_event() -> None:
    stream = EventStream()
    assert stream.feed(b"event: x\ndata: {\ndata:}\nid: 1\n\n") == [b"{\n}"]
    assert stream.feed(b"\n\n: nothing\n\n") == []


@given(st.text(st.characters(), max_size=20).flatmap(lambda text: st.tuples(st.just(text), st.integers(0, 20))))
def test_characters_are_storable_and_the_same_however_they_were_cut(given_text: tuple[str, int]) -> None:
    text, at = given_text
    halves = text.encode("utf-16-le", "surrogatepass")
    units = [halves[n : n + 2].decode("utf-16-le", "surrogatepass") for n in range(0, len(halves), 2)]
    whole = "".join(units[:at]) + "".join(units[at:])
    characters = Characters()
    said = characters.feed("".join(units[:at])) + characters.feed("".join(units[at:])) + characters.finish()
    assert said == storable(whole)
    assert "\x00" not in said
    said.encode()


def test_a_line_end_behind_half_a_pair_is_kept() -> None:
    characters = Characters()
    assert characters.feed("a\ud83d\n") + characters.finish() == "a\ufffd\n"


def delta(**fields: object) -> bytes:
    return json.dumps({"choices": [{"index": 0, "delta": fields}]}).encode()


def test_only_the_first_choice_is_heard() -> None:
    turn = ModelTurn()
    assert turn.read(b'{"choices":[{"index":1,"delta":{"content":"x"}}]}') == []
    assert turn.read(delta(content="y")) == [Text("y")]


def test_content_in_parts_and_a_refusal_are_words_too() -> None:
    turn = ModelTurn()
    assert turn.read(delta(content=[{"type": "text", "text": "a"}, {"type": "image"}])) == [Text("a")]
    assert turn.read(delta(refusal="no")) == [Text("no")]


def test_arguments_given_as_an_object_are_taken() -> None:
    turn = ModelTurn()
    [started] = turn.read(delta(tool_calls=[{"function": {"name": "send_media", "arguments": {"url": "x"}}}]))
    assert started == CallStarted("send_media")
    [whole] = turn.end()
    assert isinstance(whole, CallWhole)
    assert (whole.call.id, whole.call.arguments) == ("call_0", '{"url": "x"}')
