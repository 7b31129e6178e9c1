"""POST /v2/{users|groups}/{openid}/messages: body, order of checks, delivery (sheet 3.2 to 3.6, 8.3)."""

from __future__ import annotations

import json
from typing import Any

from simulator.call import Call
from simulator.codes import Refusal
from simulator.keyboards import refuse_keyboard
from simulator.ledger import Inbound
from simulator.sending import (
    accepted,
    answered,
    note_whole_resend,
    refuse_content,
    refuse_group_on_user_path,
    refuse_over,
    refuse_repeat,
    sequence,
    show,
)
from simulator.streams_legacy import post_legacy_frame

TEXT, MARKDOWN, ARK, TYPING, MEDIA = 0, 2, 3, 6, 7


def post_message(call: Call) -> dict[str, Any]:
    """Send one message to a user or group; raises Refusal with QQ's code."""
    refuse_group_on_user_path(call)
    if call.body.get("stream") is not None:
        if call.scene != "c2c":
            raise Refusal(50035, "群消息不支持流式参数")
        return post_legacy_frame(call)
    kind, text, media = readable(call)
    inbound, seq = reserve(call, f"{kind}:{text}")
    refuse_content(call, text)
    if kind != "typing":
        note_whole_resend(call, inbound, text)
    settle(call, inbound, seq, f"{kind}:{text}")
    if kind == "typing":
        return accepted(call, show_typing(call))
    bubble = show(call, kind, text, media=media, keyboard=call.body.get("keyboard"))
    return accepted(call, bubble.id)


def readable(call: Call) -> tuple[str, str, dict[str, Any] | None]:
    """Return kind, text and media of the bubble this body makes; raises what is wrong with its shape (sheet 3.2)."""
    body, switches = call.body, call.platform.switches
    msg_type = body.get("msg_type")
    msg_type = TEXT if msg_type is None else msg_type
    refuse_keyboard(body.get("keyboard"))
    match msg_type:
        case 0:
            return "text", _text(body), None
        case 2:
            return "markdown", _markdown(call), None
        case 3:
            if not isinstance(body.get("ark"), dict):
                raise Refusal(22006)
            if not switches.ark_permitted:
                raise Refusal(304004)
            return "ark", json.dumps(body["ark"], ensure_ascii=False), None
        case 6:
            return "typing", _typing(call), None
        case 7:
            return _media(call)
        case _:
            raise Refusal(340069)


def reserve(call: Call, content: str) -> tuple[Inbound | None, int]:
    """Check the passive reply: id, expiry, pair, count, in that order (sheet 8.3). None: this is a proactive send."""
    if call.body.get("is_wakeup") is True:
        if call.body.get("msg_id") or call.body.get("event_id"):
            raise Refusal(50035)
        return None, 0
    inbound = answered(call)
    seq = sequence(call)
    if inbound is not None:
        refuse_repeat(call, inbound, seq, content)
        refuse_over(call, inbound)
    return inbound, seq


def settle(call: Call, inbound: Inbound | None, seq: int, content: str) -> None:
    """Use up what `reserve` found, or the proactive quota; raises what the quota says (sheet 3.6)."""
    if inbound is not None:
        inbound.spend(seq, content, slot=True)
    elif call.body.get("is_wakeup") is True:
        if call.scene != "c2c":
            raise Refusal(40034123)
        call.bot.quotas.wakeup(call.target, call.bot.last_spoke.get(call.target), call.now)
    else:
        call.bot.quotas.v2(call.scene or "", call.target, call.now)


def show_typing(call: Call) -> str:
    """Put "is typing" on the screen, in place of an earlier one; return the id."""
    bubble = show(call, "notice", "对方正在输入…")
    return bubble.id


def markdown_text(body: dict[str, Any]) -> str:
    """Return the native content of `markdown`; raises 40034011 and its kin."""
    markdown = body.get("markdown")
    if not isinstance(markdown, dict):
        raise Refusal(40034011)
    content = markdown.get("content")
    template = markdown.get("custom_template_id") or markdown.get("template_id")
    if template and content:
        raise Refusal(50057)
    if template:
        raise Refusal(40034127)
    if not isinstance(content, str) or not content:
        raise Refusal(40034011)
    return content


def _text(body: dict[str, Any]) -> str:
    content = body.get("content")
    if content is not None and not isinstance(content, str):
        raise Refusal(50035)
    if body.get("media") or body.get("ark") or body.get("markdown"):
        raise Refusal(22006)
    if not content:
        raise Refusal(50006)
    return content


def _markdown(call: Call) -> str:
    text = markdown_text(call.body)
    if not call.platform.switches.native_markdown:
        raise Refusal(40034012)
    if call.body.get("media") or call.body.get("ark"):
        raise Refusal(22006)
    if call.body.get("content") and call.platform.switches.content_with_markdown == "refuse":
        raise Refusal(50037)
    return text


def _typing(call: Call) -> str:
    if call.scene != "c2c":
        raise Refusal(call.platform.switches.group_typing_code)
    notify = call.body.get("input_notify")
    if not isinstance(notify, dict):
        raise Refusal(22006)
    seconds = notify.get("input_second")
    if notify.get("input_type") != 1 or not isinstance(seconds, int) or not 0 < seconds <= 60:
        raise Refusal(50059)
    return ""


def _media(call: Call) -> tuple[str, str, dict[str, Any]]:
    media = call.body.get("media")
    if not isinstance(media, dict) or not media.get("file_info"):
        raise Refusal(22006)
    item = call.bot.media.find(call.scene or "", media["file_info"])
    content = call.body.get("content")
    return "media", content.strip() if isinstance(content, str) else "", item.view()
