"""An event loop whose hours pass at once: waiting moves its clock, nobody sleeps."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _Selector(selectors.SelectSelector):
    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise AssertionError("everybody waits, and nothing will ever happen")
        # A hair more: sums of floats must not make the loop look again for nothing.
        self.now += timeout + 1e-9 if timeout > 0 else 0.0
        return super().select(0)


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._virtual = _Selector()
        super().__init__(self._virtual)

    def time(self) -> float:
        return self._virtual.now


def run_virtually(story: Coroutine[Any, Any, T]) -> T:
    """Run the coroutine to its end; ``asyncio.get_running_loop().time`` is its clock, in seconds."""
    with asyncio.Runner(loop_factory=_Loop) as runner:
        return runner.run(story)
