"""The whole house under random faults, while its processes are killed: nothing lost, nothing twice, every state true.

The same as ``make faults`` with fewer streams. Both ways the console runs are at it at the same time: each of them
mostly waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.services import missing_services
from faults.__main__ import go
from faults.evidence import Evidence
from faults.house import KINDS, MANY
from faults.judge import Violation
from faults.plan import make_plan
from faults.report import figures, fired, histories

SEED = 20261122
Outcome = tuple[Evidence, list[Violation]]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    if missing := missing_services():
        pytest.skip(f"not installed: {', '.join(missing)} (scripts/test_packages.sh installs them as root)")
    folder = tmp_path_factory.mktemp("houses")

    async def both() -> list[Outcome]:
        return await asyncio.gather(
            _run("many", folder, streams=200, files=30, seconds=24.0),
            _run("one", folder, streams=50, files=10, seconds=15.0),
        )

    return dict(zip(("many", "one"), asyncio.run(both()), strict=True))


async def _run(kind: str, folder: Path, *, streams: int, files: int, seconds: float) -> Outcome:
    parts = KINDS[kind][1]
    plan = make_plan(SEED, streams=streams, files=files, seconds=seconds, parts=parts, every=4.0, pressure=0.12)
    (folder / kind).mkdir()
    quiet: Callable[[str], None] = lambda line: None  # noqa: E731 - the figures come when it is over
    return await go(plan, kind, folder / kind, most_open=300, patience=240.0, tell=quiet)


@pytest.mark.parametrize("kind", ["many", "one"])
def test_nothing_is_lost_nothing_comes_twice_and_every_state_is_true(outcomes: dict[str, Outcome], kind: str) -> None:
    evidence, broken = outcomes[kind]
    said = "\n".join([f"seed {SEED}", *figures(evidence, broken)])
    print(said)
    if broken:
        pytest.fail("\n".join([said, *histories(evidence, broken)]), pytrace=False)


def test_it_was_a_storm(outcomes: dict[str, Outcome]) -> None:
    """Whatever the run shows, it shows only where everything struck."""
    evidence, _ = outcomes["many"]
    assert [name for name, count in fired(evidence).items() if not count] == []
    assert set(MANY) | {"gateway 4009"} <= set(evidence.knocked_out)
    assert sum(line.scene == "c2c" for line in evidence.lines.values()) == 200
    assert len(evidence.files) == 30
    embedded, _ = outcomes["one"]
    assert embedded.knocked_out["console"] >= 2
    assert embedded.takeovers
