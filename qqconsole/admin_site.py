"""Django admin as the console has it: our sign-in, our roles; ``is_staff`` and Django's permissions play no part."""

from __future__ import annotations

from functools import wraps
from typing import Any, cast

from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, URLResolver
from django.utils.translation import gettext_lazy as _


class ConsoleAdminSite(AdminSite):
    site_header = _("qqconsole: records")
    site_title = "qqconsole"
    index_title = _("Records, as they are stored")
    site_url = "/"
    enable_nav_sidebar = False

    def has_permission(self, request: HttpRequest) -> bool:
        """Admins of the console, whatever ``is_staff`` says."""
        user: Any = request.user
        return bool(user.is_active and getattr(user, "is_admin", False))

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The console has one sign-in: nobody gets this far without it. Raises PermissionDenied."""
        if not self.has_permission(request):
            raise PermissionDenied
        return redirect("admin:index")

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Django would send whoever may not enter to its own sign-in; here they are told so."""
        guarded = super().admin_view(view, cacheable)

        @wraps(guarded)
        def admitted(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            if not self.has_permission(request):
                raise PermissionDenied
            return guarded(request, *args, **kwargs)

        return admitted

    def get_urls(self) -> list[Any]:
        """Only what records need: no password form, no sign-out and no look-ups of Django's own beside ours."""
        wanted = {"index", "login", "jsi18n", "app_list"}
        kept = [
            pattern
            for pattern in super().get_urls()
            if isinstance(pattern, URLResolver) or getattr(pattern, "name", None) in wanted
        ]
        for pattern in kept:
            # Straight to the console's sign-in, and from there to the page that was asked for.
            if isinstance(pattern, URLPattern) and hasattr(pattern.callback, "login_url"):
                cast(Any, pattern.callback).login_url = None
        return kept
