"""The devices of a site: groups and chargers, and the connectors of the larger ones."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import area_registry as ar
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er

from .balancing.model import ROOT_GROUP_ID, ConnectorKey
from .balancing.phases import Phase
from .const import DOMAIN, SUBENTRY_CHARGER, SUBENTRY_GROUP
from .csms.events import BootInfo
from .entity_choice import EntityChoice
from .entry_settings import EntrySettings

type Device = GroupDevice | ChargerDevice


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupDevice:
    """A group; the root group is the site itself."""

    entry_id: str
    id: str
    name: str
    parent_id: str | None
    phases: tuple[Phase, ...]
    metered: bool
    subentry_id: str | None
    entities: EntityChoice

    @property
    def key(self) -> str:
        """What names it among the devices of the site."""
        return f"{SUBENTRY_GROUP}:{self.id}"

    @property
    def unique_id(self) -> str:
        """What names it for ever, and over all sites."""
        return f"{self.entry_id}_{self.id}"

    @property
    def shape(self) -> tuple[object, ...]:
        """What decides which entities it has."""
        return (self.phases, self.metered, self.subentry_id, self.entities)

    @property
    def is_site(self) -> bool:
        """Whether it is the root group."""
        return self.id == ROOT_GROUP_ID


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargerDevice:
    """A charger."""

    entry_id: str
    identity: str
    name: str
    group_id: str
    group_name: str
    lines: int
    minimum_a: float
    connectors: int
    has_upstream: bool
    """Whether it is passed on to another back office."""
    subentry_id: str
    entities: EntityChoice

    @property
    def key(self) -> str:
        """What names it among the devices of the site."""
        return f"{SUBENTRY_CHARGER}:{self.identity}"

    @property
    def unique_id(self) -> str:
        """What names it for ever, and over all sites."""
        return f"{self.entry_id}_{SUBENTRY_CHARGER}_{self.identity}"

    @property
    def shape(self) -> tuple[object, ...]:
        """What decides which entities it has, and what they allow."""
        return (
            self.lines,
            self.connectors,
            self.minimum_a,
            self.has_upstream,
            self.subentry_id,
            self.entities,
        )

    @property
    def connector_keys(self) -> tuple[ConnectorKey, ...]:
        """Its connectors."""
        return tuple(ConnectorKey(self.identity, n + 1) for n in range(self.connectors))

    def connector_unique_id(self, connector: int) -> str:
        """Return what names a connector for ever, whether it is a device of its own or not."""
        return f"{self.unique_id}_{connector}"


def devices_of(entry: ConfigEntry, settings: EntrySettings) -> dict[str, Device]:
    """Return all devices by key, parents first."""
    devices: dict[str, Device] = {}
    groups = {group.id: group for group in settings.site.groups}
    of_groups = replace(settings.entities, kinds=None)

    def add_group(group_id: str) -> None:
        group = groups[group_id]
        device = GroupDevice(
            entry_id=entry.entry_id,
            id=group.id,
            name=group.name,
            parent_id=group.parent_id,
            phases=group.phases,
            metered=group.metered,
            subentry_id=settings.subentry_ids.get(f"{SUBENTRY_GROUP}:{group.id}"),
            entities=of_groups,
        )
        if device.key in devices:
            return
        if group.parent_id is not None:
            add_group(group.parent_id)
        devices[device.key] = device

    for group_id in groups:
        add_group(group_id)
    for charger in settings.site.chargers:
        device = ChargerDevice(
            entry_id=entry.entry_id,
            identity=charger.identity,
            name=charger.name,
            group_id=charger.group_id,
            group_name=groups[charger.group_id].name,
            lines=charger.phases,
            minimum_a=charger.minimum_a,
            connectors=charger.connectors,
            has_upstream=charger.upstream is not None,
            subentry_id=settings.subentry_ids[f"{SUBENTRY_CHARGER}:{charger.identity}"],
            entities=settings.entities,
        )
        devices[device.key] = device
    return devices


@callback
def register_group(hass: HomeAssistant, device: GroupDevice) -> None:
    """Write a group to the device registry; its parent must be there."""
    registry = dr.async_get(hass)
    via_device_id = None
    if device.parent_id is not None:
        via_device_id = device_id(hass, device.entry_id, f"{device.entry_id}_{device.parent_id}")
    registry.async_get_or_create(
        config_entry_id=device.entry_id,
        config_subentry_id=device.subentry_id,
        entry_type=dr.DeviceEntryType.SERVICE,
        identifiers={(DOMAIN, device.unique_id)},
        manufacturer="balanz",
        model="Site" if device.is_site else "Group",
        name=device.name,
        suggested_area=_area_named(hass, device.name),
        via_device_id=via_device_id,
    )


@callback
def register_charger(hass: HomeAssistant, device: ChargerDevice, boot: BootInfo | None) -> None:
    """Write a charger and its connectors to the device registry; its group must be there."""
    registry = dr.async_get(hass)
    via_device_id = device_id(hass, device.entry_id, f"{device.entry_id}_{device.group_id}")
    charger = registry.async_get_or_create(
        config_entry_id=device.entry_id,
        config_subentry_id=device.subentry_id,
        identifiers={(DOMAIN, device.unique_id)},
        name=device.name,
        suggested_area=_area_named(hass, device.name, device.group_name),
        via_device_id=via_device_id,
    )
    if boot is not None:
        registry.async_update_device(
            charger.id,
            manufacturer=boot.vendor or None,
            model=boot.model or None,
            serial_number=boot.serial or None,
            sw_version=boot.firmware or None,
        )
    if device.connectors > 1:
        for key in device.connector_keys:
            registry.async_get_or_create_child(
                config_entry_id=device.entry_id,
                config_subentry_id=device.subentry_id,
                **connector_device_info(device, key.connector, charger.id),
            )
    _remove_stale_connectors(hass, device, charger.id)


def connector_device_info(
    device: ChargerDevice, connector: int, charger_id: str
) -> dr.ChildDeviceInfo:
    """Return the part of a charger's device that a connector is, where it has several."""
    return dr.ChildDeviceInfo(
        identifiers={(DOMAIN, device.connector_unique_id(connector))},
        parent_device_id=charger_id,
        translation_key="connector",
        translation_placeholders={"number": str(connector)},
    )


