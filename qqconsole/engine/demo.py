"""The demo: a bot on the bundled simulator, and a few people who talk to it. Reached over HTTP and websocket like QQ.

The people talk for the first minutes after the start, and later only while somebody watches: an idle demo does not
fill the disk.
"""

from __future__ import annotations

import asyncio
import logging
import random
import threading
import time
from collections.abc import Callable

from qqconsole.bots.models import Bot, Dialect
from simulator import DEMO_APP_ID, DEMO_SECRET, Simulator

log = logging.getLogger(__name__)

NAME = "demo"
TALKS_FOR = 180.0
"""Seconds after the start in which the people talk whether or not somebody watches."""
PAUSE = 2.0
"""Seconds between looks at whether somebody should say something."""

PEOPLE = (
    ("DEMO0000000000000000000000000A01", "小林"),
    ("DEMO0000000000000000000000000A02", "Mia Chen"),
    ("DEMO0000000000000000000000000A03", "老周"),
)
QUESTIONS = (
    "帮我写一份周末去杭州的两日行程，要有表格",
    "Explain how a streaming reply reaches QQ, step by step, with a small code example.",
    "用 Python 写一个异步的重试函数，并解释每一行",
    "给我看一张图片，再说说它好在哪里",
    "把这句话翻译成英文、日文和法文：山不在高，有仙则名。",
    "What should I cook tonight with eggs, tomatoes and rice? Give me three ideas.",
    "讲一个关于深夜图书馆的短故事",
    "比较一下 SQLite 和 PostgreSQL，什么时候该换？",
)


def rest() -> None:
    """Switch the demo bot of an earlier start off: its simulator is not there to be knocked at."""
    Bot.objects.filter(is_demo=True).update(enabled=False)


class Demo:
    """A thread with a loop of its own, as far from the console as another machine's process would be."""

    def __init__(self, *, watched: Callable[[], bool], port: int = 0) -> None:
        self._watched = watched
        self._port = port
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="simulator", daemon=True)
        self.url = ""

    def start(self) -> None:
        """Start the simulator and write its address into the demo bot's row; the conversation begins with ``talk``."""
        self._thread.start()
        self._ready.wait(20)
        if self._failure is not None:
            raise self._failure
        self._write_bot()

    def _write_bot(self) -> None:
        values = {
            "app_id": DEMO_APP_ID,
            "secret": DEMO_SECRET,
            "api_base": self.url,
            "token_url": f"{self.url}/app/getAppAccessToken",
            "source_url": f"{self.url}/v1",
            "source_model": "demo",
            "source_key": "demo",
            "dialect": Dialect.STREAM_MESSAGES,
            "allow_private_urls": True,
            "is_demo": True,
            "enabled": True,
        }
        bot, new = Bot.objects.get_or_create(name=NAME, defaults=values)
        if not new and bot.is_demo:
            for name, value in values.items():
                setattr(bot, name, value)
            bot.save()

    def stop(self, timeout: float) -> None:
        self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join(timeout)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._main())
        except BaseException as failure:  # noqa: BLE001 - told to the thread that waits for the start
            self._failure = failure
            self._ready.set()
        finally:
            self._loop.close()

    async def _main(self) -> None:
        self._stopped = asyncio.Event()
        async with Simulator(port=self._port) as simulator:
            self.url = simulator.url
            self._ready.set()
            people = asyncio.create_task(self._talk(simulator))
            await self._stopped.wait()
            people.cancel()
            await asyncio.gather(people, return_exceptions=True)

    async def _talk(self, simulator: Simulator) -> None:
        began = time.monotonic()
        questions = random.sample(QUESTIONS, len(QUESTIONS))
        turn = 0
        while True:
            wanted = time.monotonic() - began < TALKS_FOR or self._watched()
            if wanted and simulator.platform.bot(DEMO_APP_ID).live and len(silent := _silent(simulator)) > 1:
                openid, name = silent[turn % len(silent)]
                await simulator.say(DEMO_APP_ID, openid, questions[turn % len(questions)], author_name=name)
                turn += 1
            await asyncio.sleep(PAUSE if turn else 0.3)


def _silent(simulator: Simulator) -> list[tuple[str, str]]:
    """The people who wait for no answer: neither asked just now, nor seeing one grow."""
    waiting = set()
    for openid, _ in PEOPLE:
        screen = simulator.screen(DEMO_APP_ID, "c2c", openid)
        if screen and (screen[-1]["from"] == "user" or screen[-1]["state"] == "streaming"):
            waiting.add(openid)
    return [(openid, name) for openid, name in PEOPLE if openid not in waiting]
