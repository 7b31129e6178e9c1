"""Which deliveries somebody wants to see, or to send again: read from a query or from JSON, and asked of the database.

Pages, API and the bulk resend mean the same by the same words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import QueryDict
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext as _

from qqconsole.deliveries.models import Attempt, Delivery, Kind, Status
from qqconsole.media.models import MediaKind

STEPS = ("fetch", "prepare", "part", "finish", "upload", "send")
"""Where a media item may have failed (``Delivery.failed_step``)."""
LARGEST_ID = 2**63 - 1
OUT_OF_STEP = timedelta(minutes=10)
"""Keys follow the time of creation, but for transactions that overtook each other: never by so much."""
LARGEST_CODE = 2**31 - 1


class BadFilter(ValueError):
    """A value that no filter takes. ``str()`` is a sentence in the active language; ``field`` names the filter."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


@dataclass(frozen=True, slots=True)
class Filters:
    """What is left empty does not narrow. Times are those at which a delivery was asked for."""

    bot: int | None = None
    session: int | None = None
    kind: str = ""
    """reply · message · media"""
    type: str = ""
    """Of a media delivery: image · video · voice · file."""
    status: tuple[str, ...] = ()
    code: int | None = None
    step: str = ""
    """One of ``STEPS``."""
    since: datetime | None = None
    until: datetime | None = None
    dismissed: bool | None = None
    """True: only what an admin has dismissed; False: all but that."""
    bulk: int | None = None
    """Only what this bulk resend sent again."""
    suspect: bool | None = None
    """True: only what QQ may have dropped, though it took it; False: all but that."""

    @classmethod
    def from_query(cls, query: QueryDict) -> Filters:
        """Read the parameters of an address; those it does not know are left alone. Raises BadFilter."""
        return cls.from_json({name: query.getlist(name) if name == "status" else query[name] for name in query})

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> Filters:
        """Read what ``to_json`` made, or an API caller wrote. Raises BadFilter."""
        read = {name: reader(name, given[name]) for name, reader in _READERS.items() if given.get(name) not in _EMPTY}
        filters = cls(**read)
        if filters.since is not None and filters.until is not None and filters.until < filters.since:
            raise BadFilter("until", _("The time span ends before it begins."))
        return filters

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; what does not narrow is left out."""
        values = {name: getattr(self, name) for name in _READERS}
        return {name: _plain(value) for name, value in values.items() if value not in _EMPTY}

    def to_query(self) -> str:
        """Return the query of an address that shows the same ("" where nothing narrows)."""
        values = {
            name: str(value).lower() if isinstance(value, bool) else value for name, value in self.to_json().items()
        }
        return urlencode(values, doseq=True)

    def deliveries(self) -> QuerySet[Delivery]:
        """Return what they leave, the newest first (``-id``: pages go on with ``cursors.before_id``)."""
        return Delivery.objects.filter(self._condition()).order_by("-pk")

    def _condition(self) -> Q:
        plain = {
            "session__bot": self.bot,
            "session": self.session,
            "kind": self.kind,
            "status__in": self.status,
            "code": self.code,
            "suspect": self.suspect,
            "failed_step": self.step,
            "created_at__gte": self.since,
            "created_at__lt": self.until,
        }
        condition = Q(**{name: value for name, value in plain.items() if value not in _EMPTY}) & self._stretch()
        if self.type:
            condition &= Q(kind=Kind.MEDIA) & (Q(media_kind=self.type) | Q(media_kind="", item__kind=self.type))
        if self.dismissed is not None:
            condition &= Q(dismissed_at__isnull=not self.dismissed)
        if self.bulk is not None:
            # Not by a join: whoever counts attempts on top would count these alone.
            condition &= Q(pk__in=Attempt.objects.filter(bulk=self.bulk).values("delivery"))
        return condition

    def _stretch(self) -> Q:
        """Keys between which the time span lies: lists go by key, and would look for its rows among all others."""
        stretch, by_time = Q(), Delivery.objects.order_by("created_at")
        if self.since is not None:
            first = by_time.filter(created_at__gte=self.since - OUT_OF_STEP)
            stretch &= Q(pk__gte=Coalesce(Subquery(first.values("pk")[:1]), LARGEST_ID))
        if self.until is not None:
            last = by_time.filter(created_at__lt=self.until + OUT_OF_STEP).reverse()
            stretch &= Q(pk__lte=Coalesce(Subquery(last.values("pk")[:1]), 0))
        return stretch


_EMPTY: tuple[Any, ...] = (None, "", (), [], [""])


def _number(largest: int) -> Callable[[str, Any], int]:
    def read(name: str, value: Any) -> int:
        text = str(value).strip()
        if isinstance(value, bool) or not (text.isascii() and text.isdigit() and len(text) < 20):
            raise BadFilter(name, _("%(filter)s must be a whole number.") % {"filter": name})
        if int(text) > largest:
            raise BadFilter(name, _("%(filter)s must be a whole number.") % {"filter": name})
        return int(text)

    return read


def _one_of(choices: tuple[str, ...]) -> Callable[[str, Any], str]:
    def read(name: str, value: Any) -> str:
        if value not in choices:
            raise BadFilter(name, _("%(filter)s must be one of: %(choices)s.") % _among(name, choices))
        return str(value)

    return read


def _some_of(choices: tuple[str, ...]) -> Callable[[str, Any], tuple[str, ...]]:
    def read(name: str, value: Any) -> tuple[str, ...]:
        given = [value] if isinstance(value, str) else value
        if not isinstance(given, list | tuple) or any(one not in choices for one in given if one != ""):
            raise BadFilter(name, _("%(filter)s must be one of: %(choices)s.") % _among(name, choices))
        return tuple(dict.fromkeys(str(one) for one in given if one != ""))

    return read


def _among(name: str, choices: tuple[str, ...]) -> dict[str, str]:
    return {"filter": name, "choices": ", ".join(choices)}


def _moment(name: str, value: Any) -> datetime:
    """A moment without a zone is in the console's own; a day begins at midnight."""
    try:
        moment = value if isinstance(value, datetime) else _read_moment(str(value))
        if moment is not None and 1970 <= moment.year < 9999:
            return moment if timezone.is_aware(moment) else timezone.make_aware(moment)
    except ValueError:
        # A day or an hour that no calendar has.
        pass
    raise BadFilter(name, _("%(filter)s must be a time, as in 2026-11-22T16:30.") % {"filter": name})


def _read_moment(text: str) -> datetime | None:
    day = parse_date(text)
    return datetime(day.year, day.month, day.day) if day else parse_datetime(text)


def _truth(name: str, value: Any) -> bool:
    words = {"true": True, "1": True, "false": False, "0": False}
    if str(value).lower() not in words:
        raise BadFilter(name, _("%(filter)s must be one of: %(choices)s.") % _among(name, ("true", "false")))
    return words[str(value).lower()]


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return list(value) if isinstance(value, tuple) else value


_READERS: dict[str, Callable[[str, Any], Any]] = {
    "bot": _number(LARGEST_ID),
    "session": _number(LARGEST_ID),
    "kind": _one_of(tuple(Kind.values)),
    "type": _one_of(tuple(MediaKind.values)),
    "status": _some_of(tuple(Status.values)),
    "code": _number(LARGEST_CODE),
    "step": _one_of(STEPS),
    "since": _moment,
    "until": _moment,
    "dismissed": _truth,
    "bulk": _number(LARGEST_ID),
    "suspect": _truth,
}
