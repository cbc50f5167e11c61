"""What users set while the site runs, which is recorded: maxima, switches, releases."""

from collections.abc import Callable, Mapping
from datetime import timedelta

from ..balancing.model import ConnectorKey
from ..storage.ledger import Ledger, Record
from ..storage.plans import LONGEST_BOOST
from .layout import Layout
from .live import LiveConnector
from .recorder import Recorder
from .settings import SiteSettings
from .smart_charging import SmartCharging


class UserSettings:
    """Makes users' changes. Where one cannot be recorded that must be, StorageError is raised."""

    def __init__(
        self,
        *,
        layout: Layout,
        ledger: Ledger,
        recorder: Recorder,
        live: Mapping[ConnectorKey, LiveConnector],
        smart_charging: SmartCharging,
        on_change: Callable[[], None],
        on_asked_back: Callable[[ConnectorKey], None],
    ) -> None:
        """Change nothing yet.

        `on_change` is called after each change, `on_asked_back` with a connector that is to charge.
        """
        self._layout = layout
        self._ledger = ledger
        self._recorder = recorder
        self._live = live
        self._smart_charging = smart_charging
        self._on_change = on_change
        self._on_asked_back = on_asked_back

    async def set_maximum(self, key: ConnectorKey, maximum_a: float) -> None:
        """Set a connector's maximum. Raises ValueError below 0 or above its rating."""
        live = self._live[key]
        if not 0 <= maximum_a <= live.connector.rating_a:
            raise ValueError(f"{maximum_a} A is not within 0 and {live.connector.rating_a} A")
        raising = maximum_a > live.maximum_a
        await self._change(self._ledger.note_maximum(key, maximum_a), raising=raising)

    async def set_smart_charging(self, group_id: str, on: bool) -> None:
        """Balance a group, or leave its chargers, and those of all groups inside it, alone."""
        await self._change(self._ledger.note_smart_charging(group_id, on), raising=not on)

    async def set_enabled(self, key: ConnectorKey, enabled: bool) -> None:
        """Let a connector charge, or pause it."""
        await self._change(self._ledger.note_enabled(key, enabled), raising=enabled)
        if enabled:
            self._on_asked_back(key)

    async def set_boost_duration(self, key: ConnectorKey, lasts: timedelta) -> None:
        """Set how long a boost lasts. Raises ValueError for nothing, and for more than a day."""
        if not timedelta(0) < lasts <= LONGEST_BOOST:
            raise ValueError(f"{lasts} is not within 0 and {LONGEST_BOOST}")
        await self._change(self._ledger.note_boost_duration(key, lasts), raising=False)

    async def release_booking(self, booking_id: str) -> None:
        """Stop booking current for a charger that the user has seen to be dead."""
        if booking_id in self._ledger.bookings:
            await self._change(self._ledger.note_released(booking_id), raising=True)

    async def accept_lost_files(self) -> None:
        """Go on without the files that had gone at a start: the user has seen that."""
        for name in sorted(self._ledger.lost_files):
            await self._change(self._ledger.note_lost_file(name, lost=False), raising=True)

    def note_new_maxima(self, settings: SiteSettings) -> None:
        """Let a maximum that was changed in the settings replace that of the number."""
        old = {charger.identity: charger for charger in self._layout.settings.chargers}
        for charger in settings.chargers:
            known = old.get(charger.identity)
            if known is None or known.maximum_a == charger.maximum_a:
                continue
            for key in charger.keys:
                self._recorder.note(self._ledger.note_maximum(key, charger.maximum_a))
                if (live := self._live.get(key)) is not None:
                    live.maximum_a = charger.maximum_a

    async def _change(self, record: Record, *, raising: bool) -> None:
        await self._recorder.change(record, raising=raising)
        for key, live in self._live.items():
            live.enabled = key not in self._ledger.disabled
            live.boost_lasts = self._ledger.boosts.get(key, live.boost_lasts)
            maximum_a = self._ledger.maxima_a.get(key, live.maximum_a)
            live.maximum_a = min(maximum_a, live.connector.rating_a)
        self._smart_charging.follow(self._layout.site)
        self._on_change()
