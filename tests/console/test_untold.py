"""What a process heard of a gateway session while no row could be written: told late, it is as true as told at once."""

from __future__ import annotations

from itertools import product

import pytest

from adapter.loss import Loss
from qqconsole.engine.untold import Untold


def _news(heard: list[tuple[float, str]]) -> list[Untold]:
    return [Untold(lost_at=at) if what == "4009" else Untold(live_at=at) for at, what in heard]


def _told(loss: Loss | None, news: list[Untold]) -> Loss | None:
    for one in news:
        loss = one.over(loss)
    return loss


def _told_late(loss: Loss | None, news: list[Untold]) -> Loss | None:
    whole = Untold()
    for one in news:
        whole = whole.then(one)
    return whole.over(loss)


@pytest.mark.parametrize("before", [None, Loss(1.0), Loss(1.0, 2.0)])
def test_news_told_together_end_as_if_each_had_been_told_at_once(before: Loss | None) -> None:
    for length in range(1, 6):
        for kinds in product(("4009", "READY"), repeat=length):
            news = _news([(10.0 + number, what) for number, what in enumerate(kinds)])
            at_once, late = _told(before, news), _told_late(before, news)
            if at_once is None or late is None:
                assert at_once == late
                continue
            assert at_once.live_at == late.live_at
            # Doubted from the first of them on: nothing that was dropped is taken for seen.
            assert late.lost_at <= at_once.lost_at


def test_a_return_does_not_take_back_the_loss_that_no_row_tells_yet() -> None:
    whole = Untold(lost_at=10.0).then(Untold(live_at=12.0))
    assert whole.over(None) == whole.over(Loss(1.0, 2.0)) == Loss(10.0, 12.0)


def test_what_is_written_twice_counts_once() -> None:
    """The answer to the first writing never came."""
    whole = Untold(10.0, 12.0)
    assert whole.over(whole.over(None)) == whole.over(None)


def test_a_second_loss_before_the_first_was_told_is_not_over_with_the_first() -> None:
    whole = Untold(10.0, 12.0).then(Untold(lost_at=15.0))
    assert whole.over(None) == Loss(10.0)
    # The first of them was told meanwhile.
    assert whole.over(Loss(10.0, 12.0)) == Loss(10.0)
