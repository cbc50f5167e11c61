"""Smart charging switched off in a group: its chargers get no limits, and are reckoned with."""

import asyncio
import logging
from collections.abc import Callable, Container, Coroutine, Iterator, Mapping
from dataclasses import replace

from ..balancing.commitments import Commitment
from ..balancing.group_view import GroupView
from ..balancing.inputs import Booking, ConnectorInput, Line
from ..balancing.model import ConnectorKey, Site
from ..balancing.reasons import Reason, Rule
from ..csms.server import CentralSystem
from ..csms.station import Station, StationError
from ..storage.ledger import Ledger
from .live import LiveConnector
from .meters import Meters
from .recorder import Recorder
from .topology import is_charger_group

RETRY_S = 30.0
"""How long to wait before a charger that did not clear its profile is asked again."""

_LOGGER = logging.getLogger(__name__)


class SmartCharging:
    """Knows which connectors are balanced, and gives the others back to themselves.

    A connector that is given back is booked at its rating first, like one that nobody controls.
    Its profile is cleared once that fits everywhere on its way, and from then on a meter tells what
    it draws; where none does, its rating stays booked.
    """

    def __init__(
        self,
        *,
        ledger: Ledger,
        recorder: Recorder,
        central: CentralSystem,
        live: Mapping[ConnectorKey, LiveConnector],
        meters: Meters,
        spawn: Callable[[Coroutine[object, object, None]], asyncio.Task[None]],
        on_change: Callable[[], None],
    ) -> None:
        """Balance everything as yet; `on_change` is called when a charger has cleared a profile."""
        self._ledger = ledger
        self._recorder = recorder
        self._central = central
        self._live = live
        self._meters = meters
        self._spawn = spawn
        self._on_change = on_change
        self._free: set[ConnectorKey] = set()
        """Connectors that are not balanced and have nothing of ours in force."""
        self._asked_at: dict[ConnectorKey, float] = {}

    def is_on(self, group_id: str) -> bool:
        """Return whether the user lets a group be balanced, whatever the groups above it say."""
        return group_id not in self._ledger.not_balanced

    def is_free(self, key: ConnectorKey) -> bool:
        """Return whether a connector is left to itself, with no limit of balanz's in force."""
        return key in self._free

    def off_in(self, site: Site, key: ConnectorKey) -> str | None:
        """Return the group, the innermost first, that keeps a connector from being balanced."""
        path = site.routes.paths[site.connectors[key].group_id]
        return next((group_id for group_id in path if not self.is_on(group_id)), None)

    def follow(self, site: Site) -> None:
        """Let go of connectors that are no longer balanced, and take back those that are again."""
        self._free &= self._live.keys()
        for key, live in self._live.items():
            balanced = self.off_in(site, key) is None
            if balanced == live.balanced:
                continue
            if balanced:
                self._free.discard(key)
                live.take_back()
                if (station := self._central.stations.get(key.charger)) is not None:
                    # Others could set and clear profiles meanwhile.
                    station.doubt_fallbacks()
            else:
                live.give_back()
                if key not in self._ledger.limits_a:
                    self._free.add(key)

    def inputs(
        self, inputs: Mapping[ConnectorKey, ConnectorInput], now: float
    ) -> dict[ConnectorKey, ConnectorInput]:
        """Return what a step is to know; what a free connector draws is base load to it."""
        if not self._free:
            return dict(inputs)
        return {
            key: _without_draw(known, now) if key in self._free else known
            for key, known in inputs.items()
        }

    def bookings(self, site: Site, now: float) -> Iterator[Booking]:
        """Yield the ratings of free connectors in those groups where no meter sees them."""
        for key in self._free:
            connector = site.connectors[key]
            group_ids = tuple(self._unseen(site, connector.group_id, now))
            yield Booking(
                id=f"{key.charger}:{key.connector}",
                group_ids=group_ids,
                currents=connector.phase_map.spread(connector.rating_a),
            )

    def look(
        self,
        site: Site,
        groups: Mapping[str, GroupView],
        now: float,
        *,
        fuller: Container[str] = (),
    ) -> None:
        """Have profiles cleared that nothing speaks against any more, and tell why none is set."""
        for key, live in self._live.items():
            if live.balanced:
                continue
            live.reason = Reason(rule=Rule.NOT_BALANCED, group_id=self.off_in(site, key))
            if key in self._free or now - self._asked_at.get(key, -RETRY_S) < RETRY_S:
                continue
            station = self._central.stations.get(key.charger)
            path = site.routes.paths[site.connectors[key].group_id]
            fits = all(
                groups[group_id].within_limit and group_id not in fuller
                for group_id in path
                if self.is_on(group_id)
            )
            if fits and station is not None and station.ready and not live.held:
                self._asked_at[key] = now
                self._spawn(self._clear(key, live, station))

    def _unseen(self, site: Site, group_id: str, now: float) -> Iterator[str]:
        """Yield the balanced groups above a free connector, up to the first one with a meter."""
        for outer_id in site.routes.paths[group_id]:
            group, reading = site.groups[outer_id], self._meters.reading(outer_id)
            if group.metered and reading is not None and reading.fresh_until > now:
                return
            if self.is_on(outer_id) or is_charger_group(outer_id):
                yield outer_id

    async def _clear(self, key: ConnectorKey, live: LiveConnector, station: Station) -> None:
        try:
            cleared = await station.clear_limit(key.connector, lambda: not live.balanced)
        except StationError as error:
            _LOGGER.info("%s did not clear its limit: %s", live.connector.name, error)
            cleared = False
        if live.balanced:
            # Taken back meanwhile: what it was given since may have been cleared as well.
            live.limit_lost(asyncio.get_running_loop().time())
        elif not cleared:
            _LOGGER.info("%s has its limit still", live.connector.name)
            return
        else:
            self._free.add(key)
            self._recorder.note(self._ledger.note_limit_cleared(key))
        self._on_change()


def _without_draw(known: ConnectorInput, now: float) -> ConnectorInput:
    """Return what stands for a connector whose current belongs to the base load."""
    nothing = Commitment(online=True, accepted_a=0.0, accepted_at=now)
    return replace(known, line=Line.BUSY, wants=False, commitment=nothing, draw=None)
