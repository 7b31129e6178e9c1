"""A platform whose clock stands still, and a bot that has its token."""

from collections.abc import AsyncIterator

import aiohttp
import pytest
from bot_caller import BotCaller

from simulator import DEMO_APP_ID, DEMO_SECRET, Clock, Simulator


@pytest.fixture
async def sim() -> AsyncIterator[Simulator]:
    async with Simulator(seed=1, clock=Clock(frozen=True)) as simulator:
        yield simulator


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def qq(sim: Simulator, http: aiohttp.ClientSession) -> BotCaller:
    """A bot that has its token."""
    caller = BotCaller(sim, http, DEMO_APP_ID, DEMO_SECRET)
    await caller.log_in()
    return caller
