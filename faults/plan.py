"""What will happen in one run: who says what when, what is killed when, which faults strike. Pure, by a seed."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

from faults.mix import rules
from faults.words import answer

BOTS = {"stream_messages": ("7001", "secret-of-the-new"), "messages.stream": ("7002", "secret-of-the-old")}
"""App id and secret by dialect."""
WAYS = ("data", "parts", "url", "voice")
ENDS = (("", 0.90), ("cut", 0.05), ("error", 0.05))
"""How the model's answer ends, and how often."""


@dataclass(frozen=True, slots=True)
class Line:
    """A user's message, whose text is the script of its answer (``simulator/model/play.py``). ``at``: seconds."""

    number: int
    at: float
    app_id: str
    scene: str
    target: str
    text: str


@dataclass(frozen=True, slots=True)
class File:
    """A media item that somebody asks the API to send, to the conversation of that line."""

    number: int
    at: float
    line: Line
    way: str


@dataclass(frozen=True, slots=True)
class Blow:
    """A part of the house goes down at once and comes back ``away`` seconds later."""

    at: float
    part: str
    away: float


@dataclass(frozen=True, slots=True)
class Cut:
    """What befalls the gateway connections of a bot: a command of the simulator's, as it takes it."""

    at: float
    app_id: str
    command: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Plan:
    seed: int
    seconds: float
    lines: tuple[Line, ...]
    files: tuple[File, ...]
    blows: tuple[Blow, ...]
    cuts: tuple[Cut, ...]
    rules: tuple[dict[str, Any], ...]


def make_plan(
    seed: int, *, streams: int, files: int, seconds: float, parts: tuple[str, ...], every: float, pressure: float = 0.1
) -> Plan:
    """Return the plan of ``streams`` streams (and a quarter as many answers in groups and guilds) and ``files`` media
    items within ``seconds``; each of ``parts`` of the house goes down at least once, one of them about every
    ``every`` seconds."""
    dice = Random(f"plan {seed}")
    lines = _lines(dice, streams, seconds)
    return Plan(
        seed=seed,
        seconds=seconds,
        lines=tuple(lines),
        files=tuple(_files(dice, files, lines, seconds)),
        blows=tuple(_blows(dice, parts, seconds, every)),
        cuts=tuple(_cuts(dice, seconds, every)),
        rules=tuple(rules(dice, streams, pressure)),
    )


def _lines(dice: Random, streams: int, seconds: float) -> list[Line]:
    scenes = ["c2c"] * streams + ["group"] * (streams // 6) + ["guild"] * (streams // 12)
    dice.shuffle(scenes)
    lines: list[Line] = []
    for number, scene in enumerate(scenes):
        app_id = dice.choice(list(BOTS.values()))[0]
        target = _target(scene, number)
        # Some users write again before the first answer is there: the answers must keep their order.
        before = [line for line in lines[-12:] if line.scene == scene]
        if before and dice.random() < 0.2:
            app_id, target = before[-1].app_id, before[-1].target
        at = number / len(scenes) * seconds
        lines.append(Line(number, round(at, 3), app_id, scene, target, _script(dice, number, scene)))
    return lines


def _target(scene: str, number: int) -> str:
    if scene == "guild":
        return str(7_000_000_000 + number)
    return f"{'A' if scene == 'c2c' else 'B'}{number:031X}"


def _script(dice: Random, number: int, scene: str) -> str:
    """The message: how the model goes about it, and what it writes, with its silences, files and failures."""
    long = dice.random() < 0.05
    length = dice.randint(2_000, 9_000) if long else dice.choice((5, 40, 120, 250, 400))
    text = answer(dice, number, length, address=dice.random() < 0.15)
    rate = 400 if long else dice.choice((10, 20, 40))
    half = dice.randint(0, len(text))
    ends = dice.choices([end for end, _ in ENDS], [weight for _, weight in ENDS])[0]
    if ends:
        text = f"{text[:half]}\n[[{ends}]]"
    elif dice.random() < 0.1:
        text = f"{text[:half]}\n[[wait {dice.randint(1, 4)}]]\n{text[half:]}"
    if scene != "guild" and dice.random() < 0.1:
        word = dice.choice(("picture", "picture", "voice", "file"))
        text = f"{answer(dice, f'{number}a', 60)}\n[[{word}]]\n{text}"
    if dice.random() < 0.1:
        text = f"[[think]]\n{text}"
    return f"/play rate={rate}\n{text}".strip()


def _files(dice: Random, count: int, lines: list[Line], seconds: float) -> list[File]:
    """Each to somebody who has written before."""
    open_to = [line for line in lines if line.scene in ("c2c", "group") and line.at < seconds * 0.7]
    chosen = [dice.choice(open_to) for _ in range(count if open_to else 0)]
    ways = [WAYS[number % len(WAYS)] for number in range(len(chosen))]
    made = [
        File(number, round(line.at + 1 + dice.random() * (seconds - line.at) * 0.8, 3), line, way)
        for number, (line, way) in enumerate(zip(chosen, ways, strict=True))
    ]
    return sorted(made, key=lambda file: file.at)


def _blows(dice: Random, parts: tuple[str, ...], seconds: float, every: float) -> list[Blow]:
    count = max(len(parts), round(seconds * 0.8 / every))
    rounds = [dice.sample(parts, len(parts)) for _ in range(-(-count // len(parts)))]
    # Workers early: what they carried is taken over only when its lease ends.
    rounds[0].sort(key=lambda part: not part.startswith("worker"))
    order = [part for round_ in rounds for part in round_][:count]
    gap = seconds * 0.8 / count
    return [
        Blow(round(seconds * 0.15 + gap * (place + dice.random() * 0.5), 3), part, round(dice.uniform(0.1, 2.0), 2))
        for place, part in enumerate(order)
    ]


def _cuts(dice: Random, seconds: float, every: float) -> list[Cut]:
    commands = ({"do": "close", "code": 4009}, {"do": "cut"}, {"do": "close", "code": 4009}, {"do": "op7"})
    count = max(len(commands), round(seconds / every))
    apps = [app_id for app_id, _ in BOTS.values()]
    return [
        Cut(round(seconds * (place + dice.random()) / count, 3), apps[place % 2], commands[place // 2 % len(commands)])
        for place in range(count)
    ]
