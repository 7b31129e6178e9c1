"""The platform as a whole: its bots, clock, switches, faults and journal."""

from __future__ import annotations

import uuid

from simulator.bots import Bot
from simulator.clock import Clock
from simulator.faults import Faults
from simulator.journal import Journal
from simulator.options import BotAccount, Options
from simulator.part_files import PartFiles
from simulator.switches import Switches
from simulator.tokens import Tokens
from simulator.truth import Observer


class Platform:
    """Everything the request handlers share. `url` is set once the server listens."""

    def __init__(self, options: Options, clock: Clock, switches: Switches) -> None:
        self.options = options
        self.clock = clock
        self.switches = switches
        self.url = options.public_url or ""
        self.faults = Faults(options.seed)
        self.journal = Journal(options.journal_size)
        self.tokens = Tokens(clock, switches)
        self.part_files = PartFiles()
        self.observers: set[Observer] = set()
        self.bots: dict[str, Bot] = {}
        for account in options.bots:
            self.register(account)

    def register(self, account: BotAccount) -> Bot:
        """Add a bot, or replace the one of the same app id with a fresh one."""
        self.tokens.revoke(account.app_id)
        bot = Bot(account, self.options, self.clock, self.switches, self.observers)
        self.bots[account.app_id] = bot
        return bot

    def bot(self, app_id: str | None) -> Bot:
        """Return that bot, or the first one for None; raises KeyError."""
        if app_id is None:
            return next(iter(self.bots.values()))
        return self.bots[app_id]

    def reset(self) -> None:
        """Forget conversations, faults, requests and violations. Bots, tokens and gateway sessions stay."""
        for app_id, bot in self.bots.items():
            for stream in bot.open_streams.values():
                if stream.timer is not None:
                    stream.timer.cancel()
            account = BotAccount(app_id, bot.secret, bot.name, bot.verified)
            fresh = Bot(account, self.options, self.clock, self.switches, self.observers)
            fresh.sessions = bot.sessions
            self.bots[app_id] = fresh
        self.part_files.close()
        self.faults.clear()
        self.journal.clear()


def message_id() -> str:
    """Return a fresh message id; never the same twice, not even after a restart with the same seed."""
    return f"ROBOT1.0_{uuid.uuid4().hex}{uuid.uuid4().hex[:16]}!"


def reference_id() -> str:
    """Return a fresh `ext_info.ref_idx` (sheet 3.3)."""
    return f"REFIDX_{uuid.uuid4().hex}=="
