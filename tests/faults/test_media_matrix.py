"""Any single step of a file's way fails, before or after it took effect: it ends delivered, failed or unknown, rightly.

Nothing is ever called delivered without QQ's id (or its "duplicate" to the exact repeat of what was unknown), what is
called failed is on no screen, and no user sees a file twice.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator

import pytest
from media_cases import AMBIGUOUS, HARMLESS, REFUSED, Case, pairwise, whole
from media_house import Book, House, hurry, opened

from adapter.targets import Scene
from adapter.verdicts import Outcome, OutcomeStatus, Verdict
from simulator import Simulator

STEP_NAMES = {"prepare": "prepare", "part": "part", "part_finish": "finish", "merge": "upload", "media": "send"}
"""The simulator's words and ours."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "case" in metafunc.fixturenames:
        cases = whole()
        chosen = cases if metafunc.config.getoption("--whole", default=False) else pairwise(cases)
        metafunc.parametrize("case", chosen, ids=lambda case: case.name)


@pytest.fixture
async def sim() -> AsyncIterator[Simulator]:
    async with Simulator(seed=1, file_rate=10_000, part_rate=10_000, message_rate=10_000) as simulator:
        hurry(simulator)
        yield simulator


@pytest.fixture
async def house(sim: Simulator, case: Case) -> AsyncIterator[House]:
    one = await opened(sim, Scene(case.scene))
    yield one
    await one.client.close()
    await one.outside.close()


def must_arrive(case: Case) -> bool:
    """One failure that time mends, at a step that shows nobody anything; or one that did nothing for sure."""
    if case.times != "once":
        return False
    if case.step != "media" or case.reply == "passive":  # a passive send has a pair: repeated, it arrives once
        return case.fault in HARMLESS | AMBIGUOUS
    return case.fault in HARMLESS


def may_be_unknown(case: Case) -> bool:
    return case.step == "media" and case.fault in AMBIGUOUS


async def test_one_step_fails(house: House, case: Case) -> None:
    item = house.item(case.way)
    (rule,) = house.sim.faults.set(case.rule())
    outcome, book = await house.attempt(item, passive=case.reply == "passive")
    assert rule.fired, "the fault never struck: this case shows nothing"
    check(case, house, outcome, book)
    if outcome.status is OutcomeStatus.FAILED:
        house.sim.faults.clear()
        again, book = await house.attempt(item, passive=case.reply == "passive", first_seq=book.first_seq)
        assert again.status is OutcomeStatus.DELIVERED
        check_delivered(house, book)
    assert house.sim.violations() == []


def check(case: Case, house: House, outcome: Outcome, book: Book) -> None:
    match outcome.status:
        case OutcomeStatus.DELIVERED:
            check_delivered(house, book)
        case OutcomeStatus.FAILED:
            assert house.shown == []
            assert not must_arrive(case)
            if case.step != "files":  # what is refused there goes over to another way, and may fail on that one
                assert outcome.step == STEP_NAMES[case.step]
                assert case.fault != "refused" or outcome.code == REFUSED.get(case.step)
        case OutcomeStatus.UNKNOWN:
            assert may_be_unknown(case)
            assert not must_arrive(case)
            assert len(house.shown) <= 1
        case OutcomeStatus.IN_REVIEW:
            assert (case.fault, house.shown) == ("review", [])
        case other:
            raise AssertionError(f"a file's delivery ended {other}")


def check_delivered(house: House, book: Book) -> None:
    (bubble,) = house.shown
    (segment,) = book.segments.values()
    assert segment.message_id == bubble["id"] or book.verdicts[-1] is Verdict.DUPLICATE
    assert bubble["kind"] == "media"


@pytest.mark.parametrize("scene", ["c2c", "group"])
@pytest.mark.parametrize(
    ("way", "shown"), [("data", "image"), ("parts", "video"), ("url", "image"), ("voice", "voice")]
)
async def test_without_a_fault_each_way_arrives_whole(sim: Simulator, way: str, scene: str, shown: str) -> None:
    house = await opened(sim, Scene(scene))
    try:
        item = house.item(way)
        outcome, book = await house.attempt(item)
        assert outcome.status is OutcomeStatus.DELIVERED
        check_delivered(house, book)
        media = house.shown[0]["media"]
        assert media["type"] == shown
        if item.content is not None:
            content = await item.content.read(0, item.content.size)
            assert media["sha256"] == hashlib.sha256(content).hexdigest()
        assert all("msg_id" not in request.body for _, request in book.intended)
    finally:
        await house.client.close()
        await house.outside.close()


def test_the_pairs_are_few_and_meet_all() -> None:
    cases = whole()
    assert len(pairwise(cases)) < len(cases) / 8
