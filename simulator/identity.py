"""Who a bot is: its token and its own user (sheet 1.1, 2.1)."""

from typing import Any

from aiohttp import web

from simulator.bots import Bot
from simulator.call import Call
from simulator.codes import Refusal
from simulator.platform import Platform


def by_secret(platform: Platform, request: web.Request, body: dict[str, Any]) -> Bot:
    """Return the bot of `appId` and `clientSecret` (camelCase only); raises 100007 or 100016 (sheet 1.1)."""
    app_id, secret = body.get("appId"), body.get("clientSecret")
    bot = platform.bots.get(app_id) if isinstance(app_id, str) else None
    if bot is None:
        raise Refusal(100007)
    if secret != bot.secret:
        raise Refusal(100016)
    return bot


def get_app_access_token(call: Call) -> dict[str, Any]:
    """POST /app/getAppAccessToken."""
    return call.platform.tokens.issue(call.bot.app_id)


def get_me(call: Call) -> dict[str, Any]:
    """GET /users/@me."""
    return call.bot.view()
