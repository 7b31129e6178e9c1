"""The odd platform, once or twice."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from odd_platform import Platform, serve


@pytest.fixture
async def platform() -> AsyncIterator[Platform]:
    async for one in serve():
        yield one


@pytest.fixture
async def second_platform() -> AsyncIterator[Platform]:
    async for one in serve():
        yield one
