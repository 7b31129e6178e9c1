"""What an answer says of the bot itself, whoever it was for: that it works, that something is broken, or nothing.

A refusal of one target or of some content is a sign of life: QQ knew the bot and looked at the message. The codes are
the sheet's (docs/protocol.md 1.1, 1.4).
"""

from __future__ import annotations

from enum import StrEnum

from adapter.answers import Accepted, Answer, InReview, Refused, Throttled, Unknown
from adapter.codes import TOKEN_CODES
from adapter.request import Endpoint


class Sign(StrEnum):
    WELL = "well"
    FAILED = "failed"
    """The platform, the road to it or the bot's rights; one alone may be chance."""
    BROKEN = "broken"
    """No message of this bot can get through until a person mends something: one is enough."""
    NOTHING = "nothing"


BROKEN_CODES = frozenset({11265, 11298, 40023002, 100007, 100016})
"""The bot is banned; this machine is not on its IP list; its app id or its secret is wrong."""
_NO_SUCH_BOT = 10004
"""Said by the token address it is about the bot; elsewhere about a guild."""
_NO_RIGHT = frozenset({11253, 11254})
"""For one API, it may be: the others would still take something, and then they say so."""
_SHOWN = frozenset({Endpoint.MESSAGE, Endpoint.STREAM})
"""Where silence is the platform's; an upload may be slow because of what is uploaded."""


def sign_of(endpoint: Endpoint, answer: Answer) -> Sign:
    match answer:
        case Accepted() | InReview() | Throttled():
            return Sign.WELL
        case Unknown():
            lost = answer.reason in ("timeout", "reset", "5xx") and endpoint in _SHOWN
            return Sign.FAILED if lost else Sign.NOTHING
        case Refused():
            return _sign_of_refusal(answer)


def _sign_of_refusal(refused: Refused) -> Sign:
    exchange = refused.exchange
    codes = {refused.code, exchange.code, exchange.err_code}
    if codes & BROKEN_CODES or (_NO_SUCH_BOT in codes and exchange.http_status == 200):
        return Sign.BROKEN
    if codes & (_NO_RIGHT | TOKEN_CODES) or exchange.http_status in (None, 401):
        return Sign.FAILED
    # QQ's own trouble with this request, told by a code: neither broken nor proof that anything works.
    return Sign.NOTHING if exchange.http_status is not None and exchange.http_status >= 500 else Sign.WELL
