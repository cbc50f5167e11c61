"""What all entities of balanz have in common."""

from abc import abstractmethod
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, override

from homeassistant.core import Context, Event, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.device_registry import ChildDeviceInfo, DeviceInfo
from homeassistant.helpers.entity import EntityDescription

from .balancing.model import ConnectorKey
from .const import DOMAIN
from .coordinator import BalanzCoordinator
from .csms.station import StationError
from .devices import ChargerDevice, Device, GroupDevice, connector_device_info, device_id
from .lean_entity import LeanEntity
from .site.snapshot import ChargerSnapshot, ConnectorSnapshot, GroupSnapshot
from .storage.journal import StorageError

_ORIGIN: Event[Any] = Event(DOMAIN)
"""Where states come from that no user asked for: what chargers and meters say."""


@contextmanager
def recorded() -> Iterator[None]:
    """Make a change that has to be recorded. Raises HomeAssistantError if it cannot be."""
    try:
        yield
    except StorageError as error:
        raise HomeAssistantError(
            translation_domain=DOMAIN,
            translation_key="storage_failing",
            translation_placeholders={"error": str(error)},
        ) from error


async def ask_charger(answer: Awaitable[None], identity: str) -> None:
    """Wait for a charger's answer. Raises HomeAssistantError if it refuses or cannot hear."""
    try:
        await answer
    except StationError as error:
        raise HomeAssistantError(
            translation_domain=DOMAIN,
            translation_key="charger_refused",
            translation_placeholders={"charger": identity, "error": str(error)},
        ) from error


@lru_cache(maxsize=64)
def _device_info(unique_id: str) -> DeviceInfo:
    """Return how a device is named; its entities, which are made one after the other, share it."""
    return DeviceInfo(identifiers={(DOMAIN, unique_id)})


class BalanzEntity(LeanEntity):
    """An entity that shows a part of the site's snapshot."""

    __slots__ = (
        "_context",
        "_context_set",
        "_device_info",
        "_device_key",
        "_measurement",
        "_shown",
        "_unique_id",
        "coordinator",
    )

    def __init__(
        self,
        coordinator: BalanzCoordinator,
        device: Device,
        description: EntityDescription,
        *,
        unique_id: str,
        measurement: bool = False,
    ) -> None:
        """Stand for a part of a device."""
        self.coordinator = coordinator
        self.entity_description = description
        self._context: Context | None = None
        self._context_set: float | None = None
        self._device_key = device.key
        self._measurement = measurement
        self._shown: tuple[object, ...] = ()
        self._unique_id = f"{unique_id}_{description.key}"
        self._device_info: DeviceInfo | ChildDeviceInfo = _device_info(device.unique_id)

    @property
    @override
    def unique_id(self) -> str:
        """What it is known by, whatever it is called."""
        return self._unique_id

    @property
    @override
    def device_info(self) -> DeviceInfo | ChildDeviceInfo:
        """Which device it belongs to."""
        return self._device_info

    @abstractmethod
    def refresh(self) -> tuple[object, ...]:
        """Take over the newest snapshot; return all that the entity shows of it."""

    @override
    async def async_added_to_hass(self) -> None:
        """Follow the device's snapshot."""
        await super().async_added_to_hass()
        self.coordinator.subscribe(
            self._device_key, self._snapshot_changed, measurement=self._measurement
        )
        self.coordinator.track_entity(self._device_key, self)
        self._shown = self.refresh()

    @override
    async def async_will_remove_from_hass(self) -> None:
        """Follow it no more. A function for each entity to call then would take memory."""
        self.coordinator.forget_entity(self._device_key, self)
        self.coordinator.unsubscribe(
            self._device_key, self._snapshot_changed, measurement=self._measurement
        )
        await super().async_will_remove_from_hass()

    @callback
    def _snapshot_changed(self) -> None:
        shown = self.refresh()
        if shown != self._shown:
            self._shown = shown
            if self._context is None or self._context.origin_event is _ORIGIN:
                self.async_set_context(_pushed())
            self.async_write_ha_state()


def _pushed() -> Context:
    """Return a context for a state that balanz writes by itself.

    Without an origin, the event of the state would become that of its own context: a ring with the
    states in it, which only a full round of the garbage collector finds. At large sites there are
    hundreds of them a second, and such a round stalls the loop.
    """
    context = Context()
    context.origin_event = _ORIGIN
    return context


class GroupEntity(BalanzEntity):
    """An entity of a group. Groups are always available: balanz itself is what they show."""

    __slots__ = ("group_id",)

    def __init__(
        self,
        coordinator: BalanzCoordinator,
        device: GroupDevice,
        description: EntityDescription,
        *,
        measurement: bool = False,
    ) -> None:
        """Stand for a part of a group."""
        super().__init__(
            coordinator,
            device,
            description,
            unique_id=device.unique_id,
            measurement=measurement,
        )
        self.group_id = device.id

    @property
    def group_snapshot(self) -> GroupSnapshot | None:
        """The newest snapshot of the group."""
        return self.coordinator.snapshot.groups.get(self.group_id)


class ChargerEntity(BalanzEntity):
    """An entity of a charger as a whole."""

    __slots__ = ("identity",)

    def __init__(
        self,
        coordinator: BalanzCoordinator,
        device: ChargerDevice,
        description: EntityDescription,
    ) -> None:
        """Stand for a part of a charger."""
        super().__init__(coordinator, device, description, unique_id=device.unique_id)
        self.identity = device.identity

    @property
    def charger(self) -> ChargerSnapshot | None:
        """The newest snapshot of the charger."""
        return self.coordinator.snapshot.chargers.get(self.identity)


class ConnectorEntity(BalanzEntity):
    """An entity of a connector; on the charger's own device where it has only one."""

    __slots__ = ("_needs_connection", "key")

    def __init__(
        self,
        coordinator: BalanzCoordinator,
        device: ChargerDevice,
        key: ConnectorKey,
        description: EntityDescription,
        *,
        needs_connection: bool = True,
        measurement: bool = False,
    ) -> None:
        """Stand for a part of a connector."""
        super().__init__(
            coordinator,
            device,
            description,
            unique_id=device.connector_unique_id(key.connector),
            measurement=measurement,
        )
        self.key = key
        self._needs_connection = needs_connection
        if device.connectors > 1:
            charger_id = device_id(coordinator.hass, device.entry_id, device.unique_id)
            self._device_info = connector_device_info(device, key.connector, charger_id)

    @property
    @override
    def translation_key(self) -> str | None:
        """What its description says."""
        return self.entity_description.translation_key

    @property
    def connector(self) -> ConnectorSnapshot | None:
        """The newest snapshot of the connector."""
        charger = self.coordinator.snapshot.chargers.get(self.key.charger)
        if charger is None:
            return None
        return next((one for one in charger.connectors if one.key == self.key), None)

    @property
    @override
    def available(self) -> bool:
        """Whether there is something to show: most of it ends with the charger's link."""
        charger = self.coordinator.snapshot.chargers.get(self.key.charger)
        if charger is None or self.connector is None:
            return False
        return charger.connected or not self._needs_connection
