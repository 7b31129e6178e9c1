"""The page of the bots, and what an admin may do there."""

from __future__ import annotations

from django.urls import URLPattern, path

from qqconsole.bots import views

urlpatterns: list[URLPattern] = [
    path("", views.bot_list, name="bots"),
    path("<int:pk>/try/", views.trying, name="bot_try"),
]
