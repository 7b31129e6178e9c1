"""``manage.py media clean``: remove old media that no delivery sent, and what crashes left behind."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from qqconsole.media.cleaning import clean
from qqconsole.media.kinds import MEGABYTE
from qqconsole.plain_command import PlainCommand


class Command(PlainCommand):
    help = "Looks after the library of media."

    def add_arguments(self, parser: ArgumentParser) -> None:
        tasks = parser.add_subparsers(dest="task", required=True)
        cleaning = tasks.add_parser("clean", help="remove old media that no delivery sent, and what crashes left")
        cleaning.add_argument(
            "--older-than",
            type=_days,
            default=settings.MEDIA_KEEP_DAYS,
            metavar="DAYS",
            help="not used for so many days (default: QQCONSOLE_MEDIA_KEEP_DAYS, %(default)s)",
        )
        cleaning.add_argument("--dry-run", action="store_true", help="only say what would be removed")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            cleaned = clean(timedelta(days=options["older_than"]), dry_run=options["dry_run"])
        except OSError as error:
            raise CommandError(f"The media storage does not answer: {error}") from error
        done = "Would remove" if options["dry_run"] else "Removed"
        size = f"{cleaned.size / MEGABYTE:.1f} MB"
        self.stdout.write(
            f"{done} {cleaned.files} files ({size}), {cleaned.orphans} left by crashes, "
            f"{cleaned.infos} ended file_infos."
        )


def _days(text: str) -> int:
    if not text.isdigit() or int(text) > 36_500:
        raise ArgumentTypeError(f"{text!r} is not a number of days")
    return int(text)
