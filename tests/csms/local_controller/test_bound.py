"""What another central system allows, as the bound of what balanz gives."""

from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custom_components.balanz.csms.local_controller.bound import (
    AHEAD_S,
    Place,
    UpperBound,
    station_bound,
    upper_bounds,
)
from custom_components.balanz.csms.local_controller.composition import (
    InstalledProfile,
    Lines,
    limit_at,
)

from .profiles import MAX, NOON, TX, installed, later, running


def bound(
    *profiles: InstalledProfile, now: datetime = NOON, place: Place | None = None
) -> UpperBound:
    return upper_bounds(profiles, {1: running()}, {1: place or Place()}, now)[1]


def shares(
    *profiles: InstalledProfile, places: dict[int, Place], now: datetime = NOON
) -> dict[int, float | None]:
    return {
        connector: it.limit_a for connector, it in upper_bounds(profiles, {}, places, now).items()
    }


def test_where_nothing_limits_an_allocation_is_kept() -> None:
    assert bound() == UpperBound()
    assert bound().keeps(16.0) == 16.0
    assert not bound().pauses


def test_the_smaller_of_profile_and_allocation_is_kept() -> None:
    limited = bound(installed(1, (0, 10.0, 1), (60, 32.0)))

    assert limited == UpperBound(limit_a=10.0, told_a=10.0, phases=1, until=later(60))
    assert (limited.keeps(16.0), limited.keeps(8.0), limited.keeps(0.0)) == (10.0, 8.0, 0.0)


@pytest.mark.parametrize(("told", "limit"), [(0.0, 0.0), (3.0, 0.0), (5.9, 0.0), (6.0, 6.0)])
def test_what_is_below_the_minimum_is_a_pause_and_stays_known(told: float, limit: float) -> None:
    found = bound(installed(1, (0, told)))

    assert (found.limit_a, found.told_a, found.pauses) == (limit, told, limit == 0)


def test_the_minimum_is_that_of_the_car() -> None:
    assert bound(installed(1, (0, 8.0)), place=Place(minimum_a=10.0)).pauses


def test_a_profile_of_the_transaction_counts_while_it_runs() -> None:
    own = installed(1, (0, 10.0), purpose=TX, transactionId=7)

    assert bound(own).limit_a == 10.0
    assert upper_bounds([own], {}, {1: Place()}, NOON)[1].limit_a is None


def test_watts_go_through_the_lines_of_the_place() -> None:
    limited = installed(1, (0, 4140.0), unit="W")

    assert bound(limited).limit_a == 6.0
    assert bound(limited, place=Place(lines=Lines(wired=1))).limit_a == 18.0


def test_watts_of_the_whole_charger_go_through_the_lines_that_cars_use() -> None:
    whole = installed(0, (0, 3680.0), purpose=MAX, unit="W")
    one_line = Place(lines=Lines(in_use=1))

    assert shares(whole, places={1: one_line}) == {1: 16.0}
    assert shares(whole, places={1: one_line, 2: Place(has_car=False)}) == {1: 16.0, 2: 0.0}
    assert shares(whole, places={1: one_line, 2: Place()}) == {1: 0.0, 2: 0.0}


def test_connectors_share_the_limit_of_the_whole_charger_evenly() -> None:
    whole = installed(0, (0, 20.0), (60, 64.0), purpose=MAX)
    places = {1: Place(), 2: Place()}

    assert shares(whole, places=places) == {1: 10.0, 2: 10.0}
    assert shares(whole, places={1: Place()}) == {1: 20.0}
    assert station_bound([whole], places.values(), NOON) == UpperBound(
        limit_a=20.0, told_a=20.0, until=later(60)
    )


def test_what_one_must_not_take_is_left_for_the_other() -> None:
    whole = installed(0, (0, 32.0), purpose=MAX)
    bounded = installed(2, (0, 8.0), number=2)

    assert shares(whole, bounded, places={1: Place(), 2: Place()}) == {1: 24.0, 2: 8.0}


def test_where_not_all_minimums_fit_the_first_ones_are_served() -> None:
    whole = installed(0, (0, 11.0), purpose=MAX)

    assert shares(whole, places={2: Place(), 1: Place()}) == {2: 11.0, 1: 0.0}


def test_a_high_minimum_is_not_taken_for_more_than_a_share() -> None:
    whole = installed(0, (0, 20.0), purpose=MAX)

    assert shares(whole, places={1: Place(minimum_a=12.0), 2: Place()}) == {1: 12.0, 2: 8.0}


def test_connectors_without_a_car_have_what_the_others_leave() -> None:
    whole = installed(0, (0, 32.0), purpose=MAX)
    bounded = installed(2, (0, 16.0), number=2)
    places = {1: Place(has_car=False), 2: Place()}

    assert shares(whole, bounded, places=places) == {1: 16.0, 2: 16.0}
    assert shares(whole, places=places) == {1: 0.0, 2: 32.0}


