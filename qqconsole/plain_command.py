"""A command whose failures with the database are told in plain words instead of a traceback."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, ProgrammingError


class PlainCommand(BaseCommand):
    # The checks load every address, and with them the whole engine: a second and more for nothing.
    requires_system_checks: list[str] = []

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            return super().execute(*args, **options)
        except (OperationalError, ProgrammingError) as error:
            said = str(error).strip()
            if "no such table" in said or "does not exist" in said:
                raise CommandError("The database has no tables yet. Run first: python manage.py migrate") from error
            raise CommandError(f"The database does not answer: {said}") from error
