"""``manage.py alive KIND``: whether this machine's process of that kind lives. For a container's health check."""

from __future__ import annotations

import json
import socket
import urllib.error
import urllib.request
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from qqconsole.engine import beats
from qqconsole.plain_command import PlainCommand

WEB = "web"
KINDS = ("worker", "gateway", WEB)
WITHIN = 5.0
"""Seconds a page may take."""


class Command(PlainCommand):
    help = "Exit with 0 where this machine's worker, gateway or web process lives, else with 1. 健康检查。"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("kind", choices=KINDS)

    def handle(self, *args: Any, kind: str, **options: Any) -> None:
        wrong = _web() if kind == WEB else _process(kind)
        if wrong:
            raise CommandError(wrong)
        self.stdout.write("alive")


def _process(kind: str) -> str:
    here = socket.gethostname()
    return "" if beats.alive(kind, on=here) else f"no {kind} process of {here} was seen lately"


def _question() -> urllib.request.Request:
    """Under a name that it answers to."""
    name = str(settings.ALLOWED_HOSTS[0]).lstrip(".")
    host = "localhost" if name == "*" else name
    return urllib.request.Request(f"http://127.0.0.1:{settings.PORT}/healthz", headers={"Host": host})


def _web() -> str:
    """Its own part only: /healthz also says 503 where another process's worker is missing."""
    # Our own port, whatever a proxy is named in the environment.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(_question(), timeout=WITHIN) as answer:
            said = answer.read()
    except urllib.error.HTTPError as error:
        said = error.read()
    except OSError as error:
        return f"no answer on port {settings.PORT}: {error}"
    try:
        return str(json.loads(said)["parts"]["database"])
    except (ValueError, KeyError, TypeError):
        return f"an odd answer on port {settings.PORT}"
