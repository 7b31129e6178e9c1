"""No people among the records: they and API tokens are managed by commands (`manage.py user`, `manage.py apitoken`)."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.models import Group

# Rights are roles here; groups would grant nothing.
admin.site.unregister(Group)
