"""May this bot send now? The breaker, the loss of a gateway session, the door that tells both to whoever sends."""

from __future__ import annotations

import asyncio

import pytest
from sender_house import House, Slow, at_once, until
from virtual_time import run_virtually

from adapter.answers import Accepted, Answer, Exchange, InReview, Refused, Throttled, Unknown
from adapter.breaker import DELAYS, FAILURES, Breaker, BreakerState
from adapter.door import Door
from adapter.loss import LONGEST_HOLD, AfterLoss, Loss
from adapter.moves import Send, Wait
from adapter.pieces import Text
from adapter.policy import Policy
from adapter.request import Endpoint, Request
from adapter.segment import Segment, SegmentStatus
from adapter.signs import Sign, sign_of
from adapter.stream import StreamMachine
from adapter.verdicts import OutcomeStatus

SEND = Request("POST", "/v2/users/U/stream_messages", {}, Endpoint.STREAM)
TIMED_OUT = Unknown("timeout")
DUPLICATE = Refused(40054005, True, Exchange(http_status=400, code=40054005))
BANNED = Refused(11265, True, Exchange(http_status=401, code=11265))


def _after(failures: int, seconds: float) -> Breaker:
    breaker = Breaker()
    for number in range(failures):
        breaker = breaker.failed(100 + seconds * number / (failures - 1))
    return breaker


def test_ten_failures_in_a_row_pause_a_bot_but_not_at_one_moment() -> None:
    assert _after(FAILURES, 0.5).state is BreakerState.WELL
    assert _after(FAILURES - 1, 60).state is BreakerState.WELL
    paused = _after(FAILURES, 2.0)
    assert (paused.state, paused.paused_at, paused.probe_at) == (BreakerState.PAUSED, 102, 102 + DELAYS[0])
    # One that gets through ends the row.
    assert _after(FAILURES - 1, 60).worked().failed(200).failures == 1


def test_a_pause_is_probed_ever_later_and_ends_when_a_send_gets_through() -> None:
    breaker, now, waits = Breaker().failed(0, broken=True), 0.0, []
    for _ in range(6):
        assert breaker.probe_at is not None
        assert not breaker.may_probe(breaker.probe_at - 0.1)
        waits.append(breaker.probe_at - now)
        now = breaker.probe_at
        breaker = breaker.probe_failed(now)
    assert waits == [5, 10, 20, 40, 60, 60]
    trial = breaker.probe_worked()
    assert (trial.state, trial.paused_at) == (BreakerState.TRIAL, 0)
    again = trial.failed(now + 1)
    assert (again.state, again.paused_at, again.probe_at) == (BreakerState.PAUSED, 0, now + 61)
    assert again.hurried(now + 2).may_probe(now + 2)
    assert trial.worked() == Breaker()


@pytest.mark.parametrize(
    ("answer", "sign"),
    [
        (Accepted("1"), Sign.WELL),
        (InReview("1"), Sign.WELL),
        (Throttled(), Sign.WELL),
        (TIMED_OUT, Sign.FAILED),
        (Unknown("reset"), Sign.FAILED),
        (Unknown("5xx"), Sign.FAILED),
        (Unknown("no_id"), Sign.NOTHING),
        (Refused(None, False, Exchange(message="the platform refuses the connection")), Sign.FAILED),
        (Refused(11244, False, Exchange(http_status=401, code=11244)), Sign.FAILED),
        (Refused(11253, True, Exchange(http_status=401, code=11253)), Sign.FAILED),
        (Refused(50001, False, Exchange(http_status=500, code=50001)), Sign.NOTHING),
        (Refused(40054013, True, Exchange(http_status=400, code=40054013)), Sign.WELL),
        (Refused(10004, True, Exchange(http_status=400, code=10004)), Sign.WELL),
        (Refused(10004, True, Exchange(http_status=200, code=10004)), Sign.BROKEN),
        (Refused(100016, True, Exchange(http_status=200, code=100016)), Sign.BROKEN),
        (Refused(11298, True, Exchange(http_status=401, code=11298, err_code=40023002)), Sign.BROKEN),
        (BANNED, Sign.BROKEN),
    ],
)
def test_what_an_answer_says_of_the_bot(answer: Answer, sign: Sign) -> None:
    assert sign_of(Endpoint.MESSAGE, answer) is sign


def test_a_slow_upload_says_nothing_of_the_bot() -> None:
    assert sign_of(Endpoint.FILES, TIMED_OUT) is Sign.NOTHING


