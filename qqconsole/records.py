"""A model in Django admin that is read and never written there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.urls import URLPattern, path


class Records(admin.ModelAdmin):  # type: ignore[type-arg]
    """List and detail; no address to add, change or delete anything exists."""

    list_per_page = 50
    show_full_result_count = False
    """A count of everything costs more than the page."""
    change_form_template = "admin/record.html"
    actions: Any = []

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}"
        return [
            path("", self._guarded(self.changelist_view), name=f"{name}_changelist"),
            path("<path:object_id>/change/", self._guarded(self.change_view), name=f"{name}_change"),
        ]

    def _guarded(self, view: Callable[..., Any]) -> Callable[..., Any]:
        return self.admin_site.admin_view(view)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Only the filters on the page: Django would take any field of the row in the address, an encrypted one too."""
        offered = {option for option in self.get_list_filter(request) if isinstance(option, str)}  # type: ignore[arg-type]
        return any(lookup == option or lookup.startswith(f"{option}__") for option in offered)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.admin_site.has_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.admin_site.has_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False
