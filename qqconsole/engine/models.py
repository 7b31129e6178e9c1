"""Which processes of the engine are alive, and what all of them counted."""

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


class Tally(models.Model):
    """One sum over all processes since the beginning (``qqconsole.tallies``): removing old rows never sets it back."""

    name = models.CharField(max_length=40)
    labels = models.CharField(max_length=120, blank=True)
    value = models.FloatField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["name", "labels"], name="one_row_per_tally")]

    def __str__(self) -> str:
        return f"{self.name}{{{self.labels}}}"
