"""Bots as records: neither the bot's secret nor the model's key is among the fields, nor can one search by them."""

from __future__ import annotations

from django.contrib import admin

from qqconsole.bots.models import Bot
from qqconsole.records import Records


@admin.register(Bot)
class BotRecords(Records):
    list_display = ("name", "enabled", "app_id", "api_base", "dialect", "source", "source_model")
    list_filter = ("enabled", "dialect", "source")
    search_fields = ("name", "=app_id")
    exclude = ("secret", "source_key")
