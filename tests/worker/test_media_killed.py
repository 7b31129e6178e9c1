"""A console killed between any two steps of a file's way: it goes on where its rows end, and nothing arrives twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.worker.conftest import Platform, Watcher
from tests.worker.console_process import ConsoleProcess

SCENES = ("c2c", "group")
STEPS = ("prepare", "part", "part_finish", "merge", "files", "media")
WHENS = ("before", "after")
CASES = [(scene, step, when) for scene in SCENES for step in STEPS for when in WHENS]
ENDED = "('delivered', 'failed', 'unknown', 'interrupted', 'cancelled')"

QUEUE = """
import io
from django.utils import timezone
from qqconsole.accounts.callers import Caller
from qqconsole.bots.models import Bot
from qqconsole.conversations.models import Session
from qqconsole.deliveries.sending import send_media
from qqconsole.media.intake import take_in

bot = Bot.objects.get()
for scene, target, size in {targets!r}:
    session = Session.objects.create(bot=bot, scene=scene, target_id=target, last_at=timezone.now())
    file = take_in(io.BytesIO(b"%PDF-1.7" + target.encode() * (size // 32)), name="报告.pdf")
    send_media(session, Caller("anna", is_admin=False), file=file)
"""


@pytest.fixture
def console(tmp_path: Path) -> Any:
    made = ConsoleProcess(tmp_path / "home")
    yield made
    made.stop()


def test_killed_between_any_two_steps_and_started_again(
    console: ConsoleProcess, platform: Platform, watcher: Watcher
) -> None:
    platform.do(lambda simulator: simulator.switches.patch({"part_size": 2_000_000}))
    limits = ("--proactive-per-second", "1000", "--proactive-per-minute", "1000")
    console.manage("migrate")
    console.add_bot("bot", platform.url, "--message-timeout", "60", "--upload-timeout", "60", *limits)
    targets = {case: f"{number:032d}" for number, case in enumerate(CASES)}
    for (scene, step, when), target in targets.items():
        fault = {"fault": "hang", "when": when, "endpoint": step, "scene": scene, "target": target, "count": 1}
        platform.do(lambda simulator, fault=fault: simulator.faults.add(**fault))
    # A small file goes inline, a larger one in three parts.
    sizes = {case: 100_000 if case[1] == "files" else 5_000_000 for case in CASES}
    console.manage("shell", "-c", QUEUE.format(targets=[(case[0], targets[case], sizes[case]) for case in CASES]))

    console.start()
    watcher.until(lambda: platform.do(lambda simulator: all(rule.fired for rule in simulator.faults)), 40)
    console.kill()
    assert len(console.rows("SELECT 1 FROM deliveries_delivery WHERE status = 'sending'")) == len(CASES)
    console.start()
    count = f"SELECT 1 FROM deliveries_delivery WHERE status IN {ENDED}"
    watcher.until(lambda: len(console.rows(count)) == len(CASES), 60)

    ends = "SELECT s.scene, s.target_id, d.* FROM deliveries_delivery d JOIN conversations_session s"
    rows = {(row["scene"], row["target_id"]): row for row in console.rows(f"{ends} ON s.id = d.session_id")}
    for case, target in targets.items():
        scene, step, when = case
        row, shown = rows[scene, target], platform.bot_bubbles(target, scene)
        sums = console.rows("SELECT sha256 FROM media_mediafile WHERE id = ?", row["item_id"])
        if step == "media":
            # QQ never said, and without a msg_id there is no safe repeat: nobody may know, and nothing is repeated.
            assert (row["status"], row["reason"], row["failed_step"]) == ("unknown", "no_proof", "send"), case
            assert len(shown) == (1 if when == "after" else 0), case
        else:
            assert (row["status"], row["reason"]) == ("delivered", ""), case
            assert [bubble["media"]["sha256"] for bubble in shown] == [sums[0]["sha256"]], case
    assert platform.violations() == []
