"""``manage.py console``: everything in one process, migrations included."""

from __future__ import annotations

import os
import socket
import sys
import time
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from qqconsole.accounts.first_login import first_login
from qqconsole.engine.lock import FolderTaken, take_folder


class Command(BaseCommand):
    help = "Run the whole console in one process: pages, API, gateways, worker. 在一个进程里运行整个控制台。"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default 127.0.0.1)")
        parser.add_argument(
            "--port", type=int, default=settings.PORT, help=f"port, 0 for any that is free (default {settings.PORT})"
        )
        parser.add_argument("--no-demo", action="store_true", help="without the demo bot and its simulator")

    def handle(self, *args: Any, **options: Any) -> None:
        began = time.monotonic()
        try:
            lock = take_folder(settings.HOME)
        except FolderTaken as taken:
            raise CommandError(
                f"Another console (process {taken.pid or '?'}) runs in this data folder: {settings.HOME}\n"
                f"另一个控制台（进程 {taken.pid or '?'}）正在使用这个数据目录。"
            ) from None
        host, port = options["host"], options["port"]
        self._check_port(host, port)
        call_command("migrate", verbosity=0, interactive=False)
        login = first_login(settings.HOME)

        def ready(port: int) -> None:
            shown = "127.0.0.1" if host in ("0.0.0.0", "::", "127.0.0.1") else host  # noqa: S104 - only shown
            lines = ["", f"  qqconsole  http://{shown}:{port}/"]
            if login is not None:
                lines.append(f"  first login / 首次登录   {login[0]}   {login[1]}")
            lines += [
                f"  data / 数据   {settings.HOME}",
                f"  ready in {time.monotonic() - began:.1f} s, Ctrl-C stops",
                "",
            ]
            self.stdout.write("\n".join(lines))
            self.stdout.flush()

        from qqconsole.engine.console import Console

        Console(host=host, port=port, demo=not options["no_demo"], ready=ready).run()
        self.stdout.write("stopped / 已停止")
        sys.stdout.flush()
        lock.close()
        # Threads of libraries that never end must not hold the process.
        os._exit(0)

    def _check_port(self, host: str, port: int) -> None:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                raise CommandError(
                    f"Port {port} on {host} cannot be had: {error.strerror}. Choose another with --port or "
                    f"QQCONSOLE_PORT.\n端口 {port} 无法使用，请用 --port 或 QQCONSOLE_PORT 换一个。"
                ) from None
