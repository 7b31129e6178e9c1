"""Whose bubble is this? Each bubble of the bot's on a user's screen, laid to the segment that brought it. Pure."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from faults.evidence import Evidence
from faults.reading import alike

ENDED_BY_ITSELF = ("rolled_back", "finalised")
"""States of a bubble whose stream was never closed."""
Place = tuple[str, str, str]
"""App id, scene and target of a conversation."""


@dataclass(slots=True)
class Part:
    """One segment, and the bubble it became; None: the user sees nothing of it."""

    segment: dict[str, Any]
    bubble: dict[str, Any] | None = None

    @property
    def is_media(self) -> bool:
        return bool(self.segment["kind"] == "media")


@dataclass(slots=True)
class Seen:
    """One delivery and what the user sees of it."""

    document: dict[str, Any]
    place: Place
    parts: list[Part] = field(default_factory=list)

    @property
    def pk(self) -> int:
        return int(self.document["id"])

    @property
    def replies(self) -> list[Part]:
        return [part for part in self.parts if part.segment["purpose"] != "notice"]


def lay(evidence: Evidence) -> tuple[list[Seen], list[tuple[Place, dict[str, Any]]], dict[Place, list[int]]]:
    """Return every delivery with its bubbles; the bubbles nobody sent; and per conversation whose bubbles they are, in
    the order they stand in."""
    seen = [_seen(document, evidence) for document in evidence.deliveries]
    known = {part.segment["stream_id"]: (one, part) for one in seen for part in one.parts if part.segment["stream_id"]}
    nameless: dict[Place, list[tuple[Seen, Part]]] = defaultdict(list)
    for one in seen:
        nameless[one.place] += [(one, part) for part in one.parts if not part.segment["stream_id"]]
    orphans: list[tuple[Place, dict[str, Any]]] = []
    order: dict[Place, list[int]] = defaultdict(list)
    for screen in evidence.screens:
        place = (screen["bot"], screen["scene"], screen["target"])
        for bubble in screen["bubbles"]:
            if bubble["from"] != "bot" or bubble["kind"] == "notice":
                continue
            owner = known.get(bubble["id"]) or _nameless(bubble, nameless[place])
            if owner is None or owner[0].place != place or owner[1].bubble is not None:
                orphans.append((place, bubble))
                continue
            owner[1].bubble = bubble
            if owner[0].document["kind"] == "reply":
                order[place].append(owner[0].pk)
    return seen, orphans, order


def _seen(document: dict[str, Any], evidence: Evidence) -> Seen:
    parts = [Part(segment) for attempt in document["attempts"] for segment in attempt["segments"]]
    return Seen(document, evidence.sessions[document["session"]], parts)


def _nameless(bubble: dict[str, Any], open_parts: list[tuple[Seen, Part]]) -> tuple[Seen, Part] | None:
    """A bubble whose id QQ never told us: it is the first segment without one whose text it shows."""
    for one, part in open_parts:
        if part.bubble is None and _shows(bubble, one, part):
            return one, part
    return None


def _shows(bubble: dict[str, Any], one: Seen, part: Part) -> bool:
    if part.is_media or bubble["kind"] == "media":
        caption = (part.segment["media"] or {}).get("caption") or one.document["caption"]
        return part.is_media and bubble["kind"] == "media" and bubble["text"] == caption
    text, shown = part.segment["text"], bubble["text"].strip()
    return bool(shown) and alike(text.lstrip()[: len(shown)], shown)
