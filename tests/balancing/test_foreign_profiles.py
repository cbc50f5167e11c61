"""Profiles that are not balanz's own may allow a charger more than its limit: what a step does."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from custom_components.balanz.balancing.commands import Kind
from custom_components.balanz.balancing.inputs import ConnectorInput

from .build import charging, connector, decide, group, inputs, key, limits, site

NAMES = ("a", "b", "c")


def overruled(
    one: tuple[str, ConnectorInput], foreign_a: float | None
) -> tuple[str, ConnectorInput]:
    """The same charger, with a profile that allows it this much."""
    name, known = one
    return name, replace(known, commitment=replace(known.commitment, foreign_a=foreign_a))


def test_others_live_with_what_a_profile_allows_one_of_them() -> None:
    on = site([group(rating_a=24.0)], [connector("a"), connector("b")])

    result = decide(on, inputs(on, [overruled(charging("a", 12.0), 16.0), charging("b", 12.0)]))

    assert limits(result) == {"b": 8.0}


def test_a_profile_that_allows_no_more_than_the_limit_changes_nothing() -> None:
    on = site([group(rating_a=24.0)], [connector("a"), connector("b")])

    result = decide(on, inputs(on, [overruled(charging("a", 12.0), 8.0), charging("b", 12.0)]))

    assert limits(result) == {}


def test_where_a_profile_allows_more_than_there_is_everybody_s_own_limit_is_0() -> None:
    on = site([group(rating_a=24.0)], [connector("a"), connector("b")])
    known = [overruled(charging("a", 12.0), 16.0), charging("b", 12.0)]

    result = decide(on, inputs(on, known, capacities_a={"root": 15.0}))

    assert limits(result) == {"a": 0.0, "b": 0.0}
    assert result.groups["root"].overloaded_on


def test_what_a_charger_takes_against_all_its_limits_is_reckoned_with_too() -> None:
    on = site([group(rating_a=32.0)], [connector("a", rating_a=20.0), connector("b")])
    known = [overruled(charging("a", 10.0, 18.0), 12.0), charging("b", 10.0)]

    result = decide(on, inputs(on, known))

    assert limits(result).get("b", 10.0) + 18.0 <= 32.0
    assert result.groups["root"].booked.l1 == 28.0


@given(
    capacity_a=st.integers(min_value=0, max_value=60),
    known=st.lists(
        st.tuples(
            st.sampled_from([0.0, 6.0, 8.0, 10.0, 16.0]),
            st.sampled_from([None, 6.0, 9.5, 12.0, 16.0]),
        ),
        min_size=3,
        max_size=3,
    ),
)
def test_no_raise_leaves_that_does_not_fit_beside_what_profiles_allow(
    capacity_a: int, known: list[tuple[float, float | None]]
) -> None:
    on = site([group(rating_a=60.0)], [connector(name) for name in NAMES])
    chargers = [
        overruled(charging(name, limit_a), foreign_a)
        for name, (limit_a, foreign_a) in zip(NAMES, known, strict=True)
    ]

    result = decide(on, inputs(on, chargers, capacities_a={"root": float(capacity_a)}))

    booked_a = {
        name: max(limit_a, foreign_a or 0.0)
        for name, (limit_a, foreign_a) in zip(NAMES, known, strict=True)
    }
    raises = {it.key.charger: it.limit_a for it in result.commands if it.kind is Kind.RAISE}
    could_a = sum(max(booked_a[name], raises.get(name, 0.0)) for name in NAMES)
    assert not raises or could_a <= capacity_a
    if sum(foreign_a or 0.0 for _, foreign_a in known) > capacity_a:
        left_a = {name: limit_a for name, (limit_a, _) in zip(NAMES, known, strict=True)}
        left_a |= limits(result)
        assert not any(left_a.values()), "all that can be cut is at 0"
    assert result.reasons.keys() == {key(name) for name in NAMES}
