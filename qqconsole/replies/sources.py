"""Which reply source answers for a bot: one function a source, by the name in ``Bot.source``."""

from __future__ import annotations

from collections.abc import Callable

from adapter.pieces import Source, SourceFailed
from qqconsole.replies.model_clients import close_clients
from qqconsole.replies.openai_source import openai_source
from qqconsole.replies.request import ReplyRequest

SOURCES: dict[str, Callable[[ReplyRequest], Source]] = {"openai": openai_source}


def open_source(request: ReplyRequest) -> Source:
    """Return the generator of the reply's pieces; nothing is asked before its first step.

    Raises SourceFailed("source_unknown") for a name no source has. Whoever opens it closes it (``aclose``).
    """
    source = SOURCES.get(request.source)
    if source is None:
        raise SourceFailed("source_unknown", request.source)
    return source(request)


async def close_sources() -> None:
    """Close what the sources keep open between replies, for the running loop."""
    await close_clients()