def _area_named(hass: HomeAssistant, *names: str) -> str | None:
    """Return the first name that an area has; a new device begins there. None makes no area."""
    areas = ar.async_get(hass)
    return next((name for name in names if areas.async_get_area_by_name(name)), None)


def _remove_stale_connectors(hass: HomeAssistant, device: ChargerDevice, charger_id: str) -> None:
    """Remove connectors that the charger has no more; a last one merges into the charger."""
    registry = dr.async_get(hass)
    entities = er.async_get(hass)
    first = (DOMAIN, device.connector_unique_id(1))
    kept = {
        (DOMAIN, device.connector_unique_id(key.connector))
        for key in device.connector_keys
        if device.connectors > 1
    }
    for child in dr.async_entries_for_parent_device(registry, charger_id):
        if child.identifiers & kept:
            continue
        if first in child.identifiers:
            for entity in er.async_entries_for_device(
                entities, child.id, include_disabled_entities=True
            ):
                entities.async_update_entity(entity.entity_id, device_id=charger_id)
        registry.async_remove_device(child.id)


def device_of(devices: Iterable[Device], identifiers: Collection[tuple[str, str]]) -> Device | None:
    """Return the device that goes by one of the identifiers; connectors are their charger's."""
    for device in devices:
        names = {device.unique_id}
        if isinstance(device, ChargerDevice):
            names |= {device.connector_unique_id(key.connector) for key in device.connector_keys}
        if any(domain == DOMAIN and name in names for domain, name in identifiers):
            return device
    return None


def device_id(hass: HomeAssistant, entry_id: str, unique_id: str) -> str:
    """Return the registry's id of a registered device."""
    return dr.async_get_device_id_by_identifier(hass, (DOMAIN, unique_id), config_entry_id=entry_id)


def connector_device_id(hass: HomeAssistant, device: ChargerDevice, connector: int) -> str:
    """Return the registry's id of a connector's device: the charger's own, or a part of it."""
    name = (DOMAIN, device.connector_unique_id(connector))
    child = dr.async_get(hass).async_get_child_device_by_identifier(name, device.entry_id)
    return device_id(hass, device.entry_id, device.unique_id) if child is None else child.id
