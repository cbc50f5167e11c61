"""Short ways to make a day for the benchmark's own tests."""

from collections.abc import Sequence

from benchmarks.site_days.cars import CarKind
from benchmarks.site_days.days import SiteDay, Stay
from benchmarks.site_days.layouts import Layout
from benchmarks.site_days.phases import Currents

THREE_PHASES = CarKind(lines=3, maximum_a=16.0)
ONE_PHASE = CarKind(lines=1, maximum_a=16.0)


def stay(
    charger: int = 0,
    *,
    arrives_s: int = 60,
    leaves_s: int = 7200,
    energy_wh: float = 50_000.0,
    kind: CarKind = THREE_PHASES,
) -> Stay:
    return Stay(
        charger=charger, arrives_s=arrives_s, leaves_s=leaves_s, energy_wh=energy_wh, kind=kind
    )


def day(
    *stays: Stay,
    main_a: float = 25.0,
    chargers: int = 3,
    group_count: int = 0,
    group_a: float = 0.0,
    length_s: int = 7200,
    house: Sequence[Currents] = (),
    capacity_changes: tuple[tuple[int, float], ...] | None = None,
) -> SiteDay:
    return SiteDay(
        layout=Layout(
            name="test",
            main_a=main_a,
            chargers=chargers,
            group_count=group_count,
            group_a=group_a,
            houses=1 if house else 0,
            begins_s=0,
            length_s=length_s,
        ),
        day=0,
        stays=stays,
        house=house,
        capacity_changes=capacity_changes or ((0, main_a),),
    )


def steady(load: Currents, length_s: int = 7200) -> list[Currents]:
    """A house that draws the same all the time."""
    return [load] * (length_s // 15)
