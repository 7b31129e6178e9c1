"""The scripted models by name. Each is one function from what was asked to a `Script`.

Any of them can also be had from the `demo` model by a first word: `/stall`, `/bench rate=30 seconds=5`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from simulator.model.ask import Ask
from simulator.model.bench import Bench
from simulator.model.long_text import long_text
from simulator.model.pieces import cut, paced
from simulator.model.play import play
from simulator.model.steps import Cut, Fragments, Piece, RawBytes, Refusal, Script, Stall, Step, Thought
from simulator.model.tool_scripts import MEDIA, demo, tool, tool_bad, tool_loop, tool_unasked, tool_with
from simulator.model.topics import topic_for

SENTENCES = (
    "晚风把一天的热气吹散了，街角的灯一盏一盏亮起来。你可以慢慢走，不用赶时间；前面那家小店还开着，先喝碗热汤再说。"
)


def _text(ask: Ask) -> str:
    return topic_for(ask.text).whole()


def _plain(name: str, ask: Ask, text: str, rate: float, most: int = 3) -> Script:
    return Script(name, paced(text, ask.rng(), ask.rate(rate), most))


def echo(ask: Ask) -> Script:
    """The user's own words, unchanged."""
    return _plain("echo", ask, ask.text or "（空）", 30)


def short(ask: Ask) -> Script:
    """Fewer than twelve characters."""
    return _plain("short", ask, "好的，收到。", 20)


def instant(ask: Ask) -> Script:
    """The whole answer in one delta."""
    return Script("instant", (Piece(_text(ask)),))


def long(ask: Ask) -> Script:
    """Several thousand characters (`chars=`, 6000) with fences, tables, emoji."""
    wanted = int(min(max(ask.given.get("chars", 6000), 100), 200_000))
    return _plain("long", ask, long_text(wanted), 60, most=6)


def slow(ask: Ask) -> Script:
    """Two deltas a second."""
    return _plain("slow", ask, SENTENCES, 2)


def late(ask: Ask) -> Script:
    """Silence first (`seconds=`, 8), then a usual answer."""
    first = Piece("", min(ask.given.get("seconds", 8.0), 600.0))
    return Script("late", (first, *paced(SENTENCES, ask.rng(), ask.rate(25))))


