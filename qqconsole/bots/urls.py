"""Pages of the bots."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
