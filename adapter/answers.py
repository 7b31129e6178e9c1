"""What QQ answered, as one of five types. Every request of ours ends in exactly one of them; none raises.

=============  ===============================================================  ==========================
answer         meaning                                                          may it be sent again?
=============  ===============================================================  ==========================
``Accepted``   QQ took it and gave its id                                       no
``InReview``   201/202: a person will look at it; MESSAGE_AUDIT_* tells later   no
``Refused``    QQ (or the road to it) said no before it took effect             by ``permanent`` and code
``Throttled``  too fast, or another stream is being sent: not taken             yes, after ``after`` seconds
``Unknown``    QQ may have it: time-out, cut connection, bare 5xx, 200 no id    only where a repeat is safe
=============  ===============================================================  ==========================
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Exchange:
    """The wire facts of one request, for the record and the engineer."""

    http_status: int | None = None
    """None: no HTTP answer arrived."""
    code: int | None = None
    err_code: int | None = None
    message: str = ""
    trace_id: str = ""
    body: str = ""
    """QQ's answer as text, at most 4,000 characters, secrets taken out."""
    elapsed: float = 0.0
    """Seconds from the start of the request to the end of the answer."""
    suspect: bool = False
    """QQ took it, or may have, while the gateway session was lost: perhaps nobody was shown it (``adapter.loss``)."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """QQ took it. ``id`` is QQ's own id of the message or stream (an upload: its file_uuid, may be "")."""

    id: str
    data: Mapping[str, Any] = field(default_factory=dict)
    exchange: Exchange = Exchange()


@dataclass(frozen=True, slots=True)
class InReview:
    """HTTP 201/202 with a message_audit (sheet 3.3): success is pending, not proven."""

    audit_id: str
    exchange: Exchange = Exchange()


@dataclass(frozen=True, slots=True)
class Refused:
    """Certainly not taken. ``permanent``: the same request will never be taken."""

    code: int | None
    permanent: bool
    exchange: Exchange = Exchange()


@dataclass(frozen=True, slots=True)
class Throttled:
    """Not taken now (429, 50002, 40034021 …). ``after``: seconds QQ asked for, None where it did not say."""

    after: float | None = None
    code: int | None = None
    exchange: Exchange = Exchange()


@dataclass(frozen=True, slots=True)
class Unknown:
    """The request may have taken effect. ``reason``: one word for the record ("timeout", "reset", "5xx", "no_id")."""

    reason: str
    exchange: Exchange = Exchange()


Answer = Accepted | InReview | Refused | Throttled | Unknown
