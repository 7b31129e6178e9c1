"""A platform that misbehaves once in the middle of a stream: what the user sees at the end is what was generated,
once, whatever frame it met and whatever it was; and the rows say what happened."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from qqconsole.bots.models import Bot
from qqconsole.deliveries.models import Chunk, ChunkStatus, Delivery
from tests.worker.conftest import House, Platform

# Frames at about 0.1, 0.7, 1.3 … and 4.1 s: each has text, and a second try still finds the stream going on.
MODEL = "bench:rate=8,pieces=33,chars=12"
THROTTLE_MS = 600
AT_ONCE = 40


class End(NamedTuple):
    status: str
    reason: str
    segments: tuple[str, ...]


WHOLE = End("delivered", "", ("stream closed",))
REST = End("delivered", "", ("stream closed", "plain delivered"))
PLAIN = End("delivered", "", ("plain delivered",))
LEFT = End("unknown", "left_open", ("stream unclosed", "plain delivered"))
OVER = End("delivered", "", ("stream ended_by_qq", "plain delivered"))
NO_PROOF = End("unknown", "no_proof", ("stream unknown",))

CURRENT, OLDER = "stream_messages", "messages.stream"
Row = dict[str, tuple[End, End, End]]


def _same(opening: End, middle: End, closing: End) -> Row:
    return {CURRENT: (opening, middle, closing), OLDER: (opening, middle, closing)}


PASSING = _same(WHOLE, WHOLE, WHOLE)
AFTER_COMMIT = {CURRENT: (LEFT, WHOLE, NO_PROOF), OLDER: (LEFT, WHOLE, WHOLE)}
PERMANENT = _same(PLAIN, REST, REST)
MARKDOWN = _same(WHOLE, REST, REST)
REFERENCE = _same(PLAIN, REST, REST)

FAULTS: list[tuple[dict[str, Any], Row]] = [
    *[
        ({"fault": fault}, PASSING)
        for fault in (
            "system_busy",
            "throttled",
            "html_502",
            "reset",
            "wrong_content_type",
            "charset",
            "no_message",
            "ok_with_code",
            "token_expired",
        )
    ],
    *[({"fault": "code", "code": code}, PASSING) for code in (50002, 40034021, 40006, 40054005)],
    ({"fault": "reset", "when": "after"}, AFTER_COMMIT),
    *[({"fault": fault}, AFTER_COMMIT) for fault in ("hang", "empty_body", "json_string", "json_null", "json_list")],
    ({"fault": "html_413"}, PERMANENT),
    *[({"fault": "code", "code": code}, PERMANENT) for code in (50035, 11253, 40007, 40054010, 304003, 40054007)],
    *[({"fault": "code", "code": code}, MARKDOWN) for code in (40034008, 40034012, 40034090, 50055, 50057, 304041)],
    *[({"fault": "code", "code": code}, REFERENCE) for code in (40034005, 304103, 40034024, 40034128)],
    ({"fault": "code", "code": 40034020}, {CURRENT: (WHOLE, OVER, OVER), OLDER: (WHOLE, LEFT, LEFT)}),
    ({"fault": "code", "code": 40034017}, {CURRENT: (PLAIN, REST, WHOLE), OLDER: (WHOLE, WHOLE, REST)}),
]
FRAMES = ("opening", "middle", "closing")


@pytest.mark.parametrize("dialect", [CURRENT, OLDER])
def test_one_fault_at_each_frame(dialect: str, house: House, platform: Platform, make_bot: Callable[..., Bot]) -> None:
    make_bot(dialect=dialect, source_model=MODEL, throttle_ms=THROTTLE_MS, message_timeout=1.5)
    house.start()
    house.until(platform.live)
    expected, targets = {}, {}
    for fault, row in FAULTS:
        for frame, end in zip(FRAMES, row[dialect], strict=True):
            name = f"{frame}: {' '.join(str(value) for value in fault.values())}"
            targets[name] = f"{len(targets):032X}"
            expected[name] = end
            _arm(platform, targets[name], frame, fault)
    # A busy machine that falls behind sends no middle frame, and then a fault there is never met.
    spoken = list(targets.values())
    for number, target in enumerate(spoken, 1):
        platform.say(target, "讲点什么")
        if number % AT_ONCE == 0:
            house.ended(number, 40)
    deliveries = {delivery.session.target_id: delivery for delivery in house.ended(len(targets), 40)}
    found = {name: _end_of(deliveries[target]) for name, target in targets.items()}
    assert found == expected
    for name, target in targets.items():
        delivery = deliveries[target]
        assert _seen(platform, target) == delivery.generated_text, name
        assert len(delivery.generated_text) == 396, name
        _every_step_is_a_chunk(platform, target, delivery)
    assert platform.violations() == []


def _arm(platform: Platform, target: str, frame: str, fault: dict[str, Any]) -> None:
    platform.do(lambda simulator: simulator.faults.add(**fault, target=target, frame=frame, count=1))


def _end_of(delivery: Delivery) -> End:
    attempt = delivery.attempts.get()
    segments = tuple(f"{segment.kind} {segment.status}" for segment in attempt.segments.order_by("number"))
    return End(delivery.status, delivery.reason, segments)


def _seen(platform: Platform, target: str) -> str:
    """The bot's words as its user sees them; newlines are declared transforms, the model wrote none."""
    return "".join(bubble["text"] for bubble in platform.bot_bubbles(target)).replace("\n", "")


