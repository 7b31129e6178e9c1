"""Many failed deliveries sent again by one click: preview, start, enrolment in small steps, cancel, progress."""

from __future__ import annotations

from dataclasses import dataclass

from qqconsole.accounts.callers import Caller
from qqconsole.deliveries.models import BulkResend
from qqconsole.deliveries.resend import ResendRefused
from qqconsole.deliveries.selecting import Filters

CAP = 10_000
"""Deliveries of one bulk resend at most; the oldest are taken."""


@dataclass(frozen=True, slots=True)
class Share:
    """One bot's part of a bulk resend."""

    bot_id: int
    name: str
    count: int
    estimate_seconds: int


@dataclass(frozen=True, slots=True)
class Preview:
    count: int
    """How many would be sent again."""
    matching: int
    """How many the filter shows, whatever their status."""
    doubtful: int
    """Of those to be sent again by their status, how many are left out because QQ may have them."""
    capped: bool
    cap: int
    newest_id: int
    """Give it to ``start``: what fails later is not in this preview."""
    estimate_seconds: int
    by_bot: tuple[Share, ...] = ()


@dataclass(frozen=True, slots=True)
class Progress:
    total: int
    waiting: int
    """Not enrolled yet."""
    queued: int
    sending: int
    delivered: int
    in_review: int
    failed: int
    unknown: int
    cancelled: int
    skipped: int
    """Selected, but no longer to be sent again when their turn came."""
    estimate_seconds: int

    @property
    def ended(self) -> int:
        return self.delivered + self.in_review + self.failed + self.unknown + self.cancelled + self.skipped


def preview(filters: Filters, caller: Caller, *, accept_second_copy: bool = False) -> Preview:
    """Return what ``start`` would do. Raises ResendRefused (not_allowed)."""
    raise ResendRefused("not_allowed")


def start(
    filters: Filters,
    caller: Caller,
    *,
    expected_total: int,
    newest_id: int = 0,
    why: str = "",
    idempotency_key: str = "",
    accept_second_copy: bool = False,
) -> BulkResend:
    """Begin it. Raises ResendRefused (not_allowed, count_changed, nothing_to_resend, key_used_elsewhere)."""
    raise ResendRefused("not_allowed")


def cancel(bulk_id: int, caller: Caller) -> BulkResend:
    """Stop it: what has not begun goes back to how it stood. Raises ResendRefused (not_allowed)."""
    raise ResendRefused("not_allowed")


def progress(bulk: BulkResend) -> Progress:
    """Return how it stands now (two queries)."""
    return Progress(bulk.total, bulk.total, 0, 0, 0, 0, 0, 0, 0, 0, 0)
