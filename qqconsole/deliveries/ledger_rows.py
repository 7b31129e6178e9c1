"""The rows of what QQ counts: the pairs that answer, what answers nothing, and the hints that somebody is typing."""

from __future__ import annotations

from django.db import models

from qqconsole.bots.models import Bot
from qqconsole.conversations.models import Session


class PassivePair(models.Model):
    """The ledger: each (msg_id, msg_seq) pair of a target belongs to one segment, or to one frame and its repeats."""

    bot = models.ForeignKey(Bot, on_delete=models.CASCADE, related_name="+")
    target_id = models.CharField(max_length=128)
    msg_id = models.CharField(max_length=200)
    msg_seq = models.PositiveBigIntegerField()
    segment = models.ForeignKey("deliveries.Segment", on_delete=models.CASCADE, related_name="pairs")
    chunk_number = models.PositiveIntegerField(null=True)
    """The frame that owns it, by its number; none: the whole segment does."""

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["bot", "target_id", "msg_id", "msg_seq"], name="one_owner_per_passive_pair")
        ]

    def __str__(self) -> str:
        return f"{self.msg_id}#{self.msg_seq}"


class TypingHint(models.Model):
    """One "is typing" sent while an attempt had nothing to show yet. It uses up an answer, and shows no text."""

    attempt = models.ForeignKey("deliveries.Attempt", on_delete=models.CASCADE, related_name="typing_hints")
    msg_id = models.CharField(max_length=200)
    msg_seq = models.PositiveBigIntegerField()
    seconds = models.PositiveSmallIntegerField()
    """For which QQ was asked to show it."""
    status = models.CharField(max_length=10, default="sending")
    http_status = models.PositiveSmallIntegerField(null=True)
    code = models.IntegerField(null=True)
    message = models.TextField(blank=True)
    trace_id = models.CharField(max_length=128, blank=True)
    sent_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"typing hint of attempt {self.attempt_id}"


class ProactiveSend(models.Model):
    """The ledger of what went to a target without answering a message: QQ counts it by the minute and the day."""

    bot = models.ForeignKey(Bot, on_delete=models.CASCADE, related_name="+")
    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="+")
    delivery = models.ForeignKey("deliveries.Delivery", on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["bot", "at"], name="proactive_of_bot"),
            models.Index(fields=["session", "at"], name="proactive_of_session"),
        ]

    def __str__(self) -> str:
        return f"{self.session_id} at {self.at}"
