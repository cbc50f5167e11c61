"""A limit that its car does not use up stays for a while, unless somebody could use the rest."""

from dataclasses import replace

from custom_components.balanz.balancing.control import Result, State
from custom_components.balanz.balancing.demand import Appetite
from custom_components.balanz.balancing.inputs import ConnectorInput
from custom_components.balanz.balancing.lease import LEASE_S, stays_s
from custom_components.balanz.balancing.supply import BaseLoad

from .build import (
    NOW,
    charging,
    connector,
    decide,
    drawing,
    group,
    inputs,
    key,
    known,
    limits,
    meter,
    obeying,
    site,
    waiting,
)

ALONE = site([group(rating_a=32.0)], [connector("a")])
PAIR = site([group(rating_a=32.0)], [connector("a"), connector("b")])


def modest(
    name: str = "a", *, takes_a: float = 8.0, idle_since: float | None = None
) -> tuple[str, ConnectorInput]:
    """A car that was let have 16 A, 100 s ago, and takes less."""
    appetite = Appetite(learnt_a=takes_a + 1.0, offer_a=16.0, since=NOW - 30, idle_since=idle_since)
    return name, known(
        obeying(16.0, reading_a=takes_a),
        draw=drawing(takes_a),
        appetite=appetite,
        waiting_since=1.0,
    )


def beside_house(house_a: float) -> Result:
    """Decide for the one car beside a house that has been as it is."""
    on = site([group(rating_a=32.0, metered=True)], [connector("a")])
    state = State(base_loads={"root": BaseLoad().observe(meter(house_a, at=NOW - 2), [])})
    return decide(on, inputs(on, [modest()], meters={"root": meter(house_a + 8.0)}), state)


def test_a_limit_that_nobody_else_could_use_is_left_to_a_car_that_takes_less() -> None:
    assert limits(decide(ALONE, inputs(ALONE, [modest()]))) == {}


def test_it_is_lowered_once_it_would_have_to_be_renewed_anyway() -> None:
    result = decide(ALONE, inputs(ALONE, [modest()]))
    name, car = modest()
    old = replace(car, commitment=replace(car.commitment, accepted_at=NOW - stays_s(LEASE_S)))

    assert result.wake_at is not None
    assert result.wake_at <= NOW - 100.0 + stays_s(LEASE_S)
    assert limits(decide(ALONE, inputs(ALONE, [(name, old)]))) == {"a": 9.0}


def test_it_is_lowered_at_once_where_somebody_waits_for_it() -> None:
    small = replace(PAIR, groups={"root": group(rating_a=20.0)})

    assert limits(decide(small, inputs(small, [modest(), waiting("b")]))) == {"a": 9.0}


def test_it_is_lowered_at_once_where_somebody_who_charges_could_use_it() -> None:
    small = replace(PAIR, groups={"root": group(rating_a=24.0)})

    assert limits(decide(small, inputs(small, [modest(), charging("b", 8.0)]))) == {"a": 9.0}


def test_it_stays_beside_a_car_that_has_all_it_can_take() -> None:
    assert limits(decide(PAIR, inputs(PAIR, [modest(), charging("b", 16.0)]))) == {}


def test_it_stays_beside_a_house_that_leaves_as_much() -> None:
    assert limits(beside_house(16.0)) == {}


def test_it_is_lowered_to_what_the_car_takes_once_a_house_leaves_less() -> None:
    assert limits(beside_house(17.0)) == {"a": 9.0}


def test_where_not_all_of_them_fit_as_many_stay_as_do() -> None:
    small = replace(PAIR, groups={"root": group(rating_a=25.0)})

    assert limits(decide(small, inputs(small, [modest("a"), modest("b")]))) == {"b": 9.0}


def test_that_of_a_car_that_takes_nothing_is_lowered_at_once() -> None:
    full = modest(takes_a=0.0, idle_since=NOW - 5.0)

    assert limits(decide(ALONE, inputs(ALONE, [full]))) == {"a": 6.0}


def test_that_of_a_car_whose_maximum_was_lowered_is_lowered_at_once() -> None:
    name, car = modest()

    result = decide(ALONE, inputs(ALONE, [(name, replace(car, maximum_a=12.0))]))

    assert limits(result) == {key("a").charger: 9.0}
