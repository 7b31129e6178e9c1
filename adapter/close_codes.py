"""The gateway's close codes: what each means in plain words and what cures it (sheet 2.5)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Cure(StrEnum):
    RESUME = "resume"
    IDENTIFY = "identify"
    TOKEN = "token"  # noqa: S105 - a word, not a secret
    SLOW = "slow"
    INTENTS = "intents"
    MEND = "mend"
    FATAL = "fatal"


@dataclass(frozen=True, slots=True)
class Closing:
    """What a close code means: the cure, the reason's code word, and plain words."""

    cure: Cure
    reason: str
    zh: str
    en: str


CLOSE_CODES: dict[int, Closing] = {
    4000: Closing(Cure.RESUME, "closed", "网关因未知原因断开。", "The gateway closed for an unknown reason."),
    4001: Closing(Cure.IDENTIFY, "protocol", "网关不认识我们发的指令。", "The gateway does not know our opcode."),
    4002: Closing(Cure.IDENTIFY, "protocol", "网关认为我们发的内容有误。", "The gateway calls our payload invalid."),
    4003: Closing(Cure.IDENTIFY, "protocol", "还没有鉴权。", "The connection was not identified."),
    4004: Closing(Cure.TOKEN, "token_refused", "网关不接受 access token。", "The gateway refused the access token."),
    4005: Closing(Cure.RESUME, "protocol", "重复鉴权。", "The connection was identified twice."),
    4006: Closing(Cure.IDENTIFY, "session_gone", "网关会话已失效。", "The gateway session is no longer valid."),
    4007: Closing(Cure.IDENTIFY, "session_gone", "网关会话的序号有误。", "The gateway session's number is wrong."),
    4008: Closing(Cure.SLOW, "too_fast", "发送过快，稍后重连。", "Sent too fast; reconnecting later."),
    4009: Closing(Cure.RESUME, "session_timed_out", "网关会话到时，正在恢复。", "The gateway session timed out."),
    4010: Closing(Cure.FATAL, "shard", "分片无效。", "The shard is invalid."),
    4011: Closing(Cure.FATAL, "shard", "机器人所在频道太多，需要分片。", "The bot needs more shards."),
    4012: Closing(Cure.FATAL, "version", "网关版本不符。", "The gateway version does not match."),
    4013: Closing(Cure.INTENTS, "intents", "订阅的事件无效。", "An event subscription (intent) is invalid."),
    4014: Closing(
        Cure.INTENTS,
        "intents",
        "机器人没有订阅这些事件的权限，请在开放平台申请。",
        "The bot may not subscribe to these events. Apply for them on QQ's open platform.",
    ),
    4914: Closing(
        Cure.MEND,
        "offline",
        "机器人已下线，或只允许在沙箱中使用。请在开放平台检查。",
        "The bot is offline or may only use the sandbox. Check it on QQ's open platform.",
    ),
    4915: Closing(
        Cure.MEND,
        "banned",
        "机器人已被封禁。请到开放平台查看原因。",
        "The bot is banned. See QQ's open platform for the reason.",
    ),
}
_INTERNAL = Closing(Cure.IDENTIFY, "gateway_error", "网关内部出错。", "The gateway had an internal error.")
_OTHER = Closing(Cure.RESUME, "closed", "与网关的连接断开了。", "The connection to the gateway was closed.")


def closing(code: int | None) -> Closing:
    """What the close code means; None and unlisted codes mean a plain cut (sheet 2.5). Never raises."""
    if code is not None and 4900 <= code <= 4913:
        return _INTERNAL
    return CLOSE_CODES.get(code or 0, _OTHER)


def close_meaning(code: int | None, language: str) -> str:
    """The close code in plain words; ``language`` "zh…" gives Chinese, anything else English."""
    means = closing(code)
    return means.zh if language.lower().startswith("zh") else means.en
