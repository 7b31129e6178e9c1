"""A delivery as a line of a list and as the head of its page: what it is, how it stands, in the reader's words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast

from django.db.models import OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce, Left
from django.utils.translation import get_language

from adapter import codes
from qqconsole.conversations.names import title_of
from qqconsole.deliveries.filter_words import step_in_words
from qqconsole.deliveries.models import Attempt, Delivery, Kind, Status
from qqconsole.deliveries.reasons import in_words
from qqconsole.deliveries.resend import may_be_sent_again
from qqconsole.live.documents import session_document
from qqconsole.media.models import MediaKind

EXCERPT = 160
"""Characters of its text that a line shows."""

MEDIA_KINDS = dict(MediaKind.choices)


@dataclass(frozen=True, slots=True)
class Line:
    delivery: Delivery
    session: str
    """What its session is called."""
    kind: str
    what: str
    """The beginning of its text, or its file's name or address; "" where there is neither yet."""
    question: str
    """The message it answers, where it has no text yet."""
    icon: str
    step: str
    reason: str
    meaning: str

    @property
    def is_active(self) -> bool:
        return self.delivery.status in (Status.QUEUED, Status.SENDING)

    @property
    def may_be_sent_again(self) -> bool:
        return may_be_sent_again(self.delivery)


def with_lines(deliveries: QuerySet[Delivery]) -> QuerySet[Delivery]:
    """Return the queryset with all that ``line_of`` reads, without the long texts."""
    # The highest number is how many there are; to count them would group every row the filter leaves.
    numbers = Attempt.objects.filter(delivery=OuterRef("pk")).order_by("-number").values("number")
    return (
        deliveries.select_related("session__bot", "item", "inbound")
        .defer("generated_text", "reasoning_text", "session__bot__secret", "session__bot__source_key", "inbound__raw")
        .annotate(excerpt=Left("generated_text", EXCERPT), attempt_count=Coalesce(Subquery(numbers[:1]), 0))
    )


def lines_of(deliveries: Iterable[Delivery]) -> list[Line]:
    return [line_of(delivery) for delivery in deliveries]


def line_of(delivery: Delivery) -> Line:
    """Read the row (made by ``with_lines``) as a line in the active language; asks nothing."""
    excerpt: str = cast(Any, delivery).excerpt
    media = (delivery.item.kind if delivery.item else "") if not delivery.media_kind else delivery.media_kind
    return Line(
        delivery=delivery,
        session=title_of(session_document(delivery.session)),
        kind=str(MEDIA_KINDS.get(media) or delivery.get_kind_display()),
        what=_item_name(delivery) if delivery.kind == Kind.MEDIA else excerpt,
        question="" if excerpt or delivery.inbound is None else delivery.inbound.content[:EXCERPT],
        icon={Kind.REPLY: "bot", Kind.MESSAGE: "chat"}.get(Kind(delivery.kind), "clip"),
        step=step_in_words(delivery.failed_step),
        reason=in_words(delivery.reason),
        meaning=codes.meaning(delivery.code, get_language() or "en") if delivery.code else "",
    )


def _item_name(delivery: Delivery) -> str:
    return delivery.file_name or (delivery.item.name if delivery.item else "") or delivery.url
