"""The engine for real: sockets to a simulator in a thread of its own, a real Celery worker, a database in a file."""

from __future__ import annotations

import asyncio
import json
import threading
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from channels.layers import get_channel_layer

from bench.services import Server, missing_services, postgresql_server
from qqconsole.bots.models import Bot
from qqconsole.deliveries.models import Delivery, Status
from qqconsole.engine import engine as engines
from qqconsole.engine.gateways import Gateways
from qqconsole.engine.worker import EmbeddedWorker
from qqconsole.live.publish import ALL
from simulator import DEMO_APP_ID, DEMO_SECRET, Simulator
from tests.worker.console_process import ConsoleProcess

T = TypeVar("T")
ENDED = (
    Status.DELIVERED,
    Status.IN_REVIEW,
    Status.FAILED,
    Status.UNKNOWN,
    Status.INTERRUPTED,
    Status.CANCELLED,
)


class LoopThread:
    """A loop in a thread, spoken to from the test's own thread."""

    def __init__(self, name: str) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()

    def run(self, coroutine: Coroutine[Any, Any, T], timeout: float = 20) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(timeout)

    def call(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        async def inside() -> T:
            return function(*args, **kwargs)

        return self.run(inside())

    def stop(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(5)
        self.loop.close()


class Platform:
    """A simulator behind a synchronous face."""

    def __init__(self, thread: LoopThread, **options: Any) -> None:
        self._thread = thread
        self.simulator = Simulator(**options)

    def __enter__(self) -> Platform:
        self._thread.run(self.simulator.start())
        return self

    def __exit__(self, *error: object) -> None:
        self._thread.run(self.simulator.stop())

    @property
    def url(self) -> str:
        return self.simulator.url

    def say(self, target: str, text: str, *, app_id: str = DEMO_APP_ID, **details: Any) -> str:
        return self._thread.run(self.simulator.say(app_id, target, text, **details))

    def screen(self, target: str, scene: str = "c2c", *, app_id: str = DEMO_APP_ID) -> list[dict[str, Any]]:
        return self._thread.call(self.simulator.screen, app_id, scene, target)

    def bot_bubbles(self, target: str, scene: str = "c2c", **which: Any) -> list[dict[str, Any]]:
        return [bubble for bubble in self.screen(target, scene, **which) if bubble["from"] == "bot"]

    def live(self, app_id: str = DEMO_APP_ID) -> bool:
        return self._thread.call(lambda: self.simulator.platform.bot(app_id).live)

    def requests(self, path: str | None = None) -> list[dict[str, Any]]:
        return self._thread.call(self.simulator.requests, 0, path)

    def violations(self) -> list[dict[str, Any]]:
        return self._thread.call(self.simulator.violations)

    def do(self, function: Callable[[Simulator], T]) -> T:
        """Run ``function`` with the simulator on its own loop."""
        return self._thread.call(function, self.simulator)


class Watcher:
    """A viewer of the live layer: a test waits for a truth by looking again at every event, never by sleeping."""

    def __init__(self, thread: LoopThread) -> None:
        self._thread = thread
        self._news = threading.Condition()
        self._count = 0
        self.events: deque[dict[str, Any]] = deque(maxlen=1_000)
        """The last ones heard, oldest first."""
        self._layer = get_channel_layer()
        self._task = asyncio.run_coroutine_threadsafe(self._follow(), thread.loop)

    async def _follow(self) -> None:
        name = await self._layer.new_channel()
        await self._layer.group_add(ALL, name)
        while True:
            frame = json.loads((await self._layer.receive(name))["text"])
            with self._news:
                self.events.extend(frame["events"])
                self._count += 1
                self._news.notify_all()

    def until(self, truth: Callable[[], T], timeout: float = 20) -> T:
        """What ``truth`` returned once it was true. Fails the test after ``timeout`` seconds without."""
        deadline = threading.Event()
        timer = threading.Timer(timeout, self._expire, [deadline])
        timer.start()
        try:
            while True:
                with self._news:
                    seen = self._count
                if found := truth():
                    return found
                if deadline.is_set():
                    pytest.fail(f"not true within {timeout} s")
                with self._news:
                    # The half second is for truths that no live event tells, such as the platform's own screens.
                    self._news.wait_for(lambda seen=seen: self._count > seen or deadline.is_set(), 0.5)
        finally:
            timer.cancel()

    def _expire(self, deadline: threading.Event) -> None:
        deadline.set()
        with self._news:
            self._news.notify_all()

    def stop(self) -> None:
        self._task.cancel()


class House:
    """An engine with its gateways, and what tests ask of it."""

    def __init__(self, watcher: Watcher, *, recover_all: bool = True) -> None:
        self.watcher = watcher
        self.engine = engines.Engine(recover_all=recover_all)
        self.gateways = Gateways(self.engine)
        self.until = watcher.until

    def start(self, *, gateways: bool = True) -> House:
        engines.install(self.engine)
        self.engine.start()
        if gateways:
            asyncio.run_coroutine_threadsafe(self.gateways.start(), self.engine.loop).result(10)
        return self

    def stop(self, timeout: float = engines.DRAIN) -> int:
        """As the console does it; returns how many deliveries did not end within ``timeout`` seconds."""
        self.engine.refuse_new()
        if self.engine.alive:
            asyncio.run_coroutine_threadsafe(self.gateways.stop(), self.engine.loop).result(10)
        return self.engine.stop(timeout)

    def ended(self, number: int = 1, timeout: float = 20) -> list[Delivery]:
        """The deliveries, oldest first, once ``number`` of them have ended."""

        def enough() -> list[Delivery]:
            rows = list(Delivery.objects.filter(status__in=ENDED).order_by("pk"))
            return rows if len(rows) >= number else []

        return self.until(enough, timeout)


@pytest.fixture(scope="session")
def sim_thread() -> Iterator[LoopThread]:
    thread = LoopThread("simulator")
    yield thread
    thread.stop()


@pytest.fixture(scope="session")
def celery_worker_thread() -> Iterator[EmbeddedWorker]:
    worker = EmbeddedWorker()
    worker.start()
    yield worker
    worker.stop(10)


@pytest.fixture
def platform(sim_thread: LoopThread) -> Iterator[Platform]:
    with Platform(sim_thread, stream_rate=10_000, message_rate=10_000) as running:
        yield running


@pytest.fixture
def make_bot(transactional_db: None, platform: Platform) -> Callable[..., Bot]:
    def make(name: str = "bot", *, at: Platform = platform, **values: Any) -> Bot:
        defaults: dict[str, Any] = {
            "app_id": DEMO_APP_ID,
            "secret": DEMO_SECRET,
            "api_base": at.url,
            "token_url": f"{at.url}/app/getAppAccessToken",
            "source_url": f"{at.url}/v1",
            "source_model": "demo",
            "throttle_ms": 320,
            "stream_rate": 5_000,
            "message_rate": 5_000,
            "allow_private_urls": True,
        }
        return Bot.objects.create(name=name, **(defaults | values))

    return make


@pytest.fixture
def watcher(sim_thread: LoopThread) -> Iterator[Watcher]:
    watching = Watcher(sim_thread)
    yield watching
    watching.stop()


@pytest.fixture
def house(
    transactional_db: None, watcher: Watcher, celery_worker_thread: EmbeddedWorker, platform: Platform
) -> Iterator[House]:
    """Not started: the test adds its bots first."""
    made = House(watcher)
    yield made
    made.stop()


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of a console that has not been started yet, to be copied."""
    home = tmp_path_factory.mktemp("migrated")
    ConsoleProcess(home).manage("migrate", "--verbosity", "0")
    return home


@pytest.fixture(scope="module")
def postgresql() -> Iterator[Server]:
    """A server of the module's own, that may be ended and started again."""
    if missing := missing_services():
        pytest.skip(f"not installed: {', '.join(missing)} (scripts/test_packages.sh installs them as root)")
    with postgresql_server() as running:
        yield running
