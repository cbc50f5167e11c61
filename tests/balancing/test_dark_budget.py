"""What chargers would draw if nobody controlled them any more, held against the fuses."""

from collections.abc import Mapping
from dataclasses import replace
from math import inf

from hypothesis import given
from hypothesis import strategies as st

from custom_components.balanz.balancing.commitments import LAG_S, Commitment
from custom_components.balanz.balancing.dark_budget import DarkBudget, Shortage, dark_budget
from custom_components.balanz.balancing.inputs import Booking
from custom_components.balanz.balancing.lease import Lapse
from custom_components.balanz.balancing.model import Connector, Site
from custom_components.balanz.balancing.phases import Phase, PhaseCurrents, PhaseMap

from .build import connector, group, key, site


def budget(
    built: Site,
    commitments: Mapping[str, Commitment],
    base_loads: Mapping[str, PhaseCurrents] | None = None,
    bookings: tuple[Booking, ...] = (),
) -> DarkBudget:
    return dark_budget(
        built,
        {one.id: one.rating_a for one in built.groups.values()},
        base_loads or {},
        {key(name): commitment for name, commitment in commitments.items()},
        bookings,
    )


def holding(limit_a: float, lapse: Lapse | None = None) -> Commitment:
    fresh = Commitment().connected(keeps_limit=True).sent(limit_a, 0.0, lapse)
    return fresh.accepted(0.0, connector("a", keeps_limit=True)).settled(LAG_S)


LEASED = holding(16.0, Lapse(at=900.0, to_a=6.0))


def trusted(
    name: str, *, lapses: bool = True, phase_map: PhaseMap = PhaseMap.L1_L2_L3
) -> Connector:
    return replace(connector(name, keeps_limit=True, phase_map=phase_map), lapses=lapses)


def test_proven_chargers_count_with_their_fallbacks() -> None:
    chargers = [trusted(name) for name in "abcd"]

    assert budget(site([group(rating_a=24.0)], chargers), dict.fromkeys("abcd", LEASED)).is_safe
    worst = budget(site([group(rating_a=23.0)], chargers), dict.fromkeys("abcd", LEASED)).worst
    assert worst is not None
    assert (worst.group_id, worst.phase, worst.missing_a) == ("root", Phase.L1, 1.0)


def test_one_that_limits_itself_without_its_link_counts_with_that() -> None:
    built = site([group(rating_a=23.0)], [replace(connector("a"), offline_a=7.0), connector("b")])
    found = budget(built, {"a": LEASED})

    assert (found.is_safe, found.unproven) == (True, ("b",))


def test_one_that_only_keeps_its_limit_counts_with_that() -> None:
    built = site([group(rating_a=25.0)], [trusted("a", lapses=False), trusted("b", lapses=False)])

    assert budget(built, {"a": holding(16.0), "b": holding(9.0)}).is_safe
    assert not budget(built, {"a": holding(16.0), "b": holding(10.0)}).is_safe


def test_one_of_which_nothing_is_proven_counts_with_its_rating_and_is_named() -> None:
    built = site([group(rating_a=25.0)], [trusted("a"), connector("b", rating_a=32.0)])

    told = budget(built, {"a": LEASED, "b": holding(6.0)})

    assert told.worst is not None
    assert told.worst.missing_a == 13.0
    assert told.unproven == ("b",)


def test_a_proven_charger_without_a_lease_counts_with_its_last_limit() -> None:
    built = site([group(rating_a=15.0)], [trusted("a")])

    assert not budget(built, {"a": holding(16.0)}).is_safe


def test_a_car_that_waits_now_may_charge_by_then() -> None:
    built = site([group(rating_a=5.0)], [trusted("a")])

    assert not budget(built, {"a": holding(0.0, Lapse(at=0.0, to_a=0.0))}).is_safe


def test_base_loads_and_what_left_chargers_may_draw_count() -> None:
    built = site([group(rating_a=25.0, metered=True)], [trusted("a")])
    house = {"root": PhaseCurrents(l1=5.0, l2=12.0, l3=5.0)}
    left = Booking(id="x", group_ids=("root",), currents=PhaseCurrents(l1=0.0, l2=8.0, l3=0.0))

    assert budget(built, {"a": LEASED}, house).is_safe
    worst = budget(built, {"a": LEASED}, house, (left,)).worst
    assert worst is not None
    assert (worst.phase, worst.missing_a) == (Phase.L2, 1.0)


def test_a_house_that_overloads_the_fuse_alone_is_not_blamed_on_the_chargers() -> None:
    built = site([group(rating_a=25.0, metered=True)], [trusted("a", phase_map=PhaseMap.L1)])
    house = {"root": PhaseCurrents(l1=5.0, l2=30.0, l3=5.0)}

    assert budget(built, {"a": LEASED}, house).is_safe


def test_the_worst_group_comes_first() -> None:
    groups = [group(rating_a=30.0), group("garage", rating_a=10.0)]
    built = site(groups, [trusted("a"), connector("b", "garage")])

    told = budget(built, {"a": LEASED, "b": holding(6.0)})

    assert [one.group_id for one in told.shortages] == ["garage"] * 3


def test_a_limit_of_power_counts_over_all_phases() -> None:
    limited = replace(group(rating_a=25.0), power_limit_w=2300.0, power_factor=1.0)

    worst = budget(site([limited], [trusted("a")]), {"a": LEASED}).worst

    assert worst is not None
    assert (worst.phase, worst.missing_a) == (None, 8.0)


def test_the_connectors_of_one_charger_share_its_rating() -> None:
    own = replace(group("own", rating_a=16.0), enforced=True)
    built = site([group(rating_a=16.0), own], [connector("a", "own"), connector("b", "own")])

    assert budget(built, {}).is_safe


@given(limits_a=st.lists(st.sampled_from([0.0, 6.0, 10.0, 16.0]), min_size=1, max_size=6))
def test_what_is_reckoned_with_is_never_below_what_is_booked_in_the_end(
    limits_a: list[float],
) -> None:
    chargers = [trusted(str(number), lapses=number % 2 == 0) for number in range(len(limits_a))]
    commitments = {
        str(number): holding(limit_a, Lapse(at=900.0, to_a=min(limit_a, 6.0)))
        for number, limit_a in enumerate(limits_a)
    }
    booked_a = sum(
        commitments[one.key.charger].disconnected().booked_a(one, inf) for one in chargers
    )

    safe = budget(site([group(rating_a=50.0)], chargers), commitments).is_safe

    assert booked_a <= 50.0 or not safe


def test_those_that_load_the_worst_limit_most_come_first() -> None:
    small, large = connector("a"), replace(connector("b"), rating_a=32.0, maximum_a=32.0)
    elsewhere = connector("c", group_id="shed")
    shed = group("shed", rating_a=6.0)
    found = budget(site([group(rating_a=40.0), shed], [elsewhere, small, large]), {})
    apart = budget(site([group(rating_a=60.0), shed], [elsewhere, small, large]), {})

    assert (found.worst, found.unproven, found.loads_worst) == (
        Shortage(group_id="root", phase=Phase.L1, missing_a=24.0),
        ("b", "c", "a"),
        3,
    )
    assert apart.worst is not None
    assert (apart.worst.group_id, apart.unproven[0], apart.loads_worst) == ("shed", "c", 1)
