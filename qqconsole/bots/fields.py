"""Text that is encrypted in the database and never shown by accident."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper


@lru_cache(maxsize=4)
def _box(keys: tuple[str, ...]) -> MultiFernet:
    try:
        return MultiFernet([Fernet(key) for key in keys])
    except ValueError as error:
        raise ImproperlyConfigured(
            "QQCONSOLE_ENCRYPTION_KEYS holds something that is not a Fernet key (32 bytes, URL-safe base64)."
        ) from error


def box() -> MultiFernet:
    """Encrypts with the newest key, decrypts with any. Raises ``ImproperlyConfigured`` for a bad key."""
    return _box(tuple(settings.ENCRYPTION_KEYS))


class Secret(str):
    """A decrypted value: a ``str`` to whoever uses it, silent to whoever prints its repr."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "Secret('…')" if self else "Secret('')"


if TYPE_CHECKING:
    _Text = models.TextField[str, str]
else:
    _Text = models.TextField


class EncryptedTextField(_Text):
    """Ciphertext in the database, a ``Secret`` in Python; left out of forms and blank in fixtures."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("editable", False)
        super().__init__(*args, **kwargs)

    def from_db_value(self, value: str | None, expression: Any, connection: BaseDatabaseWrapper) -> Secret | None:
        if not value:
            return None if value is None else Secret("")
        try:
            return Secret(box().decrypt(value.encode()).decode())
        except InvalidToken as error:
            raise ImproperlyConfigured(
                "A stored secret cannot be decrypted: the key it was encrypted with is missing from "
                "QQCONSOLE_ENCRYPTION_KEYS (or from the encryption_keys file of the data folder)."
            ) from error

    def get_prep_value(self, value: Any) -> Any:
        value = super().get_prep_value(value)
        return box().encrypt(value.encode()).decode() if value else value

    def get_lookup(self, lookup_name: str) -> Any:
        # Equal texts have different ciphertexts: a comparison would quietly find nothing.
        return super().get_lookup(lookup_name) if lookup_name == "isnull" else None

    def value_to_string(self, obj: models.Model) -> str:
        return ""
