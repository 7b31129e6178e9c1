"""Sessions and the messages that came in, as records."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from qqconsole.bots.models import Bot
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
    only_newest = True
    list_filter = ("addressed", "bot")
    list_select_related = ("session",)
    words_find = ("qq_id",)
    ordering = ("-id",)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """By QQ's id of the message: the index holds it behind the bot."""
        found, more = super().get_search_results(request, queryset, search_term)
        return found.filter(bot__in=list(Bot.objects.values_list("pk", flat=True))) if search_term else found, more
