"""The first login: made once, told until somebody has used it."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from qqconsole.accounts.models import Role, User

NAME = "admin"


def first_login(home: Path) -> tuple[str, str] | None:
    """Name and password to tell at the start; None once anybody has signed in or other people were added.

    The password lies in the data folder (mode 0600) until its first use, so that it can be told again.
    """
    note = home / "first_login"
    people = User.objects.all()
    if not people.exists():
        password = secrets.token_urlsafe(12)
        User.objects.create_user(NAME, password=password, role=Role.ADMIN, is_staff=True)
        descriptor = os.open(note, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(password)
        return NAME, password
    if note.exists():
        admin = people.filter(username=NAME, last_login=None).first()
        password = note.read_text(encoding="ascii").strip()
        if admin is not None and admin.check_password(password):
            return NAME, password
        note.unlink()
    return None
