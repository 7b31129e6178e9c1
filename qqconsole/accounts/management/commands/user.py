"""``manage.py user add``: people who may sign in."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import CommandError, CommandParser

from qqconsole.accounts.models import Role, User
from qqconsole.plain_command import PlainCommand
from qqconsole.secret_input import Wanted, read_secrets


class Command(PlainCommand):
    help = "People who may sign in."

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        add = actions.add_parser(
            "add",
            help="add a person; repeated: change role or password",
            description="The password comes from QQCONSOLE_USER_PASSWORD or standard input.",
        )
        add.add_argument("name")
        add.add_argument("--role", choices=Role.values, default=None, help="default: operator")

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["name"].strip()
        user = User.objects.filter(username=name).first()
        created = user is None
        if user is None:
            user = User(username=name, role=Role.OPERATOR)
        (password,) = read_secrets([Wanted("QQCONSOLE_USER_PASSWORD", f"the password of {name}", required=created)])
        if options["role"]:
            user.role = options["role"]
        user.is_staff = user.role == Role.ADMIN
        if password:
            self._warn_of_weakness(password, user)
            user.set_password(password)
        try:
            user.full_clean()
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        user.save()
        self.stdout.write(f"{'Added' if created else 'Changed'} {user.role} {user.username}.")

    def _warn_of_weakness(self, password: str, user: User) -> None:
        """Who may run this command may choose; as with Django's own createsuperuser without prompts."""
        try:
            validate_password(password, user)
        except ValidationError as error:
            self.stderr.write(f"This password is easy to guess: {' '.join(error.messages)}")
