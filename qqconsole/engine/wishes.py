"""Wishes: whoever carries a delivery hears at once that somebody wants it to end, in whichever process that is.

The row is the truth (``Delivery.cancel_requested_at``), this the doorbell: one that is lost costs a second, for the
sweep looks at the rows as often.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from channels.layers import get_channel_layer

from qqconsole.live.publish import publisher

if TYPE_CHECKING:
    from qqconsole.engine.engine import Engine

log = logging.getLogger(__name__)

GROUP = "engine.wishes"
LISTEN_AGAIN = 1.0
"""Seconds until the next try where the layer was away."""


def tell(delivery_id: int) -> None:
    """Tell every process. Returns at once, never raises; call it after the commit."""
    publisher.tell(GROUP, {"type": "engine.cancel", "delivery": delivery_id})


async def hear(engine: Engine) -> None:
    """Cancel what this process carries as soon as it is told. Runs for ever, on the engine's loop."""
    while True:
        try:
            await _follow(engine)
        except Exception:
            # The layer's own errors are many; meanwhile the sweep looks at the rows.
            log.exception("wishes to cancel are heard a second late: the channel layer is away")
            await asyncio.sleep(LISTEN_AGAIN)


async def _follow(engine: Engine) -> None:
    layer = get_channel_layer()
    channel = await layer.new_channel()
    await layer.group_add(GROUP, channel)
    try:
        while True:
            message = await layer.receive(channel)
            run = engine.running.get(message["delivery"])
            if run is not None:
                run.cancel()
    finally:
        await layer.group_discard(GROUP, channel)
