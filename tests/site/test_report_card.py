"""What a connector's report card counts, and that it outlives a restart."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import pytest

from custom_components.balanz.balancing.lag import LearntLag
from custom_components.balanz.balancing.obedience import Rung
from custom_components.balanz.balancing.resolution import Resolution, Seen
from custom_components.balanz.csms.station import LimitAnswer
from custom_components.balanz.site.report_card import ReportCard
from custom_components.balanz.site.snapshot import ReportCardSnapshot
from simulator.behaviours import Behaviour
from simulator.car import Car
from simulator.faults import Faults

from .build import accepted_a, charger, connector, pass_s, settings, until
from .conftest import Bench

AT = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)


def report(site: Any, identity: str) -> ReportCardSnapshot:
    card = connector(site, identity).report_card
    assert card is not None
    return card


def test_refused_and_unanswered_limits_are_counted_apart() -> None:
    card = ReportCard()
    for answer in LimitAnswer:
        card = card.answered(answer)
    assert card == ReportCard(refusals=1, time_outs=1)


def test_the_hardest_step_stays_and_each_offence_counts() -> None:
    card = ReportCard()
    for rung in (Rung.REMINDED, Rung.PAUSED, Rung.REMINDED):
        card = card.climbed(rung, AT)
    assert card == ReportCard(disobediences=2, highest=Rung.PAUSED, highest_at=AT)
    assert card.snapshot().highest_step == "paused"


@pytest.mark.parametrize(
    "card",
    [
        ReportCard(),
        ReportCard(
            lag=LearntLag(cuts_s=(5.0, 7.5)),
            resolution=Resolution(seen=(Seen(11.0, 10.0), Seen(10.0, 10.0))),
            refusals=1,
            time_outs=2,
            disobediences=3,
            highest=Rung.STOPPED,
            highest_at=AT,
        ),
    ],
    ids=["clean", "full"],
)
def test_a_card_is_read_as_it_was_recorded(card: ReportCard) -> None:
    assert ReportCard.from_record(card.as_record()) == card


@pytest.mark.parametrize(
    "damage",
    [
        {"cuts_s": [-1.0]},
        {"cuts_s": ["nan"]},
        {"currents_a": [[11.0]]},
        {"currents_a": [[11.0, "nan"]]},
        {"highest": 9},
        {"refusals": None},
    ],
    ids=["negative", "nan", "no-current", "nan-current", "rung", "none"],
)
def test_a_damaged_card_is_no_card(damage: dict[str, Any]) -> None:
    with pytest.raises((TypeError, ValueError)):
        ReportCard.from_record({**ReportCard().as_record(), **damage})


def test_a_card_of_an_earlier_version_knows_no_step() -> None:
    record = ReportCard(refusals=2).as_record()
    del record["currents_a"]
    assert ReportCard.from_record(record) == ReportCard(refusals=2)


async def test_lags_are_learnt_from_cuts_and_outlive_a_restart(bench: Bench) -> None:
    settings_ = settings(charger("A"))
    site = await bench.start(settings_)
    simulated = await bench.dial_in(site, "A", car=Car())
    await until(lambda: simulated.currents_a[0] == accepted_a(site, "A") == 16.0)
    await until(lambda: connector(site, "A").currents_a[0] == 16.0)
    await site.set_capacity("root", 8.0)
    await until(lambda: report(site, "A").cuts_seen == 1)
    learnt = report(site, "A")
    assert learnt.lag_p95_s is not None
    assert learnt.lag_p95_s < 60.0
    await site.stop()
    again = await bench.start(settings_)
    assert report(again, "A") == learnt


EVEN_STEPS_A = tuple(float(step_a) for step_a in range(6, 17, 2))


async def go_through(site: Any, capacities_a: Iterable[float]) -> None:
    """Let one charger have all that there is, which changes every few minutes."""
    for capacity_a in capacities_a:
        await site.set_capacity("root", capacity_a)
        await pass_s(600.0)


async def test_a_coarse_step_is_learnt_and_no_limit_between_two_steps_is_sent(
    bench: Bench,
) -> None:
    settings_ = settings(charger("A"), charger("B"))
    site = await bench.start(settings_)
    even = Behaviour(takes_steps_a=EVEN_STEPS_A)
    simulated = await bench.dial_in(site, "A", car=Car(), behaviour=even)
    other = await bench.dial_in(site, "B")
    await until(lambda: simulated.currents_a[0] == 16.0)
    assert report(site, "A").resolution_a is None
    await go_through(site, (7.0, 9.0, 11.0, 13.0, 15.0, 16.0, 10.0, 14.0, 16.0) * 2)
    assert report(site, "A").resolution_a == 2.0

    other.plug_in(Car())
    await site.set_capacity("root", 17.0)
    await until(lambda: other.currents_a[0] == 9.0)
    assert accepted_a(site, "A") == simulated.currents_a[0] == 8.0

    await site.stop()
    again = await bench.start(settings_)
    assert report(again, "A").resolution_a == 2.0
    simulated.url = other.url = f"ws://127.0.0.1:{again.port}"
    await again.set_capacity("root", 15.0)
    await until(lambda: accepted_a(again, "A") == 8.0 and accepted_a(again, "B") == 7.0)


async def test_another_firmware_has_a_step_of_its_own(bench: Bench) -> None:
    site = await bench.start(settings(charger("A")))
    even = Behaviour(takes_steps_a=EVEN_STEPS_A)
    simulated = await bench.dial_in(site, "A", car=Car(), behaviour=even)
    await until(lambda: simulated.currents_a[0] == 16.0)
    await go_through(site, (7.0, 9.0, 11.0, 13.0, 15.0, 16.0, 10.0, 14.0, 16.0) * 2)
    assert report(site, "A").resolution_a == 2.0
    await simulated.stop()
    await bench.dial_in(site, "A", car=Car(), firmware="2.0")
    await until(lambda: report(site, "A").resolution_a is None)
    await site.set_capacity("root", 11.0)
    await until(lambda: accepted_a(site, "A") == 11.0)


async def test_refusals_are_counted(bench: Bench) -> None:
    site = await bench.start(settings(charger("A")))
    await bench.dial_in(site, "A", faults=Faults(reject_profiles=True))
    await until(lambda: report(site, "A").refusals >= 2)
    assert report(site, "A").time_outs == 0
