"""What becomes of chargers that do not keep their limits, and of the others beside them.

Nobody relies on what such a charger is told until it has been seen to keep a limit: the others get
what is left beside all that it may draw. It keeps the limit that would be its share, since it may
obey at last, and has it cut once even that is not enough.
"""

from collections.abc import Iterable, Mapping

from .claims import Share
from .headroom import Headroom
from .model import ConnectorKey
from .phases import EPSILON_A
from .standing import Standing

LESS_A = 3.0
"""What somebody has to lack for more than a reminder: a charger that is merely inexact by one or
two amperes is no reason to stop anybody's session."""


def share_of_defiant(
    standing: Standing, hoped: Share, room: list[float], headroom: Headroom
) -> Share:
    """Return what to tell a charger that does not keep its limit; never more than before.

    `hoped` is its share if all kept their limits, `room` what is left beside all that is drawn.
    """
    accepted_a = standing.known.commitment.accepted_a
    most_a = min(
        hoped.limit_a, standing.aim_a, standing.aim_a if accepted_a is None else accepted_a
    )
    short_a, number = max((-room[number] / units, number) for number, units in standing.way)
    binding = hoped.binding
    if short_a > EPSILON_A and standing.known.commitment.exceeds and accepted_a is not None:
        most_a = min(most_a, accepted_a - short_a)
        binding = headroom.site.routes.resources[number]
    limit_a = standing.rounded_down(most_a)
    return Share(limit_a=limit_a if limit_a >= standing.minimum_a else 0.0, binding=binding)


def in_the_way(
    defiant: Iterable[Standing],
    standings: Mapping[ConnectorKey, Standing],
    hoped: Mapping[ConnectorKey, Share],
    shares: Mapping[ConnectorKey, Share],
    headroom: Headroom,
    now: float,
) -> frozenset[ConnectorKey]:
    """Return those that do not keep their limits and that others have less for (monotonic s).

    `hoped` is what everybody would have if they kept them.
    """
    short_at = {
        headroom.site.routes.numbers[share.binding]
        for key, share in shares.items()
        if share.binding is not None
        and hoped[key].limit_a - share.limit_a >= LESS_A
        and standings[key].known.appetite.is_keen(now)
    }
    return frozenset(
        standing.key
        for standing in defiant
        if any(number in short_at for number, _ in standing.way)
    )
