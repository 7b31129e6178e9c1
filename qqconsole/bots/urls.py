"""The page of the bots."""

from __future__ import annotations

from django.urls import URLPattern, path

from qqconsole.bots import views

urlpatterns: list[URLPattern] = [path("", views.bot_list, name="bots")]
