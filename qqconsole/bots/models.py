"""Bot: one application on QQ's platform, where it lives, how it speaks and who answers for it."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from qqconsole.bots.fields import EncryptedTextField


class Dialect(models.TextChoices):
    STREAM_MESSAGES = "stream_messages", _("stream_messages (current)")
    MESSAGES_STREAM = "messages.stream", _("messages.stream (older)")


class Source(models.TextChoices):
    OPENAI = "openai", _("OpenAI-compatible model")


class DeadReference(models.TextChoices):
    PROACTIVE = "proactive", _("send proactively")
    FAIL = "fail", _("fail the delivery")


class AfterLoss(models.TextChoices):
    """What a bot does while its gateway session is lost (``adapter.loss``)."""

    HOLD = "hold", _("hold answers until it is back")
    SUSPECT = "suspect", _("send and mark them")
    IGNORE = "ignore", _("send as ever")


class Bot(models.Model):
    name = models.CharField(_("name"), max_length=80, unique=True)
    enabled = models.BooleanField(_("enabled"), default=True)
    is_demo = models.BooleanField(_("demo bot"), default=False, editable=False)

    app_id = models.CharField(_("app id"), max_length=64)
    secret = EncryptedTextField(_("secret"))
    api_base = models.CharField(_("API base address"), max_length=300, default="https://api.bot.qq.com")
    token_url = models.CharField(
        _("token address"), max_length=300, default="https://api.bot.qq.com/app/getAppAccessToken"
    )
    allow_private_urls = models.BooleanField(_("allow private addresses for media"), default=False)
    message_timeout = models.FloatField(_("time-out of a message or frame, seconds"), default=5.0)
    upload_timeout = models.FloatField(_("time-out of an upload, seconds"), default=120.0)
    stream_rate = models.FloatField(_("stream frames a second"), default=45.0, validators=[MinValueValidator(0.1)])
    message_rate = models.FloatField(_("messages a second"), default=90.0, validators=[MinValueValidator(0.1)])

    media_passive = models.BooleanField(_("send media as an answer where one is still possible"), default=False)
    proactive_per_second = models.PositiveIntegerField(
        _("messages a second that answer nothing"), default=5, validators=[MinValueValidator(1)]
    )
    proactive_per_minute = models.PositiveIntegerField(
        _("messages a minute that answer nothing"), default=30, validators=[MinValueValidator(1)]
    )
    proactive_target_minute = models.PositiveIntegerField(
        _("of them, to one user or group a minute"), default=20, validators=[MinValueValidator(1)]
    )
    proactive_target_day = models.PositiveIntegerField(
        _("of them, to one user or group a day"), default=1000, validators=[MinValueValidator(1)]
    )
    """What QQ grants a bot that is not verified (docs/protocol.md, proactive messages); a verified one may raise it."""

    dialect = models.CharField(_("dialect"), max_length=20, choices=Dialect, default=Dialect.STREAM_MESSAGES)
    throttle_ms = models.PositiveIntegerField(
        _("shortest time between frames, ms"), null=True, blank=True, validators=[MaxValueValidator(60_000)]
    )
    """None: the dialect's own default (500 for stream_messages, 1000 for messages.stream)."""
    frame_bytes = models.PositiveIntegerField(
        _("most text in a frame, bytes"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1_000), MaxValueValidator(20_400)],
    )
    """None: the dialect's own default (18,000 for stream_messages, 4,000 for messages.stream); QQ's own limit is near
    20,420 (docs/protocol.md 4.2.2)."""
    open_after = models.PositiveIntegerField(_("visible characters before a stream opens"), default=12)
    markdown = models.BooleanField(_("send native markdown"), default=True)
    on_dead_reference = models.CharField(
        _("when the msg_id is dead"), max_length=12, choices=DeadReference, default=DeadReference.PROACTIVE
    )
    after_4009 = models.CharField(
        _("when the gateway session is lost"), max_length=8, choices=AfterLoss, default=AfterLoss.HOLD
    )
    settle_ms = models.PositiveIntegerField(
        _("time to settle once it is back, ms"), default=1000, validators=[MaxValueValidator(60_000)]
    )
    typing = models.BooleanField(_("show that an answer is being written"), default=False)
    """In private chats, while there is nothing of it to be seen yet."""
    typing_seconds = models.PositiveSmallIntegerField(
        _("for how many seconds"), default=60, validators=[MinValueValidator(5), MaxValueValidator(60)]
    )
    """Each hint uses up one of the few answers to a message, so the longest QQ takes (sheet 3.2) is the default."""
    notice_enabled = models.BooleanField(_("tell the user when an answer fails"), default=True)
    notice_text = models.CharField(
        _("what the user is told"), max_length=200, default="抱歉，这次没能回答，请稍后再试。"
    )

    source = models.CharField(_("reply source"), max_length=20, choices=Source, default=Source.OPENAI)
    source_url = models.CharField(_("model address"), max_length=300, blank=True)
    source_model = models.CharField(_("model"), max_length=120, blank=True)
    source_key = EncryptedTextField(_("model key"), blank=True)
    system_prompt = models.TextField(_("system prompt"), blank=True)
    history_turns = models.PositiveIntegerField(_("turns of history sent to the model"), default=10)
    model_silence_timeout = models.FloatField(_("longest silence of the model, seconds"), default=120.0)

    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("last changed"), auto_now=True)

    class Meta:
        verbose_name = _("bot")
        verbose_name_plural = _("bots")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def longest_frame(self) -> int:
        """Bytes of text that one frame may hold."""
        return self.frame_bytes or (18_000 if self.dialect == Dialect.STREAM_MESSAGES else 4_000)

    @property
    def frame_interval(self) -> float:
        """Seconds between two frames of one stream."""
        if self.throttle_ms is not None:
            return self.throttle_ms / 1000
        return 0.5 if self.dialect == Dialect.STREAM_MESSAGES else 1.0


