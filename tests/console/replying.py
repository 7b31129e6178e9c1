"""Ask a reply source as the engine does, and keep what it said."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass, field

from adapter.pieces import MediaOutcome, Piece, Reasoning, SendMedia, SourceFailed, Text
from qqconsole.replies.request import ReplyRequest
from qqconsole.replies.sources import open_source


@dataclass
class Said:
    """All pieces of one reply, and how it ended: "" or the reason it failed with."""

    pieces: list[Piece] = field(default_factory=list)
    reason: str = ""
    detail: str = ""

    @property
    def text(self) -> str:
        return "".join(piece.text for piece in self.pieces if isinstance(piece, Text))

    @property
    def reasoning(self) -> str:
        return "".join(piece.text for piece in self.pieces if isinstance(piece, Reasoning))

    @property
    def shape(self) -> list[str]:
        """The pieces' names, runs of the same one counted once."""
        names = [type(piece).__name__ for piece in self.pieces]
        return [name for at, name in enumerate(names) if at == 0 or names[at - 1] != name]


def question(url: str, model: str = "echo", **more: object) -> ReplyRequest:
    """Return a request of one user message, quick to lose patience."""
    given: dict[str, object] = {"user_text": "rate=2000 你好", "silence_timeout": 5.0, "key": "sk-test-key", **more}
    return ReplyRequest(source="openai", url=url, model=model, **given)  # type: ignore[arg-type]


async def said(request: ReplyRequest, outcome: MediaOutcome | None = None) -> Said:
    """Return what the source says; each SendMedia is answered with ``outcome`` (by default: it was sent)."""
    heard = Said()
    async with aclosing(open_source(request)) as source:
        try:
            piece = await anext(source)
            while True:
                heard.pieces.append(piece)
                sent = (outcome or MediaOutcome(True)) if isinstance(piece, SendMedia) else None
                piece = await source.asend(sent)
        except StopAsyncIteration:
            pass
        except SourceFailed as failed:
            heard.reason, heard.detail = failed.reason, failed.detail
    return heard
