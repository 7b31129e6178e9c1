"""Sending what somebody asks for: a file, a picture at an address, a text. The row first, then the doorbell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from adapter.addresses import check_address
from adapter.errors import AddressRefused
from adapter.pieces import MediaKind
from adapter.storable import storable
from adapter.targets import Scene
from qqconsole.accounts.callers import Caller
from qqconsole.conversations.models import Session
from qqconsole.deliveries import audit
from qqconsole.deliveries.doorbell import ring_after_commit
from qqconsole.deliveries.models import Delivery, Kind
from qqconsole.live.documents import delivery_event
from qqconsole.live.publish import publish
from qqconsole.media.models import MediaFile

LONGEST_TEXT = 20_000
"""Characters of one message: far above what QQ takes in one, far below what would be an attack."""
LONGEST_ADDRESS = 2_000
LONGEST_CAPTION = 2_000
UPLOAD_SCENES = (Scene.C2C, Scene.GROUP)


@dataclass
class SendRefused(Exception):
    """It cannot be asked for; ``reason`` is a code word that ``deliveries.reasons`` puts into plain words."""

    reason: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}" if self.detail else self.reason


def send_media(
    session: Session,
    caller: Caller,
    *,
    file: MediaFile | None = None,
    url: str = "",
    kind: str = "",
    name: str = "",
    caption: str = "",
    idempotency_key: str = "",
) -> Delivery:
    """Queue one media item for the session, from the library or from an address; ``kind`` "" goes by its content.

    Returns the delivery; the one there is where ``idempotency_key`` was used before. Raises SendRefused (no_item,
    bad_address, no_uploads, bad_kind, too_long, key_used_elsewhere).
    """
    if kind and kind not in list(MediaKind):
        raise SendRefused("bad_kind", kind[:20])
    if (file is None) == (not url):
        raise SendRefused("no_item")
    if len(url) > LONGEST_ADDRESS or len(caption) > LONGEST_CAPTION:
        raise SendRefused("too_long")
    if session.scene not in UPLOAD_SCENES and (file is not None or kind not in ("", MediaKind.IMAGE)):
        raise SendRefused("no_uploads")
    if url:
        try:
            check_address(url, session.bot.allow_private_urls)
        except AddressRefused as refused:
            raise SendRefused("bad_address", str(refused)) from refused
        if not kind:
            kind = MediaKind.IMAGE if session.scene not in UPLOAD_SCENES else ""
    values = {"item": file, "url": url, "media_kind": kind, "file_name": name[:200], "caption": storable(caption)}
    return _queue(session, caller, Kind.MEDIA, audit.SEND_MEDIA, idempotency_key, values)


def send_text(session: Session, caller: Caller, text: str, *, idempotency_key: str = "") -> Delivery:
    """Queue one message with ``text``. Returns as ``send_media``.

    Raises SendRefused (empty, too_long, key_used_elsewhere)."""
    if not text.strip():
        raise SendRefused("empty")
    if len(text) > LONGEST_TEXT:
        raise SendRefused("too_long")
    values = {"generated_text": storable(text)}
    return _queue(session, caller, Kind.MESSAGE, audit.SEND_TEXT, idempotency_key, values)


def _queue(
    session: Session, caller: Caller, kind: Kind, action: str, idempotency_key: str, values: dict[str, Any]
) -> Delivery:
    key = storable(idempotency_key)[:100]
    try:
        with transaction.atomic():
            delivery = Delivery.objects.create(
                session=session,
                kind=kind,
                seq=1,
                requested_by=caller.user,
                requested_name=caller.name[:150],
                idempotency_key=key,
                **values,
            )
            Session.objects.filter(pk=session.pk).update(last_at=timezone.now())
            audit.record(caller, action, f"delivery {delivery.pk}", session=session.pk)
            transaction.on_commit(lambda: publish([delivery_event(delivery, session.bot_id)]))
            ring_after_commit(delivery.pk)
    except IntegrityError:
        known = Delivery.objects.filter(session=session, idempotency_key=key).first() if key else None
        if known is None:
            raise
        if known.kind != kind or any(getattr(known, name) != value for name, value in values.items()):
            raise SendRefused("key_used_elsewhere") from None
        return known
    return delivery
