"""From settings to the tree of groups and connectors that is balanced."""

from collections.abc import Container, Mapping
from dataclasses import replace

from ..balancing.group import Group
from ..balancing.lease import LEASE_S, SHORT_LEASE_S
from ..balancing.model import ROOT_GROUP_ID, Connector, ConnectorKey, Site
from ..balancing.schedule import ScheduleState
from ..csms.leases import LeaseMechanism
from ..csms.quirks import BY_THE_BOOK, Quirks
from ..storage.proofs import FirmwareProof
from .settings import ChargerSettings, SiteSettings

_CHARGER_GROUP_PREFIX = "charger:"


def build_site(
    settings: SiteSettings,
    scheduled: Mapping[str, ScheduleState] | None = None,
    proofs: Mapping[str, FirmwareProof] | None = None,
    quirks: Mapping[str, Quirks] | None = None,
    power_caps_w: Mapping[str, float] | None = None,
    unconfirmed: Container[str] = (),
    learnt_steps_a: Mapping[ConnectorKey, float] | None = None,
) -> Site:
    """Return the tree. What hangs in a group that is gone hangs in the root group.

    `scheduled` is what the schedules of groups ask for now; `proofs` is what the firmware of
    chargers was seen to do, and `quirks` what they do differently, by identity. `power_caps_w` is
    what groups may carry for now, by group id. `unconfirmed` are the chargers that were not seen to
    have the current that they are said to keep to without their link. `learnt_steps_a` are the
    steps in which connectors were seen to move. Raises SiteError if the groups make no tree.
    """
    known = {group.id for group in settings.groups}
    groups = {group.id: _rehomed(group, known) for group in settings.groups}
    for group_id, state in (scheduled or {}).items():
        groups[group_id] = replace(groups[group_id], priority_caps=state.priority_caps)
    for group_id, power_w in (power_caps_w or {}).items():
        if group_id in known:
            groups[group_id] = replace(groups[group_id], power_cap_w=power_w)
    connectors: dict[ConnectorKey, Connector] = {}
    for charger in settings.chargers:
        group_id = home_of(charger, known)
        if charger.connectors > 1:
            # What several connectors share is one more circuit: the charger's own.
            own = Group(
                id=f"{_CHARGER_GROUP_PREFIX}{charger.identity}",
                name=charger.name,
                parent_id=group_id,
                rating_a=charger.rating_a,
                enforced=True,
            )
            groups[own.id] = own
            group_id = own.id
        proof = (proofs or {}).get(charger.identity)
        differs = (quirks or {}).get(charger.identity, BY_THE_BOOK)
        for number in range(1, charger.connectors + 1):
            key = ConnectorKey(charger.identity, number)
            connector = _connector(key, charger, group_id, proof, differs)
            if charger.identity in unconfirmed:
                connector = replace(connector, offline_a=None)
            if (step_a := (learnt_steps_a or {}).get(key)) is not None:
                connector = _stepping(connector, step_a)
            connectors[key] = connector
    return Site(
        groups=groups,
        connectors=connectors,
        unbalance_a=settings.unbalance_a,
        tuning=settings.tuning,
    )


def home_of(charger: ChargerSettings, known: Container[str]) -> str:
    """Return the group that a charger hangs in, given the groups that there are."""
    return charger.group_id if charger.group_id in known else ROOT_GROUP_ID


def homes_of(settings: SiteSettings) -> dict[ConnectorKey, str]:
    """Return the group that each connector hangs in."""
    known = {group.id for group in settings.groups}
    return {
        ConnectorKey(charger.identity, number): home_of(charger, known)
        for charger in settings.chargers
        for number in range(1, charger.connectors + 1)
    }


def is_charger_group(group_id: str) -> bool:
    """Return whether a group stands for the connectors of one charger, unseen by the user."""
    return group_id.startswith(_CHARGER_GROUP_PREFIX)


def _rehomed(group: Group, known: set[str]) -> Group:
    if group.parent_id is None or group.parent_id in known:
        return group
    return replace(group, parent_id=ROOT_GROUP_ID)


def _connector(
    key: ConnectorKey,
    charger: ChargerSettings,
    group_id: str,
    proof: FirmwareProof | None,
    quirks: Quirks,
) -> Connector:
    minimum_a = max(charger.minimum_a, quirks.minimum_a or 0.0, *quirks.steps_a[:1])
    # What a charger cannot do must not cost it its place on the site.
    minimum_a = min(minimum_a, charger.rating_a)
    fallback_a = charger.fallback_a if quirks.pauses_at_zero else max(charger.fallback_a, minimum_a)
    return Connector(
        key=key,
        name=charger.name if charger.connectors == 1 else f"{charger.name} {key.connector}",
        group_id=group_id,
        rating_a=charger.rating_a,
        maximum_a=charger.rating_a,
        minimum_a=minimum_a,
        fallback_a=fallback_a,
        pauses=quirks.pauses_at_zero,
        phase_map=charger.phase_map,
        priority=charger.priority,
        weight=charger.weight,
        offline_a=charger.offline_a,
        keeps_limit=charger.keeps_limit or (proof is not None and proof.keeps_limit),
        lapses=charger.lapses or (proof is not None and _is_seen_to_lapse(proof)),
        lease_s=SHORT_LEASE_S if charger.short_lease or quirks.keeps_in_ram else LEASE_S,
    )


def _stepping(connector: Connector, step_a: float) -> Connector:
    """Return a connector that is sent multiples of a coarser step, where its bounds are some."""
    bounds_a = (connector.minimum_a, connector.fallback_a)
    if step_a <= connector.step_a or any(bound_a % step_a for bound_a in bounds_a):
        return connector
    return replace(connector, step_a=step_a)


def _is_seen_to_lapse(proof: FirmwareProof) -> bool:
    # What a later version of balanz has seen to work cannot be told by this one.
    return proof.lapses and (proof.lease is None or proof.lease in LeaseMechanism)
