"""Rows of the library as sending asks for them. Each runs in a database thread and may run again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q
from django.utils import timezone

from qqconsole.media.kinds import SOFT_LIMITS
from qqconsole.media.models import FileInfo, MediaFile, MediaKind, MediaUse
from qqconsole.media.names import LONGEST

VOICE_LIMIT = SOFT_LIMITS[MediaKind.VOICE]
MARGIN = timedelta(seconds=10)
"""A ``file_info`` that ends sooner is not sent any more: it might end on the way."""


@dataclass(frozen=True, slots=True)
class Use:
    """What a ``file_info`` is good for: never for another bot, scene or kind."""

    bot_id: int
    scene: str
    file_id: int
    kind: str
    name: str
    """Matters for a file alone: QQ shows the name it was uploaded with."""

    def key(self) -> dict[str, Any]:
        """Return the row's key."""
        name = self.name[:LONGEST] if self.kind == MediaKind.FILE else ""
        return {
            "bot_id": self.bot_id,
            "scene": str(self.scene),
            "file_id": self.file_id,
            "kind": str(self.kind),
            "name": name,
        }


def file_of(file_id: int) -> MediaFile | None:
    """The row; None where it is gone."""
    return MediaFile.objects.filter(pk=file_id).first()


def is_due(file: MediaFile) -> bool:
    """Whether its last use is to be noted again: once an hour is enough for a clean-up by days."""
    return timezone.now() - file.last_used_at > timedelta(hours=1)


def note_time(file_id: int) -> None:
    """It is used now."""
    MediaFile.objects.filter(pk=file_id).update(last_used_at=timezone.now())


def recall(use: Use) -> str:
    """The ``file_info`` that is good for long enough; "" where there is none."""
    good = Q(until=None) | Q(until__gt=timezone.now() + MARGIN)
    return FileInfo.objects.filter(good, **use.key()).values_list("file_info", flat=True).first() or ""


def remember(use: Use, file_info: str, until: datetime | None) -> None:
    """Keep it, in place of an older one."""
    FileInfo.objects.update_or_create(defaults={"file_info": file_info, "until": until}, **use.key())


def forget(use: Use, file_info: str) -> None:
    """This one is not to be used again; a newer one, which somebody else uploaded meanwhile, stays."""
    FileInfo.objects.filter(file_info=file_info, **use.key()).delete()


def note_use(file_id: int, delivery_id: int) -> None:
    """This reply sends this file: as long as the one is kept, the other is."""
    MediaUse.objects.get_or_create(file_id=file_id, delivery_id=delivery_id)


def join(file_id: int, silk_id: int) -> None:
    """The second is the first one's sound as QQ takes it."""
    MediaFile.objects.filter(pk=file_id).update(silk_id=silk_id)
