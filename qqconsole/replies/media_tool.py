"""``send_media``, the one tool the model may call: what it is told of it, and what its call means."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from adapter.errors import AddressRefused, MediaRefused
from adapter.media import check_address, content_kind, read_data_url
from adapter.pieces import MediaItem, MediaKind, MediaOutcome

NAME = "send_media"
TOOL: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": NAME,
        "description": (
            "Send the user a picture, video, voice message or file, at this point of your answer. "
            "The text you have written so far is shown first; go on writing after the result."
        ),
        "parameters": {
            "type": "object",
            "properties": {
                "url": {
                    "type": "string",
                    "description": "Public http or https address of the media, or a data: URL with its bytes.",
                },
                "kind": {"type": "string", "enum": [kind.value for kind in MediaKind]},
                "caption": {"type": "string", "description": "A short caption; may be left out."},
            },
            "required": ["url", "kind"],
        },
    },
}


@dataclass(frozen=True, slots=True)
class NotSent:
    """The call cannot be carried out; ``why`` is what the model is told."""

    why: str


def read_call(name: str, arguments: str, *, allowed: bool, allow_private: bool) -> MediaItem | NotSent:
    """Return the media a tool call asks for. ``allowed``: the tool was offered."""
    if name != NAME or not allowed:
        return NotSent(f"there is no tool named {name[:60]!r} here")
    given = _object(arguments)
    if given is None:
        return NotSent("the arguments are not a JSON object")
    url, kind, caption = given.get("url"), given.get("kind"), given.get("caption") or ""
    if not isinstance(url, str) or not url.strip():
        return NotSent("url is missing")
    kinds = [one.value for one in MediaKind]
    if kind not in kinds:
        return NotSent(f"kind must be one of {', '.join(kinds)}")
    caption = caption if isinstance(caption, str) else ""
    try:
        return _item(MediaKind(kind), url.strip(), caption, allow_private)
    except (AddressRefused, MediaRefused) as refused:
        return NotSent(f"the url was refused: {refused}")


def told(kind: MediaKind, outcome: MediaOutcome | None) -> str:
    """Return the tool's result as the model reads it."""
    if outcome is None:
        return f"It is not known whether the {kind.value} arrived."
    if outcome.sent:
        return f"The {kind.value} was sent. {outcome.why}".strip()
    return told_failed(outcome.why or f"QQ did not take the {kind.value}")


def told_failed(why: str) -> str:
    """Return the tool's result for a call that sent nothing."""
    return f"Failed, nothing was sent: {why}."


def replayable(arguments: str) -> str:
    """Return the arguments as a follow-up request may repeat them: servers refuse a history that is not JSON."""
    return arguments if _object(arguments) is not None else "{}"


def _object(arguments: str) -> dict[str, Any] | None:
    try:
        given = json.loads(arguments or "{}")
    except (ValueError, RecursionError):
        return None
    return given if isinstance(given, dict) else None


def _item(kind: MediaKind, url: str, caption: str, allow_private: bool) -> MediaItem | NotSent:
    if url[:5].lower() != "data:":
        check_address(url, allow_private)
        return MediaItem(kind, url=url, name=_name(url), caption=caption)
    data = read_data_url(url)
    if not data:
        return NotSent("the data: url holds nothing")
    if kind is not MediaKind.FILE and content_kind(data) is not kind:
        return NotSent(f"the data is no {kind.value} that QQ plays")
    return MediaItem(kind, data=data, caption=caption)


def _name(url: str) -> str:
    """Return the file's name as its address tells it, at most 100 characters."""
    return unquote(urlsplit(url).path).rpartition("/")[2][-100:]
