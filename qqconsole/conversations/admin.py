"""Sessions and the messages that came in, as records."""

from __future__ import annotations

from django.contrib import admin

from qqconsole.conversations.models import InboundMessage, Session
from qqconsole.records import Records


@admin.register(Session)
class SessionRecords(Records):
    list_display = ("id", "bot", "scene", "name", "target_id", "last_at")
    list_filter = ("scene", "bot")
    list_select_related = ("bot",)
    search_fields = ("name", "=target_id")
    ordering = ("-last_at",)


@admin.register(InboundMessage)
class InboundMessageRecords(Records):
    list_display = ("id", "session", "author_name", "content", "event_type", "received_at")
    list_filter = ("event_type", "bot")
    list_select_related = ("session",)
    search_fields = ("=qq_id", "=author_id")
    ordering = ("-id",)
