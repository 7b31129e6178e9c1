"""A filter in words, and the choices its form offers, in the reader's language."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from qqconsole.bots.models import Bot
from qqconsole.conversations.models import Session
from qqconsole.conversations.names import title_of
from qqconsole.deliveries import selecting
from qqconsole.deliveries.models import UNSETTLED as UNSETTLED
from qqconsole.deliveries.models import Kind, Status
from qqconsole.deliveries.selecting import Filters
from qqconsole.live.documents import session_document
from qqconsole.media.models import MediaKind

STEPS = {
    "fetch": gettext_lazy("fetching the address"),
    "prepare": gettext_lazy("preparing the upload"),
    "part": gettext_lazy("sending a part"),
    "finish": gettext_lazy("finishing a part"),
    "upload": gettext_lazy("upload"),
    "send": gettext_lazy("the send"),
    "media": gettext_lazy("the send"),
}
"""Where a media delivery failed."""


def step_in_words(step: str) -> str:
    return str(STEPS.get(step, step))


def choices() -> dict[str, Any]:
    """Return what the filter's form offers (one query)."""
    return {
        "bots": list(Bot.objects.values_list("pk", "name")),
        "kinds": Kind.choices,
        "types": MediaKind.choices,
        "statuses": Status.choices,
        "steps": [(step, step_in_words(step)) for step in selecting.STEPS],
    }


def described(filters: Filters) -> list[str]:
    """Return one phrase for each thing the filter asks for; [] where it leaves everything in."""
    said = [
        _bot(filters.bot) if filters.bot is not None else "",
        _session(filters.session) if filters.session is not None else "",
        str(Kind(filters.kind).label) if filters.kind else "",
        str(MediaKind(filters.type).label) if filters.type else "",
        " / ".join(str(Status(status).label) for status in filters.status),
        _("code {code}").format(code=filters.code) if filters.code is not None else "",
        _("step: {step}").format(step=step_in_words(filters.step)) if filters.step else "",
        _("from {time}").format(time=_local(filters.since)) if filters.since else "",
        _("until {time}").format(time=_local(filters.until)) if filters.until else "",
        {True: _("dismissed ones only"), False: _("without dismissed ones"), None: ""}[filters.dismissed],
        {True: _("QQ may have dropped it"), False: _("without what QQ may have dropped"), None: ""}[filters.suspect],
        _("of bulk resend {number}").format(number=filters.bulk) if filters.bulk is not None else "",
    ]
    return [phrase for phrase in said if phrase]


def _bot(pk: int) -> str:
    name = Bot.objects.filter(pk=pk).values_list("name", flat=True).first()
    return _("bot {name}").format(name=name or f"#{pk}")


def _session(pk: int) -> str:
    row = Session.objects.filter(pk=pk).first()
    return title_of(session_document(row)) if row else f"#{pk}"


def _local(moment: Any) -> str:
    return timezone.localtime(moment).strftime("%Y-%m-%d %H:%M")


def span_in_words(seconds: float) -> str:
    """Return a span as an estimate says it: "8 s", "3 min", "2 h 10 min"."""
    if seconds < 60:
        return _("{count} s").format(count=max(1, round(seconds)))
    minutes = round(seconds / 60)
    if minutes < 60:
        return _("{count} min").format(count=minutes)
    return _("{hours} h {minutes} min").format(hours=minutes // 60, minutes=minutes % 60)