def test_a_share_ends_when_that_of_another_does() -> None:
    whole = installed(0, (0, 32.0), purpose=MAX)
    bounded = installed(2, (0, 8.0), number=2, duration=30)

    found = upper_bounds([whole, bounded], {}, {1: Place(), 2: Place()}, NOON)

    assert [it.until for it in found.values()] == [later(30), later(30)]


def test_a_lower_limit_counts_before_it_has_to_hold_and_a_higher_one_does_not() -> None:
    falling = installed(1, (0, 16.0), (60, 8.0), (70, 10.0), (200, 32.0))

    found = [(it, bound(falling, now=later(it))) for it in (0, 44, 45, 65, 69, 70, 199, 200)]

    assert [(it, one.limit_a, one.until) for it, one in found] == [
        (0, 16.0, later(45)),
        (44, 16.0, later(45)),
        (45, 8.0, later(70)),
        (65, 8.0, later(70)),
        (69, 8.0, later(70)),
        (70, 10.0, later(200)),
        (199, 10.0, later(200)),
        (200, 32.0, None),
    ]


def test_the_fewest_lines_that_are_told_soon_count() -> None:
    switching = installed(1, (0, 16.0, 3), (10, 16.0, 1), (60, 16.0))

    assert bound(switching).phases == 1


changing = st.lists(
    st.tuples(st.integers(1, 60), st.integers(0, 4).map(lambda it: it * 6.0)), max_size=6
).map(lambda it: sorted(dict(it).items()))


@given(changing, st.integers(0, 4).map(lambda it: it * 6.0), st.none() | st.integers(1, 80))
@settings(deadline=None)
def test_a_bound_is_the_lowest_of_what_comes_soon_until_it_is_told_to_end(
    after: list[tuple[int, float]], first: float, duration: int | None
) -> None:
    profile = installed(1, (0, first), *after, duration=duration)

    def lowest(second: int) -> float:
        soon = [
            limit_at([profile], 1, later(it), transaction=None, lines=Lines()).limit_a
            for it in range(second, second + int(AHEAD_S) + 1)
        ]
        return min(float("inf") if it is None else it for it in soon)

    for second in range(0, 80, 7):
        found = bound(profile, now=later(second))
        expected = lowest(second)
        assert found.limit_a == (None if expected == float("inf") else expected)
        held_to = 100 if found.until is None else int((found.until - NOON).total_seconds())
        assert held_to > second
        assert {lowest(it) for it in range(second, held_to)} == {expected}


bounds_a = st.none() | st.integers(0, 40).map(float)
places_with_bounds = st.dictionaries(
    st.integers(1, 4),
    st.tuples(
        st.builds(Place, minimum_a=st.integers(1, 14).map(float), has_car=st.booleans()), bounds_a
    ),
    min_size=1,
)


@given(places_with_bounds, st.integers(0, 80))
@settings(deadline=None)
def test_shares_keep_the_sum_and_each_bound_and_are_no_less_than_a_minimum(
    places: dict[int, tuple[Place, float | None]], whole_a: int
) -> None:
    profiles = [
        installed(connector, (0, bound_a), number=connector)
        for connector, (_, bound_a) in places.items()
        if bound_a is not None
    ]
    whole = installed(0, (0, float(whole_a)), purpose=MAX, number=9)

    found = shares(whole, *profiles, places={it: place for it, (place, _) in places.items()})

    assert sum(it or 0.0 for it in found.values()) <= whole_a + 1e-9
    for connector, (place, bound_a) in places.items():
        share = found[connector]
        assert share is not None
        assert share == 0 or share >= place.minimum_a
        assert share <= (whole_a if bound_a is None else min(bound_a, whole_a)) + 1e-9


@given(places_with_bounds, st.integers(0, 80))
@settings(deadline=None)
def test_nobody_who_could_take_more_has_less_than_another_and_nothing_is_wasted(
    places: dict[int, tuple[Place, float | None]], whole_a: int
) -> None:
    cars = {
        connector: (Place(minimum_a=it.minimum_a), bound_a)
        for connector, (it, bound_a) in places.items()
    }
    profiles = [
        installed(connector, (0, bound_a), number=connector)
        for connector, (_, bound_a) in cars.items()
        if bound_a is not None
    ]
    whole = installed(0, (0, float(whole_a)), purpose=MAX, number=9)

    found = shares(whole, *profiles, places={it: place for it, (place, _) in cars.items()})

    served = {it: share for it, share in found.items() if share}
    hungry = {
        it: share
        for it, share in served.items()
        if share < (80.0 if cars[it][1] is None else cars[it][1] or 0.0) - 1e-9
    }
    if hungry:
        assert sum(served.values()) == pytest.approx(whole_a)
        lowest = min(hungry.values())
        above = [it for it, share in served.items() if share > lowest + 1e-9]
        assert all(
            served[it] <= cars[it][0].minimum_a + 1e-9 or served[it] <= lowest for it in above
        )
