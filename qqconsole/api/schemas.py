"""What the API answers, for its OpenAPI document. The documents are made in ``qqconsole.live.documents``."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ninja import Schema


class Failure(Schema):
    code: str
    message: str


class FailureDocument(Schema):
    error: Failure


class SessionDocument(Schema):
    id: int
    bot: int
    scene: str
    target_id: str
    name: str
    created_at: datetime
    last_at: datetime


class BotDocument(Schema):
    id: int
    name: str
    enabled: bool
    is_demo: bool
    app_id: str
    api_base: str
    dialect: str
    source: str
    source_url: str
    source_model: str
    connection: dict[str, Any]


class ItemDocument(Schema):
    id: int
    kind: str
    name: str
    mime: str
    size: int
    sha256: str
    width: int | None
    height: int | None
    duration_ms: int | None
    thumbnail: bool


class DeliveryHead(Schema):
    id: int
    seq: int
    session: int
    bot: int
    inbound: int | None
    kind: str
    status: str
    reason: str
    code: int | None
    detail: str
    failed_step: str
    generated_length: int
    text: str
    item: ItemDocument | None
    url: str
    file_name: str
    media_kind: str
    caption: str
    requested_name: str
    due_at: datetime | None
    dismissed_at: datetime | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class ChunkDocument(Schema):
    id: int
    number: int
    kind: str
    status: str
    state: int | None
    index: int | None
    msg_seq: int | None
    start: int
    text: str
    why: str
    http_status: int | None
    code: int | None
    meaning: str
    message: str
    trace_id: str
    sent_at: datetime
    answered_at: datetime | None
    elapsed_ms: float | None


class SegmentDocument(Schema):
    id: int
    number: int
    kind: str
    purpose: str
    status: str
    dialect: str
    stream_id: str
    reference: str
    text: str
    accepted_length: int
    media: dict[str, Any] | None
    opened_at: datetime
    closed_at: datetime | None
    chunks: list[ChunkDocument]


class AttemptDocument(Schema):
    number: int
    mode: str
    status: str
    reason: str
    code: int | None
    meaning: str
    requested_by: str | None
    requested_name: str
    why: str
    bulk: int | None
    asked_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    segments: list[SegmentDocument]


class DeliveryDocument(DeliveryHead):
    meaning: str
    generated_text: str
    reasoning_text: str
    cancel_requested_at: datetime | None
    attempts: list[AttemptDocument]


class SessionPage(Schema):
    items: list[SessionDocument]
    next: str | None


class DeliveryPage(Schema):
    items: list[DeliveryHead]
    next: str | None


class BotPage(Schema):
    items: list[BotDocument]
    next: str | None


class CancelDocument(Schema):
    id: int
    cancelling: bool
