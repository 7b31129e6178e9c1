"""What a chat request asks of the scripts, read once."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field
from typing import Any

from simulator.model.bench import parameters
from simulator.model.pieces import seed_of

MENTION = re.compile(r"<@!?[^>]*>")


def text_of(content: Any) -> str:
    """Return a message's words, whether it is a string or a list of parts."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "".join(part.get("text", "") for part in content if isinstance(part, dict))
    return ""


@dataclass(frozen=True, slots=True)
class Ask:
    """One request, as the scripts see it.

    `text` is the user's last message; `turn` how many times a tool was called since then; `tool_result`
    what the last one gave; `tools` the offered functions by name; `given` the numbers in model name and
    text; `origin` the simulator's own address, for the picture's URL.
    """

    model: str
    text: str
    turn: int = 0
    tool_result: str = ""
    tools: dict[str, dict[str, Any]] = field(default_factory=dict)
    given: dict[str, float] = field(default_factory=dict)
    origin: str = ""
    seed: int = 0

    def rng(self, purpose: str = "") -> random.Random:
        """Return random numbers that depend on the request (and `purpose`) alone."""
        return random.Random(f"{self.seed}:{purpose}")

    def rate(self, usual: float) -> float:
        """Return the pieces a second: `rate=` where it was given, else `usual`."""
        return min(max(self.given.get("rate", usual), 0.1), 2000.0)


def read(request: dict[str, Any], origin: str) -> Ask:
    """Return what `request` (already found valid) asks for."""
    messages: list[dict[str, Any]] = request["messages"]
    last = max((n for n, message in enumerate(messages) if message["role"] == "user"), default=-1)
    text = text_of(messages[last].get("content")) if last >= 0 else ""
    since = messages[last + 1 :]
    results = [text_of(message.get("content")) for message in since if message["role"] == "tool"]
    tools = {tool["function"]["name"]: tool["function"] for tool in request.get("tools") or []}
    if request.get("tool_choice") == "none":
        tools = {}
    return Ask(
        model=request["model"],
        text=MENTION.sub("", text).strip(),
        turn=sum(bool(message.get("tool_calls")) for message in since),
        tool_result=results[-1] if results else "",
        tools=tools,
        given=parameters(text) | parameters(request["model"]),
        origin=origin,
        seed=seed_of(request),
    )
