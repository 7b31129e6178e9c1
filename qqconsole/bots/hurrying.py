"""Trying a paused bot now: an admin has mended what was wrong, or thinks so."""

from __future__ import annotations

from django.db import transaction

from qqconsole.accounts.callers import Caller
from qqconsole.bots import gate_rows
from qqconsole.bots.models import Bot, GateState
from qqconsole.deliveries import audit
from qqconsole.live.documents import gate_event
from qqconsole.live.publish import publish


def try_now(bot: Bot, caller: Caller) -> bool:
    """Let the next probe come at once; False, and nothing is done, where the bot is not paused."""
    with transaction.atomic():
        stepped = gate_rows.hurry(bot.pk)
        if stepped.gate.state != GateState.PAUSED:
            return False
        audit.record(caller, audit.TRY_BOT, f"bot {bot.name}", reason=stepped.gate.reason, code=stepped.gate.code)
        transaction.on_commit(lambda: publish([gate_event(stepped.gate)]))
    return True
