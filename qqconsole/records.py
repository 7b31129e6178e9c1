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
    in_words: dict[str, Callable[[str], str]] = {}
    """Fields that hold a code word, and what puts each into plain words: lists and details show these."""

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        return [self._column(name) for name in super().get_list_display(request)]

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> list[Any]:
        return [self._column(name) for name in super().get_fields(request, obj)]

    def _column(self, field: Any) -> Any:
        """The field itself, or, where it holds a code word, a column that says it in words."""
        words = self.in_words.get(field)
        if words is None:
            return field

        label: Any = getattr(self.opts.get_field(field), "verbose_name", field)

        @admin.display(description=label, ordering=field)
        def column(record: Model) -> str:
            return words(getattr(record, field)) or "-"

        column.__name__ = field
        return column

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
        filters: Any = self.get_list_filter(request)  # type: ignore[arg-type]
        offered = {option if isinstance(option, str) else option.parameter_name for option in filters}
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
