"""Why a delivery stands as it stands: the rows' code words in plain words, in the reader's language."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

REASONS: dict[str, Promise] = {
    # QQ's side
    "refused": _("QQ refused a part of it for good."),
    "no_proof": _("QQ may have a part of it, but never proved it. It is not sent again by itself."),
    "left_open": _("A stream could not be closed: the user may see only its beginning."),
    "in_review": _("QQ is reviewing it; whether the user sees it is decided there."),
    "moderated": _("QQ's content check stopped it."),
    # the model's side
    "empty_reply": _("The model ended without a word, so there was nothing to send."),
    "model_unreachable": _("The model could not be reached. Check its address and the network."),
    "model_key_refused": _("The model refused the key. Check the bot's model key."),
    "model_not_found": _("There is no such model at this address. Check the model's name and address."),
    "model_busy": _("The model takes no more requests right now (rate limit)."),
    "model_refused": _("The model refused the request itself: too long, unpaid, or not allowed."),
    "model_error": _("The model reported an error of its own."),
    "model_silent": _("The model said nothing for too long."),
    "model_cut": _("The model's connection broke off in mid-sentence. What had been written was delivered."),
    "model_garbled": _("The model answered with something that cannot be read."),
    "model_filtered": _("The model's own content filter stopped the answer."),
    "source_unknown": _("The bot names a reply source that does not exist."),
    "source_crashed": _("The reply source failed for a reason nobody foresaw."),
    "message_gone": _("The message it answers is no longer stored."),
    # our side
    "cancelled": _("Somebody stopped it."),
    "shutdown": _("The console was stopped while it was being sent. What was open was closed in order."),
    "interrupted": _("The console ended abruptly while it was being sent. What was open was closed at the next start."),
    "engine_error": _("The console itself made an error. The details are for its developers."),
    "protocol_rule": _("The console stopped a frame of its own that would have broken QQ's rules."),
    "bot_removed": _("The bot was removed or switched off."),
}

WHYS: dict[str, Promise] = {
    "repeat": _("exact repeat: the outcome was unknown"),
    "again": _("tried again"),
    "retry": _("tried again"),
    "index": _("with a higher index"),
    "newline": _("with the closing newline QQ asked for"),
    "plain": _("as plain text"),
    "neutralised": _("addresses made harmless"),
    "proactive": _("sent without the message it answers"),
    "rest": _("what the stream could not take"),
    "notice": _("notice to the user"),
}
"""Why a chunk exists beside the plain run of things."""


def in_words(reason: str) -> str:
    """Return the reason in the active language; a word this table does not know comes back as it is."""
    return str(REASONS.get(reason, reason))
