"""A plan is decided before anything runs: the same seed gives the same one, and it leaves nothing out."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from faults.house import MANY, ONE
from faults.mix import FAULTS, name_of
from faults.plan import Plan, make_plan
from faults.words import answer
from simulator.faults import Faults


def plan(seed: int, *, streams: int = 200, parts: tuple[str, ...] = MANY) -> Plan:
    return make_plan(seed, streams=streams, files=30, seconds=60.0, parts=parts, every=5.0)


def test_a_seed_gives_the_same_plan_and_another_one_another() -> None:
    assert plan(7) == plan(7)
    assert plan(7) != plan(8)


@pytest.mark.parametrize("seed", range(5))
def test_it_leaves_nothing_out(seed: int) -> None:
    made = plan(seed)
    scenes = Counter(line.scene for line in made.lines)
    assert scenes["c2c"] == 200
    assert scenes["group"]
    assert scenes["guild"]
    assert len(made.files) == 30
    assert {file.way for file in made.files} == {"data", "parts", "url", "voice"}
    assert {blow.part for blow in made.blows} == set(MANY)
    assert {cut.command.get("code") for cut in made.cuts} >= {4009}
    assert all(moment.at >= 0 for moment in (*made.lines, *made.files, *made.blows, *made.cuts))
    assert {blow.part for blow in plan(seed, parts=ONE).blows} == set(ONE)


def test_every_answer_is_one_of_a_kind() -> None:
    assert len({line.text for line in plan(7).lines}) == len(plan(7).lines)


def test_the_platform_takes_every_rule_and_each_fault_has_its_turn() -> None:
    rules = plan(7).rules
    assert len(Faults(1).set(*rules)) == len(rules)
    once = Counter(name_of(rule) for rule in rules if rule.get("count") == 1)
    assert once == Counter(fault.name for fault in FAULTS)


def test_an_answers_sentences_tell_their_places() -> None:

    text = answer(Random(1), 12, 300)
    places = [text.index(f"〔12·{number}〕") for number in range(1, 5) if f"〔12·{number}〕" in text]
    assert places == sorted(places)
    assert places
