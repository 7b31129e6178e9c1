"""What the app is called where Django lists apps."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "qqconsole.accounts"
    verbose_name = _("Accounts and audit")
