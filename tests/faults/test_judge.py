"""The judge of the fault matrix finds what it is there for: each test spoils one thing about a run that was well."""

from __future__ import annotations

from typing import Any

import pytest

from faults.evidence import Evidence, mark_of
from faults.judge import judge
from faults.plan import Line
from faults.reading import follow

PLACE = ("7001", "c2c", "ANNA")
MESSAGE = "/play rate=40\n第一句。第二句。"
TEXT = "第一句。第二句。"


def chunk(kind: str = "closing", status: str = "accepted", start: int = 0, text: str = TEXT) -> dict[str, Any]:
    return {"kind": kind, "status": status, "start": start, "text": text, "msg_seq": 1, "index": 0, "trace_id": ""}


def segment(**changes: Any) -> dict[str, Any]:
    usual = {"number": 1, "kind": "stream", "purpose": "reply", "status": "closed", "stream_id": "S1", "text": TEXT}
    return {**usual, "accepted_length": len(TEXT), "media": None, "reference": "M1", "chunks": [chunk()], **changes}


def delivery(*segments: dict[str, Any], **changes: Any) -> dict[str, Any]:
    usual = {
        "id": 1,
        "session": 5,
        "inbound": 9,
        "kind": "reply",
        "status": "delivered",
        "reason": "",
        "caption": "",
        "suspect": False,
    }
    return {**usual, "generated_text": TEXT, "attempts": [{"segments": list(segments or [segment()])}], **changes}


def bubble(text: str = TEXT, **changes: Any) -> dict[str, Any]:
    return {"id": "S1", "from": "bot", "kind": "text", "text": text, "state": "done", **changes}


def written(text: str = TEXT, **changes: Any) -> dict[str, Any]:
    return {"user_text": MESSAGE, "turn": 0, "text": text, "state": "done", "finish": "stop", **changes}


def run(*bubbles: dict[str, Any], deliveries: list[dict[str, Any]] | None = None, **changes: Any) -> Evidence:
    """A run of one message, which was answered."""
    shown = list(bubbles or [bubble()])
    return Evidence(
        lines={"M1": Line(0, 0.0, *PLACE, MESSAGE)},
        heard={9: "M1"},
        sessions={5: PLACE},
        deliveries=[delivery()] if deliveries is None else deliveries,
        answers=changes.pop("answers", [written()]),
        screens=[{"bot": PLACE[0], "scene": PLACE[1], "target": PLACE[2], "bubbles": shown}],
        **changes,
    )


def rules(evidence: Evidence) -> list[str]:
    return [violation.rule for violation in judge(evidence)]


def test_a_run_without_a_flaw() -> None:
    assert rules(run()) == []


@pytest.mark.parametrize(
    ("shown", "rule"),
    [
        ("第一句。第二", "shown"),
        ("第一句。第二句。第二句。", "shown"),
        ("第二句。第一句。", "shown"),
        ("第一句。第三句。", "shown"),
    ],
)
def test_a_character_lost_twice_out_of_order_or_another(shown: str, rule: str) -> None:
    assert rule in rules(run(bubble(shown)))


def test_a_delivery_that_says_delivered_and_holds_less_than_the_model_wrote() -> None:
    short = delivery(segment(text="第一句。", accepted_length=4), generated_text="第一句。")
    assert rules(run(bubble("第一句。"), deliveries=[short])) == ["delivered"]


def test_an_answer_whose_model_broke_off_is_not_delivered() -> None:
    assert rules(run(answers=[written(state="cut", finish=None)])) == ["delivered"]


def test_the_same_text_in_a_second_bubble() -> None:
    again = segment(number=2, stream_id="S2")
    found = rules(run(bubble(), bubble(id="S2"), deliveries=[delivery(segment(), again)]))
    assert found == ["text"]


def test_a_bubble_that_no_row_tells_of() -> None:
    assert rules(run(bubble(), bubble("谁说的？", id="S9"))) == ["nobodys_bubble"]


def test_rows_that_claim_what_nobody_sees() -> None:
    assert "not_there" in rules(run(bubble(id="U", **{"from": "user"})))


def test_a_failed_delivery_that_the_user_sees_all_the_same() -> None:
    failed = delivery(segment(status="failed", accepted_length=0, chunks=[chunk(status="refused")]), status="failed")
    assert "shown" in rules(run(deliveries=[failed]))


def test_what_was_generated_before_an_interruption_and_never_sent() -> None:
    rest = delivery(segment(text="第一句。", accepted_length=4), status="interrupted", reason="interrupted")
    assert rules(run(bubble("第一句。"), deliveries=[rest])) == ["interrupted"]


def test_more_than_the_last_frame_is_unsure() -> None:
    doubt = segment(status="unknown", accepted_length=0, chunks=[chunk(status="unknown", text="第一句。")])
    assert rules(run(bubble("第一句。"), deliveries=[delivery(doubt, status="unknown")])) == []
    assert "shown" in rules(run(deliveries=[delivery(doubt, status="unknown")]))


