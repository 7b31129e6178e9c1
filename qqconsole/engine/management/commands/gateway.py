"""``manage.py gateway``: only the gateway sessions; deliveries are carried by Celery workers elsewhere."""

from __future__ import annotations

import asyncio
import signal
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from qqconsole.engine import engine as engines
from qqconsole.engine.gateways import Gateways
from qqconsole.live.publish import publisher


class Command(BaseCommand):
    help = "Hold the bots' gateway sessions; needs REDIS_URL and workers. 只保持机器人的网关连接。"

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.REDIS_URL:
            raise CommandError(
                "Without REDIS_URL nobody hears the doorbell of another process: use `console` instead.\n"
                "没有 REDIS_URL，其他进程收不到任务：请改用 console 命令。"
            )
        told = {signal.SIGTERM, signal.SIGINT}
        # Waited for, not handled: a handler would interrupt the very wait that it ends. Threads inherit the mask.
        signal.pthread_sigmask(signal.SIG_BLOCK, told)
        engine = engines.Engine()
        engine.worker_alive = lambda: False
        engine.carries = False
        engines.install(engine)
        engine.start()
        gateways = Gateways(engine)
        try:
            asyncio.run_coroutine_threadsafe(gateways.start(), engine.loop).result(10)
            self.stdout.write("gateway: running / 网关运行中")
            self.stdout.flush()
            while signal.sigtimedwait(told, 1.0) is None:
                if not engine.alive:
                    raise CommandError("the engine's loop has stopped / 事件循环已停止")
            asyncio.run_coroutine_threadsafe(gateways.stop(), engine.loop).result(10)
        finally:
            engine.stop()
            publisher.stop()
