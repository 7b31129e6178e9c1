"""Django admin as an app of the console: with our site in the place of Django's."""

from __future__ import annotations

from django.contrib.admin.apps import AdminConfig


class ConsoleAdminConfig(AdminConfig):
    default_site = "qqconsole.admin_site.ConsoleAdminSite"
