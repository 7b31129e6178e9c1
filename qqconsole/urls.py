"""Every address of the console."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.urls import include, path
from django.views.i18n import set_language

from qqconsole.health import healthz
from qqconsole.metrics import metrics

urlpatterns = [
    path("", include("qqconsole.conversations.urls")),
    path("", include("qqconsole.deliveries.urls")),
    path("media/", include("qqconsole.media.urls")),
    path("bots/", include("qqconsole.bots.urls")),
    path("admin/", admin.site.urls),
    path("accounts/", include("qqconsole.accounts.urls")),
    path("language/", login_not_required(set_language), name="set_language"),
    path("api/v1/", include("qqconsole.api.urls")),
    path("healthz", healthz, name="healthz"),
    path("metrics", metrics, name="metrics"),
]
