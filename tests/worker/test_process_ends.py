"""The real console process, ended in the middle of its work: by kill -9 at every moment, and by SIGTERM."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from simulator.options import BotAccount
from tests.worker.conftest import Platform, Watcher
from tests.worker.console_process import ConsoleProcess

ENDED = "status NOT IN ('queued', 'sending')"
OLDER = "200000002"
STREAMS = 20
WORDS = "/echo 无所谓早晚，一句完整的话。"
BENCH = "bench:rate=30,seconds=60,chars=6"


@pytest.fixture
def console(migrated: Path, tmp_path: Path) -> Iterator[ConsoleProcess]:
    shutil.copytree(migrated, tmp_path, dirs_exist_ok=True)
    process = ConsoleProcess(tmp_path)
    yield process
    process.stop()


def _users(letter: str, count: int) -> list[str]:
    return [f"{letter}{number:031X}" for number in range(count)]


def _deliveries(console: ConsoleProcess) -> dict[tuple[str, str], Any]:
    """By the bot's name and the session's target."""
    query = """SELECT d.*, s.target_id AS target, b.name AS bot FROM deliveries_delivery d
        JOIN conversations_session s ON s.id = d.session_id JOIN bots_bot b ON b.id = s.bot_id"""
    return {(row["bot"], row["target"]): row for row in console.rows(query)}


def _ended(console: ConsoleProcess) -> int:
    return int(console.rows(f"SELECT count(*) FROM deliveries_delivery WHERE {ENDED}")[0][0])


def _nothing_open(console: ConsoleProcess) -> bool:
    segments = console.rows("SELECT count(*) FROM deliveries_segment WHERE status = 'open'")[0][0]
    chunks = console.rows("SELECT count(*) FROM deliveries_chunk WHERE status = 'sending'")[0][0]
    return bool(segments == chunks == 0)


def _text(bubbles: list[dict[str, Any]]) -> str:
    return "".join(bubble["text"] for bubble in bubbles).replace("\n", "")


def test_killed_at_every_moment_and_started_again(
    console: ConsoleProcess, platform: Platform, watcher: Watcher
) -> None:
    """Streams in both dialects, one that has not begun, a message, an upload and a picture in flight."""
    platform.do(lambda simulator: simulator.platform.register(BotAccount(OLDER, "simulator-demo-secret")))
    throttle = ("--throttle-ms", "320", "--message-timeout", "60", "--upload-timeout", "60")
    # Passive media has a pair of its own, under which it may be repeated.
    console.add_bot("current", platform.url, "--source-model", "demo", "--media-passive", *throttle)
    console.add_bot(
        "older", platform.url, "--source-model", BENCH, "--dialect", "messages.stream", *throttle, app_id=OLDER
    )
    console.start()
    watcher.until(lambda: platform.live() and platform.live(OLDER))
    current, older = _users("A", STREAMS), _users("B", STREAMS)
    for one, other in zip(current, older, strict=True):
        platform.say(one, f"/bench {BENCH.partition(':')[2]}")
        platform.say(other, "los", app_id=OLDER)
    late = "C" * 32
    flying = {
        "0" * 32: ("group", "message", "before", WORDS),
        "1" * 32: ("group", "message", "after", WORDS),
        "2" * 32: ("c2c", "files", "before", "/tool 图"),
        "3" * 32: ("c2c", "message", "before", "/tool 图"),
        "4" * 32: ("c2c", "message", "after", "/tool 图"),
    }
    for target, (scene, endpoint, when, words) in flying.items():
        fault = {"fault": "hang", "when": when, "endpoint": endpoint, "target": target, "count": 1}
        platform.do(lambda simulator, fault=fault: simulator.faults.add(**fault))
        platform.say(target, words, scene=scene, author="D" * 32)
    watcher.until(lambda: all(len(_text(platform.bot_bubbles(user))) > 60 for user in current))
    watcher.until(lambda: all(len(_text(platform.bot_bubbles(user, app_id=OLDER))) > 60 for user in older))
    watcher.until(lambda: platform.do(lambda simulator: all(rule.fired for rule in simulator.faults)))
    platform.say(late, "/late seconds=1.5")
    watcher.until(lambda: console.rows("SELECT 1 FROM deliveries_delivery WHERE status = 'sending' AND id = ?", 46))
    console.kill()
    assert _ended(console) == 0
    seen_before = {user: _text(platform.bot_bubbles(user)) for user in current}

    console.start()
    watcher.until(lambda: _ended(console) == 2 * STREAMS + len(flying) + 1, 40)
    assert any("46 deliveries were open when the last process ended" in line for line in console.lines)
    assert _nothing_open(console)
    deliveries = _deliveries(console)
    for name, users, app_id in (("current", current, None), ("older", older, OLDER)):
        for user in users:
            row = deliveries[name, user]
            bubbles = platform.bot_bubbles(user, **({"app_id": app_id} if app_id else {}))
            assert (row["status"], row["reason"]) == ("interrupted", "interrupted")
            assert [bubble["state"] for bubble in bubbles] == ["done"]
            assert _text(bubbles) == row["generated_text"]
            assert _text(bubbles).startswith(seen_before.get(user, ""))
    assert deliveries["current", late]["status"] == "delivered"
    assert _text(platform.bot_bubbles(late)) == deliveries["current", late]["generated_text"] != ""
    for target, (scene, endpoint, when, _) in flying.items():
        row = deliveries["current", target]
        # The whole text was known, and its repeat is proof; of the tool's answer the words behind the picture are lost.
        end = ("delivered", "") if scene == "group" else ("interrupted", "interrupted")
        assert (row["status"], row["reason"]) == end
        once = [WORDS] if scene == "group" else ["稍等，我先去找一张合适的图，马上发给你。", "晚霞"]
        shown = [bubble["text"] for bubble in platform.bot_bubbles(target, scene)]
        assert shown == once, (endpoint, when)
    assert platform.violations() == []


def test_sigterm_in_the_middle_of_forty_streams(console: ConsoleProcess, platform: Platform, watcher: Watcher) -> None:
    console.add_bot("bot", platform.url, "--source-model", BENCH, "--throttle-ms", "320")
    console.start()
    watcher.until(platform.live)
    users, groups = _users("A", 40), _users("B", 5)
    for user in users:
        platform.say(user, "los")
    for group in groups:
        platform.say(group, "los", scene="group", author="D" * 32)
    watcher.until(lambda: all(len(_text(platform.bot_bubbles(user))) > 30 for user in users))
    code, seconds = console.terminate()
    assert code == 0
    assert seconds < 15
    assert _nothing_open(console)
    deliveries = _deliveries(console)
    for user in users:
        (bubble,) = platform.bot_bubbles(user)
        assert (bubble["state"], bubble["text"]) == ("done", deliveries["bot", user]["generated_text"])
    counted = Counter((row["status"], row["reason"]) for row in deliveries.values())
    assert counted == {("interrupted", "shutdown"): 40, ("queued", ""): 5}
    # Nobody in the groups has seen anything: they are answered as if nothing had been.
    console.add_bot("bot", platform.url, "--source-model", "echo", "--throttle-ms", "320")
    console.start()
    watcher.until(lambda: _ended(console) == 45)
    assert [_text(platform.bot_bubbles(group, "group")) for group in groups] == ["los"] * 5
    assert len(platform.bot_bubbles(users[0])) == 1
    assert platform.violations() == []
