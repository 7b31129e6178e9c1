"""Access tokens: one at a time, a new one in the last minute, the old one good to its end (sheet 1.1, 1.2)."""

import secrets
from dataclasses import dataclass
from typing import Any

from simulator.clock import Clock
from simulator.codes import Refusal
from simulator.switches import Switches

OVERLAP = 60  # seconds before its end in which a call returns a new token


@dataclass(frozen=True, slots=True)
class Token:
    """One access token, good until `expires` (seconds since the epoch)."""

    value: str
    app_id: str
    expires: float


class Tokens:
    """Issues and checks the tokens of every bot of one platform."""

    def __init__(self, clock: Clock, switches: Switches) -> None:
        self._clock = clock
        self._switches = switches
        self._current: dict[str, Token] = {}
        self._valid: dict[str, Token] = {}

    def issue(self, app_id: str) -> dict[str, Any]:
        """Return the answer of getAppAccessToken: the same token with what is left of its life, as a string."""
        now = self._clock.now()
        token = self._current.get(app_id)
        if token is None or token.value not in self._valid or token.expires - now <= OVERLAP:
            token = Token(secrets.token_urlsafe(48), app_id, now + self._switches.token_life)
            self._current[app_id] = token
            self._valid[token.value] = token
        left = int(token.expires - now)
        return {
            "access_token": token.value,
            "expires_in": left if self._switches.expires_in == "number" else str(left),
        }

    def owner(self, credential: str | None) -> str:
        """Return the app id that `QQBot <token>` stands for; raises 11241, 11242, 11244 or 11262 (sheet 1.4)."""
        if not credential:
            raise Refusal(11241)
        kind, _, value = credential.partition(" ")
        if kind == "Bot":
            raise Refusal(11262)
        if kind != "QQBot" or not value or value != value.strip():
            raise Refusal(11242)
        token = self._valid.get(value)
        if token is None or token.expires <= self._clock.now():
            self._valid.pop(value, None)
            raise Refusal(11244)
        return token.app_id

    def revoke(self, app_id: str) -> None:
        """Make every token of that bot invalid from now on."""
        self._valid = {value: token for value, token in self._valid.items() if token.app_id != app_id}
