"""The odd platform, once or twice; a client of it, and a gateway that is watched."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from odd_platform import QUICK, Platform, serve
from scripted_gateway import Scripted
from watched_gateway import Watched

from adapter.client import QQClient, Timeouts
from adapter.limits import Pace


@pytest.fixture
async def platform() -> AsyncIterator[Platform]:
    async for one in serve():
        yield one


@pytest.fixture
async def second_platform() -> AsyncIterator[Platform]:
    async for one in serve():
        yield one


@pytest.fixture
async def client(platform: Platform) -> AsyncIterator[QQClient]:
    one = QQClient(platform.credentials, pace=Pace(), timeouts=QUICK)
    yield one
    await one.close()


@pytest.fixture
def script(platform: Platform) -> Scripted:
    return Scripted(platform)


@pytest.fixture
async def watched(platform: Platform) -> AsyncIterator[Watched]:
    one = Watched(QQClient(platform.credentials, timeouts=Timeouts(message=1.0, connect=1.0)))
    yield one
    await one.stop()
