"""``manage.py gateway``: only the gateway sessions; deliveries are carried by Celery workers elsewhere."""

from __future__ import annotations

import asyncio
import signal
import threading
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from qqconsole.engine import engine as engines
from qqconsole.engine.gateways import Gateways


class Command(BaseCommand):
    help = "Hold the bots' gateway sessions; needs REDIS_URL and workers. 只保持机器人的网关连接。"

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.REDIS_URL:
            raise CommandError(
                "Without REDIS_URL nobody hears the doorbell of another process: use `console` instead.\n"
                "没有 REDIS_URL，其他进程收不到任务：请改用 console 命令。"
            )
        told = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: told.set())
        engine = engines.Engine()
        engine.worker_alive = lambda: False
        engines.install(engine)
        engine.start()
        gateways = Gateways(engine)
        asyncio.run_coroutine_threadsafe(gateways.start(), engine.loop).result(10)
        self.stdout.write("gateway: running / 网关运行中")
        self.stdout.flush()
        while not told.wait(1.0):
            if not engine.alive:
                raise CommandError("the engine's loop has stopped")
        asyncio.run_coroutine_threadsafe(gateways.stop(), engine.loop).result(10)
        engine.stop()
