"""Control of a running site: what its steps look at, and what the last one came to."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial

from ..balancing.commitments import Commitment
from ..balancing.control import AllFits, Result, State, glance, step
from ..balancing.inputs import Booking, Inputs
from ..balancing.memory import StepMemory
from ..balancing.model import ConnectorKey, Site
from ..balancing.part import bookings_in
from ..balancing.supply import MeterReading
from ..storage.journal import Journal
from .capacities import Capacities
from .dispatch import Dispatcher
from .layout import Layout
from .leaving import LeavingChargers
from .live import LiveConnector
from .meters import Meters, hour_of_week
from .news import News, Present
from .smart_charging import SmartCharging
from .step_log import StepLog


class Control:
    """Takes steps, or supposes one. Times are the loop's."""

    def __init__(
        self,
        *,
        layout: Layout,
        capacities: Capacities,
        meters: Meters,
        live: Mapping[ConnectorKey, LiveConnector],
        dispatcher: Dispatcher,
        smart_charging: SmartCharging,
        leaving: LeavingChargers,
        journal: Journal,
    ) -> None:
        """Begin with nothing remembered."""
        self.state = State()
        """What the next step is to know of those before it."""
        self.result: Result | None = None
        """What the last step came to; None before the first one."""
        self.log = StepLog()
        """The last steps, so that they can be taken again."""
        self.last_inputs: Inputs | None = None
        """What it looked at."""
        self._memory = StepMemory()
        self._layout = layout
        self._capacities = capacities
        self._meters = meters
        self._live = live
        self._dispatcher = dispatcher
        self._smart_charging = smart_charging
        self._leaving = leaving
        self._journal = journal

    def inputs(self, now: float) -> Inputs:
        """Return everything that a step looks at."""
        return self._inputs(self._layout.site, self._live, self._bookings(now), now)

    def inputs_in(self, part: Site, now: float) -> Inputs:
        """Return what a look at a part of the site is to know."""
        bookings = bookings_in(part, self._bookings(now))
        return self._inputs(part, part.connectors, bookings, now)

    def _inputs(
        self,
        site: Site,
        keys: Iterable[ConnectorKey],
        bookings: Iterable[Booking],
        now: float,
    ) -> Inputs:
        lines = self._dispatcher.lines(keys)
        known = {key: live.as_input(line, now) for key, live, line in lines}
        return Inputs(
            capacities_a=self._capacities.all_now_a(),
            meters=self._readings(site),
            connectors=self._smart_charging.inputs(known, now),
            hour_of_week=hour_of_week(self._layout.settings.time_zone),
            voltages_v=self._meters.voltages_v.copy(),
            battery_discharge_a=self._meters.battery_discharge_a.copy(),
            bookings=tuple(bookings),
            durable=not self._journal.failing,
        )

    def _bookings(self, now: float) -> Iterator[Booking]:
        site = self._layout.site
        yield from self._leaving.bookings(site)
        yield from self._smart_charging.bookings(site, now)

    def deciding(
        self, inputs: Inputs, now: float, *, is_whole: bool
    ) -> Callable[[], Result | AllFits]:
        """Return what decides a step, or takes a glance.

        It looks at nothing that changes, so any thread may call.
        """
        decide = step if is_whole else glance
        return partial(decide, self._layout.site, inputs, self.state, now, self._memory)

    def decided(self, result: Result, inputs: Inputs, now: float) -> None:
        """Take over what a step came to; whoever calls does it."""
        self.log.note(self._layout.site, inputs, self.state, result, now)
        self.state = result.state
        self.result = result
        self.last_inputs = inputs

    def news_since(self, inputs: Inputs, sent_a: Mapping[ConnectorKey, float], now: float) -> News:
        """Return what has changed since these were looked at, at the site as it still is.

        `sent_a` are the limits that the step which did has sent since, A per line.
        """
        present = Present(
            live=self._live,
            is_free=self._smart_charging.is_free,
            capacities_a=self._capacities.all_now_a(),
            meters=self._readings(self._layout.site),
            durable=not self._journal.failing,
            outdated=self._layout.outdated,
        )
        return News(self._layout.site, inputs, present, sent_a, now)

    def rating_fits(self, identity: str, *, seen: bool = False) -> bool:
        """Return whether a charger could be booked at its rating now, without a cut elsewhere.

        With `seen`, only where the supply of all its groups is known as well.
        """
        now = asyncio.get_running_loop().time()
        site = self._layout.site
        inputs = self.inputs(now)
        blank = Commitment(online=True)
        supposed = {
            key: replace(known, commitment=blank) if key.charger == identity else known
            for key, known in inputs.connectors.items()
        }
        result = step(site, replace(inputs, connectors=supposed), self.state, now)
        group_ids = {
            group_id
            for key, connector in site.connectors.items()
            if key.charger == identity
            for group_id in site.routes.paths[connector.group_id]
            if not site.groups[group_id].enforced
        }
        views = [result.groups[group_id] for group_id in group_ids]
        return all(it.within_limit and (it.available is not None or not seen) for it in views)

    def _readings(self, site: Site) -> dict[str, MeterReading | None]:
        """Return what the meters of the metered groups have told last."""
        return {
            group.id: self._meters.reading(group.id)
            for group in site.groups.values()
            if group.metered
        }
