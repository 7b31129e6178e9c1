"""Gateway and webhook events, and the messages among them in one shape for every scene. Pure.

Nothing is dropped because it is unknown: an ``Event`` keeps QQ's whole object. ``parse_message`` reads the six
kinds that carry a user's message (sheet 2.6); missing optional fields never raise.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from adapter.storable import LONGEST_ID, LONGEST_TARGET
from adapter.targets import Scene, Target


@dataclass(frozen=True, slots=True)
class Event:
    """One dispatch. ``id`` is QQ's event_id (usable for replying) or "", ``seq`` None where QQ sent none."""

    type: str
    id: str
    seq: int | None
    data: dict[str, Any]
    received_at: datetime
    session_id: str = ""
    """The gateway session ``seq`` belongs to; "" for a webhook."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """What the user sent along. ``url`` has a scheme and may expire, "" where QQ sent none; ``size`` in bytes."""

    content_type: str
    url: str
    filename: str = ""
    size: int = 0
    width: int = 0
    height: int = 0
    voice_wav_url: str = ""
    spoken_text: str = ""
    """What QQ heard in a voice message (asr_refer_text)."""


@dataclass(frozen=True, slots=True)
class InboundMessage:
    """A user's message, the same shape in every scene."""

    message_id: str
    """``d.id``: the ``msg_id`` of a passive reply, and what repeats are known by."""
    event_id: str
    scene: Scene
    target_id: str
    author_id: str
    author_name: str
    content: str
    """The text as the user wrote it; where the bot is mentioned, without the mention and the white space around it."""
    raw_content: str
    attachments: tuple[Attachment, ...]
    timestamp: datetime | None
    """Aware; None where QQ sent none that can be read."""
    addressed: bool
    """Whether the bot should answer: C2C and DM always, elsewhere when mentioned; never another bot's."""
    twin: str
    """Equal for the two events QQ sends of one group message (…AT_MESSAGE_CREATE and …MESSAGE_CREATE)."""

    @property
    def target(self) -> Target:
        return Target(self.scene, self.target_id)


_SCENES = {
    "C2C_MESSAGE_CREATE": Scene.C2C,
    "GROUP_AT_MESSAGE_CREATE": Scene.GROUP,
    "GROUP_MESSAGE_CREATE": Scene.GROUP,
    "AT_MESSAGE_CREATE": Scene.GUILD,
    "MESSAGE_CREATE": Scene.GUILD,
    "DIRECT_MESSAGE_CREATE": Scene.DM,
}
MESSAGES = frozenset(_SCENES)
"""The kinds of event that carry a user's message."""

_ALWAYS_ADDRESSED = frozenset(
    {"C2C_MESSAGE_CREATE", "DIRECT_MESSAGE_CREATE", "GROUP_AT_MESSAGE_CREATE", "AT_MESSAGE_CREATE"}
)
_TARGET_FIELDS = {
    Scene.GROUP: ("group_openid", "group_id"),
    Scene.GUILD: ("channel_id",),
    Scene.DM: ("guild_id",),
}
_MENTION = re.compile(r"<@!?([^<>\s]+)>")


def parse_message(event: Event, bot_id: str) -> InboundMessage | None:
    """The user's message in ``event``; None for other events and for one without its id or target, or with an id
    longer than is kept (``storable``).

    Neither "." nor ".." can be a target: as a step of a path (``Target``) they would lead to another call of QQ's API.
    """
    scene = _SCENES.get(event.type)
    if scene is None:
        return None
    data = event.data
    author = _object(data.get("author"))
    author_id = _first(author, *_author_fields(scene))
    target_id = author_id if scene is Scene.C2C else _first(data, *_TARGET_FIELDS[scene])
    message_id = _text(data.get("id"))
    if not message_id or target_id in ("", ".", ".."):
        return None
    if len(message_id) > LONGEST_ID or max(len(target_id), len(author_id)) > LONGEST_TARGET:
        return None
    raw = data.get("content")
    raw_content = raw if isinstance(raw, str) else ""
    own_ids = {bot_id, *_own_ids(data)} - {""}
    # Nobody is mentioned where two talk alone: there the text stays as it is.
    content = raw_content if scene is Scene.C2C else _without_own_mention(raw_content, own_ids)
    timestamp = read_time(data.get("timestamp"))
    from_bot = author.get("bot") is True or bool(own_ids & {author_id, _text(author.get("id"))})
    mentioned = any(match[1] in own_ids for match in _MENTION.finditer(raw_content)) or _is_you(data)
    return InboundMessage(
        message_id=message_id,
        event_id=event.id if len(event.id) <= LONGEST_ID else "",
        scene=scene,
        target_id=target_id,
        author_id=author_id,
        author_name=_text(_object(data.get("member")).get("nick")) or _text(author.get("username")),
        content=content,
        raw_content=raw_content,
        attachments=tuple(_attachments(data)),
        timestamp=timestamp,
        addressed=not from_bot and (event.type in _ALWAYS_ADDRESSED or mentioned),
        twin=_twin(data, scene, f"{scene}:{target_id}", message_id, author_id, timestamp),
    )


