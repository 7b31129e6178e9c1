"""kill -9 at every phase of a reply, in both dialects: what the model had written is on the user's screen, once.

Each user's reply is held in a phase of its own by the platform's faults and by a model that falls silent. The crash
comes between a request's effect and the row that tells of it because the database is locked before the process dies.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from simulator.options import BotAccount
from tests.worker.conftest import Platform, Watcher
from tests.worker.console_process import ConsoleProcess

CURRENT, OLDER = "stream_messages", "messages.stream"
BOTS = {(CURRENT, "swift"): "71", (OLDER, "swift"): "72", (CURRENT, "slow"): "73", (OLDER, "slow"): "74"}
"""App ids. Those of the slow ones wait their turn in the pace, with their intents written."""
HALF = "每一个字都要到，一个也不能少，更不能出现两次；"
WHOLE = HALF + "写完的话，一定要说完，说完之后就不再重复。" * 3
LONG = "".join(f"第{number:03d}句话要接着上一句说下去。" for number in range(30))
"""Longer than a bubble of these bots."""
SILENT, ENDS, SLOWLY_ENDS = (
    f"/play rate=20\n{HALF}\n[[wait 600]]\n没说完。",
    f"/play rate=100\n{WHOLE}",
    f"/play rate=20\n{WHOLE}",
)
LONG_SILENT = f"/play rate=200\n{LONG}\n[[wait 600]]\n没说完。"
DELIVERED, INTERRUPTED = ("delivered", ""), ("interrupted", "interrupted")
NO_PROOF = "unknown", "no_proof"
ANSWERS_AFTER = 4.0
"""Seconds: long enough to lock the database meanwhile."""


@dataclass(frozen=True)
class Case:
    says: str
    current: tuple[str, str]
    older: tuple[str, str] | None
    """Status and reason at the end, by dialect; None: there is no such phase, for a stream of deltas has no length."""
    fault: dict[str, Any] = field(default_factory=dict)

    @property
    def written(self) -> str:
        """What the model has written when it all ends."""
        return self.says.partition("\n")[2].partition("\n[[wait")[0]

    @property
    def whole(self) -> bool:
        return "[[wait" not in self.says


def _hangs(says: str, frame: str, when: str, *ends: tuple[str, str] | None, **terms: Any) -> Case:
    assert ends[0] is not None
    return Case(says, ends[0], ends[-1], {"fault": "hang", "frame": frame, "when": when, "count": 1, **terms})


HELD = {
    "the opening is in flight": _hangs(SILENT, "opening", "before", INTERRUPTED),
    "the opening took effect": _hangs(SILENT, "opening", "after", INTERRUPTED),
    "a middle frame is in flight": _hangs(SILENT, "middle", "before", INTERRUPTED),
    "a middle frame took effect": _hangs(SILENT, "middle", "after", INTERRUPTED),
    "text waits for the next frame": Case(SILENT, INTERRUPTED, INTERRUPTED, {"fault": "throttled", "frame": "middle"}),
    "the model ended, a frame in flight": _hangs(SLOWLY_ENDS, "middle", "before", DELIVERED),
    "the model ended, a frame took effect": _hangs(SLOWLY_ENDS, "middle", "after", DELIVERED),
    "the closing frame waits for its retry": Case(
        ENDS, DELIVERED, DELIVERED, {"fault": "throttled", "frame": "closing"}
    ),
    "the closing frame is in flight": _hangs(ENDS, "closing", "before", DELIVERED),
    "the closing frame took effect": _hangs(ENDS, "closing", "after", NO_PROOF, DELIVERED),
    "a full bubble's closing is in flight": _hangs(LONG_SILENT, "closing", "before", INTERRUPTED, None),
    "a full bubble's closing took effect": _hangs(LONG_SILENT, "closing", "after", INTERRUPTED, None),
    "the second bubble opens": _hangs(LONG_SILENT, "opening", "before", INTERRUPTED, None, skip=1),
    "the second bubble is open": _hangs(LONG_SILENT, "opening", "after", INTERRUPTED, None, skip=1),
}
ANSWERED = {
    f"the {frame} is answered, and no row tells": Case(
        says, *ends, {"fault": "slow", "seconds": ANSWERS_AFTER, "frame": frame, "count": 1}
    )
    for frame, says, *ends in (
        ("opening", SILENT, INTERRUPTED, INTERRUPTED),
        ("middle", SILENT, INTERRUPTED, INTERRUPTED),
        ("closing", ENDS, NO_PROOF, DELIVERED),
    )
}
CASES = HELD | ANSWERED
LEFT_OPEN = {"the opening took effect", "the second bubble is open", "the opening is answered, and no row tells"}
"""The stream's id was never told, or died with the process: the one thing that cannot be closed."""
WAITING = 3
"""Users of each slow bot whose first frames wait for their turn in the pace."""

