"""What a scripted answer is made of: steps, each with the silence before it.

A `Script` is all the model will do for one request. Its steps are plain values, so the same request gives the
same script, and a test can read a script without a network.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Piece:
    """One `content` delta, written `pause` seconds after the step before it."""

    text: str
    pause: float = 0.0


@dataclass(frozen=True, slots=True)
class StampedPiece:
    """A `content` delta that says when it was written: `[number@seconds]` of `time.monotonic()`."""

    number: int
    pause: float = 0.0
    padding: str = ""

    def text_at(self, now: float) -> str:
        """Return the delta's text, given the monotonic time in seconds."""
        return f"[{self.number}@{now:.6f}]{self.padding}"


@dataclass(frozen=True, slots=True)
class Thought:
    """One `reasoning_content` delta, never part of the answer."""

    text: str
    pause: float = 0.0


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call of one tool, its JSON arguments cut into the deltas they arrive in."""

    name: str
    arguments: tuple[str, ...]
    index: int = 0
    pause: float = 0.0


@dataclass(frozen=True, slots=True)
class RawBytes:
    """Bytes put on the wire as they are: broken JSON, broken UTF-8, an error object, a comment."""

    data: bytes
    pause: float = 0.0


@dataclass(frozen=True, slots=True)
class Fragments:
    """A `content` delta whose bytes reach the socket in several writes, cut inside characters."""

    text: str
    size: int = 7
    pause: float = 0.0


@dataclass(frozen=True, slots=True)
class Stall:
    """Silence until the client gives up."""

    pause: float = 0.0


@dataclass(frozen=True, slots=True)
class Cut:
    """The connection is reset in the middle of an event."""

    pause: float = 0.0


Step = Piece | StampedPiece | Thought | ToolCall | RawBytes | Fragments | Stall | Cut


@dataclass(frozen=True, slots=True)
class Refusal:
    """An HTTP error in OpenAI's shape: `{"error": {message, type, param, code}}`."""

    status: int
    message: str
    type: str = "invalid_request_error"
    param: str | None = None
    code: str | None = None

    def body(self) -> dict[str, object]:
        """Return the JSON body OpenAI sends with this refusal."""
        return {"error": {"message": self.message, "type": self.type, "param": self.param, "code": self.code}}


@dataclass(frozen=True, slots=True)
class Script:
    """Everything the model does for one request.

    `name` is the script's name; `finish` the finish_reason (`None`: the stream just ends);
    `done` whether `[DONE]` closes the stream; `refusal` answers instead of any step.
    """

    name: str
    steps: Iterable[Step] = ()
    finish: str | None = "stop"
    done: bool = True
    refusal: Refusal | None = None
