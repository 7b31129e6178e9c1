"""Pages of the deliveries: all of them by filter, and one with every attempt at it."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import get_language, gettext
from django.views.decorators.http import require_safe

from adapter import codes
from qqconsole.accounts.callers import caller_of
from qqconsole.bots.standing import standstill, standstills
from qqconsole.cursors import BadCursor, before_id
from qqconsole.deliveries import bulk
from qqconsole.deliveries.filter_words import UNSETTLED, choices, described
from qqconsole.deliveries.lines import line_of, lines_of, with_lines
from qqconsole.deliveries.models import Attempt, Chunk, ChunkStatus, Delivery, Kind, Status
from qqconsole.deliveries.reasons import in_words
from qqconsole.deliveries.selecting import BadFilter, Filters
from qqconsole.deliveries.tails import written
from qqconsole.live.snapshot import events_of
from qqconsole.live.words import code_words, words

PAGE = 50
"""Deliveries on one page of the list."""
COUNTED = 200
"""How far the list counts what could be sent again; the preview says it exactly."""

SAID_NO = (ChunkStatus.REFUSED, ChunkStatus.THROTTLED, ChunkStatus.UNKNOWN)


@require_safe
def delivery_list(request: HttpRequest) -> HttpResponse:
    """Deliveries by filter, newest first; ``?cursor=`` is where an older page begins."""
    cursor = request.GET.get("cursor", "")
    try:
        after = before_id(cursor)
    except BadCursor:
        raise Http404 from None
    problem = ""
    try:
        filters = Filters.from_query(request.GET)
    except BadFilter as bad:
        filters, problem = Filters(), str(bad)
    # Which rows first, and then all about these: nothing is joined for rows that are not shown.
    ids = [] if problem else list(filters.deliveries().filter(after).values_list("pk", flat=True)[: PAGE + 1])
    found = with_lines(Delivery.objects.filter(pk__in=ids[:PAGE]).order_by("-pk"))
    query = filters.to_query()
    return render(
        request,
        "deliveries/delivery_list.html",
        {
            "lines": lines_of(found),
            "older": str(ids[PAGE - 1]) if len(ids) > PAGE else "",
            "is_first": not cursor,
            "filters": filters,
            "described": described(filters),
            "query": query,
            "problem": problem,
            "choices": choices(),
            "views": _quick_views(query),
            "standstills": standstills(),
            "zone": timezone.get_current_timezone_name(),
            "to_resend": "" if problem else _to_resend(request, filters),
            "words": words(),
            "codes": code_words(),
            "state": {"deliveries": [], "sessions": [], "bots": []},
        },
        status=400 if problem else 200,
    )


def _quick_views(query: str) -> list[dict[str, Any]]:
    named = [
        (gettext("All"), Filters()),
        (gettext("Failed"), Filters(status=tuple(UNSETTLED), dismissed=False)),
        (gettext("Media"), Filters(kind=Kind.MEDIA)),
        (gettext("Maybe dropped"), Filters(suspect=True, dismissed=False)),
    ]
    return [{"name": name, "query": view.to_query(), "is_here": view.to_query() == query} for name, view in named]


def _to_resend(request: HttpRequest, filters: Filters) -> str:
    """How many of them a bulk resend would take, as its button says it; "" for none, and for who may not ask."""
    caller = caller_of(request)
    if caller is None or not caller.is_admin:
        return ""
    count = bulk.candidates(filters, accept_second_copy=False).order_by()[: COUNTED + 1].count()
    return f"{COUNTED}+" if count > COUNTED else str(count or "")


@require_safe
def delivery_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One delivery: how it stands and why, what is sent, and each attempt step by step, the newest first."""
    delivery = get_object_or_404(with_lines(Delivery.objects.all()), pk=pk)
    return render(
        request,
        "deliveries/delivery_detail.html",
        {
            "line": line_of(delivery),
            "still": standstill(delivery.session.bot),
            "text": written(Delivery.objects.select_related("tail").get(pk=pk))[0],
            "trace_id": _deciding_trace(delivery),
            "attempts": [
                _attempt(attempt) for attempt in delivery.attempts.order_by("-number").prefetch_related("typing_hints")
            ],
            "words": words(),
            "codes": code_words(),
            "state": {"deliveries": events_of([delivery]), "sessions": [], "bots": []},
        },
    )


@require_safe
def delivery_written(request: HttpRequest, pk: int) -> JsonResponse:
    """How much the model has written by now, in characters, and whether it has ended: no live event tells of text
    that no frame has taken along (decision 13), so a page asks where an answer says nothing for a while."""
    delivery = get_object_or_404(Delivery.objects.select_related("tail"), pk=pk)
    generated, reasoning = written(delivery)
    tail = getattr(delivery, "tail", None)
    return JsonResponse(
        {
            "seq": delivery.seq,
            "generated_length": len(generated),
            "reasoning_length": len(reasoning),
            "ended": tail is not None and tail.whole,
        }
    )


def _deciding_trace(delivery: Delivery) -> str:
    """QQ's trace id of the answer that decided against it; "" where there was none."""
    if delivery.status == Status.DELIVERED:
        return ""
    said = Chunk.objects.filter(segment__attempt__delivery=delivery, status__in=SAID_NO).exclude(trace_id="")
    return said.order_by("-pk").values_list("trace_id", flat=True).first() or ""


def _attempt(attempt: Attempt) -> dict[str, Any]:
    """The attempt as the template shows it."""
    took = None
    if attempt.finished_at and attempt.started_at:
        took = (attempt.finished_at - attempt.started_at).total_seconds()
    meaning = codes.meaning(attempt.code, get_language() or "en") if attempt.code else ""
    reason = in_words(attempt.reason) if attempt.reason else ""
    hints = list(attempt.typing_hints.all())
    return {
        "number": attempt.number,
        "mode": attempt.mode,
        "get_mode_display": attempt.get_mode_display,
        "status": attempt.status,
        "get_status_display": attempt.get_status_display,
        "requested_name": attempt.requested_name,
        "why": attempt.why,
        "bulk_id": attempt.bulk_id,
        "asked_at": attempt.asked_at,
        "took": f"{took:.1f}" if took is not None else "",
        "said": f"{reason} {attempt.code} {meaning}" if meaning else reason,
        "hints": hints,
        "hints_taken": sum(hint.status == ChunkStatus.ACCEPTED for hint in hints),
    }