def test_a_hold_ends_when_the_session_has_settled_or_never_came_back() -> None:
    loss = Loss(100)
    assert loss.held_until(1) == 100 + LONGEST_HOLD
    assert Loss(100, 103).held_until(1) == 104
    assert loss.touches(99, 100.5, 1)
    assert not loss.touches(98, 99.9, 1)
    assert Loss(100, 103).touches(103.9, 104.5, 1)
    assert not Loss(100, 103).touches(104, 104.5, 1)


def test_only_a_frame_that_repeats_all_before_it_takes_a_suspicion_away() -> None:
    healed, delta = Segment(1, markdown=True), Segment(2, markdown=True)
    healed.weigh(True, heals=True)
    assert healed.suspect
    healed.weigh(False, heals=True)
    assert not healed.suspect
    delta.weigh(True, heals=False)
    delta.weigh(False, heals=False)
    delta.weigh(False, heals=True)
    assert delta.suspect


class Told:
    """A door, and what it tells."""

    def __init__(self, **how: object) -> None:
        loop = asyncio.get_running_loop()
        self.signs: list[Sign] = []
        self.wakes = 0
        self.door = Door(lambda sign, _: self.signs.append(sign), clock=loop.time, **how)  # type: ignore[arg-type]
        self.door.watch(self._wake)

    def _wake(self) -> None:
        self.wakes += 1


def test_while_a_bot_is_tried_one_sends_at_a_time() -> None:
    async def story() -> None:
        told = Told()
        door = told.door
        door.state = BreakerState.TRIAL
        assert door.enter("a")
        assert door.enter("a")
        assert not door.enter("b")
        before = told.wakes
        door.leave("a")
        assert told.wakes == before + 1
        assert door.enter("b")
        # It fails: at once nobody else tries, and the frame is not to blame.
        assert door.heard("b", SEND, TIMED_OUT).about_bot
        assert (door.state, told.signs) == (BreakerState.PAUSED, [Sign.FAILED])
        assert not door.enter("a")
        door.state = BreakerState.TRIAL
        assert door.enter("a")
        door.heard("a", SEND, Accepted("1"))
        assert (door.state, told.signs[-1]) == (BreakerState.WELL, Sign.WELL)
        assert door.enter("b")
        assert door.enter("c")

    run_virtually(story())


def test_who_asks_and_has_nothing_to_send_wakes_nobody() -> None:
    async def story() -> None:
        told = Told()
        told.door.state = BreakerState.TRIAL
        before = told.wakes
        told.door.enter("a")
        told.door.leave("a")
        assert told.wakes == before

    run_virtually(story())


def test_a_lost_session_holds_until_it_has_settled_and_wakes_who_waits() -> None:
    async def story() -> None:
        loop = asyncio.get_running_loop()
        told = Told(settle=1.0)
        told.door.loss = Loss(loop.time())
        assert not told.door.enter("a")
        await asyncio.sleep(5)
        told.door.loss = Loss(0.0, loop.time())
        assert not told.door.enter("a")
        before = told.wakes
        await asyncio.sleep(1.01)
        assert told.wakes > before
        assert told.door.enter("a")

    run_virtually(story())


def test_a_session_that_never_comes_back_holds_no_longer_than_three_minutes() -> None:
    async def story() -> None:
        told = Told()
        told.door.loss = Loss(0.0)
        assert not told.door.enter("a")
        await asyncio.sleep(LONGEST_HOLD + 0.1)
        assert told.wakes >= 2
        assert told.door.enter("a")
        assert told.door.heard("a", SEND, Accepted("1")).answer.exchange.suspect

    run_virtually(story())


@pytest.mark.parametrize(("rule", "suspect"), [("hold", True), ("suspect", True), ("ignore", False)])
def test_what_was_in_flight_when_the_loss_was_seen_is_marked(rule: str, suspect: bool) -> None:
    async def story() -> None:
        told = Told(after_loss=AfterLoss(rule))
        assert told.door.enter("a")
        told.door.loss = Loss(0.0, 10.0)
        await asyncio.sleep(11.2)
        answer = Accepted("1", exchange=Exchange(elapsed=0.5))
        assert told.door.heard("a", SEND, answer).answer.exchange.suspect is suspect
        late = Accepted("1", exchange=Exchange(elapsed=0.1))
        assert not told.door.heard("a", SEND, late).answer.exchange.suspect

    run_virtually(story())


def test_what_nobody_answered_then_is_marked_too_and_what_was_refused_is_not() -> None:
    async def story() -> None:
        told = Told()
        told.door.loss = Loss(0.0)
        assert told.door.heard("a", SEND, TIMED_OUT).answer.exchange.suspect
        assert not told.door.heard("a", SEND, Refused(40034005, True)).answer.exchange.suspect
        assert not told.door.heard("a", SEND, Throttled(None)).answer.exchange.suspect

    run_virtually(story())


