"""A running gateway of ours that keeps all it tells: beside a script, or beside the whole simulator."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from adapter.client import QQClient
from adapter.events import Event
from adapter.gateway import Gateway, GatewayState
from adapter.handshake import Phase, Timing

FAST = Timing(
    backoff=(0.01, 0.02, 0.05),
    refused=0.05,
    greeting=2.0,
    quick=0.0,
    identify_gap=0.0,
    handing_on=(0.01, 0.01),
)


class Watched:
    """A running gateway and all it told."""

    def __init__(self, client: QQClient) -> None:
        self.client = client
        self.events: list[Event] = []
        self.states: list[GatewayState] = []
        self.changed = asyncio.Condition()
        self.failing: list[Exception] = []
        self.task: asyncio.Task[None] | None = None
        self.gateway: Gateway | None = None

    def start(self, **options: Any) -> Gateway:
        options = {"timing": FAST, **options}
        self.gateway = Gateway(self.client, on_event=self.take, on_state=self.see, **options)
        self.task = asyncio.create_task(self.gateway.run())
        return self.gateway

    async def take(self, event: Event) -> None:
        if self.failing:
            raise self.failing.pop(0)
        async with self.changed:
            self.events.append(event)
            self.changed.notify_all()

    async def see(self, state: GatewayState) -> None:
        async with self.changed:
            self.states.append(state)
            self.changed.notify_all()

    async def until(self, true: Callable[[], object]) -> None:
        async with asyncio.timeout(10), self.changed:
            await self.changed.wait_for(true)

    async def state(self, phase: Phase, reason: str = "") -> GatewayState:
        def found() -> list[GatewayState]:
            return [each for each in self.states if each.name is phase and reason in ("", each.reason)]

        await self.until(found)
        return found()[-1]

    @property
    def numbers(self) -> list[int | None]:
        return [event.data.get("n") for event in self.events]

    async def stop(self) -> None:
        """Leave, and close the client."""
        if self.task is not None:
            self.task.cancel()
            await asyncio.gather(self.task, return_exceptions=True)
        await self.client.close()
