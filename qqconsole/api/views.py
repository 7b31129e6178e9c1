"""The API's questions, and ``cancel``. Reading never causes a send."""

from __future__ import annotations

from typing import Annotated, Any

import ninja
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.utils.translation import get_language
from ninja import Query, Router
from ninja.errors import HttpError

from qqconsole.api import schemas
from qqconsole.api.pages import page
from qqconsole.api.schemas import FAILURES
from qqconsole.bots.models import Bot
from qqconsole.conversations.models import Session
from qqconsole.cursors import before_id, before_moment, moment_cursor
from qqconsole.deliveries.models import Delivery
from qqconsole.deliveries.selecting import Filters
from qqconsole.engine.cancel import request_cancel
from qqconsole.live.documents import bot_document, delivery_document, delivery_head, session_document
from qqconsole.live.snapshot import whole

router = Router()

Limit = Annotated[int, Query(ge=1, le=200)]
RowId = Annotated[int | None, Query(ge=1, lt=2**63)]
Cursor = Annotated[str, Query(max_length=60, description="From the `next` of the page before.")]


@router.get("/bots", response={200: schemas.BotPage, **FAILURES}, summary="Bots, without their secrets")
def bots(request: HttpRequest) -> dict[str, Any]:
    rows = Bot.objects.select_related("connection", "gate").defer("secret", "source_key")
    return {"items": [bot_document(bot) for bot in rows], "next": None}


@router.get("/sessions", response={200: schemas.SessionPage, **FAILURES}, summary="Sessions, newest first")
def sessions(request: HttpRequest, bot: RowId = None, limit: Limit = 50, cursor: Cursor = "") -> dict[str, Any]:
    rows = Session.objects.filter(before_moment("last_at", cursor)).order_by("-last_at", "-pk")
    if bot is not None:
        rows = rows.filter(bot=bot)
    return page(request, rows, limit, session_document, lambda row: moment_cursor(row.last_at, row.pk))


@router.get("/deliveries", response={200: schemas.DeliveryPage, **FAILURES}, summary="Deliveries, newest first")
def deliveries(
    request: HttpRequest,
    narrowed: Query[schemas.FilterQuery],
    limit: Limit = 50,
    cursor: Cursor = "",
) -> dict[str, Any]:
    rows = Filters.from_json(narrowed.dict()).deliveries()
    rows = rows.select_related("session", "item").filter(before_id(cursor))
    return page(request, rows, limit, delivery_head, lambda row: str(row.pk))


@router.get(
    "/deliveries/{int:delivery_id}",
    response={200: schemas.DeliveryDocument, **FAILURES},
    summary="One delivery with every attempt, segment and chunk",
)
def delivery(request: HttpRequest, delivery_id: int) -> dict[str, Any]:
    rows = whole(Delivery.objects.all())
    return delivery_document(get_object_or_404(rows, pk=delivery_id), get_language() or "en")


@router.post(
    "/deliveries/{int:delivery_id}/cancel",
    response={202: schemas.CancelDocument, **FAILURES},
    summary="Stop a delivery that has not ended: its open segment is closed, the rest is not sent",
)
def cancel(request: HttpRequest, delivery_id: int) -> ninja.Status[dict[str, Any]]:
    row = get_object_or_404(Delivery.objects.only("pk", "status"), pk=delivery_id)
    if not request_cancel(row.pk):
        raise HttpError(409, "This delivery has ended already.")
    return ninja.Status(202, {"id": row.pk, "cancelling": True})
