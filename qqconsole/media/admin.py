"""Media files as records."""

from __future__ import annotations

from django.contrib import admin

from qqconsole.media.models import MediaFile
from qqconsole.records import Records


@admin.register(MediaFile)
class MediaFileRecords(Records):
    list_display = ("id", "name", "kind", "mime", "size", "sha256", "created_at", "last_used_at")
    list_filter = ("kind",)
    search_fields = ("name", "=sha256", "=md5")
    ordering = ("-id",)
    exclude = ("file", "thumbnail")
    """Where they lie in the storage; the library's page hands them out."""
