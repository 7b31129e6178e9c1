"""Until when QQ lets a message be answered, by its row (docs/protocol.md 3.4)."""

from __future__ import annotations

from datetime import datetime, timedelta

from adapter import passive
from adapter.targets import Scene
from qqconsole.conversations.models import InboundMessage

WINDOWS = {scene: timedelta(seconds=seconds) for scene, seconds in passive.WINDOWS.items()}
BELIEVED = timedelta(hours=1)
"""A gateway session lives 30 to 65 minutes (sheet 2.4): what QQ pushes cannot be older than that, so a stamp that says
so comes from a clock that is wrong, and the message counts from when it came in."""
MARGIN = timedelta(seconds=3)
"""Taken off the window: what a request needs to arrive, and clocks that disagree."""


def window_began(inbound: InboundMessage) -> datetime:
    """When QQ's window for answering ``inbound`` began: by QQ's stamp, where that can be true."""
    sent, received = inbound.sent_at, inbound.received_at
    believable = sent is not None and received - BELIEVED < sent < received
    return sent if sent is not None and believable else received


def open_until(inbound: InboundMessage, scene: Scene) -> datetime:
    """The moment from which ``inbound`` is not answered any more."""
    return window_began(inbound) + WINDOWS[scene] - MARGIN
