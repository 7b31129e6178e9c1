"""Delivery → Attempt → Segment → Chunk: one answer, each try at it, each bubble of the try, each request of the bubble.

The row is the truth: a Chunk is committed as *sending* before its request leaves, and gets QQ's answer afterwards.
"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from qqconsole.conversations.models import InboundMessage, Session
from qqconsole.deliveries.ledger_rows import PassivePair as PassivePair
from qqconsole.deliveries.ledger_rows import ProactiveSend as ProactiveSend
from qqconsole.deliveries.ledger_rows import TypingHint as TypingHint
from qqconsole.media.models import MediaFile, MediaKind


class Kind(models.TextChoices):
    REPLY = "reply", _("reply")
    MESSAGE = "message", _("message")
    MEDIA = "media", _("media")


class Status(models.TextChoices):
    QUEUED = "queued", _("queued")
    SENDING = "sending", _("sending")
    DELIVERED = "delivered", _("delivered")
    IN_REVIEW = "in_review", _("in review")
    FAILED = "failed", _("failed")
    UNKNOWN = "unknown", _("unknown")
    INTERRUPTED = "interrupted", _("interrupted")
    CANCELLED = "cancelled", _("cancelled")


OPEN = (Status.QUEUED, Status.SENDING)
UNSETTLED = (Status.FAILED, Status.UNKNOWN, Status.INTERRUPTED)
"""What somebody has to look at, until it is sent again or dismissed."""


class Delivery(models.Model):
    session = models.ForeignKey(
        Session, on_delete=models.CASCADE, related_name="deliveries", db_index=False, verbose_name=_("session")
    )
    inbound = models.ForeignKey(
        InboundMessage,
        on_delete=models.SET_NULL,
        null=True,
        related_name="deliveries",
        verbose_name=_("answers the message"),
    )
    kind = models.CharField(_("kind"), max_length=8, choices=Kind, default=Kind.REPLY)
    status = models.CharField(_("status"), max_length=12, choices=Status, default=Status.QUEUED)
    reason = models.CharField(_("reason"), max_length=40, blank=True)
    """A code word that ``deliveries.reasons`` puts into plain words: why it is in this status."""
    code = models.IntegerField(_("QQ's code"), null=True)
    suspect = models.BooleanField(_("QQ may have dropped it"), default=False)
    """Some of it was accepted while the gateway session was lost: QQ may have shown it to nobody."""
    detail = models.TextField(_("details"), blank=True)
    """For the engineer: the other side's own words, secrets taken out."""
    generated_text = models.TextField(_("text written"), blank=True)
    reasoning_text = models.TextField(_("reasoning"), blank=True)
    """What the model thought aloud; for the inspector, never sent."""

    seq = models.PositiveIntegerField(_("version"), default=0)
    """Grows by one with every committed change; each live event carries it."""
    owner = models.CharField(_("process"), max_length=64, blank=True)
    lease_until = models.DateTimeField(_("lease ends"), null=True)
    fence = models.PositiveIntegerField(_("claims"), default=0)
    """Grows with every claim; a write with an older fence is refused."""
    due_at = models.DateTimeField(_("not before"), null=True)
    """Not begun before; none: as soon as its turn comes."""

    item = models.ForeignKey(
        MediaFile, on_delete=models.PROTECT, null=True, related_name="deliveries", verbose_name=_("file of the library")
    )
    """What a media delivery sends, where the library has it; else ``url`` says where it lies."""
    url = models.TextField(_("address"), blank=True)
    media_kind = models.CharField(_("to be sent as"), max_length=8, choices=MediaKind, blank=True)
    """What it is to be sent as; empty: what its content is."""
    file_name = models.CharField(_("file name"), max_length=200, blank=True)
    caption = models.TextField(_("caption"), blank=True)
    failed_step = models.CharField(_("failed step"), max_length=8, blank=True)
    """The kind of chunk that decided against it."""

    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+", verbose_name=_("account")
    )
    requested_name = models.CharField(_("asked by"), max_length=150, blank=True)
    """The person or API token that asked for it, as it was called then; empty: it answers a message by itself."""
    idempotency_key = models.CharField(_("idempotency key"), max_length=100, blank=True)
    """The asker's own name for the request: asked twice under the same one, there is one delivery."""
    dismissed_at = models.DateTimeField(_("dismissed at"), null=True)
    """An admin has seen that it failed, and it is to be listed no longer."""
    cancel_requested_at = models.DateTimeField(_("stop asked for"), null=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    started_at = models.DateTimeField(_("begun"), null=True)
    finished_at = models.DateTimeField(_("ended"), null=True)

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        constraints = [
            models.UniqueConstraint(
                fields=["inbound"], condition=models.Q(kind="reply"), name="one_reply_per_inbound_message"
            ),
            models.UniqueConstraint(
                fields=["session", "idempotency_key"],
                condition=~models.Q(idempotency_key=""),
                name="one_delivery_per_idempotency_key",
            ),
        ]
        indexes = [
            models.Index(fields=["session", "id"], name="deliveries_of_session"),
            models.Index(fields=["session", "-created_at", "-id"], name="deliveries_in_time"),
            models.Index(fields=["session", "id"], condition=models.Q(status__in=OPEN), name="deliveries_open"),
            models.Index(fields=["created_at"], name="deliveries_by_time"),
            models.Index(fields=["status", "-id"], name="deliveries_by_status"),
            models.Index(fields=["kind", "-id"], name="deliveries_of_kind"),
            models.Index(
                fields=["-id"],
                condition=models.Q(status__in=UNSETTLED, dismissed_at__isnull=True),
                name="deliveries_unsettled",
            ),
            models.Index(
                fields=["-id"],
                condition=models.Q(kind=Kind.MEDIA, status__in=UNSETTLED, dismissed_at__isnull=True),
                name="deliveries_unsettled_media",
            ),
            models.Index(
                fields=["status", "-id"],
                condition=models.Q(dismissed_at__isnull=False),
                name="deliveries_dismissed_as",
            ),
            models.Index(fields=["-id"], condition=models.Q(dismissed_at__isnull=False), name="deliveries_dismissed"),
            models.Index(fields=["-id"], condition=models.Q(suspect=True), name="deliveries_suspect"),
            models.Index(fields=["code", "-id"], condition=models.Q(code__isnull=False), name="deliveries_by_code"),
            models.Index(fields=["failed_step", "-id"], condition=~models.Q(failed_step=""), name="deliveries_by_step"),
            models.Index(fields=["file_name", "item"], condition=~models.Q(file_name=""), name="deliveries_by_name"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.pk} ({self.get_status_display()})"


class Tail(models.Model):
    """The end of what a delivery's source has written so far, which none of its frames has taken along yet.

    A row of its own, and a small one: it is written over several times a second while a model speaks.
    """

    delivery = models.OneToOneField(Delivery, on_delete=models.CASCADE, primary_key=True, related_name="tail")
    start = models.PositiveIntegerField()
    """Where ``text`` begins in the generated text, characters; ``reasoning_start`` likewise."""
    text = models.TextField()
    reasoning_start = models.PositiveIntegerField()
    reasoning = models.TextField()
    whole = models.BooleanField()
    """The source has ended: nothing comes behind it."""

    def __str__(self) -> str:
        return f"tail of delivery {self.delivery_id} from {self.start}"


class Mode(models.TextChoices):
    FIRST = "first", _("first")
    RESEND = "resend", _("sent again")
    REPEAT = "repeat", _("exact repeat")


class Attempt(models.Model):
    delivery = models.ForeignKey(
        Delivery, on_delete=models.CASCADE, related_name="attempts", db_index=False, verbose_name=_("delivery")
    )
    number = models.PositiveIntegerField(_("number"))
    mode = models.CharField(_("mode"), max_length=8, choices=Mode, default=Mode.FIRST)
    """resend: what QQ does not have yet; repeat: the last unproven message under its own (msg_id, msg_seq)."""
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+", verbose_name=_("account")
    )
    requested_name = models.CharField(_("asked by"), max_length=150, blank=True)
    why = models.CharField(_("reason given"), max_length=200, blank=True)
    idempotency_key = models.CharField(_("idempotency key"), max_length=100, blank=True)
    """The asker's own name for the request: asked twice under the same one, there is one attempt."""
    bulk = models.ForeignKey(
        "BulkResend", on_delete=models.SET_NULL, null=True, related_name="attempts", verbose_name=_("bulk resend")
    )
    status = models.CharField(_("status"), max_length=12, choices=Status, default=Status.SENDING)
    """*queued*: somebody asked for it and it has not begun."""
    reason = models.CharField(_("reason"), max_length=40, blank=True)
    code = models.IntegerField(_("QQ's code"), null=True)
    """How it ended, kept when a later attempt gives the delivery another end."""
    asked_at = models.DateTimeField(_("asked at"), default=timezone.now)
    started_at = models.DateTimeField(_("begun"), null=True)
    finished_at = models.DateTimeField(_("ended"), null=True)

    class Meta:
        verbose_name = _("attempt")
        verbose_name_plural = _("attempts")
        constraints = [
            models.UniqueConstraint(fields=["delivery", "number"], name="one_number_per_attempt_of_delivery"),
            models.UniqueConstraint(
                fields=["delivery", "idempotency_key"],
                condition=~models.Q(idempotency_key=""),
                name="one_attempt_per_idempotency_key",
            ),
        ]
        indexes = [models.Index(fields=["bulk", "status"], name="attempts_of_bulk")]

    def __str__(self) -> str:
        return f"attempt {self.number} of {self.delivery_id}"


class BulkStatus(models.TextChoices):
    RUNNING = "running", _("running")
    DONE = "done", _("done")
    CANCELLED = "cancelled", _("cancelled")


class BulkResend(models.Model):
    """Many failed deliveries sent again by one click: one row, one audit line, one Attempt for each delivery."""

    filters = models.JSONField(_("filters"), default=dict)
    """What was selected (``deliveries.selecting``), as the asker saw it."""
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+", verbose_name=_("account")
    )
    requested_name = models.CharField(_("asked by"), max_length=150, blank=True)
    why = models.CharField(_("reason given"), max_length=200, blank=True)
    idempotency_key = models.CharField(_("idempotency key"), max_length=100, blank=True)
    status = models.CharField(_("status"), max_length=10, choices=BulkStatus, default=BulkStatus.RUNNING)
    total = models.PositiveIntegerField(_("selected"), default=0)
    """How many the preview counted."""
    newest_id = models.BigIntegerField(_("newest delivery"), default=0)
    """No delivery with a higher key belongs to it: what fails later was not in the preview."""
    cursor = models.BigIntegerField(_("enrolled up to"), default=0)
    """Deliveries up to this key are enrolled: a restart goes on behind it."""
    enrolled = models.PositiveIntegerField(_("enrolled"), default=0)
    skipped = models.PositiveIntegerField(_("left out"), default=0)
    """Selected, but no longer to be sent again when their turn came."""
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    finished_at = models.DateTimeField(_("ended"), null=True)

    class Meta:
        verbose_name = _("bulk resend")
        verbose_name_plural = _("bulk resends")
        constraints = [
            models.UniqueConstraint(
                fields=["idempotency_key"],
                condition=~models.Q(idempotency_key=""),
                name="one_bulk_per_idempotency_key",
            )
        ]

    def __str__(self) -> str:
        return f"bulk resend {self.pk} ({self.status})"


