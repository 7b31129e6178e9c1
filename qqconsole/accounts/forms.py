"""The sign-in form."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from qqconsole.accounts import sign_in_limits
from qqconsole.caller_address import client_address


class SignInForm(AuthenticationForm):
    """Django's, with a limit on wrong passwords. While blocked, a right password is not tried at all."""

    error_messages = {
        **AuthenticationForm.error_messages,
        "blocked": _("Too many failed sign-ins. Wait five minutes and try again."),
    }

    def clean(self) -> dict[str, Any]:
        account = self.cleaned_data.get("username") or ""
        address = client_address(self.request) if self.request is not None else ""
        if sign_in_limits.is_blocked(account, address):
            raise ValidationError(self.error_messages["blocked"], code="blocked")
        try:
            cleaned = super().clean()
        except ValidationError:
            sign_in_limits.note_failure(account, address)
            raise
        sign_in_limits.forget(account, address)
        return cleaned
