"""Pages of the sessions: the list, one conversation, and the raw wire of one chunk."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from adapter.redaction import redact
from qqconsole.conversations.models import InboundMessage, Session
from qqconsole.conversations.names import title_of
from qqconsole.conversations.narrowing import BadNarrowing, Narrowing
from qqconsole.conversations.summaries import summaries
from qqconsole.conversations.timeline import Timeline, timeline
from qqconsole.cursors import BadCursor, before_moment, microseconds_of, moment_cursor, moment_of
from qqconsole.deliveries.models import Chunk, Segment, SegmentStatus
from qqconsole.deliveries.reasons import in_words
from qqconsole.deliveries.sending import UPLOAD_SCENES
from qqconsole.deliveries.wire import restore_request
from qqconsole.live import snapshot
from qqconsole.live.documents import message_document, session_document
from qqconsole.live.words import code_words, words
from qqconsole.media.kinds import HARD_LIMIT, SOFT_LIMITS

PAGE = 50
"""Sessions on one page of the list."""


@require_safe
def session_list(request: HttpRequest) -> HttpResponse:
    """Sessions, newest first; ``?bot=`` and ``?q=`` narrow them, ``?cursor=`` is where an older page begins."""
    cursor = request.GET.get("cursor", "")
    try:
        narrowing = Narrowing.read(request.GET)
        rows = snapshot.newest_sessions().filter(narrowing.condition, before_moment("last_at", cursor))
    except (BadCursor, BadNarrowing):
        raise Http404 from None
    found = list(rows.values_list("pk", "last_at")[: PAGE + 1])
    shown = [pk for pk, _ in found[:PAGE]]
    lines = summaries(snapshot.newest_sessions().filter(pk__in=shown))
    older = moment_cursor(found[PAGE - 1][1], found[PAGE - 1][0]) if len(found) > PAGE else ""
    bots = snapshot.bots()
    names = {bot["bot"]: bot["name"] for bot in bots}
    return render(
        request,
        "conversations/session_list.html",
        {
            "lines": [{**_timed(line), "bot_name": names.get(line["bot"], "")} for line in lines],
            "older": older,
            "is_first": not cursor,
            "narrowing": narrowing,
            "bots": bots,
            "words": words(),
            "codes": code_words(),
            "state": {"sessions": lines, "bots": bots, "deliveries": []},
        },
    )


@require_safe
def session_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One conversation; ``?before=`` shows an older stretch, ``?delivery=`` opens the inspector on one."""
    session = get_object_or_404(Session.objects.select_related("bot"), pk=pk)
    try:
        before = moment_of(request.GET["before"]) if request.GET.get("before") else None
    except BadCursor:
        raise Http404 from None
    stretch = timeline(session, before)
    state = snapshot.session_snapshot(session, stretch)
    return render(
        request,
        "conversations/session_detail.html",
        {
            "session": session,
            "title": title_of(session_document(session)),
            "items": _items(stretch),
            "older": microseconds_of(stretch.older) if stretch.older else "",
            "is_newest": before is None,
            "takes_files": session.scene in UPLOAD_SCENES,
            "limits": {"hard": HARD_LIMIT, "soft": SOFT_LIMITS},
            "words": words(),
            "codes": code_words(),
            "state": state,
        },
    )


@require_safe
def chunk_wire(request: HttpRequest, pk: int) -> JsonResponse:
    """The raw request as it left and QQ's answer as it came, secrets taken out."""
    chunk = get_object_or_404(Chunk.objects.select_related("segment"), pk=pk)
    sent = json.dumps(restore_request(chunk, chunk.segment), ensure_ascii=False, indent=2)
    return JsonResponse({"request": redact(sent), "answer": redact(_indented(chunk.answer))})


def _items(stretch: Timeline) -> list[dict[str, Any]]:
    """The stretch as the template shows it (one query, for the bubbles' texts)."""
    bubbles: dict[int, list[dict[str, Any]]] = {delivery.pk: [] for delivery in stretch.deliveries}
    segments = Segment.objects.filter(attempt__delivery__in=list(bubbles)).select_related("attempt").order_by("pk")
    for segment in segments:
        bubbles[segment.attempt.delivery_id].append(
            {
                "row": segment,
                "accepted": segment.text[: segment.accepted_length],
                "rest": _rest(segment),
                "opens": segment.opens_with if segment.accepted_length else "",
                "closes": segment.closes_with if _is_whole(segment) else "",
            }
        )
    return [
        {"message": message_document(item), "at": item.received_at}
        if isinstance(item, InboundMessage)
        else {"delivery": item, "reason": in_words(item.reason), "bubbles": bubbles[item.pk], "at": item.created_at}
        for item in stretch.items
    ]


_OVER = (SegmentStatus.CLOSED, SegmentStatus.ENDED_BY_QQ, SegmentStatus.DELIVERED)


def _rest(segment: Segment) -> str:
    """What QQ has not got; a bubble that is over and was seen shows only what it has."""
    return "" if segment.status in _OVER and segment.accepted_length else segment.text[segment.accepted_length :]


def _is_whole(segment: Segment) -> bool:
    return segment.status in _OVER and segment.accepted_length >= len(segment.text)


def _timed(line: dict[str, Any]) -> dict[str, Any]:
    return {**line, "title": title_of(line), "last_at_time": datetime.fromisoformat(line["last_at"])}


def _indented(answer: str) -> str:
    try:
        return json.dumps(json.loads(answer), ensure_ascii=False, indent=2)
    except ValueError:
        return answer
