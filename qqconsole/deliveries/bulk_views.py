"""Many failed deliveries sent again: what it would be, its start, how it goes on, its end. For admins."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from qqconsole.accounts.callers import Caller
from qqconsole.cursors import BadCursor, before_id
from qqconsole.deliveries import bulk
from qqconsole.deliveries.filter_words import described, span_in_words
from qqconsole.deliveries.models import BulkResend, BulkStatus
from qqconsole.deliveries.reasons import in_words
from qqconsole.deliveries.resend import ResendRefused
from qqconsole.deliveries.resend_views import admin_of
from qqconsole.deliveries.selecting import BadFilter, Filters
from qqconsole.live.words import code_words, words

PAGE = 30
"""Bulk resends on one page of their list."""


@require_safe
def bulk_list(request: HttpRequest) -> HttpResponse:
    """Every bulk resend, newest first."""
    admin_of(request)
    cursor = request.GET.get("cursor", "")
    try:
        rows = list(BulkResend.objects.filter(before_id(cursor)).order_by("-pk")[: PAGE + 1])
    except BadCursor:
        rows = []
    shown = [{"row": row, "described": described(Filters.from_json(row.filters))} for row in rows[:PAGE]]
    older = str(rows[PAGE - 1].pk) if len(rows) > PAGE else ""
    running = any(row.status == BulkStatus.RUNNING for row in rows)
    context = {"jobs": shown, "older": older, "has_running": running, **_live()}
    return render(request, "deliveries/bulk_list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def bulk_preview(request: HttpRequest) -> HttpResponse:
    """GET counts what the filter of the address leaves and says what will happen; POST begins it, once a form."""
    caller = admin_of(request)
    try:
        filters = Filters.from_query(request.GET)
    except BadFilter as bad:
        return render(request, "deliveries/bulk_preview.html", {"problem": str(bad)}, status=400)
    asked = request.POST if request.method == "POST" else request.GET
    doubtful_too = asked.get("doubtful") == "1"
    if request.method != "POST":
        return _preview_page(request, filters, caller, doubtful_too)
    try:
        job = bulk.start(
            filters,
            caller,
            expected_total=_number(request.POST.get("count", "")),
            newest_id=_number(request.POST.get("newest_id", "")),
            why=request.POST.get("why", ""),
            idempotency_key=request.POST.get("key", ""),
            accept_second_copy=doubtful_too,
        )
    except ResendRefused as refused:
        return _preview_page(request, filters, caller, doubtful_too, refused)
    return redirect("bulk_resend", job.pk)


def _preview_page(
    request: HttpRequest, filters: Filters, caller: Caller, doubtful_too: bool, refused: ResendRefused | None = None
) -> HttpResponse:
    preview = bulk.preview(filters, caller, accept_second_copy=doubtful_too)
    return render(
        request,
        "deliveries/bulk_preview.html",
        {
            "preview": preview,
            "takes": span_in_words(preview.estimate_seconds),
            "shares": [
                {"name": share.name, "count": share.count, "takes": span_in_words(share.estimate_seconds)}
                for share in preview.by_bot
            ],
            "doubtful_too": doubtful_too,
            "described": described(filters),
            "query": filters.to_query(),
            "problem": in_words(refused.reason) if refused else "",
            "why": request.POST.get("why", ""),
            "key": uuid.uuid4().hex,
        },
        status=409 if refused else 200,
    )


@require_safe
def bulk_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """How one bulk resend stands."""
    admin_of(request)
    job = get_object_or_404(BulkResend, pk=pk)
    standing = bulk.progress(job)
    return render(
        request,
        "deliveries/bulk_detail.html",
        {
            "job": job,
            "standing": standing,
            "takes": span_in_words(standing.estimate_seconds),
            "is_running": job.status == BulkStatus.RUNNING,
            "described": described(Filters.from_json(job.filters)),
            "results": Filters(bulk=job.pk).to_query(),
            **_live(),
        },
    )


@require_POST
def bulk_cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Stop what has not begun."""
    caller = admin_of(request)
    get_object_or_404(BulkResend.objects.only("pk"), pk=pk)
    bulk.cancel(pk, caller)
    return redirect("bulk_resend", pk)


def _live() -> dict[str, Any]:
    return {"words": words(), "codes": code_words(), "state": {"deliveries": [], "sessions": [], "bots": []}}


def _number(text: str) -> int:
    """A number of the form; one that is none matches no preview."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else -1
