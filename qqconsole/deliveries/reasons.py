"""Why a delivery stands as it stands: the rows' code words in plain words, in the reader's language."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

REASONS: dict[str, Promise] = {
    # QQ's side
    "refused": _("QQ refused it, or a part of it, for good."),
    "no_proof": _(
        "QQ may have it, or a part of it, but never confirmed it. It is not sent again by itself: ask the user."
    ),
    "left_open": _("A stream could not be closed: the user may see only its beginning."),
    "in_review": _("QQ is reviewing it; whether the user sees it is decided there."),
    "moderated": _("QQ's content check stopped it."),
    "reference_expired": _("QQ's window for answering the user's message is over, and this bot sends nothing else."),
    "passive_used_up": _(
        "QQ takes no further answer to the user's message, and this bot sends nothing proactively. "
        "What had been sent stays; let the user write again."
    ),
    "proactive_full": _(
        "QQ takes no further answer to the user's message, and its limit of messages that answer nothing is reached."
    ),
    # the model's side
    "empty_reply": _("The model ended without a word, so there was nothing to send."),
    "model_unreachable": _("The model could not be reached. Check its address and the network."),
    "model_key_refused": _("The model refused the key. Check the bot's model key."),
    "model_not_found": _("There is no such model at this address. Check the model's name and address."),
    "model_redirects": _(
        "The model's address sends elsewhere, and the key and the words of users are not sent after it. "
        "Enter the new address, which the details name."
    ),
    "model_busy": _("The model takes no more requests right now: its rate or quota is used up. Raise it, or wait."),
    "model_refused": _("The model refused the request itself: too long, unpaid, or not allowed."),
    "model_error": _("The model's server reported an error of its own. Look there; the next message is tried afresh."),
    "model_silent": _(
        "The model said nothing for too long. Look at its server, or allow a longer silence for the bot."
    ),
    "model_cut": _("The model's connection broke off in mid-sentence. What had been written was delivered."),
    "model_garbled": _("The model answered with something that cannot be read."),
    "model_filtered": _("The model's own content filter stopped the answer."),
    "model_endless": _("The model did not come to an end, so it was stopped. What had been written was delivered."),
    "source_unknown": _("The bot names a reply source that does not exist."),
    "source_crashed": _("The reply source failed for a reason nobody foresaw."),
    "message_gone": _("The message it answers is no longer stored."),
    # our side
    "cancelled": _("Somebody stopped it."),
    "shutdown": _("The console was stopped while it was being sent. What was open was closed in order."),
    "interrupted": _(
        "The console ended abruptly while it was being sent. The next start saw to what was open; see its segments."
    ),
    "engine_error": _("The console itself made an error. The details are for its developers."),
    "protocol_rule": _("The console stopped a frame of its own that would have broken QQ's rules."),
    "media_unfit": _("The file could not be made ready for QQ; the details say why."),
    # what cannot be asked for
    "empty": _("There is nothing to send: write something first."),
    "too_long": _("This is too long. A message has at most 20,000 characters, a caption or an address 2,000."),
    "no_item": _("Name either a file of the library or an address, not both and not neither."),
    "bad_address": _("This address is not fetched: it has to be a public http(s) address."),
    "no_uploads": _("QQ takes files only in private chats and groups; in a guild only a picture's address can go."),
    "bad_kind": _("It can be sent as a picture, a video, a voice message or a file, and as nothing else."),
    # what is not sent again
    "not_allowed": _("Only an admin may do this."),
    "not_there": _("There is no such delivery any more."),
    "bad_key": _("The idempotency key is too long: it has at most 100 characters."),
    "key_used_elsewhere": _("This idempotency key was used for another request."),
    "running": _("It is waiting for its turn or being sent right now."),
    "already_delivered": _("It has been delivered: nothing is left to send."),
    "nothing_missing": _("QQ has all of it that was written: nothing is left to send."),
    "item_gone": _("The file is neither in the library nor at an address: it cannot be sent again. Send it anew."),
    "second_copy": _("QQ may have it already, so the user may see it twice. Say that you accept this."),
    "no_repeat": _("The exact repeat is not safe or not possible any more: QQ's window for it has ended."),
    "count_changed": _("More deliveries match now than the preview showed. Look at the preview again."),
    "nothing_to_resend": _("None of the deliveries that match can be sent again."),
}

OUTLOOK: dict[str, Promise] = {
    "passive": _("It answers the user's last message."),
    "bot_proactive": _("The bot sends files without naming a message (a setting of the bot)."),
    "no_message": _("There is no message of the user it could answer."),
    "window_over": _("QQ's window for answering the user's message is over."),
    "none_left": _("QQ allows no further answer to the user's message."),
    "closed": _("QQ said that it takes no more answers to the user's message."),
    "same_again": _("QQ refused it for good, and nothing has changed since."),
    "refuses_proactive": _("The user or group takes no messages that answer nothing; let them write first."),
}
"""What ``deliveries.outlook`` says of the next attempt."""

PASSIVE: dict[str, Promise] = {
    "passive": _("passive: answer {used} of {of} to the user's message, which takes answers until {until}"),
    "uncounted": _("passive: answers the user's message, which takes answers until {until}"),
    "bot_proactive": _("proactive: this bot sends media without answering a message"),
    "no_message": _("proactive: there is no message lately that it could answer"),
    "window_over": _("proactive: QQ's window for the user's message ended at {until}"),
    "none_left": _("proactive: {used} of {of} answers to the user's message are used; the last is only for text"),
    "all_used": _("proactive: all {of} answers to the user's message are used"),
    "closed": _("proactive: QQ takes no more answers to the user's message"),
}
"""How ``deliveries.passive`` decided under which message something goes; ``all_used`` is said for ``none_left`` where
not even the last one is left."""

DENIED: dict[str, Promise] = {
    "window_over": _("not sent: QQ's window for the user's message ended at {until}, and this bot sends nothing else"),
    "all_used": _("not sent: all {of} answers to the user's message are used, and this bot sends nothing else"),
    "closed": _("not sent: QQ takes no more answers to the user's message, and this bot sends nothing else"),
}
"""The same where nothing left for QQ, since the bot sends nothing proactively."""

WHYS: dict[str, Promise] = {
    "repeat": _("exact repeat: the outcome was unknown"),
    "again": _("further try"),
    "index": _("with a higher index"),
    "newline": _("with the closing newline QQ asked for"),
    "plain": _("as plain text"),
    "neutralised": _("addresses made harmless"),
    "proactive": _("sent without the message it answers"),
    "fetch": _("QQ did not get it from its address"),
    "parts": _("QQ did not take it in one go"),
    "anew": _("the upload begins anew"),
    "rest": _("what the stream could not take"),
    "notice": _("notice to the user"),
}
"""Why a chunk exists beside the plain run of things."""

NETWORK: dict[str, Promise] = {
    "the platform's certificate does not verify": _("the platform's certificate does not verify"),
    "the platform's host name is not known": _("the platform's host name is not known"),
    "the platform's address is not an http(s) URL": _("the platform's address is not an http(s) URL"),
    "no connection to the platform in time": _("no connection to the platform in time"),
    "the platform refuses the connection": _("the platform refuses the connection"),
    "no answer in time": _("no answer in time"),
    "the connection was cut": _("the connection was cut"),
    "the certificate of the token address does not verify": _("the certificate of the token address does not verify"),
    "the token address is not an http(s) URL": _("the token address is not an http(s) URL"),
    "the token address cannot be reached": _("the token address cannot be reached"),
}
"""What the adapter notes where QQ said nothing, before the exception's name in brackets."""


def in_words(reason: str) -> str:
    """Return the reason in the active language; a word this table does not know comes back as it is."""
    return str(REASONS.get(reason) or OUTLOOK.get(reason) or reason)
