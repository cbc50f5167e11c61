"""A site that cannot be is refused before anything is sent: whose fault, and in which field."""

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, cast

import pytest

from custom_components.balanz.balancing.group import Group
from custom_components.balanz.balancing.model import Connector, Site, SiteError
from custom_components.balanz.balancing.phases import Phase

from .build import connector, group, key

NO_NUMBER = (math.nan, math.inf, -math.inf, -1.0, 1e6)
"""What no current can be: unknown, endless, negative, absurd."""


def refused(groups: Iterable[Group], connectors: Iterable[Connector] = ()) -> tuple[str, str]:
    """Set up a site that cannot be; tell the subject and the field of the error."""
    with pytest.raises(SiteError) as caught:
        Site(
            groups={one.id: one for one in groups},
            connectors={one.key: one for one in connectors},
        )
    assert str(caught.value)
    return caught.value.subject, caught.value.field


def refused_group(**wrong: Any) -> tuple[str, str]:
    return refused([group(), replace(group("garage"), **wrong)])


def refused_connector(**wrong: Any) -> tuple[str, str]:
    return refused([group()], [replace(connector("a"), **wrong)])


def subject_of(name: str) -> str:
    return str(key(name))


def test_a_site_without_groups() -> None:
    assert refused([]) == ("root", "parent_id")


def test_a_second_root() -> None:
    second = replace(group("second"), parent_id=None)

    assert refused([group(), second]) == ("second", "parent_id")


def test_a_root_of_another_name() -> None:
    assert refused([replace(group("main"), parent_id=None)]) == ("main", "parent_id")


def test_a_group_in_one_that_does_not_exist() -> None:
    assert refused([group(), group("a", parent_id="nowhere")]) == ("a", "parent_id")


def test_a_group_in_itself() -> None:
    assert refused([group(), group("a", parent_id="a")]) == ("a", "parent_id")


@pytest.mark.parametrize("size", [2, 3, 50])
def test_groups_in_a_circle(size: int) -> None:
    circle = [group(f"g{n}", parent_id=f"g{(n + 1) % size}") for n in range(size)]

    subject, field = refused([group(), *circle])

    assert (subject.startswith("g"), field) == (True, "parent_id")


def test_a_group_below_a_circle_is_not_blamed_alone() -> None:
    """Walking up from any group ends, though the circle does not contain it."""
    circle = [group("a", parent_id="b"), group("b", parent_id="a")]

    assert refused([group(), group("below", parent_id="a"), *circle])[1] == "parent_id"


@pytest.mark.parametrize("field", ["rating_a", "other_loads_a", "margin_a", "share_a"])
@pytest.mark.parametrize("current_a", NO_NUMBER)
def test_a_group_with_a_current_that_cannot_be(field: str, current_a: float) -> None:
    assert refused_group(**{field: current_a}) == ("garage", field)


def test_a_group_with_a_fuse_of_nothing() -> None:
    assert refused_group(rating_a=0.0) == ("garage", "rating_a")


@pytest.mark.parametrize("power_w", [math.nan, math.inf, -1.0, 1e9])
def test_a_group_with_a_power_that_cannot_be(power_w: float) -> None:
    assert refused_group(power_limit_w=power_w) == ("garage", "power_limit_w")


@pytest.mark.parametrize("power_factor", [math.nan, math.inf, -0.9, 0.0, 1.1])
def test_a_group_with_a_power_factor_that_cannot_be(power_factor: float) -> None:
    assert refused_group(power_factor=power_factor) == ("garage", "power_factor")


@pytest.mark.parametrize("phases", [(), ("L4",), (Phase.L1, "N")], ids=["none", "L4", "neutral"])
def test_a_group_with_phases_that_no_grid_has(phases: tuple[str, ...]) -> None:
    assert refused_group(phases=cast("tuple[Phase, ...]", phases)) == ("garage", "phases")


@pytest.mark.parametrize("field", ["rating_a", "maximum_a", "minimum_a", "fallback_a", "step_a"])
@pytest.mark.parametrize("current_a", NO_NUMBER)
def test_a_connector_with_a_current_that_cannot_be(field: str, current_a: float) -> None:
    assert refused_connector(**{field: current_a}) == (subject_of("a"), field)


def test_a_connector_that_takes_no_steps() -> None:
    assert refused_connector(step_a=0.0) == (subject_of("a"), "step_a")


def test_a_minimum_above_the_rating() -> None:
    assert refused_connector(rating_a=5.0) == (subject_of("a"), "minimum_a")


@pytest.mark.parametrize("weight", [math.nan, math.inf, -1.0, 0.0, 1e6])
def test_a_weight_that_cannot_be(weight: float) -> None:
    assert refused_connector(weight=weight) == (subject_of("a"), "weight")


def test_a_connector_in_a_group_that_does_not_exist() -> None:
    assert refused([group()], [connector("a", "nowhere")]) == (subject_of("a"), "group_id")


@pytest.mark.parametrize("unbalance_a", NO_NUMBER)
def test_an_unbalance_that_cannot_be(unbalance_a: float) -> None:
    with pytest.raises(SiteError) as caught:
        Site(groups={"root": group()}, connectors={}, unbalance_a=unbalance_a)

    assert (caught.value.subject, caught.value.field) == ("the site", "unbalance_a")
