"""Cars that may have just gone on by themselves, so that what they take is thought to be the house.

A group's meter tells sooner than a charger does. What a sleeping car takes as it wakes up, by its
own timer say, is counted as base load until its charger tells; so others are cut at once. The car
must not be the first of them for that: it would be paused for what it has just begun to take.
"""

from collections.abc import Iterable, Mapping

from .commitments import READING_MAX_AGE_S
from .model import ConnectorKey
from .standing import Standing
from .supply import CALM_A, BaseLoad, Rise


def waking(
    sleeping: Iterable[Standing], base_loads: Mapping[str, BaseLoad], now: float
) -> frozenset[ConnectorKey]:
    """Return those of sleeping cars that may be what a base load rose by.

    `base_loads` are those of metered groups by id. Times are monotonic seconds. Each connector is
    one of them only until its charger has told what it drew after the rise.
    """
    rises = {
        group_id: base_load.risen
        for group_id, base_load in base_loads.items()
        if base_load.risen is not None and now - base_load.risen.since <= READING_MAX_AGE_S
    }
    if not rises:
        return frozenset()
    return frozenset(
        standing.key
        for standing in sleeping
        if any(
            _explains(standing, rises[group_id])
            for group_id in standing.group_ids
            if group_id in rises
        )
    )


def _explains(standing: Standing, rise: Rise) -> bool:
    """Return whether a connector may have risen by all that a base load did."""
    draw = standing.known.draw
    if draw is None or draw.at >= rise.since:
        return False
    more = standing.booked - draw.reading.most
    return all(
        risen_a <= more_a + CALM_A and (risen_a < CALM_A or more_a >= CALM_A)
        for risen_a, more_a in zip(rise.by, more, strict=True)
    )
