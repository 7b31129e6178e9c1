"""What the adapter raises where no Answer fits: token, gateway, a request that must not be made.

A message on its way to a user never raises: it ends in one of ``adapter.answers``. The tree::

    AdapterError
    ├── TokenRefused        QQ gave no access token and said why (wrong secret, banned, too often …)
    ├── TokenUnreachable    no understandable answer came from the token address
    ├── ApiRefused          QQ refused a question of ours (/users/@me, /gateway, a botpy call)
    ├── ApiUnreachable      no understandable answer to such a question
    ├── GatewayRefused      the gateway closed for a reason that trying again does not cure
    ├── LintError           a frame of ours breaks a protocol rule: a bug, caught before it left
    ├── AddressRefused      a media address QQ could not or should not fetch
    └── MediaRefused        media that QQ would not take: too large, empty, of another kind
"""

from __future__ import annotations


class AdapterError(Exception):
    """``code`` is QQ's number or None, ``trace_id`` QQ's or "", ``str()`` plain words for an operator."""

    code: int | None = None
    trace_id: str = ""

    def __init__(self, words: str, *, code: int | None = None, trace_id: str = "") -> None:
        super().__init__(words)
        self.code = code
        self.trace_id = trace_id


class TokenRefused(AdapterError):
    """``permanent``: a person has to mend it (app id, secret, ban); False: time does (100001, 100002)."""

    def __init__(self, words: str, *, code: int | None, permanent: bool, trace_id: str = "") -> None:
        super().__init__(words, code=code, trace_id=trace_id)
        self.permanent = permanent


class TokenUnreachable(AdapterError):
    """``permanent``: time does not mend it either (a bad address, a certificate that does not verify)."""

    def __init__(self, words: str, *, permanent: bool = False) -> None:
        super().__init__(words)
        self.permanent = permanent


class ApiRefused(AdapterError):
    """QQ's no to a question. ``permanent`` as in ``answers.Refused``; ``after``: seconds, where QQ said."""

    def __init__(
        self,
        words: str,
        *,
        code: int | None,
        permanent: bool,
        http_status: int | None = None,
        after: float | None = None,
        trace_id: str = "",
    ) -> None:
        super().__init__(words, code=code, trace_id=trace_id)
        self.permanent = permanent
        self.http_status = http_status
        self.after = after


class ApiUnreachable(AdapterError):
    """Time-out, cut connection, bare 5xx, or an answer without what was asked for."""


class GatewayRefused(AdapterError):
    """``close_code`` is the websocket's close code (docs/protocol.md 2.5), None when it was not a close."""

    def __init__(self, words: str, *, code: int | None = None, close_code: int | None = None) -> None:
        super().__init__(words, code=code)
        self.close_code = close_code


class LintError(AdapterError):
    """A frame of ours breaks the rule that the words name (``adapter.lint``)."""


class AddressRefused(AdapterError):
    """``reason`` is one word of ``adapter.addresses``: scheme, credentials, host, port, private, form."""

    def __init__(self, reason: str, words: str) -> None:
        super().__init__(words)
        self.reason = reason


class MediaRefused(AdapterError):
    """``reason`` is one word: empty, too_large, kind, data_url, nothing."""

    def __init__(self, reason: str, words: str) -> None:
        super().__init__(words)
        self.reason = reason
