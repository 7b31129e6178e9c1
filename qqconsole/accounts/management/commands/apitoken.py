"""``manage.py apitoken``: tokens for the API and the live socket."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import IntegrityError, transaction
from django.utils import timezone

from qqconsole.accounts.models import ApiToken, Role
from qqconsole.plain_command import PlainCommand


class Command(PlainCommand):
    help = "Tokens for the API and the live socket."

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        create = actions.add_parser("create", help="print a new token; it is never shown again")
        create.add_argument("name", help="what it is for")
        create.add_argument("--role", choices=Role.values, default=Role.ADMIN.value)
        actions.add_parser("list", help="every token by name, without its secret")
        actions.add_parser("revoke", help="end a token at once").add_argument("name")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["action"] == "create":
            self._create(options["name"].strip(), options["role"])
        elif options["action"] == "list":
            self._list()
        else:
            self._revoke(options["name"])

    def _create(self, name: str, role: str) -> None:
        if not name or len(name) > 100:
            raise CommandError("A token needs a name of 1 to 100 characters.")
        try:
            with transaction.atomic():
                _, secret = ApiToken.issue(name, role)
        except IntegrityError:
            raise CommandError(f"There is a token called {name!r} already: choose another name.") from None
        self.stdout.write(secret)

    def _list(self) -> None:
        for token in ApiToken.objects.order_by("created_at"):
            used = f"used {token.last_used_at:%Y-%m-%d %H:%M}Z" if token.last_used_at else "never used"
            state = f"revoked {token.revoked_at:%Y-%m-%d %H:%M}Z" if token.revoked_at else "valid"
            self.stdout.write(f"{token.name}\t{token.role}\t{state}\t{used}")

    def _revoke(self, name: str) -> None:
        if not ApiToken.objects.filter(name=name, revoked_at=None).update(revoked_at=timezone.now()):
            raise CommandError(f"There is no valid token called {name!r}.")
        self.stdout.write(f"Revoked {name}.")
