"""``manage.py bot``: add, list, check, remove, enable and disable bots."""

from __future__ import annotations

import asyncio
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from qqconsole.bots.models import Bot
from qqconsole.bots.options import OPTIONS
from qqconsole.bots.registering import BotRefused, register
from qqconsole.plain_command import PlainCommand
from qqconsole.secret_input import Wanted, read_secrets


class Command(PlainCommand):
    help = "Bots: add one (or change it), list, check against the network, enable, disable, remove."

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        add = actions.add_parser(
            "add",
            help="add a bot; repeated: change what is given, keep the rest",
            description="The bot's secret comes from QQCONSOLE_BOT_SECRET, the model's key from "
            "QQCONSOLE_SOURCE_KEY, or both from standard input, a line each in this order.",
        )
        add.add_argument("name")
        for option in OPTIONS:
            add.add_argument(option.flag, dest=option.field, default=None, help=option.words, **option.how)
        actions.add_parser("list", help="every bot with its connection")
        for action, words in [
            ("check", "ask QQ and the model whether this bot can work"),
            ("enable", "connect it and answer"),
            ("disable", "disconnect it; nothing is deleted"),
        ]:
            actions.add_parser(action, help=words).add_argument("name")
        remove = actions.add_parser("remove", help="delete a bot")
        remove.add_argument("name")
        remove.add_argument("--with-history", action="store_true", help="and all its sessions and deliveries")

    def handle(self, *args: Any, **options: Any) -> None:
        action = options["action"]
        if action == "add":
            self._add(options)
        elif action == "list":
            self._list()
        elif action == "check":
            self._check(self._bot(options["name"]))
        elif action == "remove":
            self._remove(self._bot(options["name"]), with_history=options["with_history"])
        else:
            self._switch(self._bot(options["name"]), enabled=action == "enable")

    def _bot(self, name: str) -> Bot:
        try:
            return Bot.objects.get(name=name)
        except Bot.DoesNotExist:
            names = ", ".join(Bot.objects.values_list("name", flat=True)) or "none yet"
            raise CommandError(f"There is no bot called {name!r}. There are: {names}.") from None

    def _add(self, options: dict[str, Any]) -> None:
        name = options["name"].strip()
        changes = {option.field: options[option.field] for option in OPTIONS if options[option.field] is not None}
        known = Bot.objects.filter(name=name).exists()
        secret, key = read_secrets(
            [
                Wanted("QQCONSOLE_BOT_SECRET", "the bot's secret", required=not known),
                Wanted("QQCONSOLE_SOURCE_KEY", "the model's key", required=False),
            ]
        )
        try:
            bot, created = register(name, changes, secret, key)
        except BotRefused as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stdout.write(f"{'Added' if created else 'Changed'} bot {bot.name} (AppID {bot.app_id}).")
        self.stdout.write(f"  platform {bot.api_base}, tokens from {bot.token_url}")
        model = f"{bot.source_model or 'no model named'} at {bot.source_url}" if bot.source_url else "none yet"
        self.stdout.write(f"  dialect {bot.dialect}, model {model}")
        self.stdout.write(f"A running console connects it within 5 seconds. Check it: bot check {bot.name}")

    def _list(self) -> None:
        rows = [("NAME", "APP ID", "DIALECT", "PLATFORM", "MODEL", "CONNECTION")]
        for bot in Bot.objects.select_related("connection").defer("secret", "source_key"):
            rows.append(
                (
                    bot.name,
                    bot.app_id,
                    bot.dialect,
                    bot.api_base,
                    bot.source_model or "-",
                    connection_words(bot),
                )
            )
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        for row in rows:
            cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            self.stdout.write("  ".join(cells).rstrip())

    def _check(self, bot: Bot) -> None:
        # Only this action needs the clients of QQ and of the model, which take their time to load.
        from qqconsole.bots.checking import check_bot

        well = True
        for finding in asyncio.run(check_bot(bot)):
            well = well and finding.ok
            self.stdout.write(f"[{'ok' if finding.ok else '!!'}] {finding.part}: {finding.en}")
            self.stdout.write(f"     {finding.zh}")
            if finding.detail:
                self.stdout.write(f"     {finding.detail}")
        if not well:
            raise CommandError(f"Bot {bot.name} cannot work like this. / 机器人 {bot.name} 这样无法工作。")

    def _remove(self, bot: Bot, *, with_history: bool) -> None:
        sessions = bot.sessions.count()
        if sessions and not with_history:
            raise CommandError(
                f"Bot {bot.name} has {sessions} session(s), which would be deleted with every delivery in them. "
                "Say --with-history to delete them, or use: bot disable"
            )
        bot.delete()
        self.stdout.write(f"Removed bot {bot.name}.")

    def _switch(self, bot: Bot, *, enabled: bool) -> None:
        bot.enabled = enabled
        bot.save(update_fields=["enabled", "updated_at"])
        self.stdout.write(f"Bot {bot.name} is {'enabled' if enabled else 'disabled'}.")


def connection_words(bot: Bot) -> str:
    """The connection as far as it is to be believed."""
    if not bot.enabled:
        return "disabled"
    connection = getattr(bot, "connection", None)
    if connection is None or connection.seen_at is None:
        return "never connected"
    if not connection.is_believed(timezone.now()):
        return f"gateway not running (last known: {connection.state})"
    code = "" if connection.code is None else f" ({connection.code})"
    return f"{connection.state}{code}"