SET_UP = """
from qqconsole.bots.models import Bot
url = {url!r}
for (dialect, speed), app_id in {bots!r}.items():
    Bot.objects.create(
        name=dialect + speed, app_id=app_id, secret="secret", api_base=url, token_url=url + "/app/getAppAccessToken",
        dialect=dialect, source_url=url + "/v1", source_model="demo", throttle_ms=320, frame_bytes=1_000,
        stream_rate=5_000 if speed == "swift" else 0.02, message_rate=5_000 if speed == "swift" else 0.02,
        message_timeout=60,
    )
"""
ROWS = """SELECT d.status, d.reason, d.generated_text, t.start, t.text, t.whole, s.target_id AS target, b.app_id AS bot
    FROM deliveries_delivery d JOIN conversations_session s ON s.id = d.session_id JOIN bots_bot b ON b.id = s.bot_id
    LEFT JOIN deliveries_tail t ON t.delivery_id = d.id"""
SENDING = """SELECT s.target_id FROM deliveries_chunk c JOIN deliveries_segment g ON g.id = c.segment_id
    JOIN deliveries_attempt a ON a.id = g.attempt_id JOIN deliveries_delivery d ON d.id = a.delivery_id
    JOIN conversations_session s ON s.id = d.session_id WHERE c.status = 'sending'"""

UNCLOSED = """SELECT s.target_id AS target, b.app_id AS bot FROM deliveries_segment g
    JOIN deliveries_attempt a ON a.id = g.attempt_id JOIN deliveries_delivery d ON d.id = a.delivery_id
    JOIN conversations_session s ON s.id = d.session_id JOIN bots_bot b ON b.id = s.bot_id
    WHERE g.status = 'unclosed'"""


@pytest.fixture
def console(migrated: Path, tmp_path: Path, platform: Platform) -> Iterator[ConsoleProcess]:
    shutil.copytree(migrated, tmp_path, dirs_exist_ok=True)
    process = ConsoleProcess(tmp_path)
    for app_id in BOTS.values():
        platform.do(lambda simulator, app_id=app_id: simulator.platform.register(BotAccount(app_id, "secret")))
    process.manage("shell", "-c", SET_UP.format(url=platform.url, bots=BOTS))
    yield process
    process.stop()


def _rows(console: ConsoleProcess) -> dict[tuple[str, str], sqlite3.Row]:
    return {(row["bot"], row["target"]): row for row in console.rows(ROWS)}


def _stored(row: sqlite3.Row | None) -> str:
    """The generated text that the next process will find."""
    if row is None:
        return ""
    text: str = row["generated_text"]
    if row["text"] is None or len(text) >= row["start"] + len(row["text"]):
        return text
    return text[: row["start"]] + str(row["text"])


def _seen(platform: Platform, target: str, app_id: str) -> str:
    return "".join(bubble["text"] for bubble in platform.bot_bubbles(target, app_id=app_id)).replace("\n", "")


