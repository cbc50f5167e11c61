"""Bookings of chargers that leave their group, by being removed or moved."""

from collections.abc import Mapping
from uuid import uuid4

from ..balancing.inputs import Booking
from ..balancing.model import ROOT_GROUP_ID, ConnectorKey, Site
from ..storage.journal import StorageError
from ..storage.ledger import KeptBooking, Ledger
from .live import LiveConnector
from .recorder import Recorder
from .settings import SiteSettings
from .topology import home_of, homes_of


class LeavingChargers:
    """Keeps booked what chargers that leave may still be drawing, until they are back."""

    def __init__(self, *, ledger: Ledger, recorder: Recorder) -> None:
        """Start with nobody leaving."""
        self.keys: frozenset[ConnectorKey] = frozenset()
        """Connectors whose bookings are being recorded; nothing of theirs may rise meanwhile."""
        self._ledger = ledger
        self._recorder = recorder

    def bookings(self, site: Site) -> tuple[Booking, ...]:
        """Return what is booked, and where: on the groups that do not carry the charger now."""
        return tuple(
            Booking(
                id=kept.id,
                group_ids=_left_behind(site, kept.key, kept.group_id),
                currents=kept.currents,
            )
            for kept in self._ledger.bookings.values()
        )

    async def keep_bookings(
        self,
        live: Mapping[ConnectorKey, LiveConnector],
        settings: SiteSettings,
        site: Site,
        now: float,
    ) -> None:
        """Book what chargers that the new settings remove or move may still be drawing.

        `site` is the one that the new settings make. Raises StorageError, and books nothing, if
        that cannot be recorded.
        """
        homes = homes_of(settings)
        known = {group.id for group in settings.groups}
        leaving = [
            connector
            for key, connector in live.items()
            if homes.get(key) != home_of(connector.charger, known)
            and _left_behind(site, key, connector.charger.group_id)
        ]
        bookings = [_booking_of(connector, now) for connector in leaving]
        records = [self._ledger.note_booking(it) for it in bookings if max(it.currents) > 0]
        self.keys = frozenset(connector.connector.key for connector in leaving)
        try:
            await self._recorder.write(*records)
        except StorageError:
            # Some may have reached the disk all the same.
            for booking in bookings:
                self._recorder.note(self._ledger.note_released(booking.id))
            raise
        finally:
            self.keys = frozenset()

    def release_returned(self, old: SiteSettings, new: SiteSettings) -> None:
        """End the bookings of chargers that are back in their group, and so booked as such."""
        homes = {(charger.identity, charger.group_id) for charger in new.chargers}
        homes -= {(charger.identity, charger.group_id) for charger in old.chargers}
        for booking in tuple(self._ledger.bookings.values()):
            if (booking.charger, booking.group_id) in homes:
                self._recorder.note(self._ledger.note_released(booking.id))


def _left_behind(site: Site, key: ConnectorKey | None, group_id: str) -> tuple[str, ...]:
    """Return the groups on the way from a connector's old place that it has not on its new one."""
    old = site.routes.paths[group_id if group_id in site.groups else ROOT_GROUP_ID]
    there = None if key is None else site.connectors.get(key)
    new = () if there is None else site.routes.paths[there.group_id]
    return tuple(name for name in old if name not in new)


def _booking_of(live: LiveConnector, now: float) -> KeptBooking:
    booked_a = live.commitment.disconnected().booked_a(live.connector, now)
    return KeptBooking(
        id=uuid4().hex,
        charger=live.connector.key.charger,
        connector=live.connector.key.connector,
        charger_name=live.connector.name,
        group_id=live.charger.group_id,
        currents=live.connector.phase_map.spread(booked_a),
    )
