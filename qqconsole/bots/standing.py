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
    goes_on_at: datetime | None = None
    """When sending goes on by itself."""
    changes_at: datetime | None = None
    """When these words are true no more though nothing happens."""
    name: str = ""
    """The bot's, where several may stand beside each other."""

    @property
    def left_ms(self) -> int | None:
        """For how long the words are true, a moment included lest the page asks too early; None: until it is told."""
        if self.changes_at is None:
            return None
        return max(0, round((self.changes_at - timezone.now()) / timedelta(milliseconds=1))) + 50


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
        return Standstill("bad", what, gate.paused_at, then, said, gate.probe_at, name=name)
    if gate.state == GateState.TRIAL:
        return Standstill("warn", _("QQ answers again: one message at a time until the first gets through."), name=name)
    return None if bot.after_4009 == AfterLoss.IGNORE else _after_loss(gate, bot, name)


def _after_loss(gate: BotGate, bot: Bot, name: str) -> Standstill | None:
    now, until = timezone.now(), held_until(gate)
    if until is None:
        return None
    goes = bot.after_4009 == AfterLoss.SUSPECT or until <= now
    if gate.live_at is None:
        said = (
            _("QQ's gateway session is lost since {time}: what is sent now is marked, for QQ may drop it.")
            if goes
            else _("QQ's gateway session is lost since {time}: answers wait until it is back.")
        )
        what, then = said.split("{time}")
        return Standstill("warn", what, gate.lost_at, then, changes_at=None if goes else until, name=name)
    settled = gate.live_at + timedelta(milliseconds=bot.settle_ms)
    if settled <= now:
        return None
    said = (
        _("QQ's gateway session came back at {time}: what is sent is marked until it has settled.")
        if goes
        else _("QQ's gateway session came back at {time}: answers wait until it has settled.")
    )
    what, then = said.split("{time}")
    changes_at = settled if goes else min(settled, until)
    goes_on_at = None if goes else changes_at
    return Standstill("warn", what, gate.live_at, then, goes_on_at=goes_on_at, changes_at=changes_at, name=name)


def held_until(gate: BotGate) -> datetime | None:
    """Return until when a loss keeps answers waiting at most, back or not; None where none was noticed."""
    return None if gate.lost_at is None else gate.lost_at + timedelta(seconds=LONGEST_HOLD)


def standstills() -> list[Standstill]:
    """Return those of all bots (one query)."""
    bots = Bot.objects.filter(gate__isnull=False).select_related("gate").defer("secret", "source_key")
    return [still for bot in bots if (still := standstill(bot, named=True)) is not None]