def test_killed_in_every_phase_of_a_reply(console: ConsoleProcess, platform: Platform, watcher: Watcher) -> None:
    people = {
        (dialect, name): (BOTS[dialect, "swift"], f"{number:032X}")
        for dialect in (CURRENT, OLDER)
        for number, (name, case) in enumerate(CASES.items())
        if dialect == CURRENT or case.older
    }
    paced = [(BOTS[dialect, "slow"], f"E{number:031X}") for dialect in (CURRENT, OLDER) for number in range(WAITING)]
    early = [(BOTS[dialect, "slow"], "F" * 32) for dialect in (CURRENT, OLDER)]

    def say(cases: dict[str, Case]) -> None:
        for (_, name), (app_id, target) in people.items():
            if name in cases:
                fault = {**cases[name].fault, "bot": app_id, "target": target}
                platform.do(lambda simulator, fault=fault: simulator.faults.add(**fault))
                platform.say(target, cases[name].says, app_id=app_id)

    def held(cases: dict[str, Case]) -> bool:
        """Whether each has met its fault, and all that its model has written is stored."""
        if not platform.do(lambda simulator: all(rule.fired for rule in simulator.faults)):
            return False
        rows = _rows(console)
        mine = [(rows.get(who), cases[name]) for (_, name), who in people.items() if name in cases]
        return all(_stored(row) == case.written and (not case.whole or row["whole"]) for row, case in mine)

    console.start()
    watcher.until(lambda: all(platform.live(app_id) for app_id in BOTS.values()))
    for app_id, target in paced:
        platform.say(target, SILENT, app_id=app_id)
    for app_id, target in early:
        platform.say(target, "/play\n短\n[[wait 600]]\n没说完。", app_id=app_id)
    say(HELD)
    watcher.until(lambda: held(HELD), 40)
    watcher.until(lambda: all(_stored(_rows(console).get(who)) == "短" for who in early))
    watcher.until(lambda: all(_stored(_rows(console).get(who)) == HALF for who in paced))
    say(ANSWERED)
    watcher.until(lambda: held(ANSWERED))
    with closing(sqlite3.connect(console.home / "db.sqlite3", timeout=20, isolation_level=None)) as lock:
        lock.execute("BEGIN IMMEDIATE")
        answered = [who for (_, name), who in people.items() if name in ANSWERED]
        watcher.until(lambda: all(_last_status(platform, *who) == 200 for who in answered))
        console.kill()
        lock.execute("UPDATE bots_bot SET stream_rate = 5000, message_rate = 5000, source_model = 'echo'")
        lock.execute("COMMIT")

    sending = {row["target_id"] for row in console.rows(SENDING)}
    assert {target for _, target in answered} <= sending
    never_left = [target for app_id, target in paced if not _last_status(platform, app_id, target)]
    assert len(never_left) >= 2 * (WAITING - 1)
    assert set(never_left) <= sending
    assert all(row["status"] == "sending" for row in _rows(console).values())
    platform.do(lambda simulator: simulator.faults.clear())
    console.start()
    watcher.until(lambda: all(row["status"] not in ("queued", "sending") for row in _rows(console).values()), 40)

    rows = _rows(console)
    found = {who: (rows[person]["status"], rows[person]["reason"]) for who, person in people.items()}
    expected = {who: CASES[who[1]].current if who[0] == CURRENT else CASES[who[1]].older for who in people}
    assert found == expected
    assert {(rows[who]["status"], rows[who]["reason"]) for who in paced} == {INTERRUPTED}
    assert {(rows[who]["status"], rows[who]["reason"]) for who in early} == {DELIVERED}
    for who, (app_id, target) in people.items():
        assert _seen(platform, target, app_id) == CASES[who[1]].written, who
        unclosed = [row for row in console.rows(UNCLOSED) if (row["bot"], row["target"]) == (app_id, target)]
        states = [bubble["state"] for bubble in platform.bot_bubbles(target, app_id=app_id)]
        assert states.count("streaming") == len(unclosed) == (1 if who[1] in LEFT_OPEN else 0), who
    for app_id, target in paced:
        assert _seen(platform, target, app_id) == HALF
    for app_id, target in early:
        assert _seen(platform, target, app_id) == "/play短[[wait 600]]没说完。"
    # The platform had answered the one closing frame, and knows nothing of what its answer met.
    assert [one["rule"] for one in platform.violations()] == ["second_closing_frame"]


def _last_status(platform: Platform, app_id: str, target: str) -> int | None:
    """Of what QQ answered to this user's last frame; None: nothing left, or it was not answered."""
    asked = [one for one in platform.requests(f"/v2/users/{target}/") if one["bot"] == app_id]
    return asked[-1]["status"] if asked else None
