"""Sensors of a charger as a whole: its link, and what it told of its firmware and its logs."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import override

from homeassistant.components.sensor import SensorEntityDescription
from homeassistant.components.sensor.const import SensorDeviceClass, SensorStateClass
from homeassistant.const import EntityCategory

from .coordinator import BalanzCoordinator
from .devices import ChargerDevice
from .entity import ChargerEntity
from .lean_entity import LeanSensorEntity
from .site.snapshot import ChargerSnapshot


@dataclass(frozen=True, kw_only=True)
class ChargerSensorDescription(SensorEntityDescription):
    """Describes a sensor of a charger."""

    value_fn: Callable[[ChargerSnapshot], str | int | datetime | None]
    """Returns a status as one of the options; None where there is none that is known."""


FIRMWARE_STATUSES = {
    "Downloaded": "downloaded",
    "DownloadFailed": "download_failed",
    "Downloading": "downloading",
    "DownloadPaused": "download_paused",
    "DownloadScheduled": "download_scheduled",
    "Idle": "idle",
    "InstallationFailed": "installation_failed",
    "Installed": "installed",
    "Installing": "installing",
    "InstallRebooting": "install_rebooting",
    "InstallScheduled": "install_scheduled",
    "InstallVerificationFailed": "install_verification_failed",
    "InvalidSignature": "invalid_signature",
    "SignatureVerified": "signature_verified",
}
UPLOAD_STATUSES = {
    "BadMessage": "bad_message",
    "Idle": "idle",
    "NotSupportedOperation": "not_supported_operation",
    "PermissionDenied": "permission_denied",
    "Uploaded": "uploaded",
    "UploadFailed": "upload_failed",
    "UploadFailure": "upload_failed",
    "Uploading": "uploading",
}
"""Of both GetDiagnostics and GetLog, which name a failure differently."""

CHARGER_SENSORS = (
    ChargerSensorDescription(
        key="connected_since",
        translation_key="connected_since",
        device_class=SensorDeviceClass.TIMESTAMP,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        value_fn=lambda charger: charger.connected_at,
    ),
    ChargerSensorDescription(
        key="connections",
        translation_key="connections",
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        state_class=SensorStateClass.TOTAL_INCREASING,
        value_fn=lambda charger: charger.connections,
    ),
    ChargerSensorDescription(
        key="last_message",
        translation_key="last_message",
        device_class=SensorDeviceClass.TIMESTAMP,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        value_fn=lambda charger: charger.heard_at,
    ),
)
TOLD_SENSORS = (
    ChargerSensorDescription(
        key="firmware_status",
        translation_key="firmware_status",
        device_class=SensorDeviceClass.ENUM,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        options=list(FIRMWARE_STATUSES.values()),
        value_fn=lambda charger: FIRMWARE_STATUSES.get(charger.firmware_status or ""),
    ),
    ChargerSensorDescription(
        key="upload_status",
        translation_key="upload_status",
        device_class=SensorDeviceClass.ENUM,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        options=list(dict.fromkeys(UPLOAD_STATUSES.values())),
        value_fn=lambda charger: UPLOAD_STATUSES.get(charger.diagnostics_status or ""),
    ),
)
"""What not all chargers tell; each is shown from when it first was."""


def charger_sensors(
    coordinator: BalanzCoordinator, device: ChargerDevice
) -> Iterator[ChargerSensor]:
    """Yield the sensors of a charger."""
    for description in CHARGER_SENSORS:
        yield ChargerSensor(coordinator, device, description)


class ChargerSensor(ChargerEntity, LeanSensorEntity):
    """What a charger told last, and how it was heard."""

    entity_description: ChargerSensorDescription

    @override
    def refresh(self) -> tuple[object, ...]:
        """Take over the value; unknown before there was one, or where it is none of OCPP's."""
        charger = self.charger
        self._attr_native_value = (
            None if charger is None else self.entity_description.value_fn(charger)
        )
        return (self._attr_native_value,)
