"""QQ's proactive limits over several processes: the bot's row in PostgreSQL is what they meet at."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from bench.services import missing_services, postgresql

ROOT = Path(__file__).resolve().parents[2]
BEGIN = """
import django
django.setup()
from django.db import transaction
from django.utils import timezone
from qqconsole.deliveries import quotas
from qqconsole.deliveries.models import Delivery
from tests.console.rows import make_bot, make_delivery, make_session
"""
PREPARE = """
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
# The tables as they are now, rather than how they came to be.
settings.MIGRATION_MODULES = {app.label: None for app in apps.get_app_configs()}
call_command("migrate", run_syncdb=True, verbosity=0)
bot = make_bot(proactive_per_second=50, proactive_per_minute=30, proactive_target_minute=30)
for number in range(3):
    make_delivery(make_session(bot), kind="media")
"""
ASK = """
delivery = Delivery.objects.select_related("session__bot").order_by("pk")[int(argument)]
print("ready", flush=True)
input()
for _ in range(40):
    with transaction.atomic():
        print("went" if quotas.reserve(delivery, timezone.now()) is None else "waits", flush=True)
"""


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    if missing := missing_services():
        pytest.skip(f"not installed: {', '.join(missing)} (scripts/test_packages.sh installs them as root)")
    with postgresql() as database:
        yield {
            **os.environ,
            "DATABASE_URL": database,
            "QQCONSOLE_HOME": str(tmp_path),
            "DJANGO_SETTINGS_MODULE": "qqconsole.settings",
        }


def program(story: str, argument: int = 0) -> list[str]:
    return [sys.executable, "-c", f"argument = {argument}\n{BEGIN}{story}"]


def test_three_processes_together_send_no_more_than_one_may(environment: dict[str, str]) -> None:
    subprocess.run(program(PREPARE), cwd=ROOT, env=environment, check=True)
    with ExitStack() as stack:
        askers = [
            stack.enter_context(
                subprocess.Popen(
                    program(ASK, number),
                    cwd=ROOT,
                    env=environment,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            for number in range(3)
        ]
        for asker in askers:
            assert asker.stdout is not None
            assert asker.stdout.readline() == "ready\n"
        for asker in askers:
            assert asker.stdin is not None
            asker.stdin.write("\n")
            asker.stdin.flush()
        told = [asker.communicate(timeout=60)[0].split() for asker in askers]
    assert sum(answers.count("went") for answers in told) == 30
    assert sum(len(answers) for answers in told) == 120
