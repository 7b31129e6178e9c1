"""Which processes of the engine are alive."""

from __future__ import annotations

from django.db import models


class ProcessBeat(models.Model):
    """One row a process and kind (engine, worker, gateway), renewed every few seconds while it lives."""

    owner = models.CharField(max_length=64)
    kind = models.CharField(max_length=10)
    seen_at = models.DateTimeField()
    pace = models.JSONField(default=dict)
    """The bots' paces as this process sees them (``engine.paces``); the engine's row only."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["owner", "kind"], name="one_beat_per_process_and_kind")]
        indexes = [models.Index(fields=["kind", "-seen_at"], name="latest_beat")]

    def __str__(self) -> str:
        return f"{self.kind} {self.owner}"
