"""The API's ways to send again: one delivery, or all that match a filter. The decisions are ``deliveries.resend``'s."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any, Literal

import ninja
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import get_language
from ninja import Router, Schema
from pydantic import ConfigDict, Field

from adapter import codes
from qqconsole.api import schemas
from qqconsole.api.door import admitted
from qqconsole.api.schemas import FAILURES, FilterQuery, ResendDocument
from qqconsole.deliveries import bulk
from qqconsole.deliveries.models import BulkResend, Delivery, Mode
from qqconsole.deliveries.outlook import outlook
from qqconsole.deliveries.reasons import in_words
from qqconsole.deliveries.resend import dismiss, resend, undismiss
from qqconsole.deliveries.selecting import Filters
from qqconsole.live.documents import attempt_row, delivery_head

router = Router()


class ResendRequest(Schema):
    """Why, and how: ``repeat`` sends the one unproven message again under its own (msg_id, msg_seq)."""

    model_config = ConfigDict(extra="forbid")

    why: Annotated[str, Field(max_length=200)] = ""
    mode: Literal["resend", "repeat"] = "resend"
    accept_second_copy: Annotated[
        bool, Field(description="QQ may have it already: send it though the user may then see it twice.")
    ] = False
    idempotency_key: Annotated[
        str, Field(max_length=100, description="Your own name for it: asked twice under one, it is one attempt.")
    ] = ""


class BulkFilters(FilterQuery):
    """A filter that is spelt wrong must not select everything."""

    model_config = ConfigDict(extra="forbid")


class BulkQuestion(Schema):
    model_config = ConfigDict(extra="forbid")

    filters: BulkFilters
    accept_second_copy: Annotated[bool, Field(description="Also those that QQ may have already.")] = False


class BulkRequest(BulkQuestion):
    """What the preview showed, so that nothing else is sent again."""

    expected_total: Annotated[int, Field(ge=0, lt=2**31)]
    newest_id: Annotated[int, Field(ge=0, lt=2**63)] = 0
    why: Annotated[str, Field(max_length=200)] = ""
    idempotency_key: Annotated[str, Field(max_length=100)] = ""


@router.get(
    "/deliveries/{int:delivery_id}/outlook",
    response={200: schemas.OutlookDocument, **FAILURES},
    summary="What sending it again would bring about: told before, nothing is sent",
)
def look_ahead(request: HttpRequest, delivery_id: int) -> dict[str, Any]:
    rows = Delivery.objects.select_related("session__bot", "inbound", "item")
    told = asdict(outlook(get_object_or_404(rows, pk=delivery_id), timezone.now()))
    code = told["likely_refused"]
    return {
        **told,
        "refused_words": in_words(told["refused"]) if told["refused"] else "",
        "passive_words": in_words(told["passive_why"]) if told["passive_why"] else "",
        "likely_words": in_words(told["likely_why"]) if told["likely_why"] else "",
        "likely_meaning": codes.meaning(code, get_language() or "en") if code else "",
    }


@router.post(
    "/deliveries/{int:delivery_id}/resend",
    response={202: ResendDocument, **FAILURES},
    summary="Send again what QQ does not have, as a new attempt (admins)",
)
def send_again(
    request: HttpRequest, delivery_id: int, asked: ResendRequest | None = None
) -> ninja.Status[dict[str, Any]]:
    asked = asked or ResendRequest()
    attempt = resend(
        delivery_id,
        admitted(request),
        why=asked.why,
        mode=Mode(asked.mode),
        idempotency_key=asked.idempotency_key,
        accept_second_copy=asked.accept_second_copy,
    )
    status = Delivery.objects.values_list("status", flat=True).get(pk=delivery_id)
    return ninja.Status(202, {"id": delivery_id, "status": status, "attempt": attempt_row(attempt)})


@router.post(
    "/deliveries/{int:delivery_id}/dismiss",
    response={200: schemas.DeliveryHead, **FAILURES},
    summary="List a failed delivery no longer (admins)",
)
def take_off(request: HttpRequest, delivery_id: int) -> dict[str, Any]:
    return delivery_head(dismiss(delivery_id, admitted(request)))


@router.post(
    "/deliveries/{int:delivery_id}/undismiss",
    response={200: schemas.DeliveryHead, **FAILURES},
    summary="Take a dismissal back (admins)",
)
def put_back(request: HttpRequest, delivery_id: int) -> dict[str, Any]:
    return delivery_head(undismiss(delivery_id, admitted(request)))


@router.post(
    "/resends/preview",
    response={200: schemas.PreviewDocument, **FAILURES},
    summary="How many deliveries a filter would send again, and how long it takes (admins)",
)
def preview(request: HttpRequest, asked: BulkQuestion) -> dict[str, Any]:
    filters = Filters.from_json(asked.filters.dict())
    return asdict(bulk.preview(filters, admitted(request), accept_second_copy=asked.accept_second_copy))


@router.post("/resends", response={202: schemas.BulkDocument, **FAILURES}, summary="Send again all that match (admins)")
def start(request: HttpRequest, asked: BulkRequest) -> ninja.Status[dict[str, Any]]:
    begun = bulk.start(
        Filters.from_json(asked.filters.dict()),
        admitted(request),
        expected_total=asked.expected_total,
        newest_id=asked.newest_id,
        why=asked.why,
        idempotency_key=asked.idempotency_key,
        accept_second_copy=asked.accept_second_copy,
    )
    return ninja.Status(202, _bulk_document(begun))


@router.get("/resends/{int:resend_id}", response={200: schemas.BulkDocument, **FAILURES}, summary="How it stands")
def standing(request: HttpRequest, resend_id: int) -> dict[str, Any]:
    return _bulk_document(get_object_or_404(BulkResend, pk=resend_id))


@router.post(
    "/resends/{int:resend_id}/cancel",
    response={202: schemas.BulkDocument, **FAILURES},
    summary="Stop it: what has not begun goes back to how it stood (admins)",
)
def cancel(request: HttpRequest, resend_id: int) -> ninja.Status[dict[str, Any]]:
    get_object_or_404(BulkResend.objects.only("pk"), pk=resend_id)
    return ninja.Status(202, _bulk_document(bulk.cancel(resend_id, admitted(request))))


def _bulk_document(row: BulkResend) -> dict[str, Any]:
    return {
        "id": row.pk,
        "status": row.status,
        "filters": row.filters,
        "requested_name": row.requested_name,
        "why": row.why,
        "created_at": row.created_at,
        "finished_at": row.finished_at,
        "progress": asdict(bulk.progress(row)),
    }
