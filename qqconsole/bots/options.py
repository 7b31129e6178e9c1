"""The options of ``bot add``: one row a setting, so that no setting is out of reach of the command line."""

from __future__ import annotations

import argparse
import dataclasses
from typing import Any

from qqconsole.bots.models import AfterLoss, DeadReference, Dialect, Source


@dataclasses.dataclass(frozen=True, slots=True)
class Option:
    flag: str
    field: str
    words: str
    how: dict[str, Any] = dataclasses.field(default_factory=dict)


YES_NO: dict[str, Any] = {"action": argparse.BooleanOptionalAction}

OPTIONS = [
    Option("--app-id", "app_id", "QQ's AppID of the bot"),
    Option("--api-base", "api_base", "address of the platform's API"),
    Option("--token-url", "token_url", "address that hands out access tokens (default: on the API's host)"),
    Option("--dialect", "dialect", "how it streams", {"choices": Dialect.values}),
    Option("--throttle-ms", "throttle_ms", "shortest time between two frames of a stream, ms", {"type": int}),
    Option("--frame-bytes", "frame_bytes", "most text in a frame of a stream, bytes (1000 to 20400)", {"type": int}),
    Option("--open-after", "open_after", "visible characters before a stream opens", {"type": int}),
    Option("--stream-rate", "stream_rate", "stream frames a second, at most", {"type": float}),
    Option("--message-rate", "message_rate", "messages a second, at most", {"type": float}),
    Option("--message-timeout", "message_timeout", "seconds for a message or frame", {"type": float}),
    Option("--upload-timeout", "upload_timeout", "seconds for an upload", {"type": float}),
    Option("--allow-private-urls", "allow_private_urls", "media may lie on private addresses", YES_NO),
    Option("--media-passive", "media_passive", "send media as an answer where one is still possible", YES_NO),
    Option("--proactive-per-second", "proactive_per_second", "messages a second that answer nothing", {"type": int}),
    Option("--proactive-per-minute", "proactive_per_minute", "messages a minute that answer nothing", {"type": int}),
    Option(
        "--proactive-target-minute", "proactive_target_minute", "of them, to one user or group a minute", {"type": int}
    ),
    Option("--proactive-target-day", "proactive_target_day", "of them, to one user or group a day", {"type": int}),
    Option("--markdown", "markdown", "send native markdown", YES_NO),
    Option(
        "--on-dead-reference",
        "on_dead_reference",
        "what to do when the message answered can no longer be answered",
        {"choices": DeadReference.values},
    ),
    Option(
        "--after-4009",
        "after_4009",
        "what to do with answers while QQ's gateway session is lost",
        {"choices": AfterLoss.values},
    ),
    Option("--settle-ms", "settle_ms", "time to settle once it is back, ms", {"type": int}),
    Option("--typing", "typing", "show private chats that an answer is being written", YES_NO),
    Option("--typing-seconds", "typing_seconds", "how long QQ shows it, 5 to 60 seconds", {"type": int}),
    Option("--notice", "notice_enabled", "tell the user when an answer fails", YES_NO),
    Option("--notice-text", "notice_text", "what the user is told then"),
    Option("--source", "source", "where replies come from", {"choices": Source.values}),
    Option("--source-url", "source_url", "address of the model's API, as in https://host/v1"),
    Option("--source-model", "source_model", "name of the model"),
    Option("--system-prompt", "system_prompt", "what the model is told first"),
    Option("--history-turns", "history_turns", "earlier turns the model is shown", {"type": int}),
    Option(
        "--model-silence-timeout",
        "model_silence_timeout",
        "longest silence of the model, seconds",
        {"type": float},
    ),
]
