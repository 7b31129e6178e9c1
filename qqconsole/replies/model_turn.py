"""One answer of a chat model, read event by event. Pure: bytes in, what was heard out.

Servers that call themselves OpenAI-compatible differ, so nothing is taken for granted but the place of the words:
``choices[0].delta`` (or ``.message`` where a server does not stream) with ``content``, ``reasoning_content`` or
``reasoning``, and ``tool_calls``. Whatever else an event holds is passed over.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from adapter.pieces import Reasoning, Text
from qqconsole.replies.characters import Characters
from qqconsole.replies.failures import ModelFailed, from_error_object

MOST_CHARACTERS = 1_000_000
"""Words and thoughts of one answer; the longest a model of today is built for is about half of it."""
MOST_ARGUMENTS = 16 * 1024 * 1024
"""Characters of all tool calls of one answer: a 4 MB picture as base64, and some times that."""


@dataclass(slots=True)
class ToolCall:
    """One call the model makes; its arguments are JSON once it is whole, if the model keeps to the rules."""

    id: str
    name: str
    pieces: list[str] = field(default_factory=list)

    @property
    def arguments(self) -> str:
        """All of its arguments that have come."""
        return "".join(self.pieces)


@dataclass(frozen=True, slots=True)
class CallStarted:
    name: str


@dataclass(frozen=True, slots=True)
class CallWhole:
    call: ToolCall


Heard = Text | Reasoning | CallStarted | CallWhole


@dataclass(slots=True)
class ModelTurn:
    """What one request's answer has held so far. ``key`` is cut out of whatever words a failure quotes."""

    key: str = field(default="", repr=False)
    finish_reason: str = ""
    done: bool = False
    """``[DONE]`` was read."""
    calls: list[ToolCall] = field(default_factory=list)
    reasoning_name: str = ""
    """The field the reasoning came in; a follow-up gives it back under the same name."""
    _said: list[str] = field(default_factory=list)
    _thought: list[str] = field(default_factory=list)
    _characters: Characters = field(default_factory=Characters)
    _thoughts: Characters = field(default_factory=Characters)
    _heard: int = 0
    _argued: int = 0
    _open_index: object = None
    _open: ToolCall | None = None

    @property
    def finished(self) -> bool:
        """Whether the model said that this is all."""
        return self.done or bool(self.finish_reason)

    @property
    def text(self) -> str:
        """The words said so far."""
        return "".join(self._said)

    @property
    def reasoning(self) -> str:
        """What was thought aloud so far."""
        return "".join(self._thought)

    def read(self, data: bytes) -> list[Heard]:
        """Return what one event says. Raises ModelFailed (model_garbled, model_error, model_endless, …)."""
        if data[:6] == b"[DONE]":
            self.done = True
            return []
        try:
            event = json.loads(data.decode("utf-8"))
        except UnicodeDecodeError:
            raise ModelFailed("model_garbled", "the stream holds bytes that are not UTF-8") from None
        except (ValueError, RecursionError):
            raise ModelFailed("model_garbled", "the stream holds an event that is not JSON") from None
        if not isinstance(event, dict):
            return []
        if event.get("error") or event.get("object") == "error":
            raise from_error_object(event.get("error") or event, key=self.key)
        choices = event.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices else None
        if not isinstance(choice, dict) or choice.get("index"):
            return []
        heard: list[Heard] = []
        delta = choice.get("delta") or choice.get("message")
        if isinstance(delta, dict):
            self._read_delta(delta, heard)
        finish = choice.get("finish_reason")
        if isinstance(finish, str) and finish:
            self.finish_reason = finish
        return heard

    def end(self) -> list[Heard]:
        """Return what was held back until the end: half a character, the last tool call."""
        heard: list[Heard] = []
        self._say(self._characters.finish(), heard)
        self._close_call(heard)
        return heard

    def _read_delta(self, delta: dict[str, Any], heard: list[Heard]) -> None:
        for name in ("reasoning_content", "reasoning"):
            thought = delta.get(name)
            if isinstance(thought, str) and thought:
                self._count(len(thought))
                thought = self._thoughts.feed(thought)
                self._thought.append(thought)
                self.reasoning_name = name
                heard.append(Reasoning(thought))
                break
        words = delta.get("content") or delta.get("refusal")
        if words:
            self._say(self._characters.feed(_words(words)), heard)
        for called in _dicts(delta.get("tool_calls")):
            self._read_call(called, heard)

    def _say(self, text: str, heard: list[Heard]) -> None:
        if text:
            self._count(len(text))
            self._said.append(text)
            heard.append(Text(text))

    def _read_call(self, called: dict[str, Any], heard: list[Heard]) -> None:
        function = called.get("function")
        if not isinstance(function, dict):
            return
        call_id, name = _string(called.get("id")), _string(function.get("name"))
        # Some servers number every call 0 and only change the id, others repeat the id in each delta.
        index = called.get("index")
        same = self._open and index == self._open_index and call_id in ("", self._open.id)
        if not same or self._open is None:
            self._close_call(heard)
            self._open = ToolCall(call_id or f"call_{len(self.calls)}", name)
            self._open_index = index
            self.calls.append(self._open)
            heard.append(CallStarted(name))
        elif not self._open.name:
            self._open.name = name
        arguments = function.get("arguments")
        if isinstance(arguments, dict):
            arguments = json.dumps(arguments, ensure_ascii=False)
        self._open.pieces.append(_string(arguments))
        # A call takes room whatever its arguments are.
        self._argued += 100 + len(self._open.pieces[-1])
        if self._argued > MOST_ARGUMENTS:
            raise ModelFailed("model_endless", f"its tool calls passed {MOST_ARGUMENTS} characters")

    def _count(self, characters: int) -> None:
        self._heard += characters
        if self._heard > MOST_CHARACTERS:
            raise ModelFailed("model_endless", f"it had not ended after {MOST_CHARACTERS} characters")

    def _close_call(self, heard: list[Heard]) -> None:
        if self._open is not None:
            heard.append(CallWhole(self._open))
            self._open = None


def _string(value: object) -> str:
    return value if isinstance(value, str) else ""


def _dicts(value: object) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _words(content: object) -> str:
    """Return the words of a ``content``: a string, or a list of parts of which some are text."""
    if isinstance(content, str):
        return content
    return "".join(_string(part.get("text")) for part in _dicts(content))
