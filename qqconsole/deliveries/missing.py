"""What of a delivery QQ does not have yet, as pieces in their order.

Read off the rows alone: each attempt is laid over what the ones before it left, so that nothing any of them brought
to QQ is sent again.
"""

from __future__ import annotations

import mimetypes
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any
from urllib.parse import urlsplit

from adapter.boundaries import is_blank
from adapter.pieces import MediaItem, MediaKind, SendMedia, SourceFailed, Text
from qqconsole.bots.models import Dialect
from qqconsole.deliveries.media_record import item_of
from qqconsole.deliveries.models import Delivery, Kind, Segment, SegmentKind, SegmentStatus

DOUBTFUL = (SegmentStatus.UNKNOWN, SegmentStatus.UNCLOSED)
"""Bubbles of which nobody knows what the user sees."""
ARRIVED = (SegmentStatus.DELIVERED, SegmentStatus.IN_REVIEW)
BETWEEN = "\n\n"
"""Between texts that were bubbles of their own and now become one."""
_NEUTRALISED = {".": "。", ":": "："}
"""What ``adapter.boundaries.neutralise_addresses`` may have made of a character."""


@dataclass(frozen=True, slots=True)
class Missing:
    pieces: tuple[Text | SendMedia, ...] = ()
    anew: bool = False
    """Nothing was ever there to be sent: the reply's source is asked again."""
    doubtful: bool = False
    """QQ may have some of the pieces, so that the user may see them twice."""
    gone: tuple[str, ...] = ()
    """Names of media that neither the library nor an address has: they cannot be sent again."""


@dataclass(frozen=True, slots=True)
class _Part:
    """A text or a media item that belongs to the delivery."""

    text: str = ""
    item: MediaItem | None = None
    doubtful: bool = False
    continues: bool = False
    """It goes straight on from the part before it: a break in the middle of a sentence is not one of the text's."""


def missing_pieces(delivery: Delivery) -> list[Text | SendMedia]:
    """Return what the next attempt has to send (one query); an empty list: ask the reply's source anew.

    Raises SourceFailed (nothing_missing, item_gone) where there is nothing to send and nobody to ask.
    """
    left = read_missing(delivery)
    if not left.pieces and not left.anew:
        raise SourceFailed("item_gone" if left.gone else "nothing_missing")
    return list(left.pieces)


def read_missing(delivery: Delivery) -> Missing:
    """Return what QQ does not have, by every attempt there was (one query, and one for the item)."""
    rows = Segment.objects.filter(attempt__delivery=delivery).exclude(purpose="notice")
    attempts = [
        list(segments)
        for _, segments in groupby(rows.order_by("attempt__number", "number"), key=lambda row: row.attempt_id)
    ]
    parts = _whole(delivery, attempts[0] if attempts else [])
    if not parts:
        return Missing(anew=delivery.kind == Kind.REPLY and not attempts and delivery.inbound_id is not None)
    for segments in attempts:
        parts = _joined(_left(parts, segments))
    can_go = [part for part in parts if part.item is None or part.item.url or part.item.file_id is not None]
    return Missing(
        pieces=tuple(Text(part.text) if part.item is None else SendMedia(part.item) for part in can_go),
        doubtful=any(part.doubtful for part in can_go),
        gone=tuple(part.item.name or part.item.kind.value for part in parts if part.item and part not in can_go),
    )


def unsent_text(generated: str, texts: Iterable[str]) -> str:
    """Return the generated text behind what the segments hold; "" where they hold another text.

    Blank text between them may be in none of them. What opens and closes a fence that was cut stands beside a
    segment's text, never in it.
    """
    rest = generated
    for text in texts:
        while not _alike(rest[: len(text)], text):
            if not rest or not is_blank(rest[0]):
                return ""
            rest = rest[1:]
        rest = rest[len(text) :]
    return rest


def _whole(delivery: Delivery, first: Sequence[Segment]) -> list[_Part]:
    """All that the delivery is to bring, whether QQ has it or not; ``first``: the segments of the attempt that began
    it."""
    if delivery.kind == Kind.MEDIA:
        return [_Part(item=_own_item(delivery))]
    if delivery.kind == Kind.MESSAGE:
        return [_Part(delivery.generated_text)]
    parts = [
        _Part(item=replace(item_of(row.media), note=""))
        if row.media is not None
        else _Part(row.text, continues=row.purpose == "rest" or (before is not None and before.full))
        for before, row in zip([None, *first], first, strict=False)
    ]
    unsent = unsent_text(delivery.generated_text, [row.text for row in first if row.kind != SegmentKind.MEDIA])
    return [*parts, _Part(unsent, continues=True)] if not is_blank(unsent) else parts


