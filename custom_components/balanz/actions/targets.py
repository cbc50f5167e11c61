"""What the target of an action means: connectors or groups, by device, entity, area or label.

What is named itself has to fit, or nothing is done. Of areas and labels, what fits is taken.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import CONF_EXCLUDE
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.target import TargetSelection, async_extract_referenced_entity_ids

from ..balancing.model import ConnectorKey
from ..const import DOMAIN
from ..coordinator import BalanzConfigEntry, BalanzCoordinator
from ..devices import ChargerDevice, GroupDevice, connector_device_id, device_id
from ..site import BalanzSite
from ..site.snapshot import ConnectorSnapshot, GroupSnapshot

LONGEST_SHOWN = 100
"""What users wrote is shown again in an error, but no more of it than that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectorTarget:
    """A connector of a running site."""

    coordinator: BalanzCoordinator
    charger: ChargerDevice
    key: ConnectorKey

    @property
    def site(self) -> BalanzSite:
        """The site that it belongs to."""
        return self.coordinator.site

    @property
    def name(self) -> str:
        """What users call it."""
        one = self.charger
        return one.name if one.connectors == 1 else f"{one.name} {self.key.connector}"

    @property
    def device_id(self) -> str:
        """The registry's id of its device; that of the charger where it has only one."""
        hass = self.coordinator.hass
        return connector_device_id(hass, self.charger, self.key.connector)

    @property
    def snapshot(self) -> ConnectorSnapshot | None:
        """How it stands now; None for a moment after it was set up."""
        charger = self.site.snapshot.chargers.get(self.key.charger)
        connectors = () if charger is None else charger.connectors
        return next((one for one in connectors if one.key == self.key), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupTarget:
    """A group of a running site."""

    coordinator: BalanzCoordinator
    group: GroupDevice

    @property
    def site(self) -> BalanzSite:
        """The site that it belongs to."""
        return self.coordinator.site

    @property
    def device_id(self) -> str:
        """The registry's id of its device."""
        return device_id(self.coordinator.hass, self.group.entry_id, self.group.unique_id)

    @property
    def snapshot(self) -> GroupSnapshot | None:
        """How it stands now; None for a moment after it was set up."""
        return self.site.snapshot.groups.get(self.group.id)


type Place = ConnectorTarget | GroupTarget


@dataclass(frozen=True, slots=True, kw_only=True)
class _Selection:
    """What a target selects of the running sites."""

    named: tuple[tuple[str, tuple[Place, ...]], ...]
    """Each device and entity that is named itself, and what it stands for."""
    nearby: tuple[Place, ...]
    """What is there in areas and on floors, and has labels."""
    excluded: frozenset[Place]
    """What the user leaves out of it."""


@callback
def targeted_connectors(hass: HomeAssistant, data: Mapping[str, Any]) -> list[ConnectorTarget]:
    """Return the connectors that are meant, each once. Raises ServiceValidationError.

    A group that is named itself stands for all connectors in it.
    """
    selection = _selection(hass, data)
    targets: dict[tuple[str, ConnectorKey], ConnectorTarget] = {}
    for told, places in selection.named:
        fitting = [one for place in places for one in _connectors_of(place)]
        if not fitting:
            raise _refused("target_no_charger", told)
        targets |= {(one.charger.entry_id, one.key): one for one in fitting}
    for place in selection.nearby:
        if isinstance(place, ConnectorTarget):
            targets[place.charger.entry_id, place.key] = place
    return _some(one for one in targets.values() if one not in selection.excluded)


@callback
def targeted_groups(hass: HomeAssistant, data: Mapping[str, Any]) -> list[GroupTarget]:
    """Return the groups that are meant, each once. Raises ServiceValidationError."""
    selection = _selection(hass, data)
    targets: dict[str, GroupTarget] = {}
    for told, places in selection.named:
        fitting = [place for place in places if isinstance(place, GroupTarget)]
        if not fitting:
            raise _refused("target_no_group", told)
        targets |= {one.group.unique_id: one for one in fitting}
    for place in selection.nearby:
        if isinstance(place, GroupTarget):
            targets[place.group.unique_id] = place
    return _some(one for one in targets.values() if one not in selection.excluded)


@callback
def targeted_places(hass: HomeAssistant, data: Mapping[str, Any]) -> list[Place]:
    """Return the groups and connectors that are meant, each once. Raises ServiceValidationError.

    A group that is named itself stands for all connectors in it as well.
    """
    selection = _selection(hass, data)
    targets: dict[Place, None] = {}
    for told, places in selection.named:
        if not places:
            raise _refused("target_unknown", told)
        for place in places:
            targets[place] = None
            targets |= dict.fromkeys(_connectors_of(place))
    targets |= dict.fromkeys(selection.nearby)
    return _some(one for one in targets if one not in selection.excluded)


@callback
def all_places(hass: HomeAssistant) -> list[Place]:
    """Return all groups and connectors of the running sites."""
    places = {place: None for found in _by_name(hass).values() for place in found}
    return list(places)


def _some[T: Place](targets: Iterable[T]) -> list[T]:
    found = list(targets)
    if not found:
        raise ServiceValidationError(translation_domain=DOMAIN, translation_key="target_empty")
    return found


def _refused(key: str, told: str) -> ServiceValidationError:
    return ServiceValidationError(
        translation_domain=DOMAIN,
        translation_key=key,
        translation_placeholders={"target": told[:LONGEST_SHOWN]},
    )


def _selection(hass: HomeAssistant, data: Mapping[str, Any]) -> _Selection:
    """Look up a target. Raises ServiceValidationError for areas and labels that do not exist."""
    # Home Assistant would leave out entities, but not the devices that are named themselves.
    target = TargetSelection({key: value for key, value in data.items() if key != CONF_EXCLUDE})
    selected = async_extract_referenced_entity_ids(hass, target, primary_entities_only=False)
    unknown = selected.missing_areas | selected.missing_floors | selected.missing_labels
    if unknown:
        raise _refused("target_unknown", min(unknown))
    by_name = _by_name(hass)
    devices, entities = dr.async_get(hass), er.async_get(hass)

    def of_device(id_: str | None) -> tuple[Place, ...]:
        device = None if id_ is None else devices.async_get(id_)
        names = () if device is None else device.identifiers
        return tuple(
            place for domain, name in names if domain == DOMAIN for place in by_name.get(name, ())
        )

    def device_of(entity_id: str) -> str | None:
        entry = entities.async_get(entity_id)
        return None if entry is None else entry.device_id

    named = [(one, of_device(one)) for one in sorted(target.device_ids)]
    named += [(one, of_device(device_of(one))) for one in sorted(selected.referenced)]
    nearby = selected.referenced_devices - target.device_ids
    nearby |= {found for one in selected.indirectly_referenced if (found := device_of(one))}
    excluded = _all_of(_selection(hass, data[CONF_EXCLUDE])) if CONF_EXCLUDE in data else ()
    return _Selection(
        named=tuple(named),
        nearby=tuple(place for one in sorted(nearby) for place in of_device(one)),
        excluded=frozenset(excluded),
    )


def _all_of(selection: _Selection) -> Iterator[Place]:
    """Yield all that is selected; a group that is named itself stands for its connectors too."""
    for _, places in selection.named:
        for place in places:
            yield place
            yield from _connectors_of(place)
    yield from selection.nearby


def _by_name(hass: HomeAssistant) -> dict[str, tuple[Place, ...]]:
    """Return what each device of the running sites stands for, by what names it for ever."""
    by_name: dict[str, tuple[Place, ...]] = {}
    entries: list[BalanzConfigEntry] = hass.config_entries.async_loaded_entries(DOMAIN)
    for entry in entries:
        if entry.state is not ConfigEntryState.LOADED:
            continue
        coordinator = entry.runtime_data
        for device in coordinator.devices.values():
            if isinstance(device, GroupDevice):
                by_name[device.unique_id] = (GroupTarget(coordinator=coordinator, group=device),)
                continue
            connectors = tuple(
                ConnectorTarget(coordinator=coordinator, charger=device, key=key)
                for key in device.connector_keys
            )
            by_name |= {device.connector_unique_id(one.key.connector): (one,) for one in connectors}
            by_name[device.unique_id] = connectors
    return by_name


def _connectors_of(place: Place) -> Iterator[ConnectorTarget]:
    """Yield a connector itself, or those in a group and in all groups inside it."""
    if isinstance(place, ConnectorTarget):
        yield place
        return
    devices = place.coordinator.devices.values()
    parents = {one.id: one.parent_id for one in devices if isinstance(one, GroupDevice)}
    for charger in devices:
        if not isinstance(charger, ChargerDevice):
            continue
        group_id: str | None = charger.group_id
        while group_id is not None and group_id != place.group.id:
            group_id = parents[group_id]
        if group_id is not None:
            for key in charger.connector_keys:
                yield ConnectorTarget(coordinator=place.coordinator, charger=charger, key=key)
