"""What leases may add up to, should nobody be there to cut them, and where they are short."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_components.balanz.balancing.base_load_memory import BaseLoadMemory
from custom_components.balanz.balancing.budget import budgets
from custom_components.balanz.balancing.control import Result, State
from custom_components.balanz.balancing.inputs import Inputs
from custom_components.balanz.balancing.lease import (
    LEASE_S,
    LEASES_WITHIN,
    SHORT_LEASE_S,
    renewed_after_s,
)
from custom_components.balanz.balancing.meter_watch import MeterWatch
from custom_components.balanz.balancing.model import Connector, Site
from custom_components.balanz.balancing.phases import PhaseCurrents
from custom_components.balanz.balancing.standing import standings
from custom_components.balanz.balancing.supply import BaseLoad
from custom_components.balanz.balancing.tuning import Tuning

from .build import NOW, charging, connector, decide, group, inputs, limits, meter, site

FUSE_A = 40.0
HOUR = 20


def leased(name: str, *, lease_s: float = LEASE_S, proven: bool = True) -> Connector:
    one = connector(name, rating_a=32.0, keeps_limit=proven)
    return replace(one, lapses=proven, lease_s=lease_s)


def behind(*connectors: Connector) -> Site:
    return site([group(rating_a=FUSE_A, metered=True)], connectors)


def decided(
    on: Site, house_a: float, worst_a: float, *limits_a: float, hour: int = HOUR
) -> tuple[Inputs, Result]:
    """Decide where the house takes one current, and is known to take another at that hour."""
    memory = BaseLoadMemory(hours={hour: PhaseCurrents.uniform(worst_a)})
    before = meter(house_a + sum(limits_a), at=NOW - 2)
    state = State(
        base_loads={"root": BaseLoad().observe(meter(house_a, at=NOW - 2), [])},
        meters={"root": MeterWatch(memory=memory).heard(before)},
    )
    names = [key.charger for key in on.connectors]
    what = replace(
        inputs(
            on,
            [charging(name, limit_a) for name, limit_a in zip(names, limits_a, strict=True)],
            meters={"root": meter(house_a + sum(limits_a))},
        ),
        hour_of_week=HOUR,
    )
    return what, decide(on, what, state)


@given(
    house_a=st.floats(0.0, 20.0),
    worst_a=st.floats(0.0, 60.0),
    limits_a=st.lists(st.integers(6, 32).map(float), min_size=1, max_size=3),
)
def test_all_leases_beside_the_worst_of_the_house_stay_within_what_a_fuse_bears(
    house_a: float, worst_a: float, limits_a: list[float]
) -> None:
    on = behind(*(leased(name) for name in "abc"[: len(limits_a)]))

    what, result = decided(on, house_a, worst_a, *limits_a)

    sent = {command.key: command.limit_a for command in result.commands}
    granted_a = sum(
        sent.get(key, one.commitment.aim_a(on.connectors[key], NOW))
        for key, one in what.connectors.items()
    )
    assert granted_a == 0 or granted_a + worst_a <= LEASES_WITHIN * FUSE_A + 1e-5


@pytest.mark.parametrize(
    ("one", "limit_a"),
    [
        pytest.param(leased("a"), 18.0, id="long"),
        pytest.param(leased("a", lease_s=SHORT_LEASE_S), 32.0, id="short"),
        pytest.param(leased("a", lease_s=SHORT_LEASE_S, proven=False), 18.0, id="not-proven"),
    ],
)
def test_only_a_short_lease_that_is_proven_may_count_on_the_house_staying_calm(
    one: Connector, limit_a: float
) -> None:
    _, result = decided(behind(one), 4.0, 40.0, 32.0)

    assert limits(result).get("a", 32.0) == limit_a


def test_one_long_lease_binds_all_beside_it() -> None:
    on = behind(leased("a"), leased("b", lease_s=SHORT_LEASE_S))

    _, result = decided(on, 4.0, 40.0, 16.0, 16.0)

    assert sum(limits(result).values()) == 18.0
    assert result.groups["root"].within_limit


def test_what_the_house_takes_at_other_hours_does_not_count() -> None:
    _, elsewhere = decided(behind(leased("a")), 4.0, 40.0, 32.0, hour=HOUR + 2)
    _, soon = decided(behind(leased("a")), 4.0, 40.0, 32.0, hour=HOUR + 1)

    assert limits(elsewhere) == {}
    assert limits(soon) == {"a": 18.0}


@pytest.mark.parametrize(
    ("lease_s", "missed", "scarcity", "after_s"),
    [
        (LEASE_S, True, 1.0, 300.0),
        (LEASE_S, True, 1.5, 450.0),
        (LEASE_S, True, 8.0, 600.0),
        (LEASE_S, False, 1.0, 840.0),
        (SHORT_LEASE_S, True, 1.0, 30.0),
        (SHORT_LEASE_S, False, 1.0, 60.0),
    ],
)
def test_a_lease_is_renewed_in_time(
    lease_s: float, missed: bool, scarcity: float, after_s: float
) -> None:
    assert renewed_after_s(lease_s, missed=missed, scarcity=scarcity) == pytest.approx(after_s)


def test_writes_that_wear_nothing_are_not_counted() -> None:
    on = behind(leased("a"), leased("b", lease_s=SHORT_LEASE_S))
    known = [
        (name, replace(one, writes=100)) for name, one in (charging("a", 16.0), charging("b", 16.0))
    ]
    found = standings(on, inputs(on, known, meters={"root": meter(32.0)}), {}, NOW)

    fresh = {
        name: replace(budget, sent=0) for name, budget in budgets({}, found, Tuning(), NOW).items()
    }
    left = {name: one.left for name, one in budgets(fresh, found, Tuning(), NOW).items()}

    assert left == {"a": Tuning().writes_per_day - 100.0, "b": Tuning().writes_per_day}
