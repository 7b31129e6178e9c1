"""deploy/: what it starts, reads and copies is there; and its health checks tell the truth."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
import yaml
from django.core.management import CommandError, call_command
from django.utils import timezone

from qqconsole.engine.beats import FRESH, beat
from qqconsole.engine.claims import new_owner
from qqconsole.engine.models import ProcessBeat
from qqconsole.environment import BASE_DIR

COMPOSE = yaml.safe_load((BASE_DIR / "deploy/compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OPERATIONS = (BASE_DIR / "docs/operations.md").read_text()


def test_it_runs_what_the_documentation_tells_to_run() -> None:
    told = re.findall(r"^\| `((?:python manage.py|celery|daphne)[^`]*)` \|", OPERATIONS, re.MULTILINE)
    run = [" ".join(service.get("command", ())) for service in SERVICES.values()]
    assert len(told) == 5
    for command in told:
        assert any(one.startswith(command) for one in run), command


@pytest.mark.parametrize("name", sorted(set(SERVICES) - {"migrate"}))
def test_every_process_that_stays_has_a_health_check(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"]


@pytest.mark.parametrize("name", ["web", "gateway", "worker", "beat"])
def test_every_process_of_ours_waits_for_what_it_needs_and_shares_its_data(name: str) -> None:
    service = SERVICES[name]
    assert set(service["depends_on"]) == {"migrate", "postgres", "redis"}
    assert service["volumes"] == ["data:/data"]
    assert {"DATABASE_URL", "REDIS_URL", "QQCONSOLE_HOME"} <= set(service["environment"])


def test_the_variables_it_names_are_read_by_somebody() -> None:
    settings = (BASE_DIR / "docs/settings.md").read_text()
    for file in ("deploy/compose.yaml", "deploy/example.env"):
        for name in set(re.findall(r"QQCONSOLE_\w+", (BASE_DIR / file).read_text())) - {"QQCONSOLE_PUBLISH"}:
            assert f"`{name}`" in settings, name


def test_the_image_copies_what_there_is() -> None:
    for line in re.findall(r"^COPY (.+)$", (BASE_DIR / "deploy/Dockerfile").read_text(), re.MULTILINE):
        for source in line.split()[:-1]:
            assert (BASE_DIR / source).exists(), source


@pytest.mark.django_db
def test_a_process_is_alive_by_its_own_machines_sign_of_life(capsys: pytest.CaptureFixture[str]) -> None:
    beat("elsewhere:1:abc", "worker")
    with pytest.raises(CommandError, match="no worker process of"):
        call_command("alive", "worker")
    beat(new_owner(), "worker")
    call_command("alive", "worker")
    assert capsys.readouterr().out == "alive\n"
    ProcessBeat.objects.update(seen_at=timezone.now() - FRESH * 2)
    with pytest.raises(CommandError, match=socket.gethostname()[:32]):
        call_command("alive", "worker")


class Page(BaseHTTPRequestHandler):
    said = b""

    def do_GET(self) -> None:
        self.send_response(503)
        self.end_headers()
        self.wfile.write(self.said)

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def page(settings: Any) -> Iterator[type[Page]]:
    with HTTPServer(("127.0.0.1", 0), Page) as server:
        settings.PORT = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield Page
        server.shutdown()
        thread.join()


def test_the_web_process_is_alive_though_no_worker_is(page: type[Page]) -> None:
    page.said = b'{"ok": false, "parts": {"database": "", "worker": "no worker process was seen lately"}}'
    call_command("alive", "web")
    page.said = b'{"ok": false, "parts": {"database": "does not answer: OperationalError"}}'
    with pytest.raises(CommandError, match="OperationalError"):
        call_command("alive", "web")
    page.said = b"<html>"
    with pytest.raises(CommandError, match="odd answer"):
        call_command("alive", "web")


def test_where_nothing_listens_nothing_lives(settings: Any) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        settings.PORT = taken.getsockname()[1]
        with pytest.raises(CommandError, match="no answer on port"):
            call_command("alive", "web")
