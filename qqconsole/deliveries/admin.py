"""Deliveries and all beneath them as records, "Send again" for those selected, and the audit of such acts."""

from __future__ import annotations

import uuid
from collections import Counter
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from qqconsole.accounts.models import AuditLine
from qqconsole.deliveries import audit, selecting
from qqconsole.deliveries.filter_words import step_in_words
from qqconsole.deliveries.models import Attempt, BulkResend, Chunk, Delivery, Segment, Status
from qqconsole.deliveries.reasons import WHYS, in_words
from qqconsole.deliveries.resend import SENDABLE_AGAIN, ResendRefused, resend
from qqconsole.deliveries.resend_views import admin_of
from qqconsole.records import Records

MOST = 200
"""Deliveries of one action: more are a bulk resend, which keeps a pace and can be stopped."""


@admin.action(description=gettext_lazy("Send again"), permissions=["view"])
def send_again(records: DeliveryRecords, request: HttpRequest, selected: QuerySet[Delivery]) -> HttpResponse | None:
    """First the page that says what would be sent again, then the same ``resend`` as everywhere, one by one."""
    caller = admin_of(request)
    rows = list(selected.order_by("pk").values_list("pk", "status")[: MOST + 1])
    if len(rows) > MOST:
        text = _("At most {count} at once here. For more, use “Send all … again” on the page of deliveries.")
        records.message_user(request, text.format(count=MOST), messages.ERROR)
        return None
    if request.POST.get("confirmed") != "1":
        return _confirmation(records, request, rows)
    refusals: Counter[str] = Counter()
    for pk, _status in rows:
        try:
            resend(
                pk,
                caller,
                why=request.POST.get("why", ""),
                idempotency_key=request.POST.get("key", ""),
                accept_second_copy=request.POST.get("accept_second_copy") == "1",
            )
        except ResendRefused as refused:
            refusals[refused.reason] += 1
    asked = len(rows) - refusals.total()
    records.message_user(request, _("{count} are sent again.").format(count=asked), messages.SUCCESS)
    for reason, count in refusals.most_common():
        records.message_user(request, f"{count} × {in_words(reason)}", messages.WARNING)
    return None


def _confirmation(records: DeliveryRecords, request: HttpRequest, rows: list[tuple[int, str]]) -> HttpResponse:
    counts = Counter(status for _pk, status in rows)
    return TemplateResponse(
        request,
        "admin/send_again.html",
        {
            **records.admin_site.each_context(request),
            "title": _("Send again"),
            "opts": records.opts,
            "selected": [pk for pk, _status in rows],
            "checkbox_name": ACTION_CHECKBOX_NAME,
            "counts": [(str(Status(status).label), count) for status, count in counts.most_common()],
            "sendable": sum(count for status, count in counts.items() if status in SENDABLE_AGAIN),
            "doubtful": counts[Status.UNKNOWN],
            "key": f"records-{uuid.uuid4().hex}",
        },
    )


class StepFilter(admin.SimpleListFilter):
    title = gettext_lazy("failed step")
    parameter_name = "failed_step"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> list[tuple[str, str]]:
        return [(step, step_in_words(step)) for step in selecting.STEPS]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> QuerySet[Delivery]:
        return queryset.filter(failed_step=self.value()) if self.value() else queryset


class ActionFilter(admin.SimpleListFilter):
    title = gettext_lazy("action")
    parameter_name = "action"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> list[tuple[str, str]]:
        return [(action, audit.in_words(action)) for action in audit.ACTIONS]

    def queryset(self, request: HttpRequest, queryset: QuerySet[AuditLine]) -> QuerySet[AuditLine]:
        return queryset.filter(action=self.value()) if self.value() else queryset


@admin.register(Delivery)
class DeliveryRecords(Records):
    list_display = ("id", "created_at", "session", "kind", "status", "reason", "code", "failed_step", "requested_name")
    list_filter = ("status", "kind", "media_kind", StepFilter, "session__bot")
    list_select_related = ("session__bot",)
    only_newest = True
    number_finds = "pk"
    words_find = ("session__target_id",)
    date_hierarchy = None
    actions = [send_again]
    in_words = {"reason": in_words, "failed_step": step_in_words}
    ordering = ("-id",)


@admin.register(Attempt)
class AttemptRecords(Records):
    list_display = ("id", "delivery", "number", "mode", "status", "requested_name", "why", "asked_at", "finished_at")
    list_filter = ("status", "mode")
    list_select_related = ("delivery",)
    only_newest = True
    number_finds = "delivery"
    in_words = {"reason": in_words}
    ordering = ("-id",)


@admin.register(Segment)
class SegmentRecords(Records):
    list_display = ("id", "attempt", "number", "kind", "purpose", "status", "stream_id", "opened_at")
    list_filter = ("kind", "status")
    list_select_related = ("attempt",)
    only_newest = True
    number_finds = "attempt__delivery"
    ordering = ("-id",)


@admin.register(Chunk)
class ChunkRecords(Records):
    list_display = ("id", "segment", "number", "kind", "status", "http_status", "code", "trace_id", "sent_at")
    list_filter = ("kind", "status")
    list_select_related = ("segment",)
    only_newest = True
    number_finds = "segment__attempt__delivery"
    words_find = ("trace_id",)
    ordering = ("-id",)
    in_words = {"why": lambda why: str(WHYS.get(why, why))}
    exclude = ("request", "answer")
    """The wire is shown on the delivery's page, secrets taken out."""


@admin.register(BulkResend)
class BulkResendRecords(Records):
    list_display = ("id", "created_at", "requested_name", "status", "total", "enrolled", "skipped", "why")
    list_filter = ("status",)
    ordering = ("-id",)


@admin.register(AuditLine)
class AuditLineRecords(Records):
    list_display = ("id", "at", "name", "action", "subject")
    list_filter = (ActionFilter,)
    only_newest = True
    words_find = ("subject",)
    in_words = {"action": audit.in_words}
