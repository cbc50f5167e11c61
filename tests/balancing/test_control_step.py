"""Single steps of control: what is sent, in which case, and why."""

from dataclasses import replace

import pytest

from custom_components.balanz.balancing.budget import Budget
from custom_components.balanz.balancing.commands import Command, Kind
from custom_components.balanz.balancing.commitments import LAG_S, Commitment, Pending
from custom_components.balanz.balancing.control import State
from custom_components.balanz.balancing.demand import Appetite
from custom_components.balanz.balancing.inputs import Booking, Line
from custom_components.balanz.balancing.lease import LEASE_S, RENEWED_BEFORE_S, Lapse
from custom_components.balanz.balancing.phases import Phase, PhaseCurrents, PhaseMap
from custom_components.balanz.balancing.reasons import Reason, Rule
from custom_components.balanz.balancing.standing import RETRY_S
from custom_components.balanz.balancing.supply import BaseLoad
from custom_components.balanz.balancing.targets import PATIENCE_S
from custom_components.balanz.balancing.tuning import Tuning

from .build import (
    NOW,
    charging,
    connector,
    decide,
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

TWO = site([group()], [connector("a"), connector("b")])
METERED = site([group(metered=True, margin_a=1.0)], [connector("a"), connector("b")])


def house(current_a: float) -> State:
    """A house whose load has been known for a while."""
    return State(base_loads={"root": BaseLoad().observe(meter(current_a, at=NOW - 2), [])})


def test_a_rise_of_the_house_load_cuts_in_the_same_step() -> None:
    what = inputs(METERED, [charging("a", 10.0), charging("b", 10.0)], meters={"root": meter(29.0)})

    result = decide(METERED, what, house(4.0))

    assert limits(result) == {"a": 7.0, "b": 7.0} or limits(result) == {"a": 8.0, "b": 7.0}
    assert {command.kind for command in result.commands} == {Kind.CUT}


def test_export_is_not_headroom() -> None:
    what = inputs(
        METERED, [charging("a", 12.0), charging("b", 12.0)], meters={"root": meter(-20.0)}
    )

    assert limits(decide(METERED, what, house(0.0))) == {}


def test_a_raise_waits_until_the_cut_that_pays_for_it_is_confirmed() -> None:
    cut = obeying(16.0, reading_a=16.0).sent(8.0, NOW - 2).accepted(NOW - 1, connector("a"))
    pair = site([group(rating_a=24.0)], [connector("a", maximum_a=8.0), connector("b")])
    unconfirmed = inputs(pair, [("a", known(cut)), charging("b", 8.0)])
    confirmed = inputs(pair, [("a", known(cut.measured(8.0, NOW))), charging("b", 8.0)])

    before, after = decide(pair, unconfirmed), decide(pair, confirmed)

    assert limits(before) == {}
    assert before.reasons[key("b")] == Reason(rule=Rule.CONFIRMING)
    assert before.wake_at == cut.next_change(NOW) == NOW - 1 + LAG_S
    assert after.commands == (Command(key=key("b"), limit_a=16.0, kind=Kind.RAISE),)


def test_others_are_cut_in_the_place_of_a_busy_line() -> None:
    busy = known(obeying(12.0), line=Line.BUSY)
    what = inputs(TWO, [("a", busy), charging("b", 13.0)], capacities_a={"root": 18.0})

    result = decide(TWO, what)

    assert limits(result) == {"b": 6.0}
    assert result.reasons[key("a")].rule is Rule.SHARED


def test_who_waits_for_a_cut_behind_a_busy_line_is_told() -> None:
    busy = known(obeying(12.0), line=Line.BUSY)
    enough = inputs(TWO, [("a", busy), charging("b", 6.0)], capacities_a={"root": 24.0})
    scarce = inputs(TWO, [("a", busy), charging("b", 6.0)], capacities_a={"root": 14.0})

    assert decide(TWO, enough).cuts_waiting == frozenset()
    assert decide(TWO, scarce).cuts_waiting == {key("a")}


def test_a_cut_on_its_way_is_counted_on_for_some_seconds_only() -> None:
    def with_pending(since: float) -> dict[str, float]:
        pending = Pending(limit_a=6.0, sent_at=since)
        busy = known(replace(obeying(12.0), pending=pending), line=Line.BUSY)
        what = inputs(TWO, [("a", busy), charging("b", 12.0)], capacities_a={"root": 18.0})
        return limits(decide(TWO, what))

    assert with_pending(NOW - 1) == {"b": 9.0}
    assert with_pending(NOW - PATIENCE_S) == {"b": 6.0}


def test_an_unanswered_cut_wakes_the_next_step_when_patience_ends() -> None:
    pending = Pending(limit_a=6.0, sent_at=NOW - 1)
    busy = known(replace(obeying(12.0), pending=pending), line=Line.BUSY)
    what = inputs(TWO, [("a", busy)], capacities_a={"root": 4.0})

    assert decide(TWO, what).wake_at == NOW - 1 + PATIENCE_S


def test_an_offline_charger_keeps_its_booking_and_the_others_live_with_the_rest() -> None:
    gone = known(obeying(8.0).disconnected(), line=Line.OFFLINE)
    what = inputs(TWO, [("a", gone), charging("b", 12.0)])

    result = decide(TWO, what)

    assert limits(result) == {"b": 9.0}
    assert result.reasons[key("a")] == Reason(rule=Rule.NOT_CONNECTED)


def test_what_an_offline_charger_draws_counts_once_where_a_meter_covers_it() -> None:
    gone = known(obeying(8.0).disconnected(), line=Line.OFFLINE)
    what = inputs(
        METERED, [("a", gone), charging("b", 7.0)], meters={"root": meter(2.0 + 16.0 + 7.0)}
    )

    result = decide(METERED, what, house(2.0))

    assert result.groups["root"].base_load == PhaseCurrents.uniform(2.0)
    assert result.groups["root"].booked == PhaseCurrents.uniform(16.0 + 7.0)


def test_what_is_booked_for_a_removed_charger_is_not_shared() -> None:
    booking = Booking(id="old", group_ids=("root",), currents=PhaseCurrents.uniform(10.0))
    what = replace(inputs(TWO, [charging("a", 16.0)]), bookings=(booking,))

    result = decide(TWO, what)

    assert limits(result) == {"a": 15.0}
    assert result.groups["root"].booked == PhaseCurrents.uniform(26.0)


def test_a_booking_explains_what_a_meter_shows() -> None:
    booking = Booking(id="old", group_ids=("root",), currents=PhaseCurrents.uniform(10.0))
    what = replace(inputs(METERED, [], meters={"root": meter(13.0)}), bookings=(booking,))

    assert decide(METERED, what, house(3.0)).groups["root"].base_load == PhaseCurrents.uniform(3.0)


def test_the_third_car_waits_and_is_told_for_what() -> None:
    three = site([group(rating_a=17.0)], [connector(name) for name in "abc"])
    what = inputs(three, [charging("a", 9.0), charging("b", 8.0), waiting("c")])

    result = decide(three, what)

    assert limits(result) == {}
    assert result.reasons[key("c")] == Reason(
        rule=Rule.WAITING,
        group_id="root",
        phase=Phase.L1,
        until=NOW - 100.0 + Tuning().short_turn_s,
    )
    assert result.reasons[key("a")] == Reason(rule=Rule.SHARED, group_id="root", phase=Phase.L1)


def test_a_capacity_of_nothing_pauses_everybody() -> None:
    what = inputs(TWO, [charging("a", 12.0), charging("b", 12.0)], capacities_a={"root": 0.0})

    assert limits(decide(TWO, what)) == {"a": 0.0, "b": 0.0}


def test_a_charger_that_cannot_be_paused_keeps_its_minimum_and_others_live_with_the_rest() -> None:
    stubborn = site([group()], [connector("a", pauses=False), connector("b")])
    idle = ("a", known(obeying(10.0, reading_a=0.0), wants=False))
    what = inputs(stubborn, [idle, charging("b", 10.0)], capacities_a={"root": 14.0})
    assert limits(decide(stubborn, what)) == {"a": 6.0, "b": 8.0}

    scarce = inputs(
        stubborn, [charging("a", 12.0), charging("b", 12.0)], capacities_a={"root": 0.0}
    )
    assert limits(decide(stubborn, scarce)) == {"a": 6.0, "b": 0.0}

    lost = inputs(stubborn, [("a", known(Commitment(online=True)))], capacities_a={"root": 0.0})
    assert limits(decide(stubborn, lost)) == {"a": 6.0}


def test_a_nested_group_binds() -> None:
    tree = site([group(), group("garage", 10.0)], [connector("a", "garage"), connector("b")])
    what = inputs(tree, [charging("a", 12.0), charging("b", 12.0)])

    result = decide(tree, what)

    assert limits(result) == {"a": 10.0}
    assert result.reasons[key("a")].group_id == "garage"
    assert result.groups["garage"].allocated == PhaseCurrents.uniform(10.0)
    assert result.groups["root"].allocated == PhaseCurrents.uniform(22.0)


def test_other_loads_of_groups_without_meters_add_up_to_the_root() -> None:
    tree = site([group(other_loads_a=3.0), group("garage", other_loads_a=2.0)])

    views = decide(tree, inputs(tree, [])).groups

    assert views["garage"].available == PhaseCurrents.uniform(23.0)
    assert views["root"].available == PhaseCurrents.uniform(20.0)


def test_an_unknown_phase_map_costs_all_three_phases() -> None:
    pair = site(
        [group(rating_a=20.0)],
        [connector("a", phase_map=PhaseMap.UNKNOWN), connector("b", phase_map=PhaseMap.L2)],
    )
    what = inputs(pair, [charging("a", 12.0), charging("b", 12.0)])

    assert limits(decide(pair, what)) == {"a": 10.0, "b": 10.0}


def test_a_silent_meter_raises_nothing() -> None:
    result = decide(METERED, inputs(METERED, [waiting("a")], meters={"root": None}), house(4.0))

    assert limits(result) == {}
    assert result.reasons[key("a")] == Reason(rule=Rule.SUPPLY_UNKNOWN, group_id="root")
    assert result.groups["root"].base_load is None
    assert result.groups["root"].available is None


def test_a_silent_meter_is_named_where_the_group_binds() -> None:
    what = inputs(METERED, [charging("a", 16.0), charging("b", 16.0)], meters={"root": None})

    result = decide(METERED, what, house(4.0))

    assert limits(result) == {"a": 10.0, "b": 10.0}
    assert result.reasons[key("a")].rule is Rule.SUPPLY_UNKNOWN


def test_a_meter_that_never_told_anything_raises_nothing() -> None:
    assert limits(decide(METERED, inputs(METERED, [waiting("a")], meters={"root": None}))) == {}


def test_a_charger_that_connects_under_a_silent_meter_gets_no_more_than_its_fallback() -> None:
    fresh = known(Commitment().connected(keeps_limit=False))
    what = inputs(METERED, [("a", fresh)], meters={"root": None})

    assert decide(METERED, what).commands == (Command(key=key("a"), limit_a=6.0, kind=Kind.CUT),)


def test_a_charger_without_fallback_is_paused_when_it_connects_under_a_silent_meter() -> None:
    careful = site([group(metered=True)], [connector("a", fallback_a=0.0)])
    fresh = known(Commitment().connected(keeps_limit=False))

    assert limits(decide(careful, inputs(careful, [("a", fresh)]))) == {"a": 0.0}


def test_a_doubtful_raise_is_taken_back_under_a_silent_meter() -> None:
    doubtful = obeying(8.0).sent(16.0, NOW - 30).timed_out(NOW - 20)
    what = inputs(METERED, [("a", known(doubtful))], meters={"root": None})

    assert limits(decide(METERED, what, house(1.0))) == {"a": 8.0}


def test_a_disk_that_fails_stops_raises() -> None:
    result = decide(TWO, inputs(TWO, [waiting("a")], durable=False))

    assert limits(result) == {}
    assert result.reasons[key("a")] == Reason(rule=Rule.STORAGE_FAILING)


def test_raises_of_a_car_that_charges_are_spaced() -> None:
    raised_at = NOW - 3
    what = inputs(TWO, [("a", replace(charging("a", 8.0)[1], raised_at=raised_at))])

    result = decide(TWO, what)

    assert limits(result) == {}
    until = raised_at + Tuning().raise_spacing_s
    assert result.reasons[key("a")] == Reason(rule=Rule.SPACING, until=until)
    assert result.wake_at == until


def test_a_car_that_waits_gets_its_minimum_as_soon_as_that_is_confirmed() -> None:
    yard = site([group(rating_a=24.0)], [connector("a"), connector("b")])
    falling = obeying(18.0).sent(12.0, NOW - 2).accepted(NOW - 1, connector("a"))
    what = inputs(yard, [("a", known(falling)), waiting("b")])

    assert limits(decide(yard, what)) == {"b": 6.0}


def leased(limit_a: float, accepted_at: float) -> Commitment:
    lapse = Lapse(at=accepted_at + LEASE_S, to_a=6.0)
    return replace(obeying(limit_a), accepted_at=accepted_at, lapse=lapse)


def test_a_lease_is_renewed_once_a_third_of_it_is_over() -> None:
    due = leased(16.0, NOW - LEASE_S / 3)
    fresh = leased(16.0, NOW - LEASE_S / 3 + 1)

    sent = decide(TWO, inputs(TWO, [("a", known(due))]))
    kept = decide(TWO, inputs(TWO, [("a", known(fresh))]))

    assert sent.commands == (Command(key=key("a"), limit_a=16.0, kind=Kind.RENEW),)
    assert kept.commands == ()
    assert kept.wake_at == NOW + 1


def test_a_lease_is_renewed_later_where_writes_are_scarce() -> None:
    few = State(budgets={"a": Budget(left=60.0, sent=0, at=NOW)})
    early = inputs(TWO, [("a", known(leased(16.0, NOW - LEASE_S / 3)))])
    late = inputs(TWO, [("a", known(leased(16.0, NOW - LEASE_S * 2 / 3)))])

    assert limits(decide(TWO, early, few)) == {}
    assert limits(decide(TWO, late, few)) == {"a": 16.0}


@pytest.mark.parametrize("idle_since", [None, NOW - 100.0])
def test_a_lease_that_nobody_would_miss_is_renewed_just_before_its_end(
    idle_since: float | None,
) -> None:
    # A sleeping car has its minimum, which is above what the charger would fall back to.
    alone = site([group()], [connector("a", maximum_a=6.0, fallback_a=0.0)])
    half_over = leased(6.0, NOW - LEASE_S / 2)
    sleeping = known(half_over, appetite=Appetite(offer_a=6.0, idle_since=idle_since))
    nearly_over = replace(sleeping, commitment=leased(6.0, NOW - LEASE_S + RENEWED_BEFORE_S))

    renewed = {} if idle_since else {"a": 6.0}
    assert limits(decide(alone, inputs(alone, [("a", sleeping)]))) == renewed
    assert limits(decide(alone, inputs(alone, [("a", nearly_over)]))) == {"a": 6.0}


def test_what_a_lapsed_lease_gave_up_comes_back_only_where_nobody_has_it() -> None:
    trusted = replace(connector("a", keeps_limit=True), lapses=True)
    yard = site([group(rating_a=22.0)], [trusted, connector("b", maximum_a=6.0)])
    lapsed = known(leased(16.0, NOW - LEASE_S - 1))
    beside_falling = obeying(16.0).sent(6.0, NOW - 2).accepted(NOW - 1, yard.connectors[key("b")])

    alone = decide(yard, inputs(yard, [("a", lapsed)]))
    beside = decide(yard, inputs(yard, [("a", lapsed), ("b", known(beside_falling))]))

    assert alone.commands == (Command(key=key("a"), limit_a=16.0, kind=Kind.RAISE),)
    assert "a" not in limits(beside)
    assert beside.reasons[key("a")].rule is Rule.CONFIRMING


@pytest.mark.parametrize("limit_a", [0.0, 6.0])
def test_a_limit_that_is_no_higher_than_the_fallback_needs_no_renewal(limit_a: float) -> None:
    alone = site([group(rating_a=6.0 if limit_a else 5.0)], [connector("a")])
    old = replace(obeying(limit_a), accepted_at=0.0)

    assert limits(decide(alone, inputs(alone, [("a", known(old))]))) == {}


def test_a_refused_limit_is_tried_again_ever_more_rarely() -> None:
    once = obeying(16.0).sent(6.0, NOW - 9).rejected(NOW - 9)
    twice = once.sent(6.0, NOW - 9).rejected(NOW - 9)
    narrow = {"root": 6.0}

    first = decide(TWO, inputs(TWO, [("a", known(once))], capacities_a=narrow))
    second = decide(TWO, inputs(TWO, [("a", known(twice))], capacities_a=narrow))

    assert (limits(first), first.wake_at) == ({}, NOW - 9 + RETRY_S)
    assert (limits(second), second.wake_at) == ({}, NOW - 9 + 2 * RETRY_S)


@pytest.mark.parametrize(
    ("draws_a", "capacity_a", "sent"),
    [
        pytest.param(16.0, 5.0, {"a": 0.0}, id="it-flows"),
        pytest.param(0.0, 5.0, {}, id="nothing-flows"),
        pytest.param(16.0, 25.0, {}, id="there-is-room"),
    ],
)
def test_a_cut_that_is_refused_again_and_again_does_not_wait_while_too_much_flows(
    draws_a: float, capacity_a: float, sent: dict[str, float]
) -> None:
    refusing = obeying(16.0, reading_a=draws_a)
    for _ in range(6):
        refusing = refusing.sent(0.0, NOW - RETRY_S).rejected(NOW - RETRY_S)
    alone = site([group()], [connector("a", maximum_a=6.0)])

    result = decide(
        alone, inputs(alone, [("a", known(refusing))], capacities_a={"root": capacity_a})
    )

    assert limits(result) == sent


def test_what_a_charger_refuses_to_take_goes_to_the_others() -> None:
    refusing = known(obeying(6.0).sent(12.0, NOW - 2).rejected(NOW - 1))
    what = inputs(TWO, [("a", refusing), charging("b", 12.0)])

    assert limits(decide(TWO, what)) == {"b": 16.0}


def test_a_disobedient_charger_is_not_raised_and_the_others_make_room_for_it() -> None:
    mad = obeying(6.0, reading_a=14.0)
    what = inputs(TWO, [("a", known(mad)), charging("b", 16.0)])

    assert limits(decide(TWO, what)) == {"a": 6.0, "b": 11.0}


def test_the_same_arguments_give_the_same_result() -> None:
    what = inputs(METERED, [charging("a", 16.0), waiting("b")], meters={"root": meter(20.0)})

    assert decide(METERED, what, house(2.0)) == decide(METERED, what, house(2.0))


@pytest.mark.parametrize(("blind", "durable", "limit_a"), [(False, False, 8.0), (True, True, 6.0)])
def test_a_limit_that_may_be_lost_is_set_again_although_none_may_rise(
    blind: bool, durable: bool, limit_a: float
) -> None:
    one = site([group(metered=True)], [connector("a", keeps_limit=True)])
    back = Commitment(online=True, uncertain_a=8.0)
    reading = None if blind else meter(4.0)
    what = inputs(one, [("a", known(back))], meters={"root": reading}, durable=durable)

    result = decide(one, what, house(4.0))

    assert result.commands == (Command(key=key("a"), limit_a=limit_a, kind=Kind.CUT),)
