"""Why a bot's connection stands as it stands, and what to do: the gateway's code words in plain words."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from adapter import close_codes, codes

REASONS: dict[str, Promise] = {
    "ready": _("Receiving messages."),
    "resumed": _("Receiving messages; the gateway session was resumed and nothing was missed."),
    "identifying": _("Signing in at QQ's gateway."),
    "resuming": _("Resuming the gateway session."),
    "stopped": _("The console does not run the gateway of this bot now."),
    "unreachable": _("The platform cannot be reached. Check the API base address and the network."),
    "token_refused": _("QQ gave no access token. Check app id and secret."),
    "api_refused": _("The platform refused the request for the gateway's address."),
    "ip_not_listed": _("This machine's address is not on the bot's IP list. Add it on QQ's open platform."),
    "session_limit": _("Today's gateway sign-ins are used up. It goes on by itself when QQ allows more."),
    "reconnect_asked": _("QQ asked for a reconnect; this is routine."),
    "session_timed_out": _("The gateway session timed out, as it does every half hour; it is being resumed."),
    "session_gone": _("The gateway session is no longer valid; a fresh one is being opened."),
    "silent": _("The gateway no longer answered."),
    "closed": _("The connection to the gateway was cut."),
    "gateway_error": _("The gateway had an internal error."),
    "protocol": _("The gateway did not understand us."),
    "too_fast": _("The gateway found us too fast; the next try comes later."),
    "intents": _("The bot may not subscribe to some events. Apply for them on QQ's open platform."),
    "shard": _("The bot is in so many guilds that it needs shards, which the console does not do."),
    "version": _("The gateway no longer speaks this version. The console needs an update."),
    "offline": _("The bot is offline or may only use the sandbox. Check it on QQ's open platform."),
    "banned": _("The bot is banned. See QQ's open platform for the reason."),
    "unreadable": _("The bot's settings cannot be read. Restore the key of its secret, or set the secret anew."),
    "broke": _("The console itself made an error at this bot's gateway. It tries again in ten minutes."),
}


PAUSES: dict[str, Promise] = {
    "refused": _("QQ refuses whatever this bot sends."),
    "unreachable": _("The platform cannot be reached."),
    "silent": _("The platform does not answer in time."),
    "cut": _("The platform cuts every connection."),
    "errors": _("The platform answers with errors of its own."),
}
"""Why sending is paused (``BotGate.reason``)."""


def pause_in_words(reason: str) -> str:
    """Return why sending is paused, in the active language."""
    return str(PAUSES.get(reason, reason)) if reason else ""


def in_words(reason: str) -> str:
    """Return the reason in the active language; a word this table does not know comes back as it is."""
    return str(REASONS.get(reason, reason)) if reason else ""


def code_in_words(code: int | None, language: str) -> str:
    """Return what a gateway close code or an API code means; "" for none."""
    if not code:
        return ""
    if 4000 <= code < 5000:
        return close_codes.close_meaning(code, language)
    return codes.meaning(code, language)
