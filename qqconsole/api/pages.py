"""Keyset pages: the next page is named by the last row of this one, so new rows move nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from ninja.errors import HttpError

Row = TypeVar("Row", bound=Model)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


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


def before_id(cursor: str) -> Q:
    """Rows with a smaller id. Raises 400 for a cursor that no page of ours gave."""
    if not cursor:
        return Q()
    return Q(pk__lt=_number(cursor))


def before_moment(field: str, cursor: str) -> Q:
    """Rows earlier by ``field``, then by id; the cursor comes from ``moment_cursor``. Raises 400 as above."""
    if not cursor:
        return Q()
    microseconds, _, pk = cursor.partition("-")
    try:
        moment = EPOCH + timedelta(microseconds=_number(microseconds))
    except OverflowError:
        raise _bad_cursor() from None
    return Q(**{f"{field}__lt": moment}) | Q(**{field: moment, "pk__lt": _number(pk)})


def moment_cursor(moment: datetime, pk: int) -> str:
    """Microseconds since 1970 and the id: exact, unlike a float of seconds."""
    return f"{(moment - EPOCH) // timedelta(microseconds=1)}-{pk}"


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or int(text) >= 2**63:
        raise _bad_cursor()
    return int(text)


def _bad_cursor() -> HttpError:
    return HttpError(400, "This cursor is not from a page of this list.")
