"""Pages of the sessions."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
