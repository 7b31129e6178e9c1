"""Speaking first: sheet 3.6, and is_wakeup of sheet 3.2."""

import pytest
from bot_caller import CHANNEL, GROUP, USER, BotCaller

from simulator import BotAccount, Simulator


async def send(qq: BotCaller, count: int, *, every: float = 0, **where: object) -> list[int | None]:
    """Send that many proactive messages, `every` seconds apart; return their codes (None: accepted)."""
    codes = []
    for _ in range(count):
        codes.append((await qq.message(**where)).code)  # type: ignore[arg-type]
        qq.sim.clock.advance(every)
    return codes


async def test_a_verified_bot_sends_ten_a_second(qq: BotCaller) -> None:
    codes = [(await qq.message(f"{n:032d}")).code for n in range(11)]
    assert codes == [None] * 10 + [40034100]


async def test_an_unverified_bot_sends_five_a_second_and_thirty_a_minute(qq: BotCaller, sim: Simulator) -> None:
    sim.platform.register(BotAccount(qq.app_id, qq.secret, verified=False))
    await qq.log_in()
    codes = [(await qq.message(f"{n:032d}")).code for n in range(6)]
    assert codes == [None] * 5 + [40034100]
    sent = 5
    while sent < 30:
        sim.clock.advance(1)
        assert (await qq.message(f"{sent:032d}")).code is None
        sent += 1
    sim.clock.advance(1)
    assert (await qq.message(f"{sent:032d}")).code == 40034100


async def test_one_user_gets_twenty_a_minute(qq: BotCaller) -> None:
    assert await send(qq, 21, every=1) == [None] * 20 + [40034100]


async def test_one_user_gets_a_thousand_a_day(qq: BotCaller) -> None:
    codes = await send(qq, 1001, every=4)
    assert codes.count(None) == 1000
    assert codes[-1] == 40034100
    qq.sim.clock.advance(86_400)
    await qq.log_in()
    assert await send(qq, 1) == [None]


@pytest.mark.parametrize(("verified", "each_minute"), [(True, 60), (False, 30)])
async def test_groups_get_so_many_a_minute_together(
    qq: BotCaller, sim: Simulator, verified: bool, each_minute: int
) -> None:
    sim.platform.register(BotAccount(qq.app_id, qq.secret, verified=verified))
    await qq.log_in()
    codes = [(await qq.message(f"{n:032d}", group=True)).code for n in range(each_minute + 1)]
    assert codes == [None] * each_minute + [40034100]


async def test_one_group_gets_twenty_a_minute(qq: BotCaller) -> None:
    assert await send(qq, 21, target=GROUP, group=True) == [None] * 20 + [40034100]


async def test_the_older_code_is_a_switch(qq: BotCaller, sim: Simulator) -> None:
    sim.switches.proactive_over_code = 22009
    assert (await send(qq, 21, every=1))[-1] == 22009


async def test_four_a_month_in_the_older_days(qq: BotCaller, sim: Simulator) -> None:
    sim.switches.proactive = "monthly"
    assert await send(qq, 5, every=10) == [None] * 4 + [40034100]


async def test_the_right_may_be_withdrawn(qq: BotCaller, sim: Simulator) -> None:
    sim.switches.proactive = "withdrawn"
    reply = await qq.message()
    assert reply.refused == (400, 40034102)
    assert reply.body["message"] == "主动消息失败, 无权限"


@pytest.mark.parametrize(("scene", "target", "kind"), [("c2c", USER, "C2C"), ("group", GROUP, "GROUP")])
async def test_who_switches_it_off_gets_none_until_it_is_on_again(
    qq: BotCaller, sim: Simulator, scene: str, target: str, kind: str
) -> None:
    await sim.happen(qq.app_id, f"{kind}_MSG_REJECT", target, scene)
    assert (await qq.message(target, group=scene == "group")).refused == (400, 40034105)
    await sim.happen(qq.app_id, f"{kind}_MSG_RECEIVE", target, scene)
    assert (await qq.message(target, group=scene == "group")).status == 200


async def test_a_reply_costs_no_proactive_quota(qq: BotCaller, sim: Simulator) -> None:
    sim.switches.proactive = "withdrawn"
    assert (await qq.message(msg_id=await qq.said())).status == 200


async def test_sending_an_upload_at_once_is_proactive(qq: BotCaller, sim: Simulator) -> None:
    sent = await qq.media(srv_send_msg=True)
    assert sent.body["id"]
    assert len(qq.screen()) == 1
    sim.switches.proactive = "withdrawn"
    assert (await qq.media(srv_send_msg=True)).refused == (400, 40034102)


async def test_one_wakeup_in_each_period(qq: BotCaller, sim: Simulator) -> None:
    assert (await qq.message(is_wakeup=True)).refused == (400, 40034123)  # never spoke
    msg_id = await qq.said()
    assert (await qq.message(is_wakeup=True, msg_id=msg_id)).refused == (400, 50035)
    for days in (0, 1, 3, 7):
        sim.clock.advance(days * 86_400 - (sim.clock.now() - sim.platform.bot(None).last_spoke[USER]))
        await qq.log_in()
        assert (await qq.message(is_wakeup=True)).status == 200
        assert (await qq.message(is_wakeup=True)).refused == (400, 40034122)
    sim.clock.advance(30 * 86_400)
    await qq.log_in()
    assert (await qq.message(is_wakeup=True)).refused == (400, 40034123)


async def test_a_channel_gets_twenty_a_day(qq: BotCaller, sim: Simulator) -> None:
    sim.switches.guild_needs_gateway = False
    codes = []
    for _ in range(21):
        codes.append((await qq.post(f"/channels/{CHANNEL}/messages", {"content": "早"})).code)
        sim.clock.advance(1)
    assert codes == [None] * 20 + [304045]


async def test_a_guild_gets_two_channels_a_day(qq: BotCaller, sim: Simulator) -> None:
    sim.switches.guild_needs_gateway = False
    codes = [(await qq.post(f"/channels/{n}/messages", {"content": "早"})).code for n in (1, 2, 3, 1)]
    assert codes == [None, None, 304046, None]


async def test_a_guild_dm_gets_two_a_day_and_all_of_them_two_hundred(qq: BotCaller, sim: Simulator) -> None:
    sim.switches.guild_needs_gateway = False
    codes = [(await qq.post("/dms/1/messages", {"content": "早"})).code for _ in range(3)]
    assert codes == [None, None, 304049]
    codes = [(await qq.post(f"/dms/{n}/messages", {"content": "早"})).code for n in range(2, 201)]
    assert codes == [None] * 198 + [304050]
