"""Make the snapshots of chargers, from what a running site knows of them."""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from ..balancing.model import Site
from ..balancing.reasons import Reason
from ..csms.events import UNKNOWN_LINES, BootInfo, ConnectorStatus
from ..csms.station import Station
from ..storage.plans import Plan
from .draws import wired_lines
from .live import LiveConnector
from .rooms import Rooms
from .settings import ChargerSettings
from .snapshot import (
    ChargerSnapshot,
    ConnectorSnapshot,
    ReasonSnapshot,
    TagSnapshot,
)

CHARGING_ABOVE_A = 1.0


class ChargerSnapshots:
    """Makes the snapshots of chargers, anew only where something has changed.

    At large sites most chargers are as they were at the step before.
    """

    def __init__(self, rooms: Rooms) -> None:
        """Start with none."""
        self._rooms = rooms
        self._site: Site | None = None
        self._made: dict[str, tuple[tuple[object, ...], ChargerSnapshot]] = {}

    def of(self, charger: ChargerSettings, now: float) -> ChargerSnapshot:
        """Return how a charger stands now (monotonic s); the same object while nothing is new."""
        rooms = self._rooms
        site = rooms.layout.site
        if site is not self._site:
            self._site = site
            self._made.clear()
        lives = [(rooms.live[key], rooms.plans.of(key)) for key in charger.keys]
        link = _Link.of(rooms.central.stations.get(charger.identity))
        proof = rooms.proofs.snapshot(charger.identity)
        firmware = rooms.firmware_updates.snapshot(charger.identity)
        upstream = rooms.upstreams.snapshot(charger.identity)
        # All that the snapshot is made of: values that are replaced when they change, or what
        # counts such changes.
        sources = (
            charger,
            link,
            proof,
            firmware,
            upstream,
            *((plan, live.version, live.booked_a(now)) for live, plan in lives),
        )
        made = self._made.get(charger.identity)
        if made is not None and made[0] == sources:
            return made[1]
        snapshot = ChargerSnapshot(
            identity=charger.identity,
            name=charger.name,
            connected=link.connected,
            boot=link.boot,
            connectors=tuple(
                _connector_snapshot(live, plan=plan, site=site, connected=link.connected, now=now)
                for live, plan in lives
            ),
            proof=proof,
            priority=charger.priority,
            diagnostics_status=link.diagnostics_status,
            firmware_status=link.firmware_status,
            firmware=firmware,
            upstream=upstream,
            connected_at=link.connected_at,
            connections=link.connections,
            heard_at=link.heard_at,
        )
        self._made[charger.identity] = (sources, snapshot)
        return snapshot


class _Link(NamedTuple):
    """What a charger's link tells of the charger itself."""

    connected: bool = False
    boot: BootInfo | None = None
    diagnostics_status: str | None = None
    firmware_status: str | None = None
    connected_at: datetime | None = None
    connections: int = 0
    heard_at: datetime | None = None

    @classmethod
    def of(cls, station: Station | None) -> _Link:
        if station is None:
            return cls()
        heard_at = station.frames.heard_at
        return cls(
            connected=station.connected,
            boot=station.boot,
            diagnostics_status=station.diagnostics_status,
            firmware_status=station.firmware_status,
            connected_at=station.connected_at,
            connections=station.connections,
            # To the second it would make the snapshot anew with each message.
            heard_at=None if heard_at is None else heard_at.replace(second=0, microsecond=0),
        )


def _connector_snapshot(
    live: LiveConnector, *, plan: Plan, site: Site, connected: bool, now: float
) -> ConnectorSnapshot:
    values = live.values
    status = live.status if connected else None
    return ConnectorSnapshot(
        key=live.connector.key,
        status=status,
        plugged=None if status is None else status.plugged,
        charging=_charging(live, status),
        currents_a=_line_currents(live),
        power_w=live.power_w,
        energy_wh=live.energy.lifetime.total_wh,
        session_energy_wh=live.session_energy_wh,
        session_started_at=live.session_started_at,
        session_ended_at=live.energy.ended_at,
        commanded_a=live.commanded_a,
        accepted_a=live.commitment.accepted_a,
        booked_a=live.booked_a(now),
        offered_by=_reason_snapshot(live.reason, site, now),
        enabled=live.enabled,
        maximum_a=live.maximum_a,
        bounds=live.bounds,
        rating_a=live.connector.rating_a,
        writes=live.writes,
        plan=plan,
        boost_lasts=live.boost_lasts,
        report_card=live.card.snapshot(),
        voltages_v=UNKNOWN_LINES if values is None else values.voltages_v,
        powers_w=UNKNOWN_LINES if values is None else values.powers_w,
        power_factor=None if values is None else values.power_factor,
        frequency_hz=None if values is None else values.frequency_hz,
        state_of_charge_pct=None if values is None else values.state_of_charge_pct,
        temperature_c=None if values is None else values.temperature_c,
        offered_a=None if values is None else values.offered_a,
        error_code=live.error_code if connected else None,
        transaction_id=None if live.transaction is None else live.transaction.transaction_id,
        stop_reason=live.stop_reason,
        tag=_tag_snapshot(live),
        priority=live.priority,
    )


def _tag_snapshot(live: LiveConnector) -> TagSnapshot | None:
    transaction = live.transaction
    if transaction is None or not transaction.id_tag:
        return None
    tag = live.tag
    return TagSnapshot(
        id_tag=transaction.id_tag,
        name=None if tag is None else tag.name or None,
        person=None if tag is None else tag.person,
        refused=transaction.refused,
    )


def _charging(live: LiveConnector, status: ConnectorStatus | None) -> bool | None:
    if status is None:
        return None
    largest_a = max((a for a in _line_currents(live) if a is not None), default=None)
    if status is ConnectorStatus.CHARGING and largest_a is not None:
        return largest_a >= CHARGING_ABOVE_A
    return status is ConnectorStatus.CHARGING


def _line_currents(live: LiveConnector) -> tuple[float | None, float | None, float | None]:
    values = live.values
    if values is None or values.currents_a is None:
        return (None, None, None)
    known: list[float | None] = list(wired_lines(values.currents_a, live.charger.phases))
    if len(known) < live.charger.phases and not values.per_phase:
        # One value without a phase is only that of a line where there is but one line.
        return (None, None, None)
    l1, l2, l3 = (*known, None, None, None)[:3]
    return (l1, l2, l3)


def _reason_snapshot(reason: Reason, site: Site, now: float) -> ReasonSnapshot:
    group = None if reason.group_id is None else site.groups.get(reason.group_id)
    until = None
    if reason.until is not None:
        exact = datetime.now(UTC) + timedelta(seconds=reason.until - now + 0.5)
        until = exact.replace(microsecond=0)
    return ReasonSnapshot(
        rule=reason.rule,
        group_id=reason.group_id,
        group_name=None if group is None else group.name,
        phase=reason.phase,
        until=until,
        other_loads_a=reason.other_loads_a,
        within_a=reason.within_a,
    )
