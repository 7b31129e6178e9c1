"""What each road's requests look like, from the opening frame to the closing one (docs/protocol.md 3.2, 4.1, 4.2)."""

from __future__ import annotations

from typing import Any

import pytest
from journeys import Travel
from scripted import kinds, outcome, screen, sent, travel

from adapter.dialects import DIALECTS
from adapter.request import Endpoint, Request
from adapter.sender import request_for

LINE = "一二三四五六七八九十甲乙"


def bodies(made: Travel) -> list[dict[str, Any]]:
    return [request.body for request in requests(made)]


def requests(made: Travel) -> list[Request]:
    return [request_for(made.policy, kept.frame, made.target, kept.seq) for kept in made.kept]


def test_the_current_dialect_sends_all_the_text_in_every_frame() -> None:
    made = travel(LINE, 1, "more", 1, "tail", 0.1, "<end>")
    assert bodies(made) == [
        {
            "input_mode": "replace",
            "input_state": 1,
            "index": 0,
            "content_type": "markdown",
            "content_raw": LINE,
            "msg_seq": 1,
            "msg_id": "inbound-1",
        },
        {
            "input_mode": "replace",
            "input_state": 1,
            "index": 1,
            "content_type": "markdown",
            "content_raw": LINE + "more",
            "msg_seq": 1,
            "msg_id": "inbound-1",
            "stream_msg_id": "s-1",
        },
        {
            "input_mode": "replace",
            "input_state": 1,
            "index": 2,
            "content_type": "markdown",
            "content_raw": LINE + "moretail",
            "msg_seq": 1,
            "msg_id": "inbound-1",
            "stream_msg_id": "s-1",
        },
        {
            "input_mode": "replace",
            "input_state": 10,
            "index": 3,
            "content_type": "markdown",
            "content_raw": LINE + "moretail",
            "msg_seq": 1,
            "msg_id": "inbound-1",
            "stream_msg_id": "s-1",
        },
    ]
    assert {request.path for request in requests(made)} == {"/v2/users/T1/stream_messages"}
    assert {request.endpoint for request in requests(made)} == {Endpoint.STREAM}
    assert [request.urgent for request in requests(made)] == [True, False, False, True]


def test_the_older_dialect_sends_only_what_is_new_under_a_new_msg_seq() -> None:
    made = travel(LINE, 2, "more", 2, "<end>", road="messages.stream")
    assert bodies(made) == [
        {
            "msg_type": 2,
            "markdown": {"content": LINE},
            "msg_id": "inbound-1",
            "msg_seq": 1,
            "stream": {"state": 1, "index": 0, "reset": False},
        },
        {
            "msg_type": 2,
            "markdown": {"content": "more"},
            "msg_id": "inbound-1",
            "msg_seq": 2,
            "stream": {"state": 1, "id": "s-1", "index": 1, "reset": False},
        },
        {
            "msg_type": 2,
            "markdown": {"content": "\n"},
            "msg_id": "inbound-1",
            "msg_seq": 3,
            "stream": {"state": 10, "id": "s-1", "index": 2, "reset": False},
        },
    ]
    assert {request.path for request in requests(made)} == {"/v2/users/T1/messages"}
    assert {request.endpoint for request in requests(made)} == {Endpoint.MESSAGE}


def test_only_the_older_dialects_closing_frame_gets_a_newline_and_only_one() -> None:
    older = travel(LINE, 0.1, "tail", 0.1, "<end>", road="messages.stream", latency=0.5)
    assert sent(older) == [LINE, "tail\n"]
    assert sent(travel(LINE, 0.1, "tail\n", 0.1, "<end>", road="messages.stream", latency=0.5)) == [LINE, "tail\n"]
    assert sent(travel(LINE, 0.1, "tail", 0.1, "<end>", latency=0.5)) == [LINE, LINE + "tail"]


@pytest.mark.parametrize("road", DIALECTS)
def test_an_empty_tail_is_closed_all_the_same(road: str) -> None:
    made = travel(LINE, 3, "<end>", road=road)
    assert kinds(made) == ["opening", "closing"]
    assert [bubble.ended for bubble in made.qq.bubbles] == ["client"]


@pytest.mark.parametrize("road", DIALECTS)
def test_a_break_closes_the_segment_and_the_next_text_opens_a_fresh_one(road: str) -> None:
    made = travel(LINE, 2, "<break>", 2, LINE[::-1], 3, "<end>", road=road)
    assert kinds(made) == ["opening", "closing", "opening", "closing"]
    second = bodies(made)[2]
    assert "stream_msg_id" not in second
    assert "id" not in second.get("stream", {})
    assert made.kept[2].frame.index == 0
    assert made.kept[2].seq not in {made.kept[0].seq, made.kept[1].seq}
    assert [text.rstrip("\n") for text in screen(made)] == [LINE, LINE[::-1]]


def test_a_break_before_any_text_leaves_nothing_behind() -> None:
    assert kinds(travel("<break>", "\n", "<break>", 1, "hello")) == ["plain"]


@pytest.mark.parametrize("road", DIALECTS)
def test_media_closes_the_segment_goes_on_its_own_and_the_text_goes_on_after_it(road: str) -> None:
    made = travel(LINE, 2, "<media>", 0.1, LINE[::-1], 4, "<end>", road=road, media_passive=True)
    assert kinds(made) == ["opening", "closing", "upload", "media", "opening", "closing"]
    assert [bubble.kind for bubble in made.qq.bubbles] == ["stream", "media", "stream"]
    assert bodies(made)[3] == {
        "msg_type": 7,
        "media": {"file_info": "info-1"},
        "content": "\u4e01",
        "msg_id": "inbound-1",
        "msg_seq": made.kept[3].seq,
    }
    assert outcome(made) == ("delivered", "")


def test_a_group_gets_one_message_whatever_the_source_does() -> None:
    made = travel(LINE, 3, "<break>", 3, LINE, 3, "<end>", road="group")
    assert bodies(made) == [{"msg_type": 2, "markdown": {"content": LINE + LINE}, "msg_id": "inbound-1", "msg_seq": 1}]
    assert requests(made)[0].path == "/v2/groups/T1/messages"


@pytest.mark.parametrize(("road", "path"), [("guild", "/channels/T1/messages"), ("dm", "/dms/T1/messages")])
def test_guild_endpoints_get_no_msg_type_no_msg_seq_and_no_media(road: str, path: str) -> None:
    made = travel(LINE, 3, "<media>", 3, LINE, 3, "<end>", road=road)
    text = {"content": LINE, "msg_id": "inbound-1"}
    picture = {"image": "https://example.org/a.png", "content": "\u4e01", "msg_id": "inbound-1"}
    assert bodies(made) == [text, picture, text]
    assert {request.path for request in requests(made)} == {path}


@pytest.mark.parametrize("road", [*DIALECTS, "group", "guild"])
def test_an_empty_reply_sends_nothing(road: str) -> None:
    for empty in ("", " \n", "\u200b"):
        made = travel(empty, 1, "<end>", road=road)
        assert made.kept == []
        assert outcome(made) == ("failed", "empty_reply")


def test_each_request_is_a_dict_of_its_own() -> None:
    made = travel(LINE, 1, "<end>")
    first = request_for(made.policy, made.kept[0].frame, made.target, 1)
    first.body["content_raw"] = "changed"
    assert request_for(made.policy, made.kept[0].frame, made.target, 1).body["content_raw"] == LINE
