"""The page of the audit: who did what, when. For admins."""

from __future__ import annotations

import re
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from qqconsole.accounts.models import AuditLine
from qqconsole.cursors import BadCursor, before_id
from qqconsole.deliveries.audit import in_words
from qqconsole.deliveries.resend_views import admin_of

PAGE = 50
"""Lines on one page."""

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
