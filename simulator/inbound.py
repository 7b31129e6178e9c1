"""What users do: write, press buttons, add and remove the bot. Each becomes an event and, where it shows, a bubble."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from simulator.bots import Bot
from simulator.events import default_events, event_id, message_event, without
from simulator.gateway import push
from simulator.platform import message_id
from simulator.truth import Bubble


def say(
    bot: Bot,
    target: str,
    text: str,
    *,
    scene: str = "c2c",
    author: str | None = None,
    author_name: str | None = None,
    mention: bool = True,
    attachments: Sequence[dict[str, Any]] = (),
    repeat: int = 1,
    events: Sequence[str] | None = None,
    omit: Sequence[str] = (),
) -> str:
    """A user writes: push the event `repeat` times (as each of `events`), put the bubble up; return the msg_id.

    Raises ValueError for an unknown scene.
    """
    kinds = list(events or default_events(scene, mention=mention))
    msg_id = message_id()
    at = bot.clock.now()
    (bot.groups if scene == "group" else bot.users).add(target)
    if scene == "c2c":
        bot.last_spoke[target] = at
    files = list(attachments)
    bot.screens.add(
        scene,
        target,
        Bubble(
            id=msg_id,
            sender="user",
            kind="text",
            text=text,
            state="done",
            at=at,
            author=author_name or author,
            media={"attachments": files} if files else None,
        ),
    )
    for kind in kinds:
        outer = event_id(kind)
        bot.ledger.note_message(scene, target, msg_id, kind, at)
        bot.ledger.note_event(scene, target, outer, kind, at)
        d = message_event(
            kind,
            bot,
            msg_id,
            target,
            text,
            author=author,
            author_name=author_name,
            attachments=files,
            mention=mention,
        )
        d = without(d, omit)
        for _ in range(repeat):
            push(bot, kind, d, outer, shard=shard_of(d))
    return msg_id


def push_raw(bot: Bot, event: dict[str, Any], scene: str, target: str) -> str:
    """Push a whole event `{t, d[, id]}` as it is; what can be answered in it may be answered. Return its msg_id."""
    kind = str(event.get("t", "UNKNOWN_EVENT"))
    d = event.get("d")
    outer = event.get("id")
    at = bot.clock.now()
    msg_id = d.get("id") if isinstance(d, dict) else None
    if isinstance(msg_id, str):
        bot.ledger.note_message(scene, target, msg_id, kind, at)
    if isinstance(outer, str):
        bot.ledger.note_event(scene, target, outer, kind, at)
    push(bot, kind, d, outer if isinstance(outer, str) else None)
    return msg_id if isinstance(msg_id, str) else ""


def happen(bot: Bot, kind: str, scene: str, target: str, **details: Any) -> dict[str, Any]:
    """Something other than a message happens (FRIEND_ADD, C2C_MSG_REJECT, INTERACTION_CREATE, …).

    Push it and return `{"event_id", "d"}`. A rejection of proactive messages is in force at once (sheet 3.6).
    """
    outer = event_id(kind)
    at = bot.clock.now()
    d = _interaction(bot, scene, target, details) if kind == "INTERACTION_CREATE" else None
    if d is None:
        d = {"timestamp": int(at)} | details
        if scene == "group":
            d = {"group_openid": target, "op_member_openid": details.get("author", target)} | d
        else:
            d = {"openid": target} | d
    if kind in ("C2C_MSG_REJECT", "GROUP_MSG_REJECT"):
        bot.quotas.refusing.add((scene, target))
    elif kind in ("C2C_MSG_RECEIVE", "GROUP_MSG_RECEIVE"):
        bot.quotas.refusing.discard((scene, target))
    (bot.groups if scene == "group" else bot.users).add(target)
    bot.ledger.note_event(scene, target, outer, kind, at)
    push(bot, kind, d, outer)
    return {"event_id": outer, "d": d}


def _interaction(bot: Bot, scene: str, target: str, details: dict[str, Any]) -> dict[str, Any]:
    interaction_id = str(uuid.uuid4())
    bot.interactions[interaction_id] = bot.clock.now()
    who: dict[str, Any] = {"user_openid": target}
    if scene == "group":
        who = {"group_openid": target, "group_member_openid": details.get("author", target)}
    elif scene == "guild":
        who = {"guild_id": details.get("guild_id", ""), "channel_id": target}
    kind = details.get("type", 11)
    return {
        "id": interaction_id,
        "type": kind,
        "scene": scene,
        "chat_type": {"guild": 0, "group": 1}.get(scene, 2),
        "timestamp": bot.clock.timestamp(),
        "application_id": bot.app_id,
        "version": 1,
        "data": {
            "type": kind,
            "resolved": {
                "button_id": details.get("button_id", "1"),
                "button_data": details.get("button_data", ""),
                "message_id": details.get("message_id", ""),
            },
        },
    } | who


def shard_of(d: dict[str, Any]) -> int:
    """Return the number whose remainder is the shard: `guild_id >> 22` for guild events, 0 otherwise (sheet 2.2)."""
    guild = d.get("guild_id")
    return int(guild) >> 22 if isinstance(guild, str) and guild.isdigit() else 0


def decide_audit(bot: Bot, audit_id: str, *, passed: bool) -> None:
    """The review is over: show what was held back, or not, and push MESSAGE_AUDIT_PASS or REJECT; raises KeyError."""
    scene, target, bubble = bot.audits.pop(audit_id)
    at = bot.clock.timestamp()
    d: dict[str, Any] = {"audit_id": audit_id, "audit_time": at, "create_time": at, "seq_in_channel": "1"}
    if scene in ("guild", "dm"):
        d |= {"guild_id": "", "channel_id": target}
    if passed:
        bubble.hidden = False
        d["message_id"] = bubble.id
        bot.screens.changed(scene, target, bubble)
    push(bot, "MESSAGE_AUDIT_PASS" if passed else "MESSAGE_AUDIT_REJECT", d, event_id("MESSAGE_AUDIT"))
