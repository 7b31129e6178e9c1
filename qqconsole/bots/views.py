"""The page of the bots: each with its true connection state and its settings, without its secrets."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from qqconsole.bots.models import Bot, ConnectionState
from qqconsole.bots.reasons import code_in_words, in_words
from qqconsole.live.documents import bot_head, connection_of
from qqconsole.live.words import code_words, words


@require_safe
def bot_list(request: HttpRequest) -> HttpResponse:
    bots = list(Bot.objects.select_related("connection", "gate").defer("secret", "source_key"))
    cards = [_card(bot, get_language() or "en") for bot in bots]
    cards.sort(key=lambda card: card["is_well"])  # trouble first, otherwise by name
    documents = [bot_head(card["bot"]) for card in cards]
    return render(
        request,
        "bots/bot_list.html",
        {
            "cards": cards,
            "words": words(),
            "codes": code_words(),
            "state": {"bots": documents, "sessions": [], "deliveries": []},
        },
    )


def _card(bot: Bot, language: str) -> dict[str, Any]:
    connection = connection_of(bot)
    believed = connection.is_believed(timezone.now())
    return {
        "bot": bot,
        "connection": connection,
        "believed": believed,
        "is_well": not bot.enabled or (believed and connection.state == ConnectionState.CONNECTED),
        "reason": in_words(connection.reason),
        "meaning": code_in_words(connection.code, language),
    }
