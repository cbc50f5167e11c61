"""Which overloads count against balanz."""

import pytest

from simulator.house import Amperes
from simulator.safety_watch import BREACH_S, CHAIN_S, Circuit

QUIET: Amperes = (5.0, 5.0, 5.0)
BUSY: Amperes = (20.0, 5.0, 5.0)
CARS: Amperes = (16.0, 16.0, 16.0)


@pytest.fixture
def fuse() -> Circuit:
    return Circuit(name="Main fuse", limit_a=25.0)


def test_what_fits_is_no_overload(fuse: Circuit) -> None:
    fuse.observe(QUIET, CARS, 0.0, 1.0)

    assert (fuse.overload_s, fuse.preventable_s, fuse.worst_a) == (0.0, 0.0, 21.0)


def test_an_overload_right_after_the_house_rose_could_not_be_prevented(fuse: Circuit) -> None:
    fuse.observe(QUIET, CARS, 0.0, 1.0)
    fuse.observe(BUSY, CARS, 1.0, 1.0)

    assert (fuse.overload_s, fuse.preventable_s) == (1.0, 0.0)


def test_an_overload_that_lasts_longer_than_cars_need_could_have_been_prevented(
    fuse: Circuit,
) -> None:
    fuse.observe(QUIET, CARS, 0.0, 1.0)
    fuse.observe(BUSY, CARS, 1.0, 1.0)
    fuse.observe(BUSY, CARS, 2.0 + CHAIN_S, 1.0)

    assert (fuse.overload_s, fuse.preventable_s) == (2.0, 1.0)
    assert fuse.summary() == (
        "Main fuse: 2 s above its limit of 25 A, 1 s of them preventable; at most 36.0 A"
    )


def test_a_house_that_is_too_much_by_itself_is_not_to_be_prevented(fuse: Circuit) -> None:
    fuse.observe((30.0, 0.0, 0.0), (0.0, 0.0, 0.0), 100.0, 1.0)

    assert (fuse.overload_s, fuse.preventable_s) == (1.0, 0.0)


def test_cars_may_take_their_time_to_follow_a_lower_limit(fuse: Circuit) -> None:
    fuse.observe(QUIET, CARS, 0.0, 1.0)
    fuse.set_limit(15.0, 100.0)
    fuse.observe(QUIET, CARS, 101.0, 1.0)
    fuse.observe(QUIET, CARS, 101.0 + CHAIN_S, 1.0)

    assert (fuse.overload_s, fuse.preventable_s) == (2.0, 1.0)


def test_what_broke_gives_the_others_time_to_make_room(fuse: Circuit) -> None:
    fuse.breached(0.0)
    fuse.observe(BUSY, CARS, BREACH_S, 1.0)
    assert fuse.verdict() == "Main fuse has held: 1 s above 25 A so far."

    fuse.observe(BUSY, CARS, BREACH_S + 1.0, 1.0)
    assert fuse.verdict() == "Main fuse could have been spared: 2 s above 25 A so far."
