"""What is held back of a limit although nothing flows there now, and why."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from .claims import Share
from .headroom import Headroom
from .lease import LEASES_WITHIN
from .model import ConnectorKey
from .phases import EPSILON_A
from .reasons import Reason, Rule
from .routes import Resource
from .standing import Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Restraint:
    """Why a limit leaves less than is free now."""

    reason: Reason
    held_back_a: float
    """How much more it would leave, A on its phase or over all phases together."""


def restraints(
    standings: Mapping[ConnectorKey, Standing],
    shares: Mapping[ConnectorKey, Share],
    headroom: Headroom,
    now: float,
) -> dict[ConnectorKey, Reason]:
    """Return why connectors have less than is free now, where that is the cause.

    A car that waits is told so only if it could begin otherwise.
    """

    @cache
    def at(resource: Resource) -> Restraint | None:
        return _restraint(headroom, resource, now)

    @cache
    def most_a() -> tuple[float, ...]:
        """Return what would be left at each limit if nothing were held back."""
        loads_a = (
            (key, shares[key].limit_a if key in shares else standing.booked_a)
            for key, standing in standings.items()
        )
        left_a = headroom.room(standings, loads_a)
        resources = headroom.site.routes.resources
        return tuple(
            current_a + (0.0 if (held := at(resource)) is None else held.held_back_a)
            for current_a, resource in zip(left_a, resources, strict=True)
        )

    reasons: dict[ConnectorKey, Reason] = {}
    for key, share in shares.items():
        if share.binding is None or (held := at(share.binding)) is None:
            continue
        standing = standings[key]
        if share.limit_a > 0:
            # What keeps a car that charges from more is told by its limit; peaks come and go.
            counts = held.reason.rule is Rule.UNATTENDED
        else:
            counts = all(
                most_a()[number] + EPSILON_A >= standing.minimum_a * units
                for number, units in standing.way
            )
        if counts:
            reasons[key] = held.reason
    return reasons


def _restraint(headroom: Headroom, resource: Resource, now: float) -> Restraint | None:
    """Return what holds back something of a limit; None if nothing does."""
    if resource.surplus or resource.below_priority is not None:
        return None
    return _unattended(headroom, resource) or _past_peak(headroom, resource, now)


def _unattended(headroom: Headroom, resource: Resource) -> Restraint | None:
    """Return what is kept free lest a fuse carries too much while leases run on by themselves."""
    number = headroom.site.routes.numbers[resource]
    grantable_a = headroom.grantable[number]
    held_back_a = headroom.limits[number] - grantable_a
    if held_back_a <= EPSILON_A:
        return None
    within_a = LEASES_WITHIN * headroom.site.groups[resource.group_id].rating_a
    reason = Reason(
        rule=Rule.UNATTENDED,
        group_id=resource.group_id,
        phase=resource.phase,
        other_loads_a=round(within_a - grantable_a, 1),
        within_a=round(within_a, 1),
    )
    return Restraint(reason=reason, held_back_a=held_back_a)


def _past_peak(headroom: Headroom, resource: Resource, now: float) -> Restraint | None:
    """Return what other loads took a while ago and do not take any more."""
    base_load = headroom.base_loads.get(resource.group_id)
    if base_load is None or base_load.latest is None or resource.group_id in headroom.blind:
        return None
    if resource.phase is None:
        held_a, latest_a = sum(base_load.held), sum(base_load.latest)
    else:
        held_a, latest_a = base_load.held[resource.phase], base_load.latest[resource.phase]
    until = base_load.next_change(now)
    if until is None or held_a - latest_a <= EPSILON_A:
        return None
    reason = Reason(
        rule=Rule.PAST_PEAK,
        group_id=resource.group_id,
        phase=resource.phase,
        until=until,
        other_loads_a=round(held_a, 1),
    )
    return Restraint(reason=reason, held_back_a=held_a - latest_a)
