"""The API's ways to send: take a file into the library, queue a media item or a text for a session."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import ninja
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.utils.translation import get_language
from ninja import File, Form, Schema
from ninja.files import UploadedFile
from pydantic import ConfigDict, Field

from qqconsole.api import schemas
from qqconsole.api.door import admitted
from qqconsole.api.schemas import FAILURES

# One address has one router: reading deliveries and queueing one differ by the method only.
from qqconsole.api.views import router as router
from qqconsole.conversations.models import Session
from qqconsole.deliveries.models import Delivery
from qqconsole.deliveries.sending import send_media, send_text
from qqconsole.live.documents import delivery_document, item_document
from qqconsole.live.snapshot import whole
from qqconsole.media.intake import take_in
from qqconsole.media.kinds import as_sent
from qqconsole.media.models import MediaFile
from qqconsole.media.names import clean_name, sent_name
from qqconsole.media.reasons import in_words


class DeliveryRequest(Schema):
    """``media`` sends ``file`` (its id in the library) or what lies at ``url``; ``message`` sends ``text``."""

    model_config = ConfigDict(extra="forbid")

    session: Annotated[int, Field(ge=1, lt=2**63)]
    kind: Literal["media", "message"]
    file: Annotated[int | None, Field(ge=1, lt=2**63)] = None
    url: str = ""
    media_kind: Annotated[str, Field(description="image, video, voice or file; empty: what its content is.")] = ""
    name: Annotated[str, Field(max_length=200)] = ""
    caption: str = ""
    text: str = ""
    idempotency_key: Annotated[
        str, Field(max_length=100, description="Your own name for it: asked twice under one, it is sent once.")
    ] = ""


@router.post(
    "/media",
    response={201: schemas.MediaDocument, **FAILURES},
    summary="Take a file into the library; content that is there already is not stored again",
)
def upload(
    request: HttpRequest, file: File[UploadedFile], media_kind: Annotated[str, Form()] = ""
) -> ninja.Status[dict[str, Any]]:
    user = admitted(request).user
    taken = take_in(file.file, name=sent_name(file.name or ""), length=file.size, user=user)  # type: ignore[arg-type]
    return ninja.Status(201, _media_document(taken, media_kind))


@router.get(
    "/media/{int:media_id}", response={200: schemas.MediaDocument, **FAILURES}, summary="One file of the library"
)
def media(request: HttpRequest, media_id: int) -> dict[str, Any]:
    return _media_document(get_object_or_404(MediaFile, pk=media_id))


@router.post(
    "/deliveries",
    response={201: schemas.DeliveryDocument, **FAILURES},
    summary="Queue a media item or a text for a session",
)
def send(request: HttpRequest, wanted: DeliveryRequest) -> ninja.Status[dict[str, Any]]:
    caller = admitted(request)
    session = get_object_or_404(Session.objects.select_related("bot"), pk=wanted.session)
    if wanted.kind == "message":
        delivery = send_text(session, caller, wanted.text, idempotency_key=wanted.idempotency_key)
    else:
        file = None if wanted.file is None else get_object_or_404(MediaFile, pk=wanted.file)
        delivery = send_media(
            session,
            caller,
            file=file,
            url=wanted.url,
            kind=wanted.media_kind,
            name=clean_name(wanted.name),
            caption=wanted.caption,
            idempotency_key=wanted.idempotency_key,
        )
    made = whole(Delivery.objects.all()).get(pk=delivery.pk)
    return ninja.Status(201, delivery_document(made, get_language() or "en"))


def _media_document(file: MediaFile, wanted: str = "") -> dict[str, Any]:
    """The file and, before it is sent, what QQ will take it as. Raises MediaProblem(wrong_type)."""
    kind, note = as_sent(file, wanted)
    return {**item_document(file), "sent_as": kind, "note": note, "note_words": in_words(note) if note else ""}
