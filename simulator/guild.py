"""Guild channels and guild DMs: another body, no msg_type, no streaming (sheet 3.1, 3.2, 3.6)."""

from __future__ import annotations

import email.parser
import email.policy
import uuid
from typing import Any

from simulator.arriving import received
from simulator.call import Call
from simulator.codes import Refusal
from simulator.events import USER_GUILD
from simulator.keyboards import refuse_keyboard
from simulator.rates import SlidingWindow
from simulator.sending import answered, refuse_content, refuse_over, show

V2_FIELDS = ("msg_type", "msg_seq", "media", "stream")
CHANNEL_RATE = 5  # a second, for each channel


def post_guild_message(call: Call) -> dict[str, Any]:
    """POST /channels/{id}/messages or /dms/{guild_id}/messages: return the full Message; raises Refusal."""
    body, bot, switches = call.body, call.bot, call.platform.switches
    if not call.target.isdigit():
        raise Refusal(None, "频道不存在", status=400)
    if switches.guild_needs_gateway and not bot.live:
        raise Refusal(304018)
    rate = bot.guild_rates.setdefault(call.target, SlidingWindow(CHANNEL_RATE, 1))
    if not rate.admit(call.now):
        raise Refusal(20028)
    if call.content_type.startswith("multipart/"):
        body = form(call)
    if switches.guild_strict_body and any(body.get(name) is not None for name in V2_FIELDS):
        raise Refusal(50035)
    kind, text, media = _readable(call, body)
    call.body = body
    inbound = answered(call)
    if inbound is not None:
        refuse_over(call, inbound)
    refuse_content(call, text)
    if inbound is not None:
        inbound.spend(None, text, slot=True)
    elif call.scene == "dm":
        bot.quotas.direct(call.target, call.now)
    else:
        bot.quotas.channel(USER_GUILD, call.target, call.now)
    bubble = show(call, kind, text, media=media, keyboard=body.get("keyboard"))
    place = {"channel_id": call.target, "guild_id": USER_GUILD}
    if call.scene == "dm":
        place = {"channel_id": call.target, "guild_id": call.target}
    return place | {
        "id": bubble.id,
        "content": text,
        "timestamp": call.platform.clock.timestamp(call.now),
        "author": {"id": bot.user_id, "username": bot.name, "avatar": "", "bot": True},
        "seq": 1,
        "seq_in_channel": "1",
    }


def create_dm(call: Call) -> dict[str, Any]:
    """POST /users/@me/dms: open a guild DM with a member (sheet 3.1)."""
    recipient = call.body.get("recipient_id")
    if not isinstance(recipient, str) or not recipient:
        raise Refusal(50035)
    guild = str(uuid.uuid5(uuid.NAMESPACE_OID, recipient).int % 10**19)
    return {"guild_id": guild, "channel_id": guild, "create_time": str(int(call.now))}


def _readable(call: Call, body: dict[str, Any]) -> tuple[str, str, dict[str, Any] | None]:
    refuse_keyboard(body.get("keyboard"))
    markdown, content = body.get("markdown"), body.get("content")
    if markdown is not None:
        if not isinstance(markdown, dict):
            raise Refusal(50035)
        if body.get("message_reference"):
            raise Refusal(304041)
        if not call.platform.switches.guild_markdown:
            raise Refusal(50056)
        if content or body.get("image") or body.get("embed") or body.get("ark"):
            raise Refusal(50037)
        if markdown.get("content") and (markdown.get("template_id") or markdown.get("custom_template_id")):
            raise Refusal(50057)
        return "markdown", str(markdown.get("content") or ""), None
    if content is not None and not isinstance(content, str):
        raise Refusal(50035)
    image = body.get("image")
    media: dict[str, Any] | None = None
    if image:
        media = {"type": "image", "name": str(image).rsplit("/", 1)[-1], "size": None, "url": image}
    elif isinstance(body.get("file_image"), bytes):
        item = call.bot.media.keep(call.scene or "", "image", "image.png", received(body["file_image"]))
        media = item.view()
    if media is None and not content and not body.get("embed") and not body.get("ark"):
        raise Refusal(50006)
    return "media" if media else "text", content or "", media


def form(call: Call) -> dict[str, Any]:
    """Return the fields of a multipart body, `file_image` as bytes; raises 50035."""
    head = f"Content-Type: {call.content_type}\r\n\r\n".encode()
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + call.raw)
    if not message.is_multipart():
        raise Refusal(50035)
    fields: dict[str, Any] = {}
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if isinstance(content, bytes):
            fields[str(name)] = content if name == "file_image" else content.decode(errors="replace")
    return fields