class SegmentKind(models.TextChoices):
    STREAM = "stream", _("stream")
    PLAIN = "plain", _("plain message")
    MEDIA = "media", _("media")


class SegmentStatus(models.TextChoices):
    OPEN = "open", _("open")
    CLOSED = "closed", _("closed")
    ENDED_BY_QQ = "ended_by_qq", _("ended by QQ")
    UNCLOSED = "unclosed", _("left open")
    DELIVERED = "delivered", _("delivered")
    IN_REVIEW = "in_review", _("in review")
    FAILED = "failed", _("failed")
    UNKNOWN = "unknown", _("unknown")


class Segment(models.Model):
    attempt = models.ForeignKey(
        Attempt, on_delete=models.CASCADE, related_name="segments", db_index=False, verbose_name=_("attempt")
    )
    number = models.PositiveIntegerField(_("number"))
    kind = models.CharField(_("kind"), max_length=8, choices=SegmentKind)
    purpose = models.CharField(_("purpose"), max_length=12, default="reply")
    """reply · rest (what a broken stream could not take) · notice."""
    status = models.CharField(_("status"), max_length=12, choices=SegmentStatus, default=SegmentStatus.OPEN)
    dialect = models.CharField(_("dialect"), max_length=20, blank=True)
    stream_id = models.CharField(_("QQ's id"), max_length=200, blank=True)
    """QQ's id of the stream, or of the plain message."""
    reference = models.CharField(_("answers the msg_id"), max_length=200, blank=True)
    """The msg_id this bubble answers; empty: proactive."""
    text = models.TextField(_("text"), blank=True)
    """All text given to this segment so far."""
    opens_with = models.TextField(_("before the text"), blank=True)
    """In the bubble, before ``text``: the fence that the full segment before had to close (a declared transform)."""
    closes_with = models.TextField(_("behind the text"), blank=True)
    """In the bubble, behind ``text`` once it is whole: what closes the fence it was cut in. Empty at the end where
    no frame brought it."""
    full = models.BooleanField(_("full"), default=False)
    """It could hold no more: the text goes straight on in the next segment."""
    accepted_length = models.PositiveIntegerField(_("characters QQ has"), default=0)
    """Characters of ``text`` that QQ has proven to have."""
    suspect = models.BooleanField(_("QQ may have dropped it"), default=False)
    media = models.JSONField(_("media"), null=True)
    decision = models.JSONField(_("passive or proactive"), null=True)
    """How it was decided under which message it goes, and what that rests on (``deliveries.passive.Passive``)."""
    opened_at = models.DateTimeField(_("begun"))
    closed_at = models.DateTimeField(_("ended"), null=True)
    seq = models.PositiveIntegerField(_("version"), default=0)
    """The delivery's ``seq`` when this row last changed: what replay asks by."""

    class Meta:
        verbose_name = _("segment")
        verbose_name_plural = _("segments")
        constraints = [models.UniqueConstraint(fields=["attempt", "number"], name="one_number_per_segment_of_attempt")]

    def __str__(self) -> str:
        return f"segment {self.number} of attempt {self.attempt_id}"


