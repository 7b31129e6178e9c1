"""Session (one conversation) and what came in on it."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from qqconsole.bots.models import Bot


class Scene(models.TextChoices):
    C2C = "c2c", _("private chat")
    GROUP = "group", _("group")
    GUILD = "guild", _("guild channel")
    DM = "dm", _("guild direct message")


class Session(models.Model):
    """One conversation: a C2C user, a group, a guild channel, a guild DM (QQ's gateway session is another thing)."""

    bot = models.ForeignKey(Bot, on_delete=models.CASCADE, related_name="sessions", verbose_name=_("bot"))
    scene = models.CharField(_("scene"), max_length=8, choices=Scene)
    target_id = models.CharField(_("QQ's id"), max_length=128)
    name = models.CharField(_("name"), max_length=120, blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    last_at = models.DateTimeField(_("last active"))
    """When something last happened in it: a message came in, or one that answers none was asked for (then whoever
    makes the Delivery sets it, in the same transaction). Answers leave it alone. The session list is ordered by it."""

    class Meta:
        verbose_name = _("session")
        verbose_name_plural = _("sessions")
        constraints = [models.UniqueConstraint(fields=["bot", "scene", "target_id"], name="one_session_per_target")]
        indexes = [
            models.Index(fields=["-last_at", "-id"], name="session_newest_first"),
            models.Index(fields=["bot", "-last_at", "-id"], name="session_of_bot"),
        ]

    def __str__(self) -> str:
        return self.name or f"{self.scene} {self.target_id[:8]}"


class InboundMessage(models.Model):
    """One message QQ pushed to us, once, however often QQ repeats it."""

    bot = models.ForeignKey(Bot, on_delete=models.CASCADE, related_name="inbound_messages", verbose_name=_("bot"))
    session = models.ForeignKey(
        Session, on_delete=models.CASCADE, related_name="inbound_messages", verbose_name=_("session")
    )
    qq_id = models.CharField(_("QQ's id"), max_length=200)
    """QQ's ``d.id``: the msg_id a passive reply names."""
    event_id = models.CharField(_("event id"), max_length=200, blank=True)
    event_type = models.CharField(_("type of event"), max_length=40)
    twin = models.CharField(_("mark of its twin"), max_length=200, blank=True)
    """Equal for the two events in which QQ may push one group message."""
    author_id = models.CharField(_("author's id"), max_length=128, blank=True)
    author_name = models.CharField(_("author"), max_length=120, blank=True)
    content = models.TextField(_("text"), blank=True)
    raw_content = models.TextField(_("text as it came"), blank=True)
    attachments = models.JSONField(_("attachments"), default=list, blank=True)
    addressed = models.BooleanField(_("speaks to the bot"), default=True)
    """Whether it speaks to the bot; only such messages are answered."""
    sent_at = models.DateTimeField(_("sent"), null=True)
    received_at = models.DateTimeField(_("received"))
    raw = models.JSONField(_("event as it came"), default=dict)
    answers_used = models.PositiveIntegerField(_("answers used"), default=0)
    """The passive ledger, counted over all workers (``deliveries.ledger``): messages that answer it."""
    next_msg_seq = models.PositiveBigIntegerField(_("next msg_seq"), default=1)
    answers_closed = models.IntegerField(_("closed by QQ's code"), null=True)
    """QQ's code that said that it takes no more answers."""

    class Meta:
        verbose_name = _("message received")
        verbose_name_plural = _("messages received")
        constraints = [models.UniqueConstraint(fields=["bot", "qq_id"], name="one_inbound_row_per_qq_message")]
        indexes = [
            models.Index(fields=["session", "id"], name="inbound_of_session"),
            models.Index(fields=["session", "-received_at", "-id"], name="inbound_in_time"),
            models.Index(fields=["session", "twin"], name="inbound_twin"),
        ]

    def __str__(self) -> str:
        return self.content[:60]


class PlatformEvent(models.Model):
    """Any other event of the gateway, kept as it came: friend added, robot removed, and what nobody knows yet."""

    bot = models.ForeignKey(Bot, on_delete=models.CASCADE, related_name="platform_events")
    type = models.CharField(max_length=60)
    event_id = models.CharField(max_length=200, blank=True)
    data = models.JSONField(default=dict)
    received_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["bot", "-id"], name="events_of_bot")]
        constraints = [
            models.UniqueConstraint(
                fields=["bot", "event_id"], condition=~models.Q(event_id=""), name="one_row_per_platform_event"
            )
        ]

    def __str__(self) -> str:
        return self.type
