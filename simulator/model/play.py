"""The `play` model: it writes what the user's message says, so that every answer can be one of a kind.

The message is a small script: its first line is the command (`/play rate=40`), the rest is the answer, in which a line
by itself in double brackets is something else than text:

`[[picture]]` (photo, video, …) a call of `send_media`; `[[wait 2]]` silence for two seconds; `[[think]]` a thought;
`[[cut]]` the connection is reset, `[[error]]` an error object: nothing after them is written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from simulator.model.ask import Ask
from simulator.model.pieces import paced
from simulator.model.steps import Cut, Piece, RawBytes, Script, Step, Thought
from simulator.model.tool_scripts import MEDIA, SEND_MEDIA, media_call

MARK = re.compile(r"\n?^\[\[([a-z]+)(?: ([0-9.]+))?\]\]$\n?", re.MULTILINE)
BREAKS = ("cut", "error")
ERROR = b'data: {"error":{"message":"The server had an error.","type":"server_error","code":null}}\n\n'


def play(ask: Ask) -> Script:
    """What the message says, word for word, with the silences, files and failures it asks for."""
    answer = ask.text.partition("\n")[2]
    pieces = MARK.split(answer)
    acts = [("", "", pieces[0]), *zip(pieces[1::3], pieces[2::3], pieces[3::3], strict=True)]
    turn, calls = _turn(acts, ask.turn if SEND_MEDIA in ask.tools else None)
    broken = next((place for place, (word, _, _) in enumerate(turn) if word in BREAKS), None)
    if broken is not None:
        return Script("play", _steps(ask, turn[: broken + 1], ""), finish=None, done=False)
    return Script("play", _steps(ask, turn, calls), finish="tool_calls" if calls else "stop")


def _turn(acts: list[tuple[str, str, str]], number: int | None) -> tuple[list[tuple[str, str, str]], str]:
    """Return what is played in this turn, and the word of the file it ends with; `number` None: no files at all."""
    if number is None:
        return acts, ""
    starts = [0, *(place for place, (word, _, _) in enumerate(acts) if word in MEDIA), len(acts)]
    number = min(number, len(starts) - 2)
    turn = acts[starts[number] : starts[number + 1]]
    last = starts[number + 1] == len(acts)
    return turn, "" if last else acts[starts[number + 1]][0]


def _steps(ask: Ask, turn: list[tuple[str, str, str]], calls: str) -> Iterator[Step]:
    rng, rate = ask.rng("play"), ask.rate(30)
    for word, number, text in turn:
        match word:
            case "wait":
                yield Piece("", min(float(number or 1), 600.0))
            case "think":
                yield Thought("先想一想。")
            case "cut" | "error":
                yield Cut() if word == "cut" else RawBytes(ERROR)
                return
        yield from paced(text, rng, rate)
    if calls:
        yield media_call(ask, calls)
