"""What will happen when a delivery is sent again, told before the click. Reads rows, changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from qqconsole.deliveries.models import Delivery


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
    """Return what ``resend`` would bring about at ``now``. Load ``session__bot``, ``inbound`` and ``item``."""
    return Outlook(refused="not_allowed")
