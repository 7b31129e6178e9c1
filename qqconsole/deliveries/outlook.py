"""What will happen when a delivery is sent again, told before the click. Reads rows, changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from adapter import codes
from adapter.codes import Reaction
from adapter.pieces import MediaItem, SendMedia
from qqconsole.conversations.models import InboundMessage
from qqconsole.deliveries import quotas
from qqconsole.deliveries.missing import Missing, read_missing
from qqconsole.deliveries.models import Attempt, Delivery, Mode, Status
from qqconsole.deliveries.passive import Passive, passive_choice
from qqconsole.deliveries.resend import doubtful, refusal
from qqconsole.deliveries.unproven import unproven_message
from qqconsole.media import library
from qqconsole.media.kinds import as_sent
from qqconsole.media.models import MediaFile
from qqconsole.media.names import name_for
from qqconsole.media.reasons import MediaProblem

EXCERPT = 80
"""Characters of a text that are shown."""
NO_PROACTIVE = frozenset({40034102, 40034105, 40054013})
"""The user or group takes nothing that does not answer it, or nothing at all (sheet 3.6, 6.1)."""
ABOUT_PROACTIVE = NO_PROACTIVE | {22009, 40034122, 40034123, 304022}
ABOUT_UPLOADED = frozenset({304080})
"""The ``file_info`` was bad: it is uploaded anew."""
DAILY = frozenset({40093002, 304045, 304047, 304049, 304050, 304052})
"""Used up for the day."""
CAN_CHANGE = frozenset({Reaction.REFERENCE, Reaction.MARKDOWN, Reaction.DUPLICATE, Reaction.INDEX, Reaction.NEWLINE})
"""It was the form that was refused, or what it answered: both are chosen afresh."""


@dataclass(frozen=True, slots=True)
class RepeatOffer:
    """The same message under its own pair: QQ takes it, or says "duplicate", which proves that it arrived."""

    msg_id: str
    msg_seq: int
    until: datetime
    """When QQ's window for it ends."""


@dataclass(frozen=True, slots=True)
class Outlook:
    refused: str = ""
    """The reason word ``resend`` would refuse it with even with a second copy accepted; empty: it may be sent again."""
    passive: bool = False
    """Whether it would answer the user's message; else it goes proactively."""
    passive_why: str = ""
    """passive · bot_proactive · no_message · window_over · none_left: a word for ``reasons.in_words``."""
    window_until: datetime | None = None
    replies_used: int = 0
    replies_most: int | None = None
    not_before: datetime | None = None
    """QQ's limit of what answers no message is reached: it waits until then."""
    upload: str = "none"
    """reuse: QQ has the file still · again: it is uploaded · none: there is no file."""
    likely_refused: int | None = None
    """The code QQ would probably refuse it with."""
    likely_why: str = ""
    """same_again · refuses_proactive: a word for ``reasons.in_words``."""
    second_copy: bool = False
    """QQ may have it already: ``resend`` wants ``accept_second_copy``."""
    repeat: RepeatOffer | None = None
    anew: bool = False
    """Nothing was written yet: the model is asked again."""
    missing: tuple[str, ...] = ()
    """What would be sent: the beginning of a text, the name of a file."""


def outlook(delivery: Delivery, now: datetime) -> Outlook:
    """Return what ``resend`` would bring about at ``now`` (about a dozen queries). Load ``session__bot``, ``inbound``
    and ``item``."""
    left = read_missing(delivery)
    refused = refusal(delivery, left, repeat=False, offered=False, accepted=True)
    unproven = None if refused else unproven_message(delivery, left, now)
    passive = passive_choice(delivery, Attempt(delivery=delivery, mode=Mode.RESEND), now) or Passive("no_message")
    proactive = passive.reference is None
    free = quotas.next_free(delivery, now) if proactive else now
    code, likely_why = _likely(delivery, now, proactive=proactive)
    return Outlook(
        refused=refused,
        passive=not proactive,
        passive_why=passive.why,
        window_until=passive.until,
        replies_used=passive.used,
        replies_most=passive.of,
        not_before=free if free > now else None,
        upload=_upload(delivery, left),
        likely_refused=code,
        likely_why=likely_why,
        second_copy=doubtful(delivery, left) and not refused,
        repeat=RepeatOffer(unproven.msg_id, unproven.msg_seq, unproven.until) if unproven else None,
        anew=left.anew,
        missing=_excerpts(left),
    )


def _likely(delivery: Delivery, now: datetime, *, proactive: bool) -> tuple[int | None, str]:
    """The code it would meet again, and why that is likely."""
    if delivery.code is not None and _is_met_again(delivery, delivery.code, now, proactive=proactive):
        return delivery.code, "refuses_proactive" if delivery.code in NO_PROACTIVE else "same_again"
    if not proactive:
        return None, ""
    said_no = Delivery.objects.filter(session=delivery.session_id, code__in=NO_PROACTIVE, finished_at__isnull=False)
    last = said_no.order_by("-pk").values_list("code", "finished_at").first()
    if last is None or last[1] is None or _changed_since(delivery.session_id, last[1]):
        return None, ""
    return last[0], "refuses_proactive"


def _is_met_again(delivery: Delivery, code: int, now: datetime, *, proactive: bool) -> bool:
    entry = codes.known(code)
    if not codes.is_permanent(code) or code in ABOUT_UPLOADED or (entry is not None and entry.reaction in CAN_CHANGE):
        return False
    if code in DAILY:
        return delivery.finished_at is None or now - delivery.finished_at < timedelta(hours=12)
    if code in ABOUT_PROACTIVE:
        return proactive and not (
            delivery.finished_at is not None and _changed_since(delivery.session_id, delivery.finished_at)
        )
    return True


def _changed_since(session_id: int, moment: datetime) -> bool:
    """Whether the user wrote, or something arrived, after QQ said no."""
    wrote = InboundMessage.objects.filter(session=session_id, received_at__gt=moment)
    arrived = Delivery.objects.filter(session=session_id, status=Status.DELIVERED, finished_at__gt=moment)
    return wrote.exists() or arrived.exists()


def _upload(delivery: Delivery, left: Missing) -> str:
    items = [piece.item for piece in left.pieces if isinstance(piece, SendMedia)]
    if not items or delivery.session.scene not in quotas.COUNTED_SCENES:
        # A guild takes the address itself.
        return "none"
    return "reuse" if all(_is_known(delivery, item) for item in items) else "again"


def _is_known(delivery: Delivery, item: MediaItem) -> bool:
    """Whether QQ's ``file_info`` of it is good still, as the library's desk will look it up."""
    file = MediaFile.objects.filter(pk=item.file_id).first() if item.file_id is not None else None
    if file is None:
        return False
    try:
        kind, _ = as_sent(file, item.kind)
    except MediaProblem:
        return False
    name = name_for(item.name or file.name, file.mime, file.kind)
    use = library.Use(delivery.session.bot_id, delivery.session.scene, file.pk, kind, name)
    return bool(library.recall(use))


def _excerpts(left: Missing) -> tuple[str, ...]:
    return tuple(
        piece.item.name or piece.item.url or piece.item.kind.value
        if isinstance(piece, SendMedia)
        else piece.text.strip()[:EXCERPT]
        for piece in left.pieces
    )
