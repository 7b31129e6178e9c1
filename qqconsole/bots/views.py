"""The page of the bots: each with its true connection state and its settings, without its secrets."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import get_language
from django.views.decorators.http import require_POST, require_safe

from qqconsole.accounts.callers import caller_of
from qqconsole.bots.hurrying import try_now
from qqconsole.bots.models import Bot, ConnectionState
from qqconsole.bots.reasons import code_in_words, in_words
from qqconsole.bots.standing import standstill
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


@require_POST
def trying(request: HttpRequest, pk: int) -> HttpResponse:
    """Try a paused bot now."""
    caller = caller_of(request)
    if caller is None or not caller.is_admin:
        raise PermissionDenied
    try_now(get_object_or_404(Bot.objects.defer("secret", "source_key"), pk=pk), caller)
    return redirect("bots")


def _card(bot: Bot, language: str) -> dict[str, Any]:
    connection = connection_of(bot)
    believed = connection.is_believed(timezone.now())
    still = standstill(bot)
    return {
        "bot": bot,
        "connection": connection,
        "believed": believed,
        "still": still,
        "is_well": not bot.enabled or (believed and connection.state == ConnectionState.CONNECTED and still is None),
        "reason": in_words(connection.reason),
        "meaning": code_in_words(connection.code, language),
    }
