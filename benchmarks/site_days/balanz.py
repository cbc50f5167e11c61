"""The real controller: `control.step`, fed through the site's own `LiveConnector`."""

from collections.abc import Iterable
from time import perf_counter_ns

from custom_components.balanz.balancing.base_load_memory import HOURS_OF_WEEK, BaseLoadMemory
from custom_components.balanz.balancing.control import Result, State, step
from custom_components.balanz.balancing.group import Group
from custom_components.balanz.balancing.inputs import Inputs, Line
from custom_components.balanz.balancing.model import ROOT_GROUP_ID, ConnectorKey
from custom_components.balanz.balancing.need import Need
from custom_components.balanz.balancing.phases import PhaseCurrents
from custom_components.balanz.balancing.policies import Policy
from custom_components.balanz.balancing.supply import MeterReading
from custom_components.balanz.csms.events import TransactionStopped
from custom_components.balanz.site.live import LiveConnector
from custom_components.balanz.site.settings import ChargerSettings, SiteSettings
from custom_components.balanz.site.topology import build_site

from .charger import CONNECTOR, identity
from .controllers import ChargerEvent, Order, Wish
from .layouts import HOUR_S, Layout
from .phases import Currents, wiring


class Balanz:
    """A site as the integration runs it, but for the sockets, the disk and the clock."""

    def __init__(self, layout: Layout, *, metered: bool, policy: Policy, margin_a: float) -> None:
        """Set the site up, with all chargers connected."""
        settings = _settings(layout, metered=metered, policy=policy, margin_a=margin_a)
        self.site = build_site(settings)
        self.keys = [ConnectorKey(identity(n), CONNECTOR) for n in range(layout.chargers)]
        self.live = {
            key: LiveConnector(self.site.connectors[key], charger, charger.maximum_a)
            for key, charger in zip(self.keys, settings.chargers, strict=True)
        }
        for live in self.live.values():
            live.ready()
        self.result: Result | None = None
        self._numbers = {key: number for number, key in enumerate(self.keys)}
        self._wishes: dict[ConnectorKey, Wish] = {}
        self._meters: dict[str, MeterReading | None] = {ROOT_GROUP_ID: None} if metered else {}
        self._capacities_a = {group.id: group.rating_a for group in settings.groups}
        self._state = State()
        self._begins_s = layout.begins_s
        self._steps = 0
        self._step_ns = 0

    @property
    def wake_at(self) -> float | None:
        """When to step again, should nothing happen until then."""
        return None if self.result is None else self.result.wake_at

    @property
    def memory(self) -> BaseLoadMemory:
        """What is known of the house's worst hours."""
        return self._state.meters[ROOT_GROUP_ID].memory

    @property
    def step_us(self) -> float | None:
        """The mean time of `control.step`."""
        return self._step_ns / 1000 / self._steps if self._steps else None

    def capacity_changed(self, capacity_a: float) -> None:
        """Set the capacity of the main group."""
        self._capacities_a[ROOT_GROUP_ID] = capacity_a

    def metered(self, currents: Currents, now: float) -> None:
        """Report the meter of the main group."""
        l1, l2, l3 = currents
        self._meters[ROOT_GROUP_ID] = MeterReading(
            currents=PhaseCurrents(l1=l1, l2=l2, l3=l3), at=now
        )

    def told(self, charger: int, wish: Wish) -> None:
        """Note what the driver wants."""
        self._wishes[self.keys[charger]] = wish

    def heard(self, charger: int, event: ChargerEvent, now: float) -> None:
        """Pass an event on."""
        key = self.keys[charger]
        live = self.live[key]
        live.take(event, now)
        if isinstance(event, TransactionStopped):
            del self._wishes[key]
            live.need = Need()
        elif (wish := self._wishes.get(key)) is not None:
            left_wh = max(wish.energy_wh - (live.session_energy_wh or 0.0), 0.0)
            live.need = Need(energy_wh=left_wh, departs_at=wish.departs_at)

    def accepted(self, charger: int, now: float) -> None:
        """Pass the answer on."""
        self.live[self.keys[charger]].accepted(now)

    def step(self, now: float) -> Iterable[Order]:
        """Decide, as the site does."""
        inputs = Inputs(
            capacities_a=dict(self._capacities_a),
            meters=dict(self._meters),
            connectors={key: live.as_input(_line(live), now) for key, live in self.live.items()},
            hour_of_week=int(self._begins_s + now) // HOUR_S % HOURS_OF_WEEK,
        )
        began_ns = perf_counter_ns()
        result = step(self.site, inputs, self._state, now)
        self._step_ns += perf_counter_ns() - began_ns
        self._steps += 1
        self._state, self.result = result.state, result
        orders = []
        for command in result.commands:
            self.live[command.key].sending(command.limit_a, now)
            orders.append(Order(self._numbers[command.key], command.limit_a))
        return orders


def _line(live: LiveConnector) -> Line:
    return Line.FREE if live.commitment.pending is None else Line.BUSY


def _settings(layout: Layout, *, metered: bool, policy: Policy, margin_a: float) -> SiteSettings:
    root = Group(
        id=ROOT_GROUP_ID,
        name=layout.name,
        parent_id=None,
        rating_a=layout.main_a,
        metered=metered,
        margin_a=margin_a,
        policy=policy,
    )
    inner = [
        Group(
            id=f"group-{number}",
            name=f"Group {number}",
            parent_id=ROOT_GROUP_ID,
            rating_a=layout.group_a,
        )
        for number in range(layout.group_count)
    ]
    chargers = [_charger(layout, number) for number in range(layout.chargers)]
    return SiteSettings(
        host="127.0.0.1", port=9300, groups=(root, *inner), chargers=tuple(chargers)
    )


def _charger(layout: Layout, number: int) -> ChargerSettings:
    group = layout.group_of(number)
    return ChargerSettings(
        identity=identity(number),
        name=identity(number),
        group_id=ROOT_GROUP_ID if group is None else f"group-{group}",
        rating_a=layout.charger_rating_a,
        phases=3,
        phase_map=wiring(number),
        maximum_a=layout.charger_rating_a,
    )
