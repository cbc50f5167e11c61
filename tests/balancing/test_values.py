"""Phases, phase maps and the tree of groups."""

import pytest

from custom_components.balanz.balancing.group import Group
from custom_components.balanz.balancing.model import SiteError
from custom_components.balanz.balancing.phases import ALL_PHASES, Phase, PhaseCurrents, PhaseMap

from .build import connector, group, site


def test_an_unknown_phase_map_costs_all_three_phases() -> None:
    assert PhaseMap.UNKNOWN.lines is None
    assert PhaseMap.UNKNOWN.spread(10.0) == PhaseCurrents(l1=10.0, l2=10.0, l3=10.0)


def test_a_single_phase_charger_loads_its_phase_only() -> None:
    assert PhaseMap.L2.spread(10.0) == PhaseCurrents(l2=10.0)


def test_a_rotated_charger_puts_its_first_line_on_the_phase_it_is_wired_to() -> None:
    least, most = PhaseMap.L2_L3_L1.draw((10.0, 0.0, 5.0))

    assert least == most == PhaseCurrents(l2=10.0, l1=5.0)


def test_lines_that_are_not_reported_carry_nothing() -> None:
    least, most = PhaseMap.L1_L2_L3.draw((10.0,))

    assert least == most == PhaseCurrents(l1=10.0)


def test_a_single_line_of_unknown_wiring_may_be_on_any_phase() -> None:
    for lines in ((16.0,), (16.0, 0.0, 0.0)):
        least, most = PhaseMap.UNKNOWN.draw(lines)
        assert least == PhaseCurrents()
        assert most == PhaseCurrents.uniform(16.0)


def test_three_lines_of_unknown_wiring_load_each_phase_with_the_least_of_them() -> None:
    least, most = PhaseMap.UNKNOWN.draw((16.0, 15.0, 14.0))

    assert (least, most) == (PhaseCurrents.uniform(14.0), PhaseCurrents.uniform(16.0))


def test_currents_are_added_and_compared_phase_by_phase() -> None:
    one, two = PhaseCurrents(l1=1.0, l2=-2.0), PhaseCurrents(l2=3.0, l3=4.0)

    assert list(one + two) == [1.0, 1.0, 4.0]
    assert list(one - two) == [1.0, -5.0, -4.0]
    assert list(one.maximum(two)) == [1.0, 3.0, 4.0]
    assert list(one.minimum(two)) == [0.0, -2.0, 0.0]
    assert list(one.without_export) == [1.0, 0.0, 0.0]
    assert [two[phase] for phase in ALL_PHASES] == [0.0, 3.0, 4.0]
    assert PhaseCurrents.total([one, two]) == one + two


def test_a_path_leads_from_a_group_to_the_root() -> None:
    tree = site([group(), group("a"), group("b", parent_id="a")])

    assert [one.id for one in tree.path("b")] == ["b", "a", "root"]
    assert tree.contains("a", "b")
    assert not tree.contains("b", "a")


@pytest.mark.parametrize(
    "groups",
    [
        [],
        [group(rating_a=0.0)],
        [group("a")],
        [group(), group("a", parent_id="nowhere")],
        [group(), group("a", parent_id="b"), group("b", parent_id="a")],
        [group(), Group(id="second", name="second", parent_id=None, rating_a=16.0)],
    ],
    ids=["none", "no rating", "no root", "no parent", "circle", "two roots"],
)
def test_groups_that_form_no_tree_are_refused(groups: list[Group]) -> None:
    with pytest.raises(SiteError):
        site(groups)


def test_a_connector_outside_of_all_groups_is_refused() -> None:
    with pytest.raises(SiteError):
        site([group()], [connector("a", "nowhere")])


def test_phases_are_named_as_on_the_fuse_box() -> None:
    assert [str(phase) for phase in Phase] == ["L1", "L2", "L3"]
