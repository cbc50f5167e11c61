"""What users ask of chargers, besides the limits that control sends."""

from collections.abc import Callable
from dataclasses import dataclass

from ..balancing.model import ConnectorKey
from ..csms.charging_profile import ChargingProfile
from ..csms.command_values import AvailabilityType, CommandStatus, MessageTrigger
from ..csms.guarded_keys import KeyWarning, read_again, tells_a_capability, warning_of
from ..csms.server import CentralSystem
from ..csms.station import Station
from ..csms.station_errors import CommandRejected, StationOffline
from ..csms.v16_commands import Commands
from .foreign_profiles import ForeignProfiles

DEFAULT_ID_TAG = "balanz"
_DONE = (CommandStatus.ACCEPTED, CommandStatus.REBOOT_REQUIRED)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigurationChange:
    """What came of a change of a configuration key."""

    status: CommandStatus
    warning: KeyWarning | None
    """What the new value does to balancing; None where nothing, or where it is not in force."""


class RemoteCommands:
    """Passes on what users ask, and sees to what balanz has to do about it."""

    def __init__(
        self,
        *,
        central: CentralSystem,
        profiles: ForeignProfiles,
        on_asked_back: Callable[[ConnectorKey], None],
    ) -> None:
        """Ask nothing yet; `on_asked_back` is called with a connector that is to charge."""
        self.profiles = profiles
        """Passes on charging profiles that are not balanz's own."""
        self._central = central
        self._on_asked_back = on_asked_back

    def station(self, identity: str) -> Station:
        """Return a charger. Raises StationOffline where nobody knows it."""
        station = self._central.stations.get(identity)
        if station is None:
            raise StationOffline(identity)
        return station

    def commands(self, identity: str) -> Commands:
        """Return what a charger can be asked. Raises StationOffline where nobody knows it."""
        return self.station(identity).commands

    async def start(self, key: ConnectorKey, id_tag: str = DEFAULT_ID_TAG) -> None:
        """Ask a charger to start a transaction. Raises StationError if it cannot or will not."""
        self._on_asked_back(key)
        await self.station(key.charger).remote_start(key.connector, id_tag)

    async def stop(self, key: ConnectorKey) -> None:
        """Ask a charger to stop its transaction. Raises StationError if it cannot or will not."""
        await self.station(key.charger).remote_stop(key.connector)

    async def reset(self, identity: str) -> None:
        """Ask a charger to restart. Raises StationError if it cannot or will not."""
        await self.station(identity).reset(hard=False)

    async def unlock(self, key: ConnectorKey) -> None:
        """Have a charger let go of a cable. Raises StationError if it cannot or will not."""
        status = await self.commands(key.charger).unlock_connector(key.connector)
        if status is not CommandStatus.UNLOCKED:
            raise CommandRejected(status)

    async def tell_status(self, key: ConnectorKey) -> None:
        """Have a charger tell how a connector stands. Raises StationError."""
        station = self.station(key.charger)
        await station.trigger(MessageTrigger.STATUS_NOTIFICATION, key.connector)

    async def set_in_service(self, key: ConnectorKey, in_service: bool) -> None:
        """Put a connector in or out of service; what runs may end first. Raises StationError."""
        kind = AvailabilityType.OPERATIVE if in_service else AvailabilityType.INOPERATIVE
        status = await self.commands(key.charger).change_availability(key.connector, kind)
        if status not in (CommandStatus.ACCEPTED, CommandStatus.SCHEDULED):
            raise CommandRejected(status)

    def transaction_id(self, key: ConnectorKey) -> int | None:
        """Return the transaction that runs at a connector; None if none is known to."""
        station = self._central.stations.get(key.charger)
        return None if station is None else station.transaction_id(key.connector)

    async def start_transaction(
        self,
        identity: str,
        id_tag: str,
        connector: int | None,
        profile: ChargingProfile | None = None,
        *,
        force: bool = False,
    ) -> CommandStatus:
        """Ask a charger to start a transaction, with a profile of the user's if one is given.

        Raises StationError if there is no answer; with a profile also ProfileRefused and
        StorageError.
        """
        if connector is not None:
            self._on_asked_back(ConnectorKey(identity, connector))
        if profile is not None:
            return await self.profiles.start_with(identity, id_tag, connector, profile, force=force)
        return await self.commands(identity).remote_start_transaction(id_tag, connector)

    async def change_configuration(
        self, identity: str, key: str, value: str
    ) -> ConfigurationChange:
        """Write a configuration key. Raises StationError if there is no answer."""
        station = self.station(identity)
        status = await station.commands.change_configuration(key, value)
        if status not in _DONE:
            return ConfigurationChange(status=status, warning=None)
        if tells_a_capability(key):
            await read_again(station)
        return ConfigurationChange(status=status, warning=warning_of(key, value))
