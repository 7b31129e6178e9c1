"""The processes' signs of life, for /healthz and for pages served by a process that runs no engine itself."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from qqconsole.engine.models import ProcessBeat

FRESH = timedelta(seconds=20)
FORGET = timedelta(hours=1)


def beat(owner: str, *kinds: str) -> None:
    """This process lives, and does these kinds of work."""
    now = timezone.now()
    for kind in kinds:
        _, new = ProcessBeat.objects.update_or_create(owner=owner, kind=kind, defaults={"seen_at": now})
        if new:
            ProcessBeat.objects.filter(seen_at__lt=now - FORGET).delete()


def leave(owner: str) -> None:
    """This process ends in order: nobody need wait for its last sign to grow old."""
    ProcessBeat.objects.filter(owner=owner).delete()


def alive(kind: str) -> bool:
    """Whether some process of this kind was seen lately."""
    return ProcessBeat.objects.filter(kind=kind, seen_at__gte=timezone.now() - FRESH).exists()
