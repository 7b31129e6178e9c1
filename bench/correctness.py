"""What the user is left with when QQ fails: each fault at each moment of a stream, ours beside AstrBot's sender.

Every stream is struck once, at its opening, a middle or its closing frame; the platform's own screen is compared with
what the model wrote. Ours runs on both of QQ's ways to stream, AstrBot on the older one, which is the one it speaks.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from bench.astrbot_environment import NoPeer, peer_environment, peer_python
from bench.console_side import Console, console
from bench.fate import Fate, fate, summed
from bench.platform import OURS, PEER, Platform, platform
from bench.processes import line_with, running
from bench.streams import Load
from bench.table import Row
from simulator.model.bench import Bench, parameters

GROUP = "Correct under faults (streams whole; lost text, text twice, left open)"
RATE, PIECES, CHARS = 4.0, 24, 12
RAMP = 10.0
WITHIN = 180.0
MOMENTS = ("opening", "middle", "closing")
FOREVER = 300.0
PEERS = "peer"
DIALECTS = ("stream_messages", "messages.stream")


@dataclass(frozen=True)
class Kind:
    """One kind of fault. ``unknown``: the sender cannot know whether QQ has the frame;
    ``everybodys``: it meets every stream of the bot, not only the one it was meant for.
    """

    name: str
    rule: dict[str, Any] = field(hash=False)
    unknown: bool = False
    everybodys: bool = False


KINDS = (
    Kind("500 system busy", {"fault": "system_busy"}),
    Kind("429 throttled", {"fault": "throttled"}),
    Kind("502 with HTML", {"fault": "html_502"}),
    Kind("token expired", {"fault": "token_expired"}, everybodys=True),
    Kind("reset before it took effect", {"fault": "reset"}),
    Kind("reset after it took effect", {"fault": "reset", "when": "after"}, unknown=True),
    Kind("no answer, it took effect", {"fault": "hang", "when": "after", "seconds": FOREVER}, unknown=True),
)


Case: TypeAlias = "tuple[Kind, str]"
Fates: TypeAlias = "dict[tuple[str, Kind, str], Fate]"
"""By dialect (or the peer's name), kind and moment."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--each", type=int, default=13, help="streams for each fault at each moment (13)")
    parser.add_argument("--no-peer", action="store_true", help="without AstrBot")


async def rows(given: argparse.Namespace, notes: list[str]) -> AsyncIterator[Row]:
    """Run every fault at once on each side in turn, a stream each; then the expired token, which is everybody's."""
    everybodys = [kind for kind in KINDS if kind.everybodys]
    passes = [_cases([kind for kind in KINDS if not kind.everybodys], given.each), _cases(everybodys, given.each)]
    fates: Fates = {}
    async with platform(journal=max(map(len, passes)) * (PIECES + 20)) as sim:
        async with console(sim) as house:
            for dialect in DIALECTS:
                for place, cases in enumerate(passes):
                    await _ours(sim, house, _load(cases, place), cases, dialect, fates)
        try:
            for place, cases in enumerate([] if given.no_peer else passes):
                await _theirs(sim, await asyncio.to_thread(peer_python), _load(cases, place), cases, fates)
        except NoPeer as error:
            notes.append(f"no peer: {error}")
    for dialect in DIALECTS:
        for kind in KINDS:
            yield _row(kind, dialect, fates)
    notes.append(
        "faults: whole of all (lost text, text twice, left open). Nothing lost and nothing twice is demanded of ours,"
        " and no stream left open but one whose opening frame QQ took without telling its id: nobody can close that"
        " one, and its text went as a plain message. The peer speaks messages.stream; it renews its token by its own"
        " clock alone."
    )


def _cases(kinds: Sequence[Kind], each: int) -> list[Case]:
    return [(kind, moment) for kind in kinds for moment in MOMENTS for _ in range(each)]


def _load(cases: Sequence[Case], place: int) -> Load:
    # Another number of pieces names other users.
    pieces = PIECES + place
    name = f"bench:rate={RATE:g},pieces={pieces},chars={CHARS}"
    return Load(len(cases), RATE, pieces, ramp=RAMP, model_name=name)


def _row(kind: Kind, dialect: str, fates: Fates) -> Row:
    mine = [fates[dialect, kind, moment] for moment in MOMENTS]
    theirs = [fates[PEERS, kind, moment] for moment in MOMENTS if (PEERS, kind, moment) in fates]
    total = summed(mine)
    named = zip(mine, MOMENTS, strict=True)
    closable = summed(one for one, moment in named if not (kind.unknown and moment == "opening"))
    peer = str(summed(theirs)) if theirs and dialect == "messages.stream" else None
    met = not total.lost and not total.twice and not closable.left_open
    return Row(GROUP, f"{dialect}: {kind.name}", str(total), None, peer, "0 lost, 0 twice, closed", met)


def _rules(app_id: str, load: Load, cases: Sequence[Case]) -> list[dict[str, Any]]:
    return [
        {**kind.rule, "endpoint": "stream", "frame": moment, "bot": app_id, "target": load.openid(number), "count": 1}
        for number, (kind, moment) in enumerate(cases)
    ]


async def _ours(sim: Platform, house: Console, load: Load, cases: Sequence[Case], dialect: str, fates: Fates) -> None:
    app_id = OURS[0]
    await house.answer_with(load.model, dialect=dialect)
    await sim.post("reset")
    await sim.strike(_rules(app_id, load, cases))

    async def one(number: int) -> None:
        await asyncio.sleep(load.begins(number))
        await sim.say(app_id, load.openid(number), "bench")

    await asyncio.gather(*map(one, range(load.streams)))
    await asyncio.sleep(1)
    async with asyncio.timeout(WITHIN):
        while house.busy():  # noqa: ASYNC110 - another process's state
            await asyncio.sleep(0.5)
    await _note(sim, app_id, load, cases, dialect, fates)


async def _theirs(sim: Platform, python: str, load: Load, cases: Sequence[Case], fates: Fates) -> None:
    app_id = PEER[0]
    await sim.post("reset")
    await sim.strike(_rules(app_id, load, cases))
    with tempfile.TemporaryDirectory(prefix="qqconsole-bench-") as folder:
        arguments = ("-m", "bench.astrbot_sender", sim.url, json.dumps(asdict(load)))
        async with running(*arguments, python=python, environment=peer_environment(Path(folder))) as process:
            assert process.stdin is not None
            await line_with(process, "ready")
            process.stdin.write(b"go\n")
            await line_with(process, "ended", within=WITHIN)
            await _note(sim, app_id, load, cases, PEERS, fates)


async def _note(sim: Platform, app_id: str, load: Load, cases: Sequence[Case], side: str, fates: Fates) -> None:
    """Look at every user's screen."""
    wrote = Bench.of(parameters(load.model)).text()
    screens = (await sim.get("screens", bot=app_id))["screens"]
    bubbles = {screen["target"]: [each for each in screen["bubbles"] if each["from"] == "bot"] for screen in screens}
    for number, (kind, moment) in enumerate(cases):
        found = fate(bubbles.get(load.openid(number), []), wrote)
        fates[side, kind, moment] = summed([fates.get((side, kind, moment), Fate(0)), found])
