"""The page of the audit: who did what, when. For admins."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from qqconsole.accounts.models import AuditLine
from qqconsole.bots.reasons import pause_in_words
from qqconsole.cursors import BadCursor, before_id
from qqconsole.deliveries.audit import RETENTION, TRY_BOT, in_words
from qqconsole.deliveries.resend_views import admin_of

PAGE = 50
"""Lines on one page."""

REMOVED: dict[str, Promise] = {
    "delivery": gettext_lazy("deliveries"),
    "attempt": gettext_lazy("attempts"),
    "segment": gettext_lazy("segments"),
    "chunk": gettext_lazy("chunks"),
    "typinghint": gettext_lazy("typing hints"),
    "passivepair": gettext_lazy("ledger rows"),
    "inboundmessage": gettext_lazy("messages received"),
    "platformevent": gettext_lazy("other events"),
    "session": gettext_lazy("sessions"),
}
"""What was removed by age, by the model's name."""

_SUBJECT = re.compile(r"(delivery|bulk resend|bulk) (\d{1,18})")


@require_safe
def audit(request: HttpRequest) -> HttpResponse:
    """Every audit line, newest first; ``?cursor=`` is where an older page begins."""
    admin_of(request)
    cursor = request.GET.get("cursor", "")
    try:
        rows = list(AuditLine.objects.filter(before_id(cursor)).order_by("-pk")[: PAGE + 1])
    except BadCursor:
        raise Http404 from None
    return render(
        request,
        "deliveries/audit.html",
        {
            "lines": [_line(row) for row in rows[:PAGE]],
            "older": str(rows[PAGE - 1].pk) if len(rows) > PAGE else "",
        },
    )


def _line(row: AuditLine) -> dict[str, Any]:
    """The row as the template shows it: its subject as a link where it has a page."""
    found = _SUBJECT.fullmatch(row.subject)
    subject, address = row.subject, ""
    if found and found[1] == "delivery":
        subject, address = _("delivery #{number}").format(number=found[2]), reverse("delivery", args=[found[2]])
    elif found:
        subject, address = _("bulk resend #{number}").format(number=found[2]), reverse("bulk_resend", args=[found[2]])
    detail = row.detail if isinstance(row.detail, dict) else {}
    if row.action == RETENTION:
        subject, detail = _removed(subject, detail)
    elif row.action == TRY_BOT:
        name, reason = subject.removeprefix("bot "), str(detail.get("reason") or "")
        subject = _("bot {name}").format(name=name)
        detail = {"why": pause_in_words(reason), **{key: value for key, value in detail.items() if key != "reason"}}
    return {
        "at": row.at,
        "name": row.name,
        "action": in_words(row.action),
        "subject": subject,
        "address": address,
        "why": str(detail.get("why") or ""),
        "detail": " · ".join(
            f"{name}: {value}" for name, value in detail.items() if name != "why" and value not in (None, "", False, {})
        ),
    }


def _removed(subject: str, detail: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """How old what was removed was, and how much of each kind, in words."""
    try:
        before = timezone.localtime(datetime.fromisoformat(str(detail.get("before"))))
    except ValueError:
        return subject, detail
    counts = {name: value for name, value in detail.items() if name != "before"}
    named = {str(REMOVED[name]): counts.pop(name) for name in REMOVED if name in counts}
    return _("what was older than {time}").format(time=f"{before:%Y-%m-%d %H:%M}"), named | counts
