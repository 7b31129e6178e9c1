"""``manage.py retention``: remove deliveries, messages and sessions by their age, and say what went."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from qqconsole.deliveries.retention import remove
from qqconsole.plain_command import PlainCommand

WORDS = {
    "delivery": "deliveries",
    "attempt": "attempts",
    "segment": "segments",
    "chunk": "chunks",
    "passivepair": "pairs of the passive ledger",
    "inboundmessage": "messages received",
    "platformevent": "other events",
    "session": "sessions",
}


class Command(PlainCommand):
    help = "Removes deliveries that ended long ago with all beneath them, old messages, and sessions left empty."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--days",
            type=_days,
            default=settings.KEEP_DAYS or None,
            help="older than so many days (default: QQCONSOLE_KEEP_DAYS; 0 there keeps everything)",
        )
        parser.add_argument("--dry-run", action="store_true", help="only say what would be removed")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["days"] is None:
            raise CommandError("QQCONSOLE_KEEP_DAYS is 0: everything is kept. Say --days N to remove what is older.")
        removed = remove(timedelta(days=options["days"]), dry_run=options["dry_run"])
        named = [f"{count:,} {WORDS[name]}" for name in WORDS if (count := removed.get(name, 0))]
        others = sum(count for name, count in removed.items() if name not in WORDS)
        named += [f"{others:,} rows beside them"] if others else []
        done = "Would remove" if options["dry_run"] else "Removed"
        self.stdout.write(f"{done} {', '.join(named) or 'nothing'}: older than {options['days']} days.")


def _days(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 36_500:
        raise ArgumentTypeError(f"{text!r} is not a number of days from 1 on")
    return int(text)
