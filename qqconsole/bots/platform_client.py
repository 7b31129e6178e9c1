"""A bot's row as the adapter's client wants it: who it is, how long it waits, how fast it may be."""

from __future__ import annotations

from adapter.client import Credentials, QQClient, Timeouts
from adapter.limits import Pace
from qqconsole.bots.models import Bot


def new_client(bot: Bot, pace: Pace | None = None) -> QQClient:
    """A client of the bot's own for the running loop; whoever asked for it closes it. ``pace``: the bot's; without one
    it has one of its own, which is for questions, not for sending."""
    pace = pace or Pace(stream=bot.stream_rate, message=bot.message_rate)
    return QQClient(credentials_of(bot), pace=pace, timeouts=timeouts_of(bot))


def credentials_of(bot: Bot) -> Credentials:
    return Credentials(app_id=bot.app_id, secret=bot.secret, api_base=bot.api_base, token_url=bot.token_url)


def timeouts_of(bot: Bot) -> Timeouts:
    return Timeouts(message=bot.message_timeout, upload=bot.upload_timeout)
