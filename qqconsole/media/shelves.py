"""One page of the library, as its template shows it: each file with what is known of it and where it was sent."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from django.db.models import Count, Prefetch, QuerySet

from qqconsole.conversations.names import title_of
from qqconsole.deliveries.models import Delivery
from qqconsole.live.documents import session_document
from qqconsole.media.kinds import as_sent
from qqconsole.media.models import MediaFile, MediaUse
from qqconsole.media.reasons import in_words

NEWEST = 3
"""Deliveries of one file that are named; the others are counted."""


@dataclass(frozen=True, slots=True)
class Sent:
    delivery: Delivery
    session: str
    """What its session is called."""


@dataclass(frozen=True, slots=True)
class Item:
    file: MediaFile
    note: str
    """What is changed when it is sent, in words."""
    newest: list[Sent]
    more: int
    """Deliveries besides ``newest``."""

    @property
    def seconds(self) -> str:
        """How long it plays, as minutes and seconds; "" for what does not."""
        if self.file.duration_ms is None:
            return ""
        minutes, seconds = divmod(round(self.file.duration_ms / 1000), 60)
        return f"{minutes}:{seconds:02}"


def items_of(files: QuerySet[MediaFile], ids: list[int]) -> list[Item]:
    """These files, newest first, in five queries however many they are."""
    deliveries = Delivery.objects.select_related("session").only("pk", "status", "created_at", "session", "item")
    uses = MediaUse.objects.select_related("delivery__session").order_by("-pk")
    found = files.filter(pk__in=ids).prefetch_related(
        Prefetch("deliveries", deliveries.order_by("-pk")[:NEWEST], to_attr="newest_deliveries"),
        Prefetch("uses", uses[:NEWEST], to_attr="newest_uses"),
    )
    counts = _counts(ids)
    return [_item(file, counts[file.pk]) for file in found.order_by("-pk")]


def _counts(ids: list[int]) -> Counter[int]:
    counts: Counter[int] = Counter()
    sent = Delivery.objects.filter(item__in=ids).values_list("item_id").annotate(Count("pk"))
    used = MediaUse.objects.filter(file__in=ids).values_list("file_id").annotate(Count("pk"))
    for pk, count in [*sent, *used]:
        counts[pk] += count
    return counts


def _item(file: MediaFile, count: int) -> Item:
    named: list[Delivery] = [*file.newest_deliveries, *(use.delivery for use in file.newest_uses)]  # type: ignore[attr-defined]
    newest = sorted(named, key=lambda delivery: -delivery.pk)[:NEWEST]
    note = as_sent(file)[1]
    return Item(
        file,
        in_words(note) if note else "",
        [Sent(delivery, title_of(session_document(delivery.session))) for delivery in newest],
        count - len(newest),
    )
