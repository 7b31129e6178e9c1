"""How often a bot may speak first (sheet 3.6)."""

from simulator.codes import Refusal
from simulator.rates import SlidingWindow
from simulator.switches import Switches

DAY = 86_400.0
MONTH = 30 * DAY
# days since the user's last message in which one wake-up each is allowed (sheet 3.2, is_wakeup)
WAKEUP_PERIODS = ((0, 1), (1, 3), (3, 7), (7, 30))


class Quotas:
    """The proactive quotas of one bot. Every method raises Refusal when one is used up, and counts otherwise."""

    def __init__(self, switches: Switches, *, verified: bool) -> None:
        self._switches = switches
        self._c2c: tuple[SlidingWindow, ...]
        if verified:
            self._c2c = (SlidingWindow(10, 1),)
            self._group = (SlidingWindow(60, 60),)
        else:
            self._c2c = (SlidingWindow(5, 1), SlidingWindow(30, 60))
            self._group = (SlidingWindow(30, 60),)
        self._targets: dict[tuple[str, str], tuple[SlidingWindow, ...]] = {}
        self._monthly: dict[tuple[str, str], SlidingWindow] = {}
        self._channels: dict[str, SlidingWindow] = {}
        self._channels_of: dict[str, dict[str, float]] = {}
        self._dms: dict[str, SlidingWindow] = {}
        self._all_dms = SlidingWindow(200, DAY)
        self._wakeups: set[tuple[str, float, int]] = set()
        self.refusing: set[tuple[str, str]] = set()  # users and groups that switched proactive messages off

    def v2(self, scene: str, target: str, now: float) -> None:
        """Count one proactive message to a user or group; raises 40034102, 40034105, 40034100 or 22009."""
        if self._switches.proactive == "withdrawn":
            raise Refusal(40034102)
        if (scene, target) in self.refusing:
            raise Refusal(40034105)
        key = (scene, target)
        if self._switches.proactive == "monthly":
            monthly = self._monthly.setdefault(key, SlidingWindow(4, MONTH))
            windows: tuple[SlidingWindow, ...] = (monthly,)
        else:
            own = self._targets.setdefault(key, (SlidingWindow(20, 60), SlidingWindow(1000, DAY)))
            windows = (*(self._c2c if scene == "c2c" else self._group), *own)
        _take(windows, now, self._switches.proactive_over_code, self._switches.proactive_times)

    def wakeup(self, openid: str, last_spoke: float | None, now: float) -> None:
        """Count one wake-up message; raises 40034123 (user never spoke, or too long ago) or 40034122 (used)."""
        days = None if last_spoke is None else (now - last_spoke) / DAY
        period = next(
            (n for n, (low, high) in enumerate(WAKEUP_PERIODS) if days is not None and low <= days < high),
            None,
        )
        if period is None or last_spoke is None:
            raise Refusal(40034123)
        if (openid, last_spoke, period) in self._wakeups:
            raise Refusal(40034122)
        self._wakeups.add((openid, last_spoke, period))

    def channel(self, guild: str, channel: str, now: float) -> None:
        """Count one proactive channel message: 20 a day each (304045), two channels a day in a guild (304046)."""
        used = self._channels_of.setdefault(guild, {})
        others = [name for name, at in used.items() if now - at < DAY and name != channel]
        if len(others) >= 2:
            raise Refusal(304046)
        _take((self._channels.setdefault(channel, SlidingWindow(20, DAY)),), now, 304045)
        used[channel] = now

    def direct(self, guild: str, now: float) -> None:
        """Count one proactive guild DM: 2 a day for a user (304049), 200 a day in all (304050)."""
        own = self._dms.setdefault(guild, SlidingWindow(2, DAY))
        if own.full(now):
            raise Refusal(304049)
        _take((self._all_dms,), now, 304050)
        own.count(now)


def _take(windows: tuple[SlidingWindow, ...], now: float, code: int, times: float = 1) -> None:
    if any(window.full(now, times) for window in windows):
        raise Refusal(code)
    for window in windows:
        window.count(now)
