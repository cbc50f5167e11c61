"""Events of chargers: firmware that is installed, logs that have come, or not."""

from collections.abc import Iterator
from typing import override

from homeassistant.components.event import EventEntity, EventEntityDescription
from homeassistant.const import EntityCategory
from homeassistant.core import callback

from .coordinator import BalanzCoordinator
from .devices import ChargerDevice
from .entity import BalanzEntity, ChargerEntity
from .site.firmware_update import UpdateOutcome
from .site.uploads import UploadOutcome

INSTALLED = "installed"
FAILED = "failed"
RECEIVED = "received"

FIRMWARE_EVENT = EventEntityDescription(
    key="firmware",
    translation_key="firmware",
    entity_category=EntityCategory.DIAGNOSTIC,
    event_types=[INSTALLED, FAILED],
)

UPLOAD_EVENT = EventEntityDescription(
    key="upload",
    translation_key="upload",
    entity_category=EntityCategory.DIAGNOSTIC,
    event_types=[RECEIVED, FAILED],
)


def charger_events(coordinator: BalanzCoordinator, device: ChargerDevice) -> Iterator[BalanzEntity]:
    """Yield the events of a charger."""
    yield FirmwareEvent(coordinator, device, FIRMWARE_EVENT)
    yield UploadEvent(coordinator, device, UPLOAD_EVENT)


class FirmwareEvent(ChargerEntity, EventEntity):
    """A change of a charger's firmware has ended."""

    @override
    async def async_added_to_hass(self) -> None:
        """Listen to the site."""
        await super().async_added_to_hass()
        firmware = self.coordinator.site.firmware
        self.async_on_remove(firmware.subscribe(self.identity, self._ended))

    @override
    def refresh(self) -> tuple[object, ...]:
        """Return nothing: it follows no snapshot."""
        return ()

    @callback
    def _ended(self, outcome: UpdateOutcome) -> None:
        self._trigger_event(
            INSTALLED if outcome.failure is None else FAILED,
            {
                "version": outcome.version,
                "installed_version": outcome.installed,
                "reason": outcome.failure,
                "detail": outcome.detail or None,
            },
        )
        self.async_write_ha_state()


class UploadEvent(ChargerEntity, EventEntity):
    """A log of a charger has come, or will not."""

    @override
    async def async_added_to_hass(self) -> None:
        """Listen to the site."""
        await super().async_added_to_hass()
        uploads = self.coordinator.site.uploads
        self.async_on_remove(uploads.subscribe(self.identity, self._ended))

    @override
    def refresh(self) -> tuple[object, ...]:
        """Return nothing: it follows no snapshot."""
        return ()

    @callback
    def _ended(self, outcome: UploadOutcome) -> None:
        self._trigger_event(
            FAILED if outcome.path is None else RECEIVED,
            {
                "log_type": outcome.kind,
                "path": None if outcome.path is None else str(outcome.path),
                "size": outcome.size,
                "detail": outcome.detail or None,
            },
        )
        self.async_write_ha_state()
