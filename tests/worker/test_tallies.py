"""What the engine counts on its way is in the rows of all processes when it has stopped."""

from __future__ import annotations

from qqconsole.engine import tally_rows


def test_a_reply_is_counted_from_its_queue_to_its_end(house, make_bot, platform):
    tally_rows.take()
    make_bot()
    house.start()
    house.until(platform.live)
    platform.say("USER1", "/bench rate=20 pieces=10 chars=12")
    house.ended()
    house.stop()

    counted = tally_rows.read()

    assert counted["deliveries_ended"] == {'status="delivered"': 1}
    chunks = counted["chunks"]['status="accepted"']
    assert chunks >= 3
    assert sum(counted["qq"].values()) == sum(counted["write"].values()) == chunks
    assert sum(counted["first_frame"].values()) == sum(counted["queue_wait"].values()) == 1
    assert 0 < counted["first_frame:sum"][""] < 60
    assert counted["live"]['what="events"'] >= chunks
