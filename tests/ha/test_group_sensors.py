"""What the sensors of a group tell of its phases."""

from dataclasses import replace

from custom_components.balanz.balancing.phases import ALL_PHASES, PhaseCurrents
from custom_components.balanz.group_sensors import GROUP_SENSORS
from custom_components.balanz.site.snapshot import GroupSnapshot

UNEVEN = GroupSnapshot(
    id="root",
    name="Home",
    rating_a=32.0,
    phases=ALL_PHASES,
    capacity_a=32.0,
    available=PhaseCurrents(l1=31.0, l2=21.5, l3=30.0),
    allocated=PhaseCurrents(l1=25.0, l2=18.0, l3=18.0),
    booked=PhaseCurrents(l1=27.0, l2=18.0, l3=18.0),
    measured=PhaseCurrents(l1=25.5, l2=28.0, l3=19.0),
    base_load=PhaseCurrents(l1=0.5, l2=10.0, l3=1.0),
    within_limit=True,
    limiting=True,
)
"""A car on one phase charges on L1, the house needs the most on L2."""


def shown(group: GroupSnapshot) -> dict[str, float | None]:
    """Return what the sensors of the whole group show."""
    values: dict[str, float | None] = {}
    for sensor in GROUP_SENSORS:
        currents = sensor.currents_fn(group)
        phase = None if currents is None else sensor.phase_fn(group, currents)
        values[sensor.key] = None if currents is None or phase is None else currents[phase]
    return values


def test_what_is_available_and_what_is_made_of_it_are_told_of_one_phase() -> None:
    assert shown(UNEVEN) == {
        "available": 21.5,
        "allocated": 18.0,
        "booked": 18.0,
        "headroom": 3.5,
        "measured": 28.0,
    }


def test_where_the_same_is_available_on_all_phases_the_busiest_counts() -> None:
    even = replace(UNEVEN, available=PhaseCurrents(l1=30.0, l2=30.01, l3=29.99))

    assert shown(even) == {
        "available": 30.01,
        "allocated": 25.0,
        "booked": 27.0,
        "headroom": 3.0,
        "measured": 28.0,
    }


def test_where_nothing_is_known_to_be_available_the_busiest_phase_counts() -> None:
    dark = replace(UNEVEN, available=None, measured=None)

    assert shown(dark) == {
        "available": None,
        "allocated": 25.0,
        "booked": 27.0,
        "headroom": None,
        "measured": None,
    }
