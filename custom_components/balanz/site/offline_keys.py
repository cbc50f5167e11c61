"""What chargers keep to while their link is gone, where a key of their own tells them.

The user has said that they do. What balanz can do is to see to it that the key has that current,
and nobody relies on that before it was read back on this connection.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping
from dataclasses import dataclass

from ..csms.command_values import CommandStatus
from ..csms.quirks import OfflineKey, Quirks
from ..csms.server import CentralSystem
from ..csms.station import Station
from ..csms.station_errors import StationError
from .settings import ChargerSettings

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Occasion:
    """What a charger is asked for anew each time."""

    connections: int
    boots: int
    configured: int
    """How often a key was changed; it may have been this one."""

    @classmethod
    def of(cls, station: Station) -> _Occasion:
        """Return that of now."""
        return cls(
            connections=station.connections, boots=station.boots, configured=station.configured
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What a charger was last asked."""

    occasion: _Occasion
    key: OfflineKey
    wanted_a: float


class OfflineKeys:
    """Reads those keys, and writes them where they have another current."""

    def __init__(
        self,
        *,
        central: CentralSystem,
        spawn: Callable[[Coroutine[object, object, None]], asyncio.Task[None]],
        on_change: Callable[[], None],
    ) -> None:
        """Have seen nothing yet; `on_change` is called when something else can be relied on."""
        self._central = central
        self._spawn = spawn
        self._on_change = on_change
        self._asked: dict[str, _Asked] = {}
        self._confirmed: set[str] = set()
        """The chargers that were seen to have what they were asked for."""
        self._waits_for_boot: dict[str, int] = {}
        """The boots of those whose key takes effect with the next one only."""
        self._written: dict[str, tuple[int, int, OfflineKey, float]] = {}
        """On which connection and boot each was last written what; once has to do."""

    @property
    def outdated(self) -> bool:
        """Whether a charger has to be asked again."""
        stations = ((self._central.stations.get(it), asked) for it, asked in self._asked.items())
        return any(
            station is not None and station.ready and _Occasion.of(station) != asked.occasion
            for station, asked in stations
        )

    def unconfirmed(
        self, chargers: Iterable[ChargerSettings], quirks: Mapping[str, Quirks]
    ) -> frozenset[str]:
        """Return the chargers that were not seen to have what the user says, and ask them."""
        return frozenset(self._unconfirmed(chargers, quirks))

    def _unconfirmed(
        self, chargers: Iterable[ChargerSettings], quirks: Mapping[str, Quirks]
    ) -> Iterator[str]:
        for charger in chargers:
            identity, key = charger.identity, quirks[charger.identity].offline_key
            if charger.offline_a is None or key is None:
                self._asked.pop(identity, None)
                continue
            self._ask(identity, key, charger.offline_a)
            if identity not in self._confirmed:
                yield identity

    def _ask(self, identity: str, key: OfflineKey, wanted_a: float) -> None:
        """Ask a charger, unless it was on the same occasion."""
        before, station = self._asked.get(identity), self._central.stations.get(identity)
        is_same = before is not None and (before.key, before.wanted_a) == (key, wanted_a)
        if not is_same:
            self._confirmed.discard(identity)
        if station is None or not station.ready:
            return
        asked = _Asked(occasion=_Occasion.of(station), key=key, wanted_a=wanted_a)
        if asked != before:
            self._asked[identity] = asked
            self._confirmed.discard(identity)
            self._spawn(self._see_to_it(station, asked))

    async def _see_to_it(self, station: Station, asked: _Asked) -> None:
        """Have a charger keep to a current, and find out whether it has it."""
        identity, value = station.identity, asked.key.told(asked.wanted_a)
        try:
            has_it = await self._has(station, asked.key, value)
            occasion = asked.occasion
            writing = (occasion.connections, occasion.boots, asked.key, asked.wanted_a)
            if has_it is False and self._written.get(identity) != writing:
                self._written[identity] = writing
                status = await station.commands.change_configuration(asked.key.name, value)
                if status is CommandStatus.REBOOT_REQUIRED:
                    self._waits_for_boot[identity] = station.boots
                # What follows is asked for as for any change of a key.
                self._on_change()
                return
        except StationError as error:
            _LOGGER.debug("%s does not tell what it keeps to: %s", identity, error)
            return
        in_effect = self._waits_for_boot.get(identity) != station.boots
        if has_it and in_effect and self._asked.get(identity) == asked:
            self._confirmed.add(identity)
            self._on_change()

    async def _has(self, station: Station, key: OfflineKey, value: str) -> bool | None:
        """Return whether a charger has a value; None where it has no such key.

        Raises StationError.
        """
        configuration = await station.commands.get_configuration([key.name])
        told = (it.value for it in configuration.entries if it.key.lower() == key.name.lower())
        current = next(told, None)
        return None if current is None else key.read(current) == key.read(value)