def read_time(value: object) -> datetime | None:
    """RFC 3339 text, or seconds or milliseconds since 1970, as an aware time; None for anything else."""
    try:
        if isinstance(value, str) and not value.isdigit():
            moment = datetime.fromisoformat(value)
            moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            moment.astimezone(UTC)  # the year 1 has no UTC east of it
            return moment
        if isinstance(value, str | int | float) and not isinstance(value, bool):
            seconds = float(value)
            return datetime.fromtimestamp(seconds / 1000 if seconds > 1e11 else seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return None


def _author_fields(scene: Scene) -> tuple[str, ...]:
    if scene is Scene.C2C:
        return ("user_openid", "id")
    return ("member_openid", "id") if scene is Scene.GROUP else ("id",)


def _without_own_mention(text: str, own_ids: set[str]) -> str:
    return _MENTION.sub(lambda match: "" if match[1] in own_ids else match[0], text).strip()


def _mentions(data: dict[str, Any]) -> Iterator[dict[str, Any]]:
    mentions = data.get("mentions")
    for mention in mentions if isinstance(mentions, list) else []:
        if isinstance(mention, dict):
            yield mention


def _is_you(data: dict[str, Any]) -> bool:
    return any(mention.get("is_you") is True for mention in _mentions(data))


def _own_ids(data: dict[str, Any]) -> Iterator[str]:
    """In groups the bot is mentioned by an id of that group, which only ``mentions`` tells."""
    for mention in _mentions(data):
        if mention.get("is_you") is True:
            yield _text(mention.get("id"))
            yield _text(mention.get("member_openid"))


def _twin(data: dict[str, Any], scene: Scene, place: str, message_id: str, author: str, moment: datetime | None) -> str:
    """In groups QQ's own index of the message (``message_scene.ext``), else what both of its events share.

    At most ``LONGEST_ID`` characters; of a longer one a digest."""
    twin = _whole_twin(data, scene, place, message_id, author, moment)
    return twin if len(twin) <= LONGEST_ID else _digest(twin)


def _whole_twin(
    data: dict[str, Any], scene: Scene, place: str, message_id: str, author: str, moment: datetime | None
) -> str:
    if scene is not Scene.GROUP:
        return f"{place}:{message_id}"
    ext = _object(data.get("message_scene")).get("ext")
    for entry in ext if isinstance(ext, list) else []:
        if isinstance(entry, str) and entry.startswith("msg_idx=") and len(entry) > len("msg_idx="):
            return f"{place}:{entry.removeprefix('msg_idx=')}"
    when = moment.astimezone(UTC).isoformat() if moment else message_id
    words = "".join(_MENTION.sub("", str(data.get("content") or "")).split())
    digest = _digest(f"{author}\n{when}\n{words}")
    return f"{place}:{digest}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()[:32]


def _attachments(data: dict[str, Any]) -> Iterator[Attachment]:
    listed = data.get("attachments")
    for entry in listed if isinstance(listed, list) else []:
        if isinstance(entry, dict):
            yield Attachment(
                content_type=_text(entry.get("content_type")),
                url=_with_scheme(entry.get("url")),
                filename=_text(entry.get("filename")),
                size=_whole(entry.get("size")),
                width=_whole(entry.get("width")),
                height=_whole(entry.get("height")),
                voice_wav_url=_with_scheme(entry.get("voice_wav_url")),
                spoken_text=_text(entry.get("asr_refer_text")),
            )


def _with_scheme(url: object) -> str:
    """QQ sometimes leaves the scheme out (sheet 2.6)."""
    text = _text(url)
    if not text or text.startswith(("http://", "https://")):
        return text
    return f"https://{text.lstrip('/')}"


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _first(fields: dict[str, Any], *names: str) -> str:
    return next((text for name in names if (text := _text(fields.get(name)))), "")


def _text(value: object) -> str:
    if isinstance(value, str):
        return value.strip()
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def _whole(value: object) -> int:
    try:
        return max(0, int(value))  # type: ignore[call-overload, no-any-return]
    except (TypeError, ValueError, OverflowError):
        return 0
