"""What happens to charging sessions, as entities that show it."""

import re
from typing import Any, override

from homeassistant.components.event import EventEntity, EventEntityDescription
from homeassistant.core import callback

from .entity import ConnectorEntity
from .site.session_events import SessionEvent, SessionKind

SESSION = EventEntityDescription(
    key="session", translation_key="session", event_types=list(SessionKind)
)
_NEXT_WORD = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=EV)(?=[A-Z])")


class SessionEventEntity(ConnectorEntity, EventEntity):
    """What happened last to a connector's session."""

    @override
    async def async_added_to_hass(self) -> None:
        """Listen to the site."""
        await super().async_added_to_hass()
        self.async_on_remove(self.coordinator.site.sessions.listen(self.key, self._happened))

    @override
    def refresh(self) -> tuple[object, ...]:
        """Follow nothing but whether the connector is there."""
        return (self.available,)

    @callback
    def _happened(self, event: SessionEvent) -> None:
        self._trigger_event(event.kind, self._told(event))
        self.async_write_ha_state()

    def _told(self, event: SessionEvent) -> dict[str, Any]:
        """Return what is told of an event; a tag is named, but its id stays secret."""
        charger = self.coordinator.snapshot.chargers.get(self.key.charger)
        tag = event.tag
        told: dict[str, Any] = {
            "charger": self.key.charger if charger is None else charger.name,
            "connector": self.key.connector,
            "tag": None if tag is None else tag.name or None,
            "person": None if tag is None else tag.person,
        }
        if event.kind in (SessionKind.STARTED, SessionKind.REFUSED):
            return told
        told["energy"] = None if event.energy_wh is None else round(event.energy_wh / 1000, 3)
        told["duration"] = round(event.duration_s)
        match event.kind:
            case SessionKind.ENDED:
                told["reason"] = _NEXT_WORD.sub("_", event.stop_reason).lower()
            case SessionKind.LIMITED:
                told |= {"limit": event.limit_a, **self._why(event)}
            case SessionKind.SUSPENDED:
                told |= {"by": "car" if event.by_car else "charger", **self._why(event)}
        return told

    def _why(self, event: SessionEvent) -> dict[str, Any]:
        reason = event.reason
        group = self.coordinator.snapshot.groups.get(reason.group_id or "")
        return {
            "reason": reason.rule,
            "group": None if group is None else group.name,
            "phase": reason.phase,
        }