def _half(ask: Ask, last: Step) -> tuple[Step, ...]:
    return (*paced(SENTENCES[: len(SENTENCES) // 2], ask.rng(), ask.rate(25)), last)


def stall(ask: Ask) -> Script:
    """Half an answer, then silence until the client gives up."""
    return Script("stall", _half(ask, Stall()))


def cut_off(ask: Ask) -> Script:
    """Half an answer, then the connection is reset."""
    return Script("cut", _half(ask, Cut(0.05)))


def no_done(ask: Ask) -> Script:
    """Half an answer, then an orderly end without finish_reason and without `[DONE]`."""
    return Script("no-done", _half(ask, Piece("")), finish=None, done=False)


def length(ask: Ask) -> Script:
    """Ends in mid-sentence with finish_reason `length`."""
    return Script("length", _half(ask, Piece("")), finish="length")


def filtered(ask: Ask) -> Script:
    """Ends in mid-sentence with finish_reason `content_filter`."""
    return Script("filter", _half(ask, Piece("")), finish="content_filter")


def error_mid(ask: Ask) -> Script:
    """Half an answer, then an error object in the stream."""
    said = b'data: {"error":{"message":"The server had an error while processing your request.",'
    return Script("error-mid", _half(ask, RawBytes(said + b'"type":"server_error","code":null}}\n\n')), None, False)


def bad_json(ask: Ask) -> Script:
    """Half an answer, then an event that is not JSON."""
    return Script("bad-json", _half(ask, RawBytes(b'data: {"id":"chatcmpl-1","choices":[{"delta":{"con\n\n')))


def bad_utf8(ask: Ask) -> Script:
    """Half an answer, then an event with bytes that are not UTF-8, then the rest."""
    event = b'data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":0,"model":"bad-utf8",'
    event += b'"choices":[{"index":0,"delta":{"content":"\xe4\xbd\xff\xfe"},"finish_reason":null}]}\n\n'
    return Script("bad-utf8", (*_half(ask, RawBytes(event)), Piece("后半句还在。", 0.05)))


def empty(ask: Ask) -> Script:
    """No content at all."""
    return Script("empty")


def blank(ask: Ask) -> Script:
    """Only white space."""
    return Script("blank", (Piece("\n", 0.05), Piece("  ", 0.05), Piece("\n\n", 0.05)))


def reasoning(ask: Ask) -> Script:
    """`reasoning_content` deltas, then the answer."""

    def steps() -> Iterator[Step]:
        rng = ask.rng()
        thinking = f"用户说的是“{ask.text[:40]}”。先想清楚他要什么，再决定从哪里讲起；不要把这段话发给他。"
        yield from (Thought(part, 1 / ask.rate(30)) for part in cut(thinking, rng))
        yield from paced(_text(ask), rng, ask.rate(30))

    return Script("reasoning", steps())


def split(ask: Ask) -> Script:
    """Events whose bytes are cut inside characters on their way to the socket."""
    return Script("split", tuple(Fragments(part, pause=1 / ask.rate(25)) for part in cut(SENTENCES, ask.rng())))


def keepalive(ask: Ask) -> Script:
    """Comments between the events, as some servers send them."""

    def steps() -> Iterator[Step]:
        for piece in paced(SENTENCES, ask.rng(), ask.rate(25)):
            yield RawBytes(b": keep-alive\n\n")
            yield piece

    return Script("keepalive", steps())


def bench(ask: Ask) -> Script:
    """Pieces of known content at an even pace: see `bench.py`."""
    return Script("bench", Bench.of(ask.given).steps(ask.rng("phase").random()))


def refused(status: int) -> Callable[[Ask], Script]:
    """Return the model that answers every request with `status`."""
    said = {
        401: Refusal(401, "Incorrect API key provided.", code="invalid_api_key"),
        403: Refusal(403, "You are not allowed to sample from this model.", "permission_error"),
        429: Refusal(429, "Rate limit reached for requests.", "requests", code="rate_limit_exceeded"),
        503: Refusal(503, "The engine is currently overloaded, please try again later.", "server_error"),
    }
    usual = Refusal(status, "The server had an error while processing your request.", "server_error")

    def script(ask: Ask) -> Script:
        return Script(f"error-{status}", refusal=said.get(status, usual))

    script.__doc__ = f"HTTP {status} to every request."
    return script


SCRIPTS: dict[str, Callable[[Ask], Script]] = {
    "demo": demo,
    "echo": echo,
    "short": short,
    "instant": instant,
    "long": long,
    "slow": slow,
    "late": late,
    "stall": stall,
    "cut": cut_off,
    "no-done": no_done,
    "length": length,
    "filter": filtered,
    "error-mid": error_mid,
    "bad-json": bad_json,
    "bad-utf8": bad_utf8,
    "empty": empty,
    "blank": blank,
    "reasoning": reasoning,
    "split": split,
    "keepalive": keepalive,
    "play": play,
    "tool": tool,
    **{f"tool-{word}": tool_with(word) for word in MEDIA},
    "tool-bad": tool_bad,
    "tool-loop": tool_loop,
    "tool-unasked": tool_unasked,
    "bench": bench,
    **{f"error-{status}": refused(status) for status in (400, 401, 403, 429, 500, 503)},
}
COMMAND = re.compile(r"^/([a-z0-9-]+)\b")


def known(model: str) -> bool:
    """Return whether `model` (with or without `:parameters`) is served."""
    return model.partition(":")[0] in SCRIPTS


def script_for(ask: Ask) -> Script:
    """Return the script of the asked model, or of the command in the user's text when the model is `demo`."""
    name = ask.model.partition(":")[0]
    command = COMMAND.match(ask.text)
    if name == "demo" and command and command[1] in SCRIPTS:
        name = command[1]
    return SCRIPTS[name](ask)
