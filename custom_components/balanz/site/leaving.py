"""Bookings of chargers that leave their group, by being removed or moved."""

from collections.abc import Mapping
from uuid import uuid4

from ..balancing.model import ConnectorKey
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

    async def keep_bookings(
        self, live: Mapping[ConnectorKey, LiveConnector], settings: SiteSettings, now: float
    ) -> None:
        """Book what chargers that the new settings remove or move may still be drawing.

        Raises StorageError, and books nothing, if that cannot be recorded.
        """
        homes = homes_of(settings)
        known = {group.id for group in settings.groups}
        leaving = [
            connector
            for key, connector in live.items()
            if homes.get(key) != home_of(connector.charger, known)
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


def _booking_of(live: LiveConnector, now: float) -> KeptBooking:
    booked_a = live.commitment.disconnected().booked_a(live.connector, now)
    return KeptBooking(
        id=uuid4().hex,
        charger=live.connector.key.charger,
        charger_name=live.connector.name,
        group_id=live.charger.group_id,
        currents=live.connector.phase_map.spread(booked_a),
    )
