"""Sending a delivery again: the one function behind the page, Django admin, the API and the bulk resend."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from qqconsole.accounts.callers import Caller
from qqconsole.deliveries.models import Attempt, BulkResend, Delivery, Mode
from qqconsole.deliveries.reasons import in_words


@dataclass
class ResendRefused(Exception):
    """It is not sent again; ``reason`` is a code word that ``deliveries.reasons`` puts into plain words."""

    reason: str
    detail: str = ""

    def __str__(self) -> str:
        return in_words(self.reason)


def resend(
    delivery_id: int,
    caller: Caller,
    *,
    why: str = "",
    mode: Mode = Mode.RESEND,
    idempotency_key: str = "",
    accept_second_copy: bool = False,
    bulk: BulkResend | None = None,
    due_at: datetime | None = None,
) -> Attempt:
    """Queue one more attempt. Raises ResendRefused."""
    raise ResendRefused("not_allowed")


def dismiss(delivery_id: int, caller: Caller) -> Delivery:
    """List the delivery no longer among those that failed. Raises ResendRefused."""
    raise ResendRefused("not_allowed")


def undismiss(delivery_id: int, caller: Caller) -> Delivery:
    """Take a dismissal back. Raises ResendRefused."""
    raise ResendRefused("not_allowed")
