"""The audit as records. People and API tokens are managed by commands (`manage.py user`, `manage.py apitoken`)."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.models import Group

from qqconsole.accounts.models import AuditLine
from qqconsole.records import Records

# Rights are roles here; groups would grant nothing.
admin.site.unregister(Group)


@admin.register(AuditLine)
class AuditLineRecords(Records):
    list_display = ("id", "at", "name", "action", "subject")
    list_filter = ("action",)
    search_fields = ("=name", "=subject")
