"""Our gateway against a strict platform: every way a connection ends, and no message lost or shown out of order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import pytest
from watched_gateway import FAST, Watched

from adapter.client import Credentials, QQClient
from adapter.events import InboundMessage, parse_message
from adapter.handshake import Phase
from adapter.targets import Scene
from simulator import DEMO_APP_ID, DEMO_NAME, DEMO_SECRET, Simulator
from simulator.control_gateway import command_gateway


class Listener(Watched):
    """A connected bot that keeps what it hears."""

    def __init__(self, sim: Simulator, **options: Any) -> None:
        self.sim = sim
        credentials = Credentials(DEMO_APP_ID, DEMO_SECRET, sim.url, f"{sim.url}/app/getAppAccessToken")
        super().__init__(QQClient(credentials))
        self.gateway = self.start(**options)

    def connected(self) -> int:
        return len([state for state in self.states if state.name is Phase.CONNECTED])

    def messages(self) -> list[InboundMessage]:
        found = [parse_message(event, self.gateway.bot_id) for event in self.events]
        return [message for message in found if message is not None]

    async def heard(self, *texts: str) -> None:
        await self.until(lambda: [message.content for message in self.messages()] == list(texts))

    def command(self, do: str, **terms: Any) -> int:
        bot = self.sim.platform.bot(DEMO_APP_ID)
        return command_gateway(self.sim.platform, bot, {"do": do, **terms})


@pytest.fixture
async def sim() -> AsyncIterator[Simulator]:
    async with Simulator(seed=1) as started:
        yield started


@pytest.fixture
async def listening(sim: Simulator) -> AsyncIterator[Callable[..., Listener]]:
    """Starts a listener; all are stopped at the end, however the test ends."""
    started: list[Listener] = []

    def start(**options: Any) -> Listener:
        started.append(Listener(sim, **options))
        return started[-1]

    yield start
    for one in started:
        await one.stop()


@pytest.fixture
async def listener(listening: Callable[..., Listener]) -> Listener:
    one = listening()
    await one.until(one.connected)
    return one


async def test_messages_of_every_scene(sim: Simulator, listener: Listener) -> None:
    state = listener.states[-1]
    assert (state.reason, state.bot_name) == ("ready", DEMO_NAME)
    await sim.say(DEMO_APP_ID, "U", "direct")
    await sim.say(DEMO_APP_ID, "G", "group", scene="group", author="M")
    await sim.say(DEMO_APP_ID, "4001", "guild", scene="guild")
    await sim.say(DEMO_APP_ID, "7001", "private", scene="dm")
    await listener.heard("direct", "group", "guild", "private")
    messages = listener.messages()
    assert [message.scene for message in messages] == [Scene.C2C, Scene.GROUP, Scene.GUILD, Scene.DM]
    assert [message.target_id for message in messages] == ["U", "G", "4001", "7001"]
    assert all(message.addressed and message.event_id and message.timestamp for message in messages)
    # The simulator answers to these ids: a reply proves they are the right ones.
    assert len({message.message_id for message in messages}) == 4


async def test_a_group_message_that_comes_as_both_events_is_one_twin(sim: Simulator, listener: Listener) -> None:
    kinds = ["GROUP_AT_MESSAGE_CREATE", "GROUP_MESSAGE_CREATE"]
    await sim.say(DEMO_APP_ID, "G", "both", scene="group", author="M", events=kinds)
    await sim.say(DEMO_APP_ID, "G", "aside", scene="group", author="M", mention=False)
    await listener.heard("both", "both", "aside")
    first, second, aside = listener.messages()
    assert first.twin == second.twin != aside.twin
    assert [first.addressed, second.addressed, aside.addressed] == [True, True, False]


async def test_repeats_are_handed_on_with_their_id(sim: Simulator, listener: Listener) -> None:
    await sim.say(DEMO_APP_ID, "U", "thrice", repeat=3)
    await listener.heard("thrice", "thrice", "thrice")
    assert len({message.message_id for message in listener.messages()}) == 1


@pytest.mark.parametrize(
    ("do", "terms", "greeting"),
    [
        ("close", {"code": 4009}, "resumed"),
        ("close", {"code": 4000}, "resumed"),
        ("close", {"code": 1000}, "resumed"),
        ("cut", {}, "resumed"),
        ("op7", {}, "resumed"),
        ("op9", {"resumable": True}, "resumed"),
        ("op9", {"resumable": False}, "ready"),
        ("close", {"code": 4006}, "ready"),
        ("close", {"code": 4007}, "ready"),
        ("close", {"code": 4902}, "ready"),
        ("close", {"code": 4004}, "resumed"),
    ],
)
async def test_it_always_comes_back(
    sim: Simulator, listener: Listener, do: str, terms: dict[str, Any], greeting: str
) -> None:
    await sim.say(DEMO_APP_ID, "U", "before")
    await listener.heard("before")
    assert listener.command(do, **terms) == 1
    if greeting == "resumed":
        await sim.say(DEMO_APP_ID, "U", "meanwhile")
    await listener.until(lambda: listener.connected() == 2)
    assert listener.states[-1].reason == greeting
    await sim.say(DEMO_APP_ID, "U", "after")
    expected = ["before", "meanwhile", "after"] if greeting == "resumed" else ["before", "after"]
    await listener.heard(*expected)


@pytest.mark.parametrize("mode", ["op9", "4006", "4902", "close_after_resumed"])
async def test_refused_resumes_end_in_a_new_session(sim: Simulator, listener: Listener, mode: str) -> None:
    # "close_after_resumed" is a resume that came about and died at once.
    listener.gateway._handshake._timing = replace(FAST, quick=0.05)
    listener.command("refuse_resume", count=5, mode=mode)
    listener.command("cut")
    await listener.until(lambda: [state.reason for state in listener.states].count("ready") == 2)
    await sim.say(DEMO_APP_ID, "U", "after")
    await listener.heard("after")


async def test_garbage_and_news_do_not_end_it(sim: Simulator, listener: Listener) -> None:
    listener.command("invalid_json")
    listener.command("unknown_event")
    listener.command("raw", frame={"op": 0, "t": "NO_NUMBER", "d": {"x": 1}})
    await sim.say(DEMO_APP_ID, "U", "after", omit=["timestamp"])
    await listener.heard("after")
    assert [event.type for event in listener.events[:2]] == ["SOMETHING_QQ_ADDED_LATER", "NO_NUMBER"]
    assert listener.gateway.garbled == 1
    assert listener.connected() == 1


async def test_a_muted_gateway_is_left(sim: Simulator, listening: Callable[..., Listener]) -> None:
    sim.switches.heartbeat_interval_ms = 60
    sim.switches.heartbeat_grace = 50.0
    listener = listening()
    await listener.until(listener.connected)
    listener.command("mute")
    await listener.until(lambda: "silent" in [state.reason for state in listener.states])
    await listener.until(lambda: listener.connected() == 2)


async def test_heartbeats_satisfy_a_strict_platform(sim: Simulator, listening: Callable[..., Listener]) -> None:
    sim.switches.heartbeat_interval_ms = 100
    sim.switches.heartbeat_grace = 20.0
    listener = listening()
    await listener.until(listener.connected)
    # It closes with 4009 after two seconds without a beat: to be still there later proves that beats came.
    assert listener.task is not None
    await asyncio.wait({listener.task}, timeout=2.5)
    assert listener.connected() == 1


async def test_fewer_intents(sim: Simulator, listening: Callable[..., Listener]) -> None:
    sim.switches.permitted_intents = 1 << 25
    listener = listening()
    await listener.until(listener.connected)
    assert str(1 << 25) in listener.states[-1].detail
    await sim.say(DEMO_APP_ID, "U", "hi")
    await listener.heard("hi")


async def test_a_platform_that_comes_up_later(sim: Simulator, listening: Callable[..., Listener]) -> None:
    sim.switches.ip_refused = True
    listener = listening()
    await listener.until(lambda: [each for each in listener.states if each.reason == "ip_not_listed"])
    assert listener.states[-1].name in (Phase.REFUSED, Phase.CONNECTING)
    sim.switches.ip_refused = False
    await listener.until(listener.connected)


async def test_a_restart_gets_what_came_meanwhile(
    sim: Simulator, listener: Listener, listening: Callable[..., Listener]
) -> None:
    await sim.say(DEMO_APP_ID, "U", "one")
    await listener.heard("one")
    await listener.gateway.queue.emptied()
    point = listener.gateway.resume_point
    await listener.stop()
    await sim.say(DEMO_APP_ID, "U", "two")
    later = listening(resume=point)
    await later.heard("two")
    assert later.gateway.bot_name == DEMO_NAME
