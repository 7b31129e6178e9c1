"""A platform that misbehaves once at a plain message, an upload or a media message."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from qqconsole.bots.models import Bot
from qqconsole.deliveries.models import Chunk, Delivery, Segment
from tests.worker.conftest import House, Platform

TEXT = "/echo 一二三四五六七八九十，看 https://example.com/a 就知道了"
NEUTRAL = "neutralised"
NOTICE = "没能回答。"


class End(NamedTuple):
    """The delivery's end, the reason of its second chunk, and what is on the screen."""

    status: str
    reason: str
    step: str
    shown: tuple[str, ...]


def _code(code: int) -> dict[str, Any]:
    return {"fault": "code", "code": code}


AGAIN = End("delivered", "", "again", (TEXT,))
REPEAT = End("delivered", "", "repeat", (TEXT,))
IN_GROUP: list[tuple[dict[str, Any], End]] = [
    ({"fault": "system_busy"}, REPEAT),
    ({"fault": "html_502"}, REPEAT),
    ({"fault": "reset"}, REPEAT),
    ({"fault": "reset", "when": "after"}, REPEAT),
    ({"fault": "hang"}, REPEAT),
    ({"fault": "empty_body"}, REPEAT),
    ({"fault": "json_null"}, REPEAT),
    ({"fault": "throttled"}, AGAIN),
    (_code(50002), AGAIN),
    (_code(40054005), AGAIN),
    ({"fault": "charset"}, End("delivered", "", "", (TEXT,))),
    ({"fault": "wrong_content_type"}, End("delivered", "", "", (TEXT,))),
    (_code(40034017), End("delivered", "", "newline", (TEXT + "\n",))),
    (_code(40034008), End("delivered", "", "plain", (TEXT,))),
    (_code(50055), End("delivered", "", "plain", (TEXT,))),
    (_code(40034005), End("delivered", "", "proactive", (TEXT,))),
    (_code(40034128), End("delivered", "", "proactive", (TEXT,))),
    (_code(40054010), End("delivered", "", "neutralised", (NEUTRAL,))),
    (_code(304003), End("delivered", "", "neutralised", (NEUTRAL,))),
    (_code(40034006), End("failed", "moderated", "notice", (NOTICE,))),
    (_code(40054007), End("failed", "refused", "notice", (NOTICE,))),
    (_code(50035), End("failed", "refused", "", ())),
    ({"fault": "audit_202"}, End("in_review", "in_review", "", ())),
    ({"fault": "audit_201"}, End("in_review", "in_review", "", ())),
]
IN_GUILD: list[tuple[dict[str, Any], End]] = [
    # Guild endpoints know no msg_seq: nothing can be repeated safely, and nothing is.
    ({"fault": "system_busy"}, End("unknown", "no_proof", "", ())),
    ({"fault": "reset"}, End("unknown", "no_proof", "", ())),
    ({"fault": "reset", "when": "after"}, End("unknown", "no_proof", "", (TEXT,))),
    ({"fault": "hang"}, End("unknown", "no_proof", "", (TEXT,))),
    ({"fault": "empty_body"}, End("unknown", "no_proof", "", (TEXT,))),
    ({"fault": "throttled"}, AGAIN),
    (_code(50035), End("failed", "refused", "", ())),
]


def test_at_a_plain_message(house: House, platform: Platform, make_bot: Callable[..., Bot]) -> None:
    make_bot(source_model="demo", message_timeout=1.5, notice_text=NOTICE)
    house.start()
    house.until(platform.live)
    # QQ refuses foreign addresses in groups; the faults here are to be the only refusals.
    platform.do(lambda simulator: simulator.switches.patch({"group_urls": "accept"}))
    cases = [("group", fault, end) for fault, end in IN_GROUP]
    cases += [(scene, fault, end) for scene in ("guild", "dm") for fault, end in IN_GUILD]
    targets = [str(70_000 + number) for number in range(len(cases))]
    for target, (scene, fault, _) in zip(targets, cases, strict=True):
        _arm(platform, target, "message", fault)
        platform.say(target, TEXT, scene=scene, author="A" * 32)
    deliveries = {delivery.session.target_id: delivery for delivery in house.ended(len(cases), 30)}
    found, expected = {}, {}
    for target, (scene, fault, end) in zip(targets, cases, strict=True):
        name = f"{scene} {' '.join(str(value) for value in fault.values())}"
        expected[name] = end
        found[name] = _end_of(platform, deliveries[target], scene, target)
    assert found == expected
    assert platform.violations() == []


