"""The words of the live pages: one catalogue for templates and scripts, handed to the page as JSON."""

from __future__ import annotations

from typing import Any

from django.utils.translation import get_language, gettext

from adapter.close_codes import CLOSE_CODES
from adapter.codes import CODES
from qqconsole.bots import reasons as bot_reasons
from qqconsole.bots.models import ConnectionState
from qqconsole.conversations.models import Scene
from qqconsole.conversations.names import UNNAMED
from qqconsole.deliveries import reasons as delivery_reasons
from qqconsole.deliveries.models import ChunkKind, ChunkStatus, Kind, SegmentKind, SegmentStatus, Status
from qqconsole.media import reasons as media_reasons
from qqconsole.media.models import MediaKind


def words() -> dict[str, Any]:
    """Return every word the scripts show, in the active language."""
    return {
        "status": _labels(Status),
        "kind": _labels(Kind),
        "scene": _labels(Scene),
        "segment_kind": _labels(SegmentKind),
        "segment_status": _labels(SegmentStatus),
        "chunk_kind": _labels(ChunkKind),
        "chunk_status": _labels(ChunkStatus),
        "connection": _labels(ConnectionState),
        "reason": {word: str(text) for word, text in delivery_reasons.REASONS.items()},
        "why": {word: str(text) for word, text in delivery_reasons.WHYS.items()},
        "passive": {word: str(text) for word, text in delivery_reasons.PASSIVE.items()},
        "denied": {word: str(text) for word, text in delivery_reasons.DENIED.items()},
        "bot_reason": {word: str(text) for word, text in bot_reasons.REASONS.items()},
        "gate_reason": {word: str(text) for word, text in bot_reasons.PAUSES.items()},
        "network": {phrase: str(text) for phrase, text in delivery_reasons.NETWORK.items()},
        "media_kind": _labels(MediaKind),
        "media_note": _media_notes(),
        "media_problem": {word: str(text) for word, text in media_reasons.PROBLEMS.items()},
        "state": {"1": gettext("QQ's state 1: more follows"), "10": gettext("QQ's state 10: the last one")},
        "purpose": {"rest": gettext("rest of a stream"), "notice": gettext("notice to the user")},
        "unnamed": {scene: str(text) for scene, text in UNNAMED.items()},
        "page": _page(),
    }


def code_words() -> dict[str, str]:
    """Return QQ's codes and the gateway's close codes with what they mean, in the active language."""
    chinese = (get_language() or "").startswith("zh")
    codes = [(number, code.zh, code.en) for number, code in CODES.items()]
    codes += [(number, close.zh, close.en) for number, close in CLOSE_CODES.items()]
    return {str(number): zh if chinese else en for number, zh, en in codes}


def _labels(choices: Any) -> dict[str, str]:
    return {str(value): str(label) for value, label in choices.choices}


