"""The event of a charger that tells what concerns who gets in as it."""

from typing import override

from homeassistant.components.event import EventEntity, EventEntityDescription
from homeassistant.const import EntityCategory
from homeassistant.core import callback

from .csms.security_events import SecurityEvent
from .entity import ChargerEntity
from .security_events import KINDS, kind_of, told_by

SECURITY = EventEntityDescription(
    key="security",
    translation_key="security",
    event_types=list(KINDS.values()),
    entity_category=EntityCategory.DIAGNOSTIC,
)


class SecurityEventEntity(ChargerEntity, EventEntity):
    """Somebody was refused in a charger's name, it has come in another way, or it reports."""

    @override
    async def async_added_to_hass(self) -> None:
        """Listen at the door."""
        await super().async_added_to_hass()
        self.async_on_remove(self.coordinator.listen_at_door(self.identity, self._security_event))

    @override
    def refresh(self) -> tuple[object, ...]:
        """Return nothing: it follows no snapshot."""
        return ()

    @callback
    def _security_event(self, event: SecurityEvent) -> None:
        self._trigger_event(kind_of(event), told_by(event))
        self.async_write_ha_state()
