"""Cuts that would free nothing anybody can use, and are therefore not sent.

A car takes less and less as its battery fills. Each ampere less would be a write of its charger,
and one more write as soon as it takes more again. So a limit that a car does not use up stays until
it would have to be renewed anyway, while everything fits beside it and nobody lacks it. That of a
car that takes nothing is lowered at once: what is not above the fallback needs no renewal.
"""

import math
from collections.abc import Mapping
from dataclasses import replace

from .admission import take
from .alarm import Alarm
from .claims import Share
from .headroom import Headroom
from .lease import stays_s
from .model import ConnectorKey
from .phases import EPSILON_A
from .standing import Standing


def without_needless_cuts(
    standings: Mapping[ConnectorKey, Standing],
    shares: Mapping[ConnectorKey, Share],
    headroom: Headroom,
    now: float,
    alarm: Alarm,
) -> dict[ConnectorKey, Share]:
    """Return the shares (monotonic seconds), as high as limits are that need not be lowered yet."""
    unused = sorted(key for key, share in shares.items() if _is_unused(standings[key], share, now))
    kept = dict(shares)
    if not unused:
        return kept
    numbers = headroom.site.routes.numbers
    lacked = {numbers[share.binding] for share in shares.values() if share.binding is not None}
    left = headroom.room(
        standings, ((key, _reckoned_a(one, shares.get(key))) for key, one in standings.items())
    )
    for key in unused:
        standing, share = standings[key], shares[key]
        more_a = standing.aim_a - share.limit_a
        if all(
            number not in lacked and left[number] + EPSILON_A >= more_a * units
            for number, units in standing.way
        ):
            take(left, standing.way, more_a)
            kept[key] = replace(share, limit_a=standing.aim_a)
            alarm.at(_kept_until(standing))
    return kept


def _is_unused(standing: Standing, share: Share, now: float) -> bool:
    """Return whether a limit is to be lowered so soon only because the car takes less."""
    return (
        0.0 < share.limit_a < standing.aim_a - EPSILON_A
        and standing.aim_a <= standing.maximum_a + EPSILON_A
        and share.binding is None
        and share.shared_by is None
        and standing.known.appetite.idle_since is None
        and now < _kept_until(standing)
        and not standing.defies
        and not standing.known.commitment.in_doubt
    )


def _kept_until(standing: Standing) -> float:
    accepted_at = standing.known.commitment.accepted_at
    if accepted_at is None:
        return -math.inf
    return accepted_at + stays_s(standing.connector.lease_s)


def _reckoned_a(standing: Standing, share: Share | None) -> float:
    """Return what a connector has to be reckoned with, A per line."""
    if share is None:
        return standing.booked_a
    return share.limit_a if standing.follows else max(share.limit_a, standing.booked_a)
