"""Secrets at rest: unreadable in the database, silent in Python, moved to a new key without loss."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet, InvalidToken
from django.core.exceptions import FieldError, ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import connection
from django.forms import modelform_factory

from qqconsole.bots.models import Bot

pytestmark = pytest.mark.django_db


def stored_secret() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT secret FROM bots_bot")
        return str(cursor.fetchone()[0])


def test_the_database_holds_no_plain_text(bot: Bot) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM bots_bot")
        row = str(cursor.fetchone())

    assert "the-bot-secret" not in row
    assert "the-model-key" not in row
    assert Bot.objects.get().secret == "the-bot-secret"


def test_an_empty_secret_stays_empty(db: None) -> None:
    Bot.objects.create(name="keyless", app_id="1", secret="s", source_key="")

    assert Bot.objects.get().source_key == ""


def test_it_is_not_shown_by_accident(bot: Bot, capsys: pytest.CaptureFixture[str]) -> None:
    loaded = Bot.objects.get()
    call_command("dumpdata", "bots", format="json")
    dumped = json.loads(capsys.readouterr().out)[0]["fields"]

    assert "the-bot-secret" not in f"{loaded!r} {loaded.secret!r} {vars(loaded)}"
    assert dumped["secret"] == dumped["source_key"] == ""
    assert not {"secret", "source_key"} & set(modelform_factory(Bot, fields="__all__").base_fields)


def test_a_comparison_in_the_database_is_refused_rather_than_silently_empty(bot: Bot) -> None:
    with pytest.raises(FieldError):
        Bot.objects.filter(secret="the-bot-secret").exists()


def test_rotation_moves_every_secret_to_the_newest_key(bot: Bot, settings: Any) -> None:
    old = settings.ENCRYPTION_KEYS
    newest = Fernet.generate_key().decode()
    settings.ENCRYPTION_KEYS = [newest, *old]

    call_command("rotate_keys", verbosity=0)

    assert Fernet(newest).decrypt(stored_secret().encode()) == b"the-bot-secret"
    with pytest.raises(InvalidToken):
        Fernet(old[0]).decrypt(stored_secret().encode())
    settings.ENCRYPTION_KEYS = [newest]
    assert Bot.objects.get().source_key == "the-model-key"


def test_rotation_can_make_the_key(bot: Bot, settings: Any, tmp_path: Path) -> None:
    keys = tmp_path / "encryption_keys"
    before = settings.ENCRYPTION_KEYS
    settings.ENCRYPTION_KEY_FILE = keys

    call_command("rotate_keys", new_key=True, verbosity=0)

    written = keys.read_text().split()
    assert written[1:] == before
    assert Fernet(written[0]).decrypt(stored_secret().encode()) == b"the-bot-secret"
    assert keys.stat().st_mode & 0o777 == 0o600


def test_a_missing_key_is_told_and_loses_nothing(bot: Bot, settings: Any) -> None:
    before, old = stored_secret(), settings.ENCRYPTION_KEYS
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]

    with pytest.raises(ImproperlyConfigured, match="cannot be decrypted"):
        Bot.objects.get()
    with pytest.raises(CommandError, match=f"bot {bot.pk}"):
        call_command("rotate_keys", verbosity=0)

    assert stored_secret() == before
    settings.ENCRYPTION_KEYS = old
    assert Bot.objects.get().secret == "the-bot-secret"


def test_something_that_is_no_key_is_told(bot: Bot, settings: Any) -> None:
    settings.ENCRYPTION_KEYS = ["not-a-key"]

    with pytest.raises(ImproperlyConfigured, match="not a Fernet key"):
        Bot.objects.get()
