"""Removing what nobody needs any more: old files that no delivery sent, what a crash left behind, ended file_infos.

The row goes first, then the file: a crash in between leaves an orphan, which the next clean-up finds; the other way
round it would leave a row without its file.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.core.files.storage import Storage
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError, QuerySet
from django.utils import timezone

from qqconsole.media.models import FileInfo, MediaFile
from qqconsole.media.storage import is_ours, media_storage

BATCH = 200
"""Rows removed in one transaction."""
GRACE = timedelta(days=1)
"""What lies in the storage without a row may be somebody's who is about to write it."""


@dataclass(slots=True)
class Cleaned:
    files: int = 0
    size: int = 0
    """Bytes of ``files``."""
    orphans: int = 0
    infos: int = 0


def clean(older_than: timedelta, *, dry_run: bool = False) -> Cleaned:
    """Remove files not used for ``older_than`` that no delivery names; what was (``dry_run``: would be) removed.

    Safe to repeat and to stop anywhere. Raises what the storage raises.
    """
    now, cleaned = timezone.now(), Cleaned()
    _clean_files(now - older_than, cleaned, dry_run)
    _clean_orphans(now - GRACE, cleaned, dry_run)
    ended = FileInfo.objects.filter(until__lt=now)
    cleaned.infos = ended.count() if dry_run else ended.delete()[0]
    return cleaned


def unneeded(before: datetime) -> QuerySet[MediaFile]:
    """Files last used before then that no delivery, and no recording still kept, names."""
    return MediaFile.objects.filter(last_used_at__lt=before, deliveries=None, uses=None, recordings=None)


def _clean_files(before: datetime, cleaned: Cleaned, dry_run: bool) -> None:
    last = 0
    while True:
        # A recording that goes sets its voice free: what becomes unneeded on the way is left to the next clean-up.
        batch = list(unneeded(before).filter(pk__gt=last).order_by("pk")[:BATCH])
        if not batch:
            return
        last = batch[-1].pk
        for file in batch:
            if dry_run or _remove(file):
                cleaned.files += 1
                cleaned.size += file.size


def _remove(file: MediaFile) -> bool:
    try:
        with transaction.atomic():
            # Asked again under the row's lock: somebody may be sending it since.
            row = MediaFile.objects.select_for_update().get(pk=file.pk, last_used_at=file.last_used_at)
            row.delete()
    except (MediaFile.DoesNotExist, ProtectedError, IntegrityError):
        return False
    for place in filter(None, (file.file.name, file.thumbnail.name)):
        media_storage().delete(place)
    return True


def _clean_orphans(before: datetime, cleaned: Cleaned, dry_run: bool) -> None:
    storage = media_storage()
    for folder, field in (("files", "file"), ("thumbnails", "thumbnail")):
        for place in filter(is_ours, _places(storage, folder)):
            if storage.get_modified_time(place) >= before or MediaFile.objects.filter(**{field: place}).exists():
                continue
            cleaned.orphans += 1
            if not dry_run:
                storage.delete(place)
    incoming = Path(settings.HOME) / "incoming"
    for left in incoming.iterdir() if incoming.is_dir() else ():
        if left.stat().st_mtime < before.timestamp():
            cleaned.orphans += 1
            if not dry_run:
                shutil.rmtree(left, ignore_errors=True)


def _places(storage: Storage, folder: str) -> Iterator[str]:
    """Everything below ``folder``, which holds folders of files."""
    try:
        inner, _ = storage.listdir(folder)
    except FileNotFoundError:
        return
    for name in sorted(inner):
        for file in storage.listdir(f"{folder}/{name}")[1]:
            yield f"{folder}/{name}/{file}"