def _arm(platform: Platform, target: str, endpoint: str, fault: dict[str, Any]) -> None:
    platform.do(lambda simulator: simulator.faults.add(**fault, target=target, endpoint=endpoint, count=1))


def _end_of(platform: Platform, delivery: Delivery, scene: str, target: str) -> End:
    chunks = list(Chunk.objects.filter(segment__attempt__delivery=delivery).order_by("segment__number", "number"))
    assert len(chunks) <= 2
    shown = tuple(bubble["text"] for bubble in platform.bot_bubbles(target, scene))
    if shown and shown[0].startswith("/echo") and "https://" not in shown[0]:
        shown = (NEUTRAL, *shown[1:])
    return End(delivery.status, delivery.reason, chunks[1].why if len(chunks) > 1 else "", shown)


BEFORE = "稍等，我先去找一张合适的图，马上发给你。"
AFTER = "图片已经在上面了。山的颜色一层比一层淡，是傍晚才有的样子。"
SENT = ("delivered", [BEFORE, "晚霞", AFTER], ["closed", "delivered", "closed"])
NOT_SENT = ("failed", [BEFORE, "（这次没能发出去，先看文字吧。）\n\n" + AFTER], ["closed", "failed", "closed"])
AT_MEDIA: list[tuple[str, dict[str, Any], tuple[str, list[str], list[str]]]] = [
    ("files", {"fault": "system_busy"}, SENT),
    ("files", {"fault": "throttled"}, SENT),
    ("files", {"fault": "reset", "when": "after"}, SENT),
    ("files", {"fault": "hang"}, SENT),
    ("files", {"fault": "json_list"}, SENT),
    ("files", {"fault": "html_413"}, SENT),
    ("files", _code(40034006), NOT_SENT),
    ("files", _code(850026), SENT),
    ("message", {"fault": "system_busy"}, SENT),
    ("message", {"fault": "throttled"}, SENT),
    ("message", {"fault": "reset", "when": "after"}, SENT),
    ("message", {"fault": "hang"}, SENT),
    ("message", {"fault": "empty_body"}, SENT),
    ("message", _code(40054005), SENT),
    ("message", _code(40034005), SENT),
    ("message", _code(304003), NOT_SENT),
    ("message", _code(50035), NOT_SENT),
]


def test_at_an_upload_and_at_a_media_message(house: House, platform: Platform, make_bot: Callable[..., Bot]) -> None:
    """The picture stands between the words before and after it, or the model is told that it does not."""
    make_bot(source_model="tool", message_timeout=1.5, upload_timeout=1.5, media_passive=True)
    house.start()
    house.until(platform.live)
    targets = [f"{number:032X}" for number in range(len(AT_MEDIA))]
    for target, (endpoint, fault, _) in zip(targets, AT_MEDIA, strict=True):
        _arm(platform, target, endpoint, fault)
        platform.say(target, "给我看一张图片")
    deliveries = {delivery.session.target_id: delivery for delivery in house.ended(len(AT_MEDIA), 30)}
    found, expected = {}, {}
    for target, (endpoint, fault, end) in zip(targets, AT_MEDIA, strict=True):
        name = f"{endpoint} {' '.join(str(value) for value in fault.values())}"
        delivery = deliveries[target]
        segments = Segment.objects.filter(attempt__delivery=delivery).order_by("number")
        shown = [bubble["text"] for bubble in platform.bot_bubbles(target)]
        found[name] = (delivery.status, shown, list(segments.values_list("status", flat=True)))
        expected[name] = end
    assert found == expected
    assert platform.violations() == []