def _left(parts: Sequence[_Part], segments: Sequence[Segment]) -> list[_Part]:
    """What one attempt, which set out with ``parts``, left of them."""
    waiting, left = deque(parts), list[_Part]()
    for row in segments:
        kept = _meet_media(waiting, row, left) if row.media is not None else _meet_text(waiting, row, left)
        if kept is not None:
            left.append(kept)
        elif waiting:
            # What it went on from has arrived: it begins on its own now.
            waiting[0] = replace(waiting[0], continues=False)
    return [*left, *waiting]


def _meet_media(waiting: deque[_Part], row: Segment, left: list[_Part]) -> _Part | None:
    """Take the part the segment is about; what stands before it was not sent. Returns it unless it arrived."""
    place = _place_of(waiting, row.media or {})
    if place is None:
        return None
    left.extend(waiting.popleft() for _ in range(place))
    part = waiting.popleft()
    if row.status in ARRIVED and not row.suspect:
        return None
    return replace(part, doubtful=part.doubtful or row.status in DOUBTFUL or row.suspect)


def _place_of(waiting: Iterable[_Part], media: dict[str, Any]) -> int | None:
    """Which part it is: by its file or its address; its kind and name may have been corrected on the way."""
    places = [(place, part.item) for place, part in enumerate(waiting) if part.item is not None]
    for place, item in places:
        if (item.file_id is not None and item.file_id == media.get("file_id")) or (
            item.url and item.url == media.get("url")
        ):
            return place
    return places[0][0] if len(places) == 1 else None


def _meet_text(waiting: deque[_Part], row: Segment, left: list[_Part]) -> _Part | None:
    """Take the segment's text off the next text part; returns what of it QQ does not have."""
    while waiting and waiting[0].item is not None:
        left.append(waiting.popleft())
    if not waiting:
        return None
    part = waiting.popleft()
    begins = 0
    while not _alike(part.text[begins : begins + len(row.text)], row.text):
        if begins >= len(part.text) or not is_blank(part.text[begins]):
            # Another text than we know of: nothing may be left out, and the user may see some of it twice.
            return replace(part, doubtful=True)
        begins += 1
    behind = part.text[begins + len(row.text) :]
    if not is_blank(behind):
        waiting.appendleft(_Part(behind, doubtful=part.doubtful, continues=True))
    missing = _missing_of(row)
    if is_blank(missing):
        return None
    return replace(part, text=missing, doubtful=part.doubtful or row.status in DOUBTFUL or row.suspect)


def _missing_of(row: Segment) -> str:
    """An unclosed stream of the older dialect may be rolled back to its first frame (sheet 4.1), and what QQ took
    while the gateway session was lost may be shown to nobody (2.4): all of it counts as missing. Of any other bubble QQ
    keeps what it accepted."""
    rolled_back = row.status in DOUBTFUL and row.dialect == Dialect.MESSAGES_STREAM
    return row.text if rolled_back or row.suspect else row.text[row.accepted_length :]


def _joined(parts: Iterable[_Part]) -> list[_Part]:
    """Texts next to each other as one: they go as one message."""
    joined: list[_Part] = []
    for part in parts:
        if joined and part.item is None and joined[-1].item is None:
            before = joined.pop()
            text = before.text + ("" if part.continues else BETWEEN) + part.text
            part = replace(before, text=text, doubtful=before.doubtful or part.doubtful)
        joined.append(part)
    return joined


def _alike(original: str, sent: str) -> bool:
    return original == sent or (
        len(original) == len(sent)
        and all(one == other or _NEUTRALISED.get(one) == other for one, other in zip(original, sent, strict=True))
    )


def _own_item(delivery: Delivery) -> MediaItem:
    file = delivery.item
    kind = delivery.media_kind or (file.kind if file is not None else _kind_of_address(delivery.url))
    name = delivery.file_name or (file.name if file is not None else "")
    return MediaItem(
        MediaKind(kind), url=delivery.url or None, name=name, caption=delivery.caption, file_id=delivery.item_id
    )


def _kind_of_address(url: str) -> MediaKind:
    """A guess by the address's last letters, for want of content; QQ or our own look at it may correct it."""
    main = (mimetypes.guess_type(urlsplit(url).path)[0] or "").partition("/")[0]
    return {"image": MediaKind.IMAGE, "video": MediaKind.VIDEO, "audio": MediaKind.VOICE}.get(main, MediaKind.FILE)
