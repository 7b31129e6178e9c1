"""Where a page of a list begins: named by the last row of the page before, so that new rows move nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.db.models import Q

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class BadCursor(ValueError):
    """A cursor that no page of ours gave."""


def before_id(cursor: str) -> Q:
    """Rows with a smaller id; all of them for "". Raises BadCursor."""
    return Q(pk__lt=_number(cursor)) if cursor else Q()


def before_moment(field: str, cursor: str) -> Q:
    """Rows earlier by ``field``, then by id; all of them for "". ``moment_cursor`` made it. Raises BadCursor."""
    if not cursor:
        return Q()
    microseconds, _, pk = cursor.partition("-")
    moment = moment_of(microseconds)
    return Q(**{f"{field}__lt": moment}) | Q(**{field: moment, "pk__lt": _number(pk)})


def moment_cursor(moment: datetime, pk: int) -> str:
    """A row's moment and its id."""
    return f"{microseconds_of(moment)}-{pk}"


def microseconds_of(moment: datetime) -> int:
    """Microseconds since 1970: exact, unlike a float of seconds."""
    return (moment - EPOCH) // timedelta(microseconds=1)


def moment_of(microseconds: str) -> datetime:
    """What ``microseconds_of`` was made of. Raises BadCursor."""
    try:
        return EPOCH + timedelta(microseconds=_number(microseconds))
    except OverflowError:
        raise BadCursor(microseconds) from None


def _number(text: str) -> int:
    # Longer than any of ours: Python itself refuses to read thousands of digits.
    if not (text.isascii() and text.isdigit() and len(text) < 20) or int(text) >= 2**63:
        raise BadCursor(text)
    return int(text)
