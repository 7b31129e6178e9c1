"""Why a bot sends nothing now, in the reader's words: for pages that the server draws."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from adapter.loss import LONGEST_HOLD
from qqconsole.bots.models import AfterLoss, Bot, BotGate, GateState
from qqconsole.bots.reasons import code_in_words, pause_in_words


@dataclass(frozen=True, slots=True)
class Standstill:
    tone: str
    """bad · warn"""
    what: str
    at: datetime | None = None
    """Since when; the page writes it between ``what`` and ``then``, in its reader's own time."""
    then: str = ""
    why: str = ""
    next_try_at: datetime | None = None
    name: str = ""
    """The bot's, where several may stand beside each other."""


def standstill(bot: Bot, *, named: bool = False) -> Standstill | None:
    """Return it, or None where the bot sends. Load the bot with its ``gate``."""
    gate: BotGate | None = getattr(bot, "gate", None)
    name = bot.name if named else ""
    if gate is None or not bot.enabled:
        return None
    if gate.state == GateState.PAUSED:
        meaning = code_in_words(gate.code, get_language() or "en")
        why = [pause_in_words(gate.reason), f"{gate.code} {meaning}" if gate.code else ""]
        what, then = _("Sending is paused since {time}; what is to be sent waits.").split("{time}")
        said = " ".join(part for part in why if part)
        return Standstill("bad", what, gate.paused_at, then, said, gate.probe_at, name)
    if gate.state == GateState.TRIAL:
        return Standstill("warn", _("QQ answers again: one message at a time until the first gets through."), name=name)
    if not gate.is_lost or bot.after_4009 == AfterLoss.IGNORE:
        return None
    until = held_until(gate)
    if bot.after_4009 == AfterLoss.SUSPECT or (until is not None and until <= timezone.now()):
        said = _("QQ's gateway session is lost since {time}: what is sent now is marked, for QQ may drop it.")
    else:
        said = _("QQ's gateway session is lost since {time}: answers wait until it is back.")
    what, then = said.split("{time}")
    return Standstill("warn", what, gate.lost_at, then, name=name)


def held_until(gate: BotGate) -> datetime | None:
    """Return until when a lost gateway session keeps answers waiting at most; None where it is not lost."""
    return gate.lost_at + timedelta(seconds=LONGEST_HOLD) if gate.lost_at is not None and gate.is_lost else None


def standstills() -> list[Standstill]:
    """Return those of all bots (one query)."""
    bots = Bot.objects.filter(gate__isnull=False).select_related("gate").defer("secret", "source_key")
    return [still for bot in bots if (still := standstill(bot, named=True)) is not None]
