"""A model in Django admin that is read and never written there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from django.urls import URLPattern, path
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from adapter.storable import storable

MOST_LISTED = 10_000
"""Rows a list leads to page by page: to count all of them would take longer with every day."""
LOOKED_THROUGH = 50_000
"""Newest rows among which a filter looks where no index answers it."""
LARGEST_ID = 2**63 - 1


class FirstRows(Paginator):  # type: ignore[type-arg]
    """Pages of the first rows; nothing is counted behind them."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return min(len(rows), MOST_LISTED) if isinstance(rows, list) else rows.order_by()[:MOST_LISTED].count()


class Records(admin.ModelAdmin):  # type: ignore[type-arg]
    """List and detail; no address to add, change or delete anything exists."""

    list_per_page = 50
    sortable_by = ()
    """In the order of an index, and in no other."""
    paginator = FirstRows
    show_full_result_count = False
    """A count of everything costs more than the page."""
    number_finds = ""
    """The field that a number in the search names: one with an index."""
    words_find: tuple[str, ...] = ()
    """Likewise for any other text; a search through several would use the index of none."""
    only_newest = False
    """The table grows without end: filters look among its newest rows."""
    change_form_template = "admin/record.html"
    actions: Any = []
    in_words: dict[str, Callable[[str], str]] = {}
    """Fields that hold a code word, and what puts each into plain words: lists and details show these."""

    def get_search_fields(self, request: HttpRequest) -> Any:
        """Only says whether there is a search."""
        return [name for name in (self.number_finds, *self.words_find) if name] or self.search_fields

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if not (self.number_finds or self.words_find):
            return super().get_search_results(request, queryset, search_term)
        term = storable(search_term).strip()
        if not term:
            return queryset, False
        if self.number_finds and term.isascii() and term.isdigit():
            return queryset.filter(**{self.number_finds: min(int(term[:20]), LARGEST_ID)}), False
        condition = Q()
        for name in self.words_find:
            condition |= Q(**{name: term})
        return queryset.filter(condition) if condition else queryset.none(), False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request)
        if not self._is_narrowed(request):
            return rows
        newest = rows.order_by("-pk").values_list("pk", flat=True).first() or 0
        return rows.filter(pk__gt=newest - LOOKED_THROUGH)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        said = {}
        if self._is_narrowed(request):
            said["subtitle"] = _("Filters look among the newest {count}.").format(count=f"{LOOKED_THROUGH:,}")
        return super().changelist_view(request, {**said, **(extra_context or {})})

    def _is_narrowed(self, request: HttpRequest) -> bool:
        """Whether a list of a table that grows without end is asked for with one of its filters."""
        if not self.only_newest:
            return False
        filters: Any = self.get_list_filter(request)
        names = [option if isinstance(option, str) else option.parameter_name for option in filters]
        return any(asked.startswith(name) for asked in request.GET for name in names)

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