class ChunkKind(models.TextChoices):
    OPENING = "opening", _("opening")
    MIDDLE = "middle", _("middle")
    CLOSING = "closing", _("closing")
    PLAIN = "plain", _("plain message")
    FETCH = "fetch", _("fetching the address")
    PREPARE = "prepare", _("preparing the upload")
    PART = "part", _("part")
    FINISH = "finish", _("finishing a part")
    UPLOAD = "upload", _("upload")
    MEDIA = "media", _("media")


class ChunkStatus(models.TextChoices):
    SENDING = "sending", _("sending")
    ACCEPTED = "accepted", _("accepted")
    DUPLICATE = "duplicate", _("duplicate refused")
    IN_REVIEW = "in_review", _("in review")
    REFUSED = "refused", _("refused")
    THROTTLED = "throttled", _("throttled")
    UNKNOWN = "unknown", _("unknown")


class Chunk(models.Model):
    # The unique constraint begins with it: one index less to write for each request.
    segment = models.ForeignKey(
        Segment, on_delete=models.CASCADE, related_name="chunks", db_index=False, verbose_name=_("segment")
    )
    number = models.PositiveIntegerField(_("number"))
    kind = models.CharField(_("kind"), max_length=8, choices=ChunkKind)
    status = models.CharField(_("status"), max_length=10, choices=ChunkStatus, default=ChunkStatus.SENDING)
    state = models.PositiveSmallIntegerField(_("QQ's state"), null=True)
    """QQ's own number in the frame: 1 generating, 10 finished; none outside a stream."""
    index = models.IntegerField(_("index"), null=True)
    msg_seq = models.PositiveBigIntegerField("msg_seq", null=True)
    start = models.PositiveIntegerField(_("first character"), default=0)
    """Where ``text`` begins in the segment's text, characters."""
    text = models.TextField(_("text"), blank=True)
    """The new characters this chunk carried (a cumulative frame repeats the earlier ones on the wire)."""
    why = models.CharField(_("why it was sent"), max_length=20, blank=True)
    """Why this chunk exists beside the plain run of things: again, repeat, newline, plain, proactive …"""
    request = models.JSONField(_("request"), default=dict)
    http_status = models.PositiveSmallIntegerField(_("HTTP status"), null=True)
    code = models.IntegerField(_("QQ's code"), null=True)
    message = models.TextField(_("QQ's message"), blank=True)
    trace_id = models.CharField(_("trace id"), max_length=128, blank=True)
    answer = models.TextField(_("answer"), blank=True)
    sent_at = models.DateTimeField(_("sent"))
    answered_at = models.DateTimeField(_("answered"), null=True)
    elapsed_ms = models.FloatField(_("round trip, ms"), null=True)
    suspect = models.BooleanField(_("QQ may have dropped it"), default=False)
    seq = models.PositiveIntegerField(_("version"), default=0)

    class Meta:
        verbose_name = _("chunk")
        verbose_name_plural = _("chunks")
        constraints = [models.UniqueConstraint(fields=["segment", "number"], name="one_number_per_chunk_of_segment")]
        indexes = [models.Index(fields=["trace_id"], condition=~models.Q(trace_id=""), name="chunks_by_trace")]

    def __str__(self) -> str:
        return f"chunk {self.number} of segment {self.segment_id}"