def _every_step_is_a_chunk(platform: Platform, target: str, delivery: Delivery) -> None:
    """Only a token that ended is exchanged within the step; all streams here share it."""
    chunks = Chunk.objects.filter(segment__attempt__delivery=delivery)
    assert not chunks.filter(status=ChunkStatus.SENDING).exists()
    answers = [request["answer"] or {} for request in platform.requests(f"/v2/users/{target}/")]
    met = [answer for answer in answers if not (isinstance(answer, dict) and answer.get("code") == 11244)]
    assert len(met) == len([chunk for chunk in chunks if chunk.code != 11244])


@pytest.mark.parametrize("fault", ["audit_202", "audit_201"])
def test_a_review_is_neither_delivered_nor_sent_twice(
    fault: str, house: House, platform: Platform, make_bot: Callable[..., Bot]
) -> None:
    make_bot(source_model=MODEL, throttle_ms=THROTTLE_MS)
    house.start()
    house.until(platform.live)
    targets = [f"{number:032X}" for number in range(3)]
    for target, frame in zip(targets, FRAMES, strict=True):
        _arm(platform, target, frame, {"fault": fault})
        platform.say(target, "讲点什么")
    for delivery in house.ended(3):
        assert (delivery.status, delivery.reason) == ("in_review", "in_review")
        sent = Chunk.objects.filter(segment__attempt__delivery=delivery).order_by("segment__number", "number")
        assert "".join(sent.values_list("text", flat=True)) == delivery.generated_text
    assert platform.violations() == []


def test_moderated_words_are_not_sent_again(house: House, platform: Platform, make_bot: Callable[..., Bot]) -> None:
    make_bot(source_model=MODEL, throttle_ms=THROTTLE_MS, notice_text="换个话题吧。")
    house.start()
    house.until(platform.live)
    targets = [f"{number:032X}" for number in range(3)]
    for target, frame in zip(targets, FRAMES, strict=True):
        _arm(platform, target, frame, {"fault": "code", "code": 40034006})
        platform.say(target, "讲点什么")
    unseen, *begun = house.ended(3)
    assert (unseen.status, unseen.reason, unseen.code) == ("failed", "moderated", 40034006)
    assert _seen(platform, targets[0]) == "换个话题吧。"
    for target, delivery in zip(targets[1:], begun, strict=True):
        assert (delivery.status, delivery.reason, delivery.code) == ("interrupted", "moderated", 40034006)
        assert _end_of(delivery).segments == ("stream closed",)
        assert delivery.generated_text.startswith(_seen(platform, target))
    assert platform.violations() == []
