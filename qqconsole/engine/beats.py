"""The processes' signs of life, for /healthz and for pages served by a process that runs no engine itself."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from qqconsole.engine.models import ProcessBeat

FRESH = timedelta(seconds=20)
FORGET = timedelta(hours=1)
LONGEST_HOST = 32
"""Characters of the machine's name in an owner's."""


def beat(owner: str, *kinds: str, pace: dict[str, Any] | None = None) -> None:
    """This process lives, and does these kinds of work; ``pace``: what its engine tells of the bots' paces."""
    now = timezone.now()
    for kind in kinds:
        told = {"pace": pace} if pace is not None and kind == "engine" else {}
        _, new = ProcessBeat.objects.update_or_create(owner=owner, kind=kind, defaults={"seen_at": now, **told})
        if new:
            ProcessBeat.objects.filter(seen_at__lt=now - FORGET).delete()


def leave(owner: str) -> None:
    """This process ends in order: nobody need wait for its last sign to grow old."""
    ProcessBeat.objects.filter(owner=owner).delete()


def senders() -> int:
    """How many processes carry deliveries."""
    return ProcessBeat.objects.filter(kind="worker", seen_at__gte=timezone.now() - FRESH).count()


def alive(kind: str, on: str = "") -> bool:
    """Whether some process of this kind was seen lately; ``on``: one of the machine with this name."""
    seen = ProcessBeat.objects.filter(kind=kind, seen_at__gte=timezone.now() - FRESH)
    # An owner's name begins with its machine's (claims.new_owner).
    return (seen.filter(owner__startswith=f"{on[:LONGEST_HOST]}:") if on else seen).exists()
