"""Events: tags that are shown, sessions, what happens at the door, and to firmware."""

from collections.abc import Iterator
from typing import override

from homeassistant.components.event import EventEntity, EventEntityDescription
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .charger_events import charger_events
from .coordinator import BalanzConfigEntry, BalanzCoordinator
from .csms.events import TagOutcome, TagShown
from .devices import ChargerDevice, Device, GroupDevice
from .entity import BalanzEntity, GroupEntity
from .security_event_entity import SECURITY, SecurityEventEntity
from .session_events import SESSION, SessionEventEntity
from .storage.tags import Tag

PARALLEL_UPDATES = 0

TAG = EventEntityDescription(key="tag", translation_key="tag", event_types=list(TagOutcome))


async def async_setup_entry(
    _hass: HomeAssistant,
    entry: BalanzConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the events of a site."""
    await entry.runtime_data.async_add_platform(Platform.EVENT, async_add_entities, _events)


def _events(coordinator: BalanzCoordinator, device: Device) -> Iterator[BalanzEntity]:
    if isinstance(device, GroupDevice) and device.is_site:
        yield TagEvent(coordinator, device, TAG)
    elif isinstance(device, ChargerDevice):
        yield from charger_events(coordinator, device)
        yield SecurityEventEntity(coordinator, device, SECURITY)
        for key in device.connector_keys:
            yield SessionEventEntity(coordinator, device, key, SESSION, needs_connection=False)


class TagEvent(GroupEntity, EventEntity):
    """A tag was accepted or refused, or the user is asked about it."""

    # Whoever knows a tag's id can copy the tag; it is told, but not kept.
    _unrecorded_attributes = frozenset({"id"})

    @override
    async def async_added_to_hass(self) -> None:
        """Listen to the site."""
        await super().async_added_to_hass()
        tags = self.coordinator.site.tags
        tags.on_shown = self._shown_tag

        @callback
        def stop_listening() -> None:
            tags.on_shown = None

        self.async_on_remove(stop_listening)

    @override
    def refresh(self) -> tuple[object, ...]:
        """Return nothing: it follows no snapshot."""
        return ()

    @callback
    def _shown_tag(self, shown: TagShown, tag: Tag | None) -> None:
        charger = self.coordinator.snapshot.chargers.get(shown.identity)
        self._trigger_event(
            shown.outcome,
            {
                "id": shown.id_tag,
                "name": None if tag is None else tag.label,
                "person": None if tag is None else tag.person,
                "charger": shown.identity if charger is None else charger.name,
                "identity": shown.identity,
                "connector": shown.connector,
                "status": shown.status,
            },
        )
        self.async_write_ha_state()
