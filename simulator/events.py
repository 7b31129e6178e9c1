"""The events QQ pushes, as JSON (sheet 2.3, 2.6)."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from simulator.bots import Bot

# event -> intent bit (sheet 2.3)
INTENT_BITS: dict[str, int] = {
    "MESSAGE_CREATE": 9,
    "MESSAGE_DELETE": 9,
    "DIRECT_MESSAGE_CREATE": 12,
    "DIRECT_MESSAGE_DELETE": 12,
    "GROUP_MEMBER_ADD": 24,
    "GROUP_MEMBER_REMOVE": 24,
    "C2C_MESSAGE_CREATE": 25,
    "FRIEND_ADD": 25,
    "FRIEND_DEL": 25,
    "C2C_MSG_REJECT": 25,
    "C2C_MSG_RECEIVE": 25,
    "GROUP_AT_MESSAGE_CREATE": 25,
    "GROUP_MESSAGE_CREATE": 25,
    "GROUP_ADD_ROBOT": 25,
    "GROUP_DEL_ROBOT": 25,
    "GROUP_MSG_REJECT": 25,
    "GROUP_MSG_RECEIVE": 25,
    "INTERACTION_CREATE": 26,
    "MESSAGE_AUDIT_PASS": 27,
    "MESSAGE_AUDIT_REJECT": 27,
    "AT_MESSAGE_CREATE": 30,
    "PUBLIC_MESSAGE_DELETE": 30,
}
KNOWN_INTENTS = sum(1 << bit for bit in (0, 1, 9, 10, 12, 18, 19, 24, 25, 26, 27, 28, 29, 30))

USER_GUILD = "7000000000000000001"


def default_events(scene: str, *, mention: bool) -> list[str]:
    """Return the event a message of that scene comes as."""
    match scene:
        case "c2c":
            return ["C2C_MESSAGE_CREATE"]
        case "group":
            return ["GROUP_AT_MESSAGE_CREATE" if mention else "GROUP_MESSAGE_CREATE"]
        case "guild":
            return ["AT_MESSAGE_CREATE" if mention else "MESSAGE_CREATE"]
        case "dm":
            return ["DIRECT_MESSAGE_CREATE"]
        case _:
            raise ValueError(f"no such scene: {scene}")


def message_event(
    event: str,
    bot: Bot,
    msg_id: str,
    target: str,
    text: str,
    *,
    author: str | None,
    author_name: str | None,
    attachments: list[dict[str, Any]],
    mention: bool,
) -> dict[str, Any]:
    """Return the `d` of a message event."""
    at = bot.clock.timestamp()
    if event in ("AT_MESSAGE_CREATE", "MESSAGE_CREATE", "DIRECT_MESSAGE_CREATE"):
        return _guild_message(event, bot, msg_id, target, text, author, author_name, attachments, at, mention)
    d: dict[str, Any] = {
        "id": msg_id,
        "timestamp": at,
        "content": text,
        "message_type": 0,
        "message_scene": {"source": "default", "ext": [f"msg_idx={_index_of(msg_id)}"]},
    }
    if event == "C2C_MESSAGE_CREATE":
        d["author"] = {"id": target, "user_openid": target, "union_openid": target}
    else:
        member = author or uuid.uuid5(uuid.NAMESPACE_OID, target).hex.upper()
        d |= {"group_id": target, "group_openid": target}
        d["author"] = {"id": member, "member_openid": member, "member_role": "member", "bot": False}
        d["author"]["union_openid"] = member
        addressed = mention or event == "GROUP_AT_MESSAGE_CREATE"
        if event == "GROUP_AT_MESSAGE_CREATE":
            d["content"] = f" {text}"  # the @ is stripped, its blank stays (sheet 2.6)
        elif addressed:
            d["content"] = f"<@{bot.user_id}> {text}"
        if addressed:
            d["mentions"] = [
                {
                    "scope": "single",
                    "bot": True,
                    "id": bot.user_id,
                    "is_you": True,
                    "member_openid": bot.user_id,
                    "username": bot.name,
                }
            ]
    if author_name:
        d["author"]["username"] = author_name
    if attachments:
        d["attachments"] = attachments
    return d


def _index_of(msg_id: str) -> str:
    """The two events of one group message carry one index."""
    return f"REFIDX_{uuid.uuid5(uuid.NAMESPACE_OID, msg_id).hex}=="


def _guild_message(
    event: str,
    bot: Bot,
    msg_id: str,
    target: str,
    text: str,
    author: str | None,
    author_name: str | None,
    attachments: list[dict[str, Any]],
    at: str,
    mention: bool,
) -> dict[str, Any]:
    user = {"id": author or "1001", "username": author_name or "频道用户", "avatar": "", "bot": False}
    d: dict[str, Any] = {
        "id": msg_id,
        "channel_id": target,
        "guild_id": USER_GUILD,
        "content": text,
        "timestamp": at,
        "author": user,
        "member": {"joined_at": at, "nick": user["username"], "roles": ["1"]},
        "seq": 1,
        "seq_in_channel": "1",
    }
    if event == "DIRECT_MESSAGE_CREATE":
        d |= {"guild_id": target, "direct_message": True, "src_guild_id": USER_GUILD}
    elif mention or event == "AT_MESSAGE_CREATE":
        d["content"] = f"<@!{bot.user_id}> {text}"
        d["mentions"] = [{"id": bot.user_id, "username": bot.name, "bot": True}]
    if attachments:
        d["attachments"] = attachments
    return d


def without(d: dict[str, Any], paths: Iterable[str]) -> dict[str, Any]:
    """Return the event without the fields at these dotted paths (optional fields do go missing, sheet 8.9)."""
    for path in paths:
        *parents, last = path.split(".")
        place: Any = d
        for name in parents:
            place = place.get(name) if isinstance(place, dict) else None
        if isinstance(place, dict):
            place.pop(last, None)
    return d


def event_id(event: str) -> str:
    """Return a fresh outer id, `EVENT:opaque` (sheet 2.2)."""
    return f"{event}:{uuid.uuid4().hex}"