@pytest.mark.parametrize("lost", [True, False])
def test_a_repeat_that_proves_what_was_sent_while_the_session_was_lost_proves_no_more_than_that(lost: bool) -> None:
    """QQ may have shown nobody what it took then; its "duplicate" says only that it took it."""
    machine = StreamMachine(Policy(None, reference="m"))
    machine.text("一二三四五")
    machine.end()
    now = 0.0
    for answer in (Unknown("timeout", Exchange(suspect=lost)), Unknown("timeout"), DUPLICATE):
        while isinstance(move := machine.next(now), Wait):
            now = move.until
        assert isinstance(move, Send)
        machine.answer(answer, now)
    [segment] = machine.segments.values()
    assert (segment.status, segment.suspect) == (SegmentStatus.DELIVERED, lost)


def test_what_is_taken_anew_is_believed() -> None:
    """The request of then had not reached QQ after all."""
    machine = StreamMachine(Policy(None, reference="m"))
    machine.text("一二三四五")
    machine.end()
    now = 0.0
    for answer in (Unknown("timeout", Exchange(suspect=True)), Accepted("1")):
        while isinstance(move := machine.next(now), Wait):
            now = move.until
        machine.answer(answer, now)
    assert not machine.segments[1].suspect


def _door(house: House) -> Door:
    door = Door(lambda sign, answer: None)
    house.sender._gate = door
    return door


async def test_held_text_goes_with_the_next_frame() -> None:
    house, slow = House(), Slow(Text("一二三四五"), Text("六七"), Text("八九"))
    door = _door(house)
    running = asyncio.create_task(house.run(slow.source()))
    slow.go()
    await house.qq.arrived.wait()
    door.state = BreakerState.PAUSED
    slow.go(3)
    await until(lambda: house.machine.ended)
    for _ in range(20):
        await asyncio.sleep(0)
    assert len(house.book.frames) == 1
    door.state = BreakerState.WELL
    assert (await running).status is OutcomeStatus.DELIVERED
    assert [frame.text for frame in house.book.frames] == ["一二三四五", "六七八九"]
    assert house.qq.screen == ["一二三四五六七八九"]


async def test_a_pause_uses_up_no_try_of_any_frame() -> None:
    house = House()
    door = _door(house)
    faults = [BANNED] * (house.machine.policy.tries * 2)
    post = house.qq.send

    async def send(request: Request) -> Answer:
        return faults.pop() if faults else await post(request)

    house.qq.send = send  # type: ignore[method-assign]
    running = asyncio.create_task(house.run(at_once(Text("一二三四五"))))
    while faults and not running.done():
        if door.state is BreakerState.PAUSED:
            door.state = BreakerState.WELL
        await asyncio.sleep(0)
    door.state = BreakerState.WELL
    await asyncio.sleep(0)
    assert (await running).status is OutcomeStatus.DELIVERED
    assert house.qq.screen == ["一二三四五"]


async def test_a_frame_that_was_written_before_the_gate_shut_does_not_leave() -> None:
    house = House()
    door = _door(house)
    intend = house.book.intend

    async def shutting(*given: object) -> object:
        intent = await intend(*given)  # type: ignore[arg-type]
        if len(house.book.frames) == 1:
            door.state = BreakerState.PAUSED
        return intent

    house.book.intend = shutting  # type: ignore[method-assign, assignment]
    running = asyncio.create_task(house.run(at_once(Text("一二三四五"))))
    await until(lambda: len(house.book.lines) == 2)
    assert house.book.lines == ["intend plain", "settle refused"]
    assert not house.qq.arrived.is_set()
    door.state = BreakerState.WELL
    assert (await running).status is OutcomeStatus.DELIVERED
    assert house.qq.screen == ["一二三四五"]


async def test_a_cancel_ends_the_wait_of_what_nobody_has_seen() -> None:
    house, slow = House(), Slow(Text("一二三四五"))
    door = _door(house)
    door.state = BreakerState.PAUSED
    running = asyncio.create_task(house.run(slow.source()))
    slow.go()
    await until(lambda: slow.given == 1)
    house.sender.cancel()
    assert (await running).status is OutcomeStatus.CANCELLED
    assert house.book.frames == []


async def test_an_open_stream_is_closed_when_the_gate_opens_though_it_was_cancelled() -> None:
    house, slow = House(), Slow(Text("一二三四五"), Text("六七"))
    door = _door(house)
    running = asyncio.create_task(house.run(slow.source()))
    slow.go()
    await house.qq.arrived.wait()
    door.state = BreakerState.PAUSED
    house.sender.cancel()
    await asyncio.sleep(0)
    assert not running.done()
    door.state = BreakerState.WELL
    assert (await running).status is OutcomeStatus.CANCELLED
    assert not house.qq.left_open
