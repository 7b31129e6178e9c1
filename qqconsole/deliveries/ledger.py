"""The passive ledger: how many answers each inbound message has had, and its next msg_seq. Runs in a transaction.

One statement takes both, and keeps the message's row locked until the transaction ends: however many processes answer
one message, no msg_seq is given twice and no answer is spent beyond QQ's number. Nothing can collide, so that no batch
of the writer breaks over it.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from adapter.frames import Frame, FrameKind
from adapter.passive import Denied, Use, used_below
from adapter.segment import Segment
from qqconsole.conversations.models import InboundMessage
from qqconsole.deliveries.models import Delivery
from qqconsole.deliveries.passive import Passive


@dataclass(frozen=True, slots=True)
class Address:
    """Whose answers are counted: the bot's row, QQ's id of the target, the name of the dialect; how many answers a
    message there takes (None: nothing is counted), and until when this one does."""

    bot_id: int
    target_id: str
    dialect: str
    most: int | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Grant:
    msg_seq: int
    used: int
    """Answers to the message with this one."""


def grant(address: Address, msg_id: str, use: Use | None, *, counted: bool = False) -> Grant | Denied:
    """Take the next msg_seq of the message, and one answer with it. ``use`` None: a frame that goes on with a stream,
    and needs no more than a msg_seq; ``counted``: its segment has its answer already."""
    below = used_below(use, address.most) if use is not None and not counted else None
    values: list[int | str] = [int(use is not None and not counted), address.bot_id, msg_id]
    with connection.cursor() as cursor:
        cursor.execute(_statement(use is not None, below is not None), values + ([] if below is None else [below]))
        row = cursor.fetchone()
    if row is not None:
        return Grant(*row)
    message = InboundMessage.objects.filter(bot_id=address.bot_id, qq_id=msg_id)
    used, closed = message.values_list("answers_used", "answers_closed").first() or (0, 0)
    return Denied("none_left" if closed is None else "closed", used)


def close(address: Address, msg_id: str, code: int) -> None:
    """QQ said with ``code`` that the message takes no more answers: nobody tries again."""
    InboundMessage.objects.filter(bot_id=address.bot_id, qq_id=msg_id, answers_closed=None).update(answers_closed=code)


@functools.cache
def _statement(open_only: bool, limited: bool) -> str:
    table = connection.ops.quote_name(InboundMessage._meta.db_table)
    return (
        f"UPDATE {table} SET next_msg_seq = next_msg_seq + 1, answers_used = answers_used + %s"  # noqa: S608
        " WHERE bot_id = %s AND qq_id = %s"
        + (" AND answers_closed IS NULL" if open_only else "")
        + (" AND answers_used < %s" if limited else "")
        + " RETURNING next_msg_seq - 1, answers_used"
    )


def decided(
    delivery: Delivery, address: Address, passive: Passive | None, frame: Frame, segment: Segment, used: int
) -> Passive:
    """How a message goes, for its segment's row. ``passive``: how its attempt was to go; ``used``: the answers there
    were when it was looked at, its own included."""
    facts = (address.until, used, address.most)
    if frame.reference is not None:
        return Passive("passive" if address.most is not None else "uncounted", frame.reference, *facts)
    if frame.kind is FrameKind.MEDIA and not delivery.session.bot.media_passive:
        return Passive("bot_proactive")
    if segment.unanswered:
        return Passive(segment.unanswered, None, *facts)
    return passive if passive is not None and passive.reference is None else Passive("no_message")
