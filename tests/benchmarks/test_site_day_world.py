"""Days under the controllers of the benchmark, the real one among them."""

import pytest

from benchmarks.site_days.balanz import Balanz
from benchmarks.site_days.controllers import Controller
from benchmarks.site_days.days import SiteDay
from benchmarks.site_days.ideal import run_ideal
from benchmarks.site_days.policies import make_controller
from benchmarks.site_days.record import Outcome
from benchmarks.site_days.world import MeterTiming, World

from .days import ONE_PHASE, day, stay, steady

SHARING = ("equal_share", "upstream_like", "first_come", "fair", "need")


def run(site: SiteDay, policy: str) -> Outcome:
    controller: Controller = make_controller(policy, site, margin_a=1.0)
    return World(site, controller, MeterTiming()).run()


ALONE = day(stay(leaves_s=3600), house=steady((3.0, 2.0, 1.0)), length_s=3600)
CROWDED = day(
    stay(0, leaves_s=3600, energy_wh=5000.0),
    stay(1, arrives_s=300, leaves_s=3200),
    stay(2, arrives_s=900, leaves_s=2900, kind=ONE_PHASE),
    house=steady((3.0, 2.0, 1.0)),
    length_s=3600,
)


@pytest.mark.parametrize("policy", SHARING)
def test_a_car_alone_gets_nearly_what_the_ideal_gives_it(policy: str) -> None:
    outcome = run(ALONE, policy)

    # The one that begins at 6 A and adds 3 A every two minutes takes its time.
    least = 0.7 if policy == "upstream_like" else 0.95
    assert outcome.energy_wh > least * run_ideal(ALONE).energy_wh


@pytest.mark.parametrize("policy", SHARING)
def test_a_steady_house_and_three_cars_are_never_over_the_limit(policy: str) -> None:
    over = run(CROWDED, policy).over

    assert over is not None
    assert over.seconds == 0


def test_without_control_the_fuse_is_overloaded_and_that_was_preventable() -> None:
    over = run(CROWDED, "uncontrolled").over

    assert over is not None
    assert over.preventable_s > 1000


def test_a_day_passes_the_same_way_each_time() -> None:
    outcomes = [run(CROWDED, "fair") for _ in range(2)]

    assert outcomes[0].served == outcomes[1].served
    assert outcomes[0].writes == outcomes[1].writes


def test_a_car_is_switched_on_once_where_there_is_room() -> None:
    outcome = run(ALONE, "fair")

    assert outcome.switches == 0
    assert outcome.served[0].waited_s < 60


def test_cars_that_do_not_all_fit_take_turns() -> None:
    cars = [stay(number, arrives_s=60) for number in range(3)]
    scarce = day(*cars, main_a=14.0, house=steady((2.0, 2.0, 2.0)))

    outcome = run(scarce, "fair")

    assert all(one.energy_wh > 1000 for one in outcome.served)
    assert outcome.switches > 0


def test_a_capacity_that_falls_is_kept() -> None:
    falling = day(stay(), capacity_changes=((0, 16.0), (3000, 8.0)), main_a=16.0)

    outcome = run(falling, "fair")

    assert outcome.over is not None
    assert outcome.over.preventable_s == 0
    assert outcome.energy_wh == pytest.approx(run_ideal(falling).energy_wh, rel=0.02)


def test_the_real_controller_learns_the_house_hour_by_hour() -> None:
    # At one endless hour, the worst of a morning would hold cars back all night.
    site = day(stay(leaves_s=7200), house=[(20.0, 0.0, 0.0)] * 240 + [(2.0, 0.0, 0.0)] * 240)
    controller = make_controller("fair", site, 1.0)

    World(site, controller, MeterTiming()).run()

    assert isinstance(controller, Balanz)
    memory = controller.memory
    assert memory.hours[0].l1 >= 20.0
    assert memory.hour == 1
