"""The audit: who did what to which row, written in the transaction that does it."""

from __future__ import annotations

from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from qqconsole.accounts.callers import Caller
from qqconsole.accounts.models import AuditLine

SEND_MEDIA = "send_media"
SEND_TEXT = "send_text"
RESEND = "resend"
DISMISS = "dismiss"
UNDISMISS = "undismiss"
BULK_RESEND = "bulk_resend"
BULK_CANCEL = "bulk_cancel"
TRY_BOT = "try_bot"
RETENTION = "retention"

ACTIONS: dict[str, Promise] = {
    SEND_MEDIA: _("sent a file"),
    SEND_TEXT: _("sent a message"),
    RESEND: _("sent it again"),
    DISMISS: _("dismissed it"),
    UNDISMISS: _("took the dismissal back"),
    BULK_RESEND: _("sent many again"),
    BULK_CANCEL: _("stopped a bulk resend"),
    TRY_BOT: _("had a paused bot tried at once"),
    RETENTION: _("removed by age"),
}


def record(caller: Caller, action: str, subject: str, **detail: Any) -> AuditLine:
    """Write one line in the running transaction; ``subject`` names the row ("delivery 17"), ``detail`` is JSON and
    holds no secret."""
    return AuditLine.objects.create(
        user=caller.user, name=caller.name[:150], action=action, subject=subject[:100], detail=detail
    )


def in_words(action: str) -> str:
    """Return the action in the active language; one this table does not know comes back as it is."""
    return str(ACTIONS.get(action, action))
