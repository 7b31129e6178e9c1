"""Adding a bot or changing one: what the command line, and later a page, both call."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.db import transaction

from qqconsole.bots.models import Bot

ADDRESSES = ("api_base", "token_url", "source_url")
POSITIVE = ("message_timeout", "upload_timeout", "model_silence_timeout", "stream_rate", "message_rate")


class BotRefused(Exception):
    """These settings make no working bot; ``str()`` says why in plain words."""


def register(name: str, changes: Mapping[str, Any], secret: str = "", source_key: str = "") -> tuple[Bot, bool]:
    """Add the bot ``name``, or change the one there is; the bot and whether it is new.

    Only what is in ``changes`` changes; an empty secret or key keeps the stored one. Asks nothing of the network.
    Raises ``BotRefused``.
    """
    with transaction.atomic():
        bot = Bot.objects.select_for_update().filter(name=name).first()
        created = bot is None
        if bot is None:
            bot = Bot(name=name)
        for field, value in changes.items():
            setattr(bot, field, value.strip() if isinstance(value, str) else value)
        if secret:
            bot.secret = secret
        if source_key:
            bot.source_key = source_key
        _tidy_addresses(bot, changes, created)
        _check(bot)
        bot.save()
    return bot, created


def _tidy_addresses(bot: Bot, changes: Mapping[str, Any], created: bool) -> None:
    for field in ADDRESSES:
        setattr(bot, field, getattr(bot, field).rstrip("/"))
    if created and "api_base" in changes and "token_url" not in changes:
        bot.token_url = token_url_for(bot.api_base)


def token_url_for(api_base: str) -> str:
    """Where tokens for this API come from when nobody said: its own host (docs/protocol.md 1.1, 2.1).

    Left at QQ's address, the secret of a bot on another platform would be sent to QQ. QQ's older API hosts have
    no such endpoint; theirs is on bots.qq.com.
    """
    host = urlsplit(api_base).hostname or ""
    base = "https://bots.qq.com" if host.endswith("sgroup.qq.com") else api_base
    return f"{base}/app/getAppAccessToken"


def _check(bot: Bot) -> None:
    if not bot.name.strip():
        raise BotRefused("The bot needs a name.")
    if not bot.app_id:
        raise BotRefused("The bot needs its AppID (--app-id).")
    if not bot.secret:
        raise BotRefused("The bot needs its secret.")
    for field in ADDRESSES:
        _check_address(field, getattr(bot, field), optional=field == "source_url")
    for field in POSITIVE:
        value = getattr(bot, field)
        if not (math.isfinite(value) and value > 0):
            raise BotRefused(f"{_option(field)} must be a number above zero, not {value}.")
    try:
        bot.full_clean(exclude=["secret", "source_key"])
    except ValidationError as error:
        problems = "; ".join(
            f"{_option(field)}: {' '.join(messages)}" for field, messages in error.message_dict.items()
        )
        raise BotRefused(problems) from error


def _check_address(field: str, address: str, *, optional: bool) -> None:
    if not address and optional:
        return
    try:
        parts = urlsplit(address)
        well = parts.scheme in {"http", "https"} and parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:
        well = False
    if not well:
        raise BotRefused(f"{_option(field)} must be an http:// or https:// address, not {address!r}.")
    if parts.username or parts.password:
        raise BotRefused(f"{_option(field)} must not hold a user name or password.")


def _option(field: str) -> str:
    return "--" + field.replace("_", "-")
