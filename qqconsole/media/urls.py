"""The library's pages."""

from __future__ import annotations

from django.urls import path

from qqconsole.media import views

urlpatterns = [
    path("", views.media_list, name="media"),
    path("<int:pk>/file", views.media_file, name="media_file"),
    path("<int:pk>/thumbnail", views.media_thumbnail, name="media_thumbnail"),
]
