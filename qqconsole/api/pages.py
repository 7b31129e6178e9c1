"""One page of a list, and the address of the next (``qqconsole.cursors``)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from django.db.models import Model, QuerySet
from django.http import HttpRequest

Row = TypeVar("Row", bound=Model)


def page(
    request: HttpRequest,
    rows: QuerySet[Row],
    limit: int,
    document: Callable[[Row], dict[str, Any]],
    cursor_of: Callable[[Row], str],
) -> dict[str, Any]:
    """``{"items": […], "next": the whole address of the next page or null}`` of ordered, filtered rows."""
    found = list(rows[: limit + 1])
    following = None
    if len(found) > limit:
        query = request.GET.copy()
        query["cursor"] = cursor_of(found[limit - 1])
        following = request.build_absolute_uri(f"{request.path}?{query.urlencode()}")
    return {"items": [document(row) for row in found[:limit]], "next": following}
