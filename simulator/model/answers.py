"""What the model wrote for each request: the truth with which the phone's screen can be compared."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

KEPT = 2000


@dataclass(slots=True)
class Answer:
    """One request and what was written for it. Times are seconds of `time.monotonic()`."""

    number: int
    id: str
    model: str
    script: str
    user_text: str
    turn: int
    messages: int
    streamed: bool
    asked_at: float
    pieces: list[str] = field(default_factory=list)
    reasoning: list[str] = field(default_factory=list)
    tool_calls: list[dict[str, str]] = field(default_factory=list)
    state: str = "running"
    finish: str | None = None
    first_at: float | None = None
    ended_at: float | None = None

    @property
    def text(self) -> str:
        """The content written so far."""
        return "".join(self.pieces)

    def wrote(self, text: str) -> None:
        """Note a content delta that was handed to the socket."""
        if self.first_at is None:
            self.first_at = time.monotonic()
        self.pieces.append(text)

    def as_json(self) -> dict[str, Any]:
        """Return the answer for `GET /_sim/model/answers`; `n` grows by one a request."""
        return {
            "n": self.number,
            "id": self.id,
            "model": self.model,
            "script": self.script,
            "user_text": self.user_text,
            "turn": self.turn,
            "messages": self.messages,
            "streamed": self.streamed,
            "asked_at": self.asked_at,
            "first_at": self.first_at,
            "ended_at": self.ended_at,
            "state": self.state,
            "finish": self.finish,
            "text": self.text,
            "pieces": len(self.pieces),
            "reasoning": "".join(self.reasoning),
            "tool_calls": self.tool_calls,
        }


class Answers:
    """The last answers, oldest first."""

    def __init__(self, kept: int = KEPT) -> None:
        self._answers: deque[Answer] = deque(maxlen=kept)
        self._number = 0
        self._ended = asyncio.Event()

    def open(self, seed: int, **facts: Any) -> Answer:
        """Return a new running answer, numbered and kept."""
        self._number += 1
        answer = Answer(self._number, f"chatcmpl-{seed:016x}-{self._number}", asked_at=time.monotonic(), **facts)
        self._answers.append(answer)
        return answer

    def since(self, number: int = 0, **wanted: str) -> list[Answer]:
        """Return the answers after `number` whose attributes equal every given one."""
        return [
            answer
            for answer in self._answers
            if answer.number > number and all(getattr(answer, name) == value for name, value in wanted.items())
        ]

    def end(self, answer: Answer, state: str, finish: str | None = None) -> None:
        """Note how `answer` ended: done, cut, refused or gone (the client went away)."""
        answer.state, answer.finish, answer.ended_at = state, finish, time.monotonic()
        self._ended.set()
        self._ended = asyncio.Event()

    async def wait(self, seconds: float, number: int = 0, **wanted: str) -> list[Answer]:
        """Return what `since` returns, once it is something or `seconds` are over."""
        try:
            async with asyncio.timeout(seconds):
                while not (found := self.since(number, **wanted)):
                    await self._ended.wait()
                return found
        except TimeoutError:
            return []

    def clear(self) -> None:
        """Forget every answer; numbers go on."""
        self._answers.clear()
