"""One bot on the platform: everything QQ keeps about it, apart from every other bot."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

from simulator.bounded import Bounded
from simulator.clock import Clock
from simulator.codes import Refusal
from simulator.ledger import PassiveLedger
from simulator.media_store import MediaStore
from simulator.options import BotAccount, Options
from simulator.quotas import Quotas
from simulator.rates import SlidingWindow
from simulator.switches import Switches
from simulator.truth import Bubble, Observer, Screens

if TYPE_CHECKING:
    from simulator.gateway_session import GatewaySession
    from simulator.streams_current import CurrentStream
    from simulator.streams_legacy import LegacyStream
    from simulator.uploads import Upload

KEPT = 20_000
UPLOADS = 50  # under way at a time; beyond that the oldest is forgotten
DAY = 86_400.0


class Bot:
    """A registered bot and its state."""

    def __init__(
        self,
        account: BotAccount,
        options: Options,
        clock: Clock,
        switches: Switches,
        observers: set[Observer],
    ) -> None:
        self.app_id = account.app_id
        self.secret = account.secret
        self.name = account.name
        self.verified = account.verified
        # botpy casts the id to int (sheet 2.1)
        self.user_id = str(10**18 + zlib.crc32(account.app_id.encode()) * 10**6 + 102)
        self.clock = clock
        self.screens = Screens(account.app_id, observers)
        self.ledger = PassiveLedger(switches)
        self.quotas = Quotas(switches, verified=account.verified)
        self.media = MediaStore(clock, switches)
        self.groups: set[str] = set()
        self.users: set[str] = set()
        self.last_spoke: dict[str, float] = {}
        self.rates = {
            "stream": SlidingWindow(options.stream_rate, 1),
            "message": SlidingWindow(options.message_rate, 1),
            "files": SlidingWindow(options.file_rate, 1),
            "prepare": SlidingWindow(options.part_rate, 1),
            "part_finish": SlidingWindow(options.part_rate, 1),
            "recall": SlidingWindow(options.recall_rate, 1),
        }
        self.guild_rates: dict[str, SlidingWindow] = {}
        self.streams: Bounded[str, CurrentStream | LegacyStream] = Bounded(KEPT)
        self.open_streams: dict[str, CurrentStream | LegacyStream] = {}  # by openid: QQ allows one a user
        self.in_flight: set[str] = set()  # openids with a frame under way this very moment
        self.sent: Bounded[str, tuple[str, str, float]] = Bounded(KEPT)  # message id -> scene, target, when
        self.audits: dict[str, tuple[str, str, Bubble]] = {}  # audit id -> scene, target, bubble held back
        self.interactions: dict[str, float] = {}  # interaction id -> when it was pushed
        self.uploads: Bounded[str, Upload] = Bounded(UPLOADS)
        self.uploaded: tuple[float, int] = (0.0, 0)  # start of the day's count, bytes since
        self.sessions: dict[str, GatewaySession] = {}
        self.starts = 0  # identifies so far, for session_start_limit
        self.gateway_rate = SlidingWindow(None, 60)
        self.dropping_until: float | None = None  # answers 200 and delivers nothing (sheet 2.4)

    @property
    def live(self) -> bool:
        """Whether a gateway session of this bot is connected now."""
        return any(session.connection is not None for session in self.sessions.values())

    @property
    def dropping(self) -> bool:
        """Whether sends are answered 200 and dropped at this moment (sheet 2.4)."""
        return self.dropping_until is not None and not self.live and self.clock.now() < self.dropping_until

    def refuse_capacity(self, size: int, limit: int | None) -> None:
        """Raise 40093002 when `size` more bytes would be more than a day's uploads (sheet 5.3)."""
        since, used = self.uploaded
        if self.clock.now() - since >= DAY:
            used = 0
        if limit is not None and used + size > limit:
            raise Refusal(40093002)

    def take_capacity(self, size: int) -> None:
        """Count `size` bytes as uploaded today."""
        now = self.clock.now()
        since, used = self.uploaded
        self.uploaded = (now, size) if now - since >= DAY else (since, used + size)

    def view(self) -> dict[str, Any]:
        """Return the bot as `/users/@me` does, with the fields botpy needs (sheet 2.1)."""
        return {
            "id": self.user_id,
            "username": self.name,
            "avatar": "",
            "bot": True,
            "union_openid": "",
            "union_user_account": "",
        }
