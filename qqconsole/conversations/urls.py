"""Pages of the sessions."""

from __future__ import annotations

from django.urls import URLPattern, path

from qqconsole.conversations import views

urlpatterns: list[URLPattern] = [
    path("", views.session_list, name="sessions"),
    path("sessions/<int:pk>/", views.session_detail, name="session"),
    path("chunks/<int:pk>/wire/", views.chunk_wire, name="chunk_wire"),
]