@pytest.mark.parametrize("state", ["streaming", "rolled_back", "finalised"])
def test_a_stream_left_open_is_marked_or_a_violation(state: str) -> None:
    assert "open" in rules(run(bubble(state=state)))
    nameless = segment(status="unclosed", stream_id="", chunks=[chunk("opening", "unknown")])
    left = delivery(nameless, status="unknown", reason="left_open")
    broken = {
        "rule": "stream_left_open",
        "n": 3,
        "detail": "",
        "mark": mark_of({"msg_id": "M1", "msg_seq": 1, "index": 0}),
    }
    if state != "streaming":
        assert rules(run(bubble(state=state), deliveries=[left], violations=[broken])) == []
    assert "platform: stream_left_open" in rules(run(violations=[broken]))


def test_any_other_rule_the_platform_saw_broken() -> None:
    broken = {"rule": "reused_pair", "n": 3, "detail": "", "mark": "M1#1#0"}
    assert rules(run(violations=[broken])) == ["platform: reused_pair"]


def test_a_stream_closed_again_where_the_first_answer_was_never_heard() -> None:
    broken = {"rule": "second_closing_frame", "n": 3, "detail": "", "mark": "M1#1#0"}
    assert rules(run(violations=[broken])) == ["platform: second_closing_frame"]
    unheard = segment(chunks=[chunk(status="unknown"), chunk()])
    assert rules(run(violations=[broken], deliveries=[delivery(unheard)])) == []


def test_a_message_nobody_answered_and_one_answered_twice() -> None:
    assert "one_reply" in rules(run(bubble(id="U", **{"from": "user"}), deliveries=[]))
    second = delivery(segment(stream_id="S2"), id=2)
    assert "one_reply" in rules(run(bubble(), bubble(id="S2"), deliveries=[delivery(), second]))


def test_an_answer_that_overtakes_another() -> None:
    evidence = run(
        bubble("乙", id="S2"), bubble(), deliveries=[delivery(), delivery(segment(stream_id="S2", text="乙"), id=2)]
    )
    assert "overtaken" in rules(evidence)


def test_what_never_came_to_an_end() -> None:
    assert "not_ended" in rules(run(deliveries=[delivery(status="sending")]))
    assert "open" in rules(run(deliveries=[delivery(segment(status="open"))]))
    assert rules(run(unsettled=["1 open"])) == ["unsettled"]


def test_what_the_platform_shows_nobody_is_marked_and_then_not_held_against_us() -> None:
    """After a 4009 it answers 200 and drops what it took: nobody can know."""
    nothing, dropped = bubble(id="U", **{"from": "user"}), {"M1#1#0"}
    assert rules(run(nothing, unseen=dropped, deliveries=[delivery(suspect=True)])) == []
    assert set(rules(run(nothing, unseen=dropped))) == {"unmarked"}
    assert rules(run(unseen=dropped)) == []  # a later frame brought it


def test_what_waits_for_a_review_nobody_told_us_of() -> None:
    """Its answer was lost, and the repeat is a duplicate: QQ has it, and shows it to nobody yet."""
    nothing, held = bubble(id="U", **{"from": "user"}), {"M1#1#0"}
    lost = segment(kind="plain", chunks=[chunk("plain", status="duplicate")])
    assert rules(run(nothing, held=held, deliveries=[delivery(lost)])) == []
    assert set(rules(run(nothing, deliveries=[delivery(lost)]))) >= {"not_there"}
    told = segment(kind="plain", chunks=[chunk("plain")])
    assert set(rules(run(nothing, held=held, deliveries=[delivery(told)]))) >= {"not_there"}


def test_a_file_that_the_platform_shows_nobody() -> None:
    film = segment(stream_id="S2", kind="media", status="delivered", reference="", text="", accepted_length=0)
    film["chunks"] = [{**chunk("media", text=""), "trace_id": "T1"}]
    sent = delivery(film, id=2, kind="media", inbound=None)
    assert set(rules(run(deliveries=[delivery(), sent]))) == {"not_there"}
    assert set(rules(run(deliveries=[delivery(), sent], unseen={"T1"}))) == {"unmarked"}
    assert rules(run(deliveries=[delivery(), {**sent, "suspect": True}], unseen={"T1"})) == []


@pytest.mark.parametrize(
    ("shown", "reached"),
    [
        (["甲。", "乙。"], 7),
        (["甲。\n"], 2),
        (["甲。\n \n乙。丙"], 8),
        (["甲。\n\n乙。丙"], None),
        (["甲。", "丙"], None),
        (["乙。"], None),
        (["甲。", "甲。"], None),
    ],
)
def test_bubbles_are_followed_through_what_was_written(shown: list[str], reached: int | None) -> None:
    assert follow("甲。\n \n乙。丙", shown) == reached


def test_the_declared_transforms_are_no_difference() -> None:
    fenced = "看：\n```py\na = 1\nb = 2\n```\n完"
    assert follow(fenced, ["看：\n```py\na = 1\n```", "```py\nb = 2\n```\n完"]) == len(fenced)
    assert follow("见 https://a.cn", ["见 https：//a。cn"]) == len("见 https://a.cn")
    assert follow("见 https://a.cn", ["见 https：/／a。cn"]) is None
