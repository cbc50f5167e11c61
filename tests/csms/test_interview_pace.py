"""However many chargers come at once, their interviews begin one after the other."""

from itertools import pairwise

import pytest

from custom_components.balanz.csms import interview_pace
from custom_components.balanz.csms.interview_pace import AT_ONCE, INTERVAL_S, InterviewPace
from custom_components.balanz.csms.profiles import Limit
from custom_components.balanz.csms.station import LimitAnswer

from .client import wait_until
from .conftest import Bench, Dial


def test_a_charger_alone_begins_at_once() -> None:
    pace = InterviewPace()

    assert pace.take(1000.0) == 0.0
    assert pace.take(2000.0) == 0.0


def test_a_thousand_chargers_at_once_begin_within_20_s_one_after_the_other() -> None:
    pace = InterviewPace()

    waits_s = [pace.take(1000.0) for _ in range(1000)]

    assert max(waits_s[: AT_ONCE + 1]) == pytest.approx(0.0)
    crowd_s = waits_s[AT_ONCE:]
    assert [after - before for before, after in pairwise(crowd_s)] == pytest.approx(
        [INTERVAL_S] * (len(crowd_s) - 1)
    )
    assert waits_s[-1] < 20.0


async def test_who_waits_for_an_interview_is_limited_meanwhile(
    central: Bench, dial: Dial, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interview_pace, "INTERVAL_S", 3600.0)
    monkeypatch.setattr(interview_pace, "AT_ONCE", 0)
    central.set_known(["CP1", "CP2"])
    first, second = await dial("CP1"), await dial("CP2")
    await first.boot()
    await second.boot()
    await wait_until(lambda: first.received("GetConfiguration"))

    answer = await central.stations["CP2"].set_limit(
        1, Limit(limit_a=6.0, fallback_a=6.0), urgent=True
    )

    assert answer is LimitAnswer.ACCEPTED
    assert not second.received("GetConfiguration")
