"""Sharing: who gets how many amperes.

Minimums first (`admission`), then what is above them (`filling`), by the policy of each group.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cache

from .admission import admit, first_full, take
from .claims import Claim, InLine, Share
from .filling import fill, rounded_down, top_up
from .model import ROOT_GROUP_ID, ConnectorKey, Site
from .needs import share_by_need
from .policies import Order, Policy

type Given = dict[ConnectorKey, tuple[float, int | None]]
"""The current of each connector, A per line, and the number of the limit that binds it."""


def allocate(
    site: Site, claims: Sequence[Claim], room: Sequence[float], in_line: InLine = list
) -> dict[ConnectorKey, Share]:
    """Share the room of every limit among the claims.

    `room` is what each of the site's `routes.resources` has for them, A; a negative one admits
    nobody. No two claims have the same key. `in_line` is asked for their order where that counts.
    """
    keen, held_by = _held_to_shares(site, [claim for claim in claims if not claim.spare], room)
    left = list(room)
    given = _by_policy(site, ROOT_GROUP_ID, keen, left, in_line)
    if site.groups_apart:
        left = _share_apart(site, keen, room, given, in_line)
    if len(keen) < len(claims):
        spare = [claim for claim in claims if claim.spare]
        given |= _minimums_then_rest(site, spare, left, in_line)
    resources = site.routes.resources

    @cache
    def share(current_a: float, binding: int | None, shared_by: str | None) -> Share:
        return Share(
            limit_a=current_a,
            binding=None if binding is None else resources[binding],
            shared_by=shared_by,
        )

    return {
        key: share(current_a, binding, held_by.get(key) if binding is None else None)
        for key, (current_a, binding) in given.items()
    }


def _by_policy(
    site: Site, group_id: str, claims: Sequence[Claim], left: list[float], in_line: InLine
) -> Given:
    """Share what is left, and take it."""
    match site.policies[group_id].order:
        case Order.BY_ARRIVAL:
            return _one_by_one(claims, left)
        case Order.BY_PRIORITY:
            given: Given = {}
            for tier in _tiers(claims):
                given |= _minimums_then_rest(site, tier, left, in_line)
            return given
        case Order.BY_NEED if any(claim.needed_a is not None for claim in claims):
            shares = share_by_need(in_line(claims), left)
            return {claim.key: got for claim, got in zip(claims, shares, strict=True)}
        case _:
            return _minimums_then_rest(site, claims, left, in_line)


def _minimums_then_rest(
    site: Site, claims: Sequence[Claim], left: list[float], in_line: InLine
) -> Given:
    admitted, refused = admit(claims, left, site.routes.metered, in_line)
    given: Given = {claims[position].key: (0.0, number) for position, number in refused.items()}
    for tier in _tiers(admitted):
        for claim, got in zip(tier, fill(tier, left), strict=True):
            given[claim.key] = got
    return given


def _one_by_one(claims: Iterable[Claim], left: list[float]) -> Given:
    given: Given = {}
    for claim in sorted(claims, key=lambda claim: (-claim.priority, claim.arrival, claim.key)):
        obstacle = first_full(left, claim.way, claim.minimum_a)
        if obstacle is not None:
            given[claim.key] = (0.0, obstacle)
            continue
        room_a, number = min((left[number] / units, number) for number, units in claim.way)
        binds = room_a < claim.maximum_a
        current_a = rounded_down(room_a, claim.step_a) if binds else claim.maximum_a
        current_a = max(current_a, claim.minimum_a)
        take(left, claim.way, current_a)
        given[claim.key] = (current_a, number if binds else None)
    return given


def _tiers(claims: Sequence[Claim]) -> list[list[Claim]]:
    """Return the claims of each priority, the highest first."""
    tiers: defaultdict[int, list[Claim]] = defaultdict(list)
    for claim in claims:
        tiers[claim.priority].append(claim)
    return [tiers[priority] for priority in sorted(tiers, reverse=True)]


def _held_to_shares(
    site: Site, claims: Sequence[Claim], room: Sequence[float]
) -> tuple[Sequence[Claim], dict[ConnectorKey, str]]:
    """Bound everyone to a fixed or equal share in groups whose connectors are all in use.

    Returns the claims, and which group bounds whom.

    The rule of sites that set limits only once the last connector is taken. When one leaves, the
    others may rise as far as there is room; nothing is cleared, so that the limit always holds.
    """
    held_by: dict[ConnectorKey, str] = {}
    for group in site.groups.values():
        if group.policy is not Policy.ALL_IN_USE:
            continue
        inside = _inside(site, group.id, claims)
        connectors = sum(
            1
            for connector in site.connectors.values()
            if group.id in site.routes.paths[connector.group_id]
        )
        if not inside or len(inside) < connectors:
            continue
        share_a = group.share_a
        if share_a is None:
            share_a = _equal_share_a(site, group.id, inside, room)
        bounded = {
            claim.key: claim._replace(maximum_a=most_a)
            for claim in inside
            if (most_a := _most_a(claim, share_a)) < claim.maximum_a
        }
        held_by |= dict.fromkeys(bounded, group.id)
        claims = [bounded.get(claim.key, claim) for claim in claims]
    return claims, held_by


def _equal_share_a(
    site: Site, group_id: str, inside: Iterable[Claim], room: Sequence[float]
) -> float:
    users: defaultdict[int, int] = defaultdict(int)
    for claim in inside:
        for number, units in claim.way:
            if site.routes.resources[number].group_id == group_id:
                users[number] += units
    return min(max(room[number], 0.0) / count for number, count in users.items())


def _most_a(claim: Claim, share_a: float) -> float:
    return max(rounded_down(share_a, claim.step_a), claim.minimum_a)


def _share_apart(
    site: Site, claims: Sequence[Claim], room: Sequence[float], given: Given, in_line: InLine
) -> list[float]:
    """Share anew, by its own policy, what came to each group that has one; return what is left.

    So a group's policy says who in it gets how much, never how much the group gets.
    """
    for group_id in site.groups_apart:
        inside = _inside(site, group_id, claims)
        names = {claim.key for claim in inside}
        outside = [claim for claim in claims if claim.key not in names]
        left = _room_of_group(site, group_id, inside, outside, room, given)
        given |= _by_policy(site, group_id, inside, left, in_line)
    # What came to a group may not fit those who now go first in it.
    left = list(room)
    for claim in claims:
        take(left, claim.way, given[claim.key][0])
    charging = [claim for claim in claims if given[claim.key][0] > 0]
    currents_a = [given[claim.key][0] for claim in charging]
    bindings = top_up(charging, currents_a, left)
    for claim, current_a, binding in zip(charging, currents_a, bindings, strict=True):
        given[claim.key] = (current_a, binding)
    for claim in claims:
        if given[claim.key][0] == 0:
            # What keeps it out may be a limit above the group, which decided what came to it.
            obstacle = first_full(left, claim.way, claim.minimum_a)
            given[claim.key] = (0.0, given[claim.key][1] if obstacle is None else obstacle)
    return left


def _room_of_group(
    site: Site,
    group_id: str,
    inside: Iterable[Claim],
    outside: Iterable[Claim],
    room: Sequence[float],
    given: Mapping[ConnectorKey, tuple[float, int | None]],
) -> list[float]:
    """Return what came to a group, and what those outside of it leave of all other limits."""
    resources = site.routes.resources
    left = list(room)
    for claim in outside:
        take(left, claim.way, given[claim.key][0])
    came: defaultdict[int, float] = defaultdict(float)
    for claim in inside:
        for number, units in claim.way:
            if resources[number].group_id == group_id:
                came[number] += given[claim.key][0] * units
    for number, current_a in came.items():
        left[number] = current_a
    return left


def _inside(site: Site, group_id: str, claims: Iterable[Claim]) -> list[Claim]:
    return [claim for claim in claims if group_id in site.routes.paths[claim.group_id]]
