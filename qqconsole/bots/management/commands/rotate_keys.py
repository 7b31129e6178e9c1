"""``manage.py rotate_keys``: encrypt every stored secret again, with the newest key."""

from __future__ import annotations

import os
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandError, CommandParser
from django.db import models, transaction

from qqconsole.bots.fields import EncryptedTextField
from qqconsole.environment import new_encryption_key, read
from qqconsole.plain_command import PlainCommand


class Command(PlainCommand):
    help = (
        "Encrypt every stored secret again with the newest key (the first of QQCONSOLE_ENCRYPTION_KEYS). "
        "Afterwards the older keys may be taken away. Running processes know only the keys they started with: "
        "restart them."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--new-key",
            action="store_true",
            help="first make a new key and put it before the others in the data folder's encryption_keys",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["new_key"]:
            self._add_key()
        rotated, lost = 0, []
        for model, fields in encrypted_models():
            for pk in model._base_manager.order_by("pk").values_list("pk", flat=True):
                try:
                    rotated += _rotate(model, fields, pk)
                except ImproperlyConfigured:
                    lost.append(f"{model._meta.verbose_name} {pk}")
        self.stdout.write(f"Encrypted {rotated} secret(s) with the newest of {len(settings.ENCRYPTION_KEYS)} key(s).")
        if lost:
            raise CommandError(
                f"No key fits the secrets of: {', '.join(lost)}. Bring the missing key back, or set them again."
            )

    def _add_key(self) -> None:
        if read("QQCONSOLE_ENCRYPTION_KEYS"):
            raise CommandError(
                "The keys come from QQCONSOLE_ENCRYPTION_KEYS: put a new one in front there, then run this "
                "without --new-key."
            )
        keys = [new_encryption_key(), *settings.ENCRYPTION_KEYS]
        path = settings.ENCRYPTION_KEY_FILE
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write("\n".join(keys) + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
        settings.ENCRYPTION_KEYS = keys


def encrypted_models() -> list[tuple[type[models.Model], list[str]]]:
    """Every model with encrypted fields, and their names."""
    found = [
        (model, [field.name for field in model._meta.get_fields() if isinstance(field, EncryptedTextField)])
        for model in apps.get_models()
    ]
    return [(model, fields) for model, fields in found if fields]


def _rotate(model: type[models.Model], fields: list[str], pk: Any) -> int:
    with transaction.atomic():
        row = model._base_manager.select_for_update().filter(pk=pk).values(*fields).first()
        secrets = {field: value for field, value in (row or {}).items() if value}
        if secrets:
            model._base_manager.filter(pk=pk).update(**secrets)
    return len(secrets)
