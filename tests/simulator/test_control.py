"""The control surface, the clock, and the command line."""

import asyncio
import signal
import subprocess
import sys
import urllib.request

import pytest
from bot_caller import USER, BotCaller

from simulator import Clock, Simulator
from simulator.options import BotAccount, parse_arguments
from simulator.rates import SlidingWindow


async def ask(qq: BotCaller, method: str, path: str, body: object = None) -> tuple[int, dict]:
    async with qq.http.request(method, f"{qq.sim.url}/_sim/{path}", json=body) as answer:
        return answer.status, await answer.json()


async def test_say_and_screen(qq: BotCaller) -> None:
    status, said = await ask(qq, "POST", "say", {"target": USER, "text": "你好", "author_name": "小明"})
    assert status == 200
    await qq.message(msg_id=said["msg_id"])
    _, screen = await ask(qq, "GET", f"screen?scene=c2c&target={USER}")
    assert [(each["from"], each["kind"], each["text"], each["state"]) for each in screen["bubbles"]] == [
        ("user", "text", "你好", "done"),
        ("bot", "text", "好的", "done"),
    ]
    _, screens = await ask(qq, "GET", "screens")
    assert screens["screens"][0]["bubbles"] == screen["bubbles"]


@pytest.mark.parametrize("body", [{}, {"target": USER, "scene": "moon"}, {"target": USER, "bot": "nobody"}])
async def test_say_without_sense(qq: BotCaller, body: dict[str, str]) -> None:
    assert (await ask(qq, "POST", "say", body))[0] == 400


async def test_the_watcher_sees_the_bubbles_grow(qq: BotCaller, sim: Simulator) -> None:
    async with qq.http.ws_connect(f"{sim.url}/_sim/watch") as socket:
        assert await socket.receive_json() == {"screens": []}
        msg_id = await qq.said()
        assert (await socket.receive_json())["bubble"]["from"] == "user"
        opened = await qq.frame("你好", msg_id=msg_id)
        sim.clock.advance(1)
        await qq.frame("你好啊", index=1, state=10, msg_id=msg_id, stream_msg_id=opened.body["id"])
        seen = [await socket.receive_json() for _ in range(3)]
        assert [(each["bubble"]["text"], each["bubble"]["state"]) for each in seen][1:] == [
            ("你好", "streaming"),
            ("你好啊", "done"),
        ]


async def test_switches_over_http(qq: BotCaller, sim: Simulator) -> None:
    status, switches = await ask(qq, "PATCH", "switches", {"c2c_limit": None, "group_limit": 4})
    assert (status, switches["c2c_limit"], sim.switches.group_limit) == (200, None, 4)
    for wrong in ({"moon": 1}, {"c2c_limit": "four"}, {"stream_permitted": 1}, {"c2c_window": None}):
        assert (await ask(qq, "PATCH", "switches", {"group_limit": 9} | wrong))[0] == 400
    assert sim.switches.group_limit == 4


async def test_the_clock_over_http(qq: BotCaller, sim: Simulator) -> None:
    before = sim.clock.now()
    await ask(qq, "POST", "clock", {"advance": 3600})
    assert sim.clock.now() == before + 3600
    assert (await ask(qq, "POST", "clock", {"advance": -1}))[0] == 400


async def test_requests_tell_what_arrived_on_which_connection(qq: BotCaller, sim: Simulator) -> None:
    for _ in range(2):
        await qq.message(msg_id="garbage")
    _, answer = await ask(qq, "GET", "requests?path=/messages")
    first, second = answer["requests"]
    assert first["connection"] == second["connection"] > 0
    assert second["n"] > first["n"]
    assert second["at"] >= first["at"]
    assert (first["method"], first["status"], first["body"]["content"]) == ("POST", 400, "好的")
    assert first["answer"]["trace_id"] == first["trace_id"]
    _, answer = await ask(qq, "GET", f"requests?since={second['n']}")
    assert answer["requests"] == []


async def test_the_journal_keeps_no_secret_and_no_file(qq: BotCaller, sim: Simulator) -> None:
    await qq.media(b"\x89PNG" + bytes(100_000))
    kept = repr(sim.requests())
    assert qq.secret not in kept
    assert qq.token not in kept
    assert "AAAAAAAAAA" not in kept


async def test_reset_forgets_what_was_said_and_keeps_the_token(qq: BotCaller, sim: Simulator) -> None:
    await qq.frame("你好", msg_id=await qq.said())
    sim.faults.set({"fault": "html_502", "endpoint": "files"})
    assert (await ask(qq, "POST", "reset"))[0] == 200
    assert (qq.screen(), sim.requests(), sim.faults.view()) == ([], [], [])
    sim.clock.advance(600)
    assert sim.violations() == []
    assert (await qq.message()).status == 200


async def test_state_in_one_look(qq: BotCaller, sim: Simulator) -> None:
    await qq.said()
    _, state = await ask(qq, "GET", "state")
    (bot,) = state["bots"]
    assert (bot["app_id"], bot["live"], bot["conversations"]) == (
        qq.app_id,
        False,
        [{"scene": "c2c", "target": USER}],
    )


def test_timers_fall_due_in_order_at_their_own_moments() -> None:
    clock = Clock(frozen=True)
    start, seen = clock.now(), []
    for seconds in (5, 1, 3):
        clock.call_after(seconds, lambda: seen.append(clock.now() - start))
    cancelled = clock.call_after(2, lambda: seen.append(-1))
    cancelled.cancel()
    clock.advance(4)
    assert [round(each) for each in seen] == [1, 3]
    clock.advance(1)
    assert [round(each) for each in seen] == [1, 3, 5]


def test_a_window_holds_its_limit_in_any_second() -> None:
    window = SlidingWindow(2, 1)
    assert [window.admit(at) for at in (0, 0.9, 0.95, 1.0, 1.5, 1.9)] == [True, True, False, True, False, True]


def test_a_bot_on_the_command_line() -> None:
    options = parse_arguments(["--port", "0", "--bot", "1:a", "--bot", "2:b:二号", "--stream-rate", "9"])
    assert [bot.app_id for bot in options.bots] == ["1", "2"]
    assert options.bots[1] == BotAccount("2", "b", "二号")
    assert options.stream_rate == 9
    with pytest.raises(ValueError):
        BotAccount.parse("1")


def test_it_runs_as_a_command_and_ends_on_sigterm() -> None:
    command = [sys.executable, "-m", "simulator", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().split()[2]
        with urllib.request.urlopen(f"{url}/_sim/state") as answer:
            assert answer.status == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


async def test_time_outs_run_on_real_time_too(qq: BotCaller) -> None:
    async with Simulator() as sim:
        sim.switches.stream_timeout = 0.02
        seen: asyncio.Queue[str] = asyncio.Queue()
        sim.platform.observers.add(lambda app_id, scene, target, bubble: seen.put_nowait(bubble.state))
        caller = BotCaller(sim, qq.http, qq.app_id, qq.secret)
        await caller.log_in()
        await caller.frame("你好", msg_id=await caller.said())
        states = [await seen.get() for _ in range(4)]
        assert states == ["done", "streaming", "streaming", "finalised"]
