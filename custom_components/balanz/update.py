"""Updates: the firmware of each charger, and what the catalogue has for it."""

from collections.abc import Iterator
from typing import Any, override

from homeassistant.components.update import (
    UpdateDeviceClass,
    UpdateEntity,
    UpdateEntityDescription,
)
from homeassistant.components.update.const import UpdateEntityFeature
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .const import DOMAIN
from .coordinator import BalanzConfigEntry, BalanzCoordinator
from .devices import Device, GroupDevice
from .entity import BalanzEntity, ChargerEntity
from .site.firmware_update import UpdateOutcome
from .site.firmware_updates import NoUpdate
from .site.snapshot import FirmwareSnapshot

# The site itself lets one charger after the other have its turn.
PARALLEL_UPDATES = 0

FIRMWARE = UpdateEntityDescription(
    key="firmware", translation_key="firmware", device_class=UpdateDeviceClass.FIRMWARE
)


async def async_setup_entry(
    _hass: HomeAssistant,
    entry: BalanzConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the updates of a site."""
    await entry.runtime_data.async_add_platform(Platform.UPDATE, async_add_entities, _updates)


def _updates(coordinator: BalanzCoordinator, device: Device) -> Iterator[BalanzEntity]:
    if not isinstance(device, GroupDevice):
        yield FirmwareUpdateEntity(coordinator, device, FIRMWARE)


class FirmwareUpdateEntity(ChargerEntity, UpdateEntity):
    """The firmware of a charger."""

    _attr_supported_features = (
        UpdateEntityFeature.INSTALL
        | UpdateEntityFeature.PROGRESS
        | UpdateEntityFeature.RELEASE_NOTES
    )

    @override
    def refresh(self) -> tuple[object, ...]:
        """Take over what is installed, what could be, and how a change goes."""
        firmware = self._firmware
        self._attr_installed_version = firmware.installed
        # Where the catalogue has nothing newer, what is there is the latest that is known of.
        self._attr_latest_version = firmware.latest or firmware.installed
        retry_at = firmware.retry_at
        self._attr_extra_state_attributes = {
            "next_try": None if retry_at is None else retry_at.isoformat(timespec="seconds"),
            "last_failure": firmware.failure,
        }
        return (firmware,)

    @property
    @override
    def in_progress(self) -> bool:
        """Whether a change is asked for; it may still have to wait for its turn."""
        return self._firmware.stage is not None

    @property
    @override
    def update_percentage(self) -> int | None:
        """How much of it is done; None where the charger has not told."""
        return self._firmware.percentage

    @override
    def version_is_newer(self, latest_version: str, installed_version: str) -> bool:
        """Return True: the catalogue has decided already, and knows how vendors count."""
        return True

    @override
    async def async_release_notes(self) -> str | None:
        """Return what is new."""
        return self._firmware.release_notes or None

    @override
    async def async_install(self, version: str | None, backup: bool, **kwargs: Any) -> None:
        """Have the charger install the newest firmware; where it has to wait, it is in line.

        Raises HomeAssistantError if it begins at once and fails.
        """
        try:
            outcome = await self.coordinator.site.firmware.install(self.identity)
        except NoUpdate as error:
            raise ServiceValidationError(
                translation_domain=DOMAIN, translation_key="firmware_none"
            ) from error
        if outcome is not None and outcome.failure is not None:
            raise self._failed(outcome)

    @property
    def _firmware(self) -> FirmwareSnapshot:
        return FirmwareSnapshot() if self.charger is None else self.charger.firmware

    def _failed(self, outcome: UpdateOutcome) -> HomeAssistantError:
        return HomeAssistantError(
            translation_domain=DOMAIN,
            translation_key=f"update_{outcome.failure}",
            translation_placeholders={
                "charger": self.coordinator.devices[self._device_key].name,
                "version": outcome.version,
                "detail": outcome.detail,
            },
        )