class ConnectionState(models.TextChoices):
    NEVER = "never", _("not connected yet")
    CONNECTING = "connecting", _("connecting")
    CONNECTED = "connected", _("connected")
    WAITING = "waiting", _("waiting to reconnect")
    REFUSED = "refused", _("refused by QQ")
    STOPPED = "stopped", _("stopped")


BELIEVED_FOR = timedelta(seconds=15)
"""A state whose process has not been heard of for longer is not the true one any more, and its bot is free."""


class BotConnection(models.Model):
    """What the gateway knows of one bot; written by the process that holds its gateway session."""

    bot = models.OneToOneField(Bot, on_delete=models.CASCADE, related_name="connection", primary_key=True)
    state = models.CharField(max_length=12, choices=ConnectionState, default=ConnectionState.NEVER)
    reason = models.CharField(max_length=40, blank=True)
    """A code word that ``bots.reasons`` puts into plain words."""
    code = models.IntegerField(null=True)
    detail = models.TextField(blank=True)
    since = models.DateTimeField(null=True)
    seen_at = models.DateTimeField(null=True)
    """Renewed every few seconds while the gateway process lives (see ``BELIEVED_FOR``)."""
    gateway_session = models.CharField(max_length=200, blank=True)
    gateway_seq = models.BigIntegerField(default=0)
    qq_id = models.CharField(max_length=64, blank=True)
    qq_name = models.CharField(max_length=120, blank=True)
    holder = models.CharField(max_length=64, blank=True)
    """The process that holds the bot's gateway session; another takes over when ``seen_at`` grows old."""

    def __str__(self) -> str:
        return f"{self.bot_id}: {self.state}"

    def is_believed(self, now: datetime) -> bool:
        """Whether the state is the true one: a process that lives stands behind it, or nothing runs at all."""
        if self.state in (ConnectionState.NEVER, ConnectionState.STOPPED):
            return True
        return self.seen_at is not None and now - self.seen_at <= BELIEVED_FOR


class GateState(models.TextChoices):
    WELL = "well", _("sending")
    PAUSED = "paused", _("paused")
    TRIAL = "trial", _("being tried")


class BotGate(models.Model):
    """Whether the bot may send now: its circuit breaker, and its gateway session where QQ cut it with 4009.

    Not in ``BotConnection``, which one process holds: every process that sends writes here, one step at a time, and
    looks at it once a second.
    """

    bot = models.OneToOneField(Bot, on_delete=models.CASCADE, related_name="gate", primary_key=True)
    state = models.CharField(max_length=8, choices=GateState, default=GateState.WELL)
    failures = models.PositiveIntegerField(default=0)
    """In a row."""
    failing_since = models.DateTimeField(null=True)
    paused_at = models.DateTimeField(null=True)
    probes = models.PositiveIntegerField(default=0)
    """That failed since."""
    probe_at = models.DateTimeField(null=True)
    """When it is tried next; whoever tries moves it on first, so that nobody else does."""
    reason = models.CharField(max_length=20, blank=True)
    """Why it fails: a code word that ``bots.reasons`` puts into plain words."""
    code = models.IntegerField(null=True)
    detail = models.TextField(blank=True)
    trace_id = models.CharField(max_length=128, blank=True)
    lost_at = models.DateTimeField(null=True)
    """QQ closed the gateway session with 4009."""
    live_at = models.DateTimeField(null=True)
    """READY or RESUMED came after that; none: not yet."""
    version = models.PositiveBigIntegerField(default=0)
    """Grows with every change, so that nobody takes an older reading for news."""

    def __str__(self) -> str:
        return f"{self.bot_id}: {self.state}"

    @property
    def is_lost(self) -> bool:
        return self.lost_at is not None and self.live_at is None
