"""What the API answers, for its OpenAPI document. The documents are made in ``qqconsole.live.documents``."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from ninja import Schema
from pydantic import BeforeValidator, Field

from qqconsole.deliveries.models import Kind, Status
from qqconsole.media.models import MediaKind


class Failure(Schema):
    code: str
    message: str
    reason: str | None = None
    """Where the console itself refuses: its code word, steadier than the message."""
    detail: str | None = None


class FailureDocument(Schema):
    error: Failure


FAILURES: dict[Any, Any] = {code: FailureDocument for code in (400, 401, 403, 404, 409, 413, 422, 503, 507)}


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
    after_4009: str
    settle_ms: int
    connection: dict[str, Any]
    sending: Annotated[
        dict[str, Any], Field(description="Whether it may send: well, paused (why, until when) or on trial.")
    ]


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


class MediaDocument(ItemDocument):
    sent_as: str
    """What QQ will take it as: a video that is too large goes as a file."""
    note: str
    note_words: str


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
    suspect: Annotated[
        bool, Field(description="Sent while QQ's gateway session was lost: QQ may have dropped some of it.")
    ]
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
    suspect: bool


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
    opens_with: Annotated[str, Field(description="In the bubble before the text: a fence that was cut, opened again.")]
    closes_with: Annotated[str, Field(description="In the bubble behind the text: what closes a fence that was cut.")]
    full: Annotated[bool, Field(description="The text goes straight on in the next segment.")]
    suspect: bool
    media: dict[str, Any] | None
    decision: dict[str, Any] | None
    opened_at: datetime
    closed_at: datetime | None
    chunks: list[ChunkDocument]


class AttemptHead(Schema):
    number: int
    mode: str
    status: str
    reason: str
    code: int | None
    requested_name: str
    why: str
    bulk: int | None
    asked_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class TypingHintDocument(Schema):
    msg_seq: int
    seconds: int
    status: str
    code: int | None
    trace_id: str
    sent_at: datetime


class AttemptDocument(AttemptHead):
    meaning: str
    requested_by: str | None
    segments: list[SegmentDocument]
    typing_hints: list[TypingHintDocument]


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


RowId = Annotated[int, Field(ge=1, lt=2**63)]


def _as_list(value: object) -> object:
    """One status may stand by itself."""
    return [value] if isinstance(value, str) else value


class FilterQuery(Schema):
    """What is left out does not narrow (``deliveries.selecting``)."""

    bot: RowId | None = None
    session: RowId | None = None
    kind: Kind | None = None
    type: Annotated[MediaKind | None, Field(description="Of a media delivery.")] = None
    status: Annotated[list[Status], BeforeValidator(_as_list), Field(description="Any of these.")] = []
    code: Annotated[int | None, Field(description="QQ's code it ended with.", ge=0, lt=2**31)] = None
    step: Annotated[
        Literal["fetch", "prepare", "part", "finish", "upload", "send"] | None,
        Field(description="Where a media item failed."),
    ] = None
    since: Annotated[datetime | None, Field(description="Asked for at this moment or later.")] = None
    until: Annotated[datetime | None, Field(description="Asked for before this moment.")] = None
    dismissed: Annotated[bool | None, Field(description="Only what was dismissed, or all but that.")] = None
    bulk: Annotated[RowId | None, Field(description="What this bulk resend sent again.")] = None
    suspect: Annotated[bool | None, Field(description="Only what QQ may have dropped, or all but that.")] = None


class ResendDocument(Schema):
    id: int
    status: str
    attempt: AttemptHead


class RepeatDocument(Schema):
    msg_id: str
    msg_seq: int
    until: datetime


class OutlookDocument(Schema):
    refused: str
    refused_words: str
    passive: bool
    passive_why: str
    passive_words: str
    window_until: datetime | None
    replies_used: int
    replies_most: int | None
    not_before: datetime | None
    upload: str
    likely_refused: int | None
    likely_meaning: str
    likely_why: str
    likely_words: str
    second_copy: bool
    repeat: RepeatDocument | None
    anew: bool
    missing: list[str]


class ShareDocument(Schema):
    bot_id: int
    name: str
    count: int
    estimate_seconds: int


class PreviewDocument(Schema):
    count: int
    matching: int
    matching_capped: bool
    doubtful: int
    capped: bool
    cap: int
    newest_id: int
    estimate_seconds: int
    by_bot: list[ShareDocument]


class BulkDocument(Schema):
    id: int
    status: str
    filters: dict[str, Any]
    requested_name: str
    why: str
    created_at: datetime
    finished_at: datetime | None
    progress: dict[str, int]


class CancelDocument(Schema):
    id: int
    cancelling: bool