def _page() -> dict[str, str]:
    return {
        "live": gettext("Live"),
        "connecting": gettext("Connecting…"),
        "not_live": gettext("Not live"),
        "lost": gettext("This page is not live: the connection was lost at {time}. What it shows may be out of date."),
        "never_live": gettext("This page is not live: the console cannot be reached for live news."),
        "gate_paused": gettext("Sending is paused since {time}; what is to be sent waits."),
        "gate_trial": gettext("QQ answers again: one message at a time until the first gets through."),
        "gate_lost_hold": gettext("QQ's gateway session is lost since {time}: answers wait until it is back."),
        "gate_lost_suspect": gettext(
            "QQ's gateway session is lost since {time}: what is sent now is marked, for QQ may drop it."
        ),
        "gate_settling_hold": gettext("QQ's gateway session came back at {time}: answers wait until it has settled."),
        "gate_settling_suspect": gettext(
            "QQ's gateway session came back at {time}: what is sent is marked until it has settled."
        ),
        "goes_on_in": gettext("Sending goes on in {seconds} s."),
        "maybe_dropped": gettext("sent while QQ's gateway session was lost: QQ may have dropped it"),
        "again_in": gettext("Next try in {seconds} s."),
        "trying": gettext("Trying again…"),
        "gateway_gone": gettext("gateway not running"),
        "last_known": gettext("Last known at {time}: {state}."),
        "never_seen": gettext("No process has held its gateway yet."),
        "disabled": gettext("switched off"),
        "you_see": gettext("{accepted} of {generated} characters delivered"),
        "attempt": gettext("Attempt {number}"),
        "segment": gettext("Segment {number}"),
        "characters": gettext("{count} chars"),
        "no_answer": gettext("no answer yet"),
        "never_answered": gettext("No answer came, or it was empty."),
        "milliseconds": gettext("{value} ms"),
        "seconds": gettext("{value} s"),
        "copied": gettext("Copied"),
        "copy": gettext("Copy"),
        "loading": gettext("Loading…"),
        "load_failed": gettext("Could not be loaded. Open it again to try once more."),
        "empty_text": gettext("(no text)"),
        "nothing_written": gettext("Nothing was written."),
        "no_reasoning": gettext("The model gave no reasoning."),
        "waiting": gettext("waiting for its turn"),
        "thinking": gettext("waiting for the model"),
        "reasoning": gettext("the model is thinking: {count} characters, which are not sent"),
        "writing": gettext("the model is writing: {count} characters so far"),
        "written_waits": gettext("the model has written all {count} characters; they wait to be sent"),
        "cancelling": gettext("stopping…"),
        "cancel_failed": gettext("It could not be stopped: {why}"),
        "left_open": gettext("never closed: QQ may have rolled it back to its beginning"),
        "not_sent": gettext("not accepted by QQ"),
        "rest_not_sent": gettext("Not sent: the rest, {count} characters."),
        "goes_on": gettext("full: goes on in the next bubble"),
        "fence_closed": gettext(
            "full: goes on in the next bubble; the cut code block is closed and opened again there"
        ),
        "fence_opened": gettext("opens the cut code block again"),
        "maybe_sent": gettext("QQ may have it: its confirmation never came"),
        "since": gettext("since {time}"),
        "attachment": gettext("attachment"),
        "ignored": gettext("not addressed to the bot"),
        "reviewing": gettext("in review"),
        **_sending(),
        "unknown_code": gettext("QQ does not document this code."),
    }


def _media_notes() -> dict[str, str]:
    """What is changed before media are sent: by its code word, and by the English words the record has."""
    notes = {word: str(text) for word, text in media_reasons.NOTES.items()}
    return notes | {media_reasons.in_english(word): text for word, text in notes.items()}


def _sending() -> dict[str, str]:
    """What the composer and the bubbles of media say."""
    return {
        "becomes_voice": gettext("Will be turned into a QQ voice message."),
        "as_kind": gettext("Goes as: {kind}"),
        "uploading": gettext("Uploading to the console: {percent} %"),
        "checking": gettext("Uploaded; the console looks into it…"),
        "ready": gettext("Ready to send"),
        "queueing": gettext("Handing over…"),
        "upload_cut": gettext("The upload broke off. Nothing is lost: try again."),
        "upload_stopped": gettext("The console does not answer. Nothing is lost: try again."),
        "signed_out": gettext("You are signed out. Sign in in another tab, then try again."),
        "not_handed_over": gettext("Not handed over: {why}"),
        "one_waits": gettext("A file above is not ready: try it again or remove it. What comes after it waits."),
        "bytes": gettext("{value} bytes"),
        "kilobytes": gettext("{value} KB"),
        "megabytes": gettext("{value} MB"),
        "upload_start": gettext("The upload to QQ begins…"),
        "upload_parts": gettext("To QQ: part {done} of {parts}"),
        "upload_whole": gettext("To QQ…"),
        "sending_media": gettext("With QQ: being sent…"),
        "part_of": gettext("part {number} of {parts}"),
        "by": gettext("by {name}"),
        "failed_at": gettext("Step: {step}."),
        "begins": gettext("being prepared…"),
        "not_before": gettext("waiting, not before {time}"),
        "no_folders": gettext("A folder cannot be sent. Choose the files in it."),
        "file_size": gettext("{sent} of {size}"),
    }
