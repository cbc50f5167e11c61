"""Sensors of a charger as a whole: its links, its firmware, and what that is proven to do."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, override

from homeassistant.components.sensor import SensorEntityDescription
from homeassistant.components.sensor.const import SensorDeviceClass, SensorStateClass
from homeassistant.const import EntityCategory

from .coordinator import BalanzCoordinator
from .devices import ChargerDevice
from .entity import BalanzEntity, ChargerEntity
from .lean_entity import LeanSensorEntity
from .site.snapshot import ChargerSnapshot, ProofSnapshot
from .storage.proofs import Fact, ProofLevel


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


PROOF_NOT_TRIED, PROOF_RUNNING, PROOF_FAILED = "not_tried", "running", "failed"
PROOF_STATES = {
    ProofLevel.ACCEPTED: "accepted",
    ProofLevel.LAPSE_SEEN: "lapse_seen",
    ProofLevel.PROVEN: "proven",
}

FALLBACK_PROOF = SensorEntityDescription(
    key="fallback_proof",
    translation_key="fallback_proof",
    device_class=SensorDeviceClass.ENUM,
    entity_category=EntityCategory.DIAGNOSTIC,
    options=[PROOF_NOT_TRIED, PROOF_RUNNING, PROOF_FAILED, *PROOF_STATES.values()],
)

UPSTREAM_QUEUE = SensorEntityDescription(
    key="upstream_queue",
    translation_key="upstream_queue",
    entity_category=EntityCategory.DIAGNOSTIC,
    state_class=SensorStateClass.MEASUREMENT,
)


def charger_sensors(
    coordinator: BalanzCoordinator, device: ChargerDevice
) -> Iterator[BalanzEntity]:
    """Yield the sensors of a charger."""
    yield FallbackProofSensor(coordinator, device, FALLBACK_PROOF)
    for description in CHARGER_SENSORS:
        yield ChargerSensor(coordinator, device, description)
    if device.has_upstream:
        yield UpstreamQueueSensor(coordinator, device, UPSTREAM_QUEUE)


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


class FallbackProofSensor(ChargerEntity, LeanSensorEntity):
    """What a charger's firmware was seen to do with a limit that nobody renews."""

    @override
    def refresh(self) -> tuple[object, ...]:
        """Take over how far it is proven, what is being tried and what was not seen."""
        charger = self.charger
        if charger is None:
            return (False,)
        shown = charger.proof
        findings = {} if shown.proof is None else shown.proof.findings
        seen_at = max((finding.seen_at for finding in findings.values()), default=None)
        attributes: dict[str, Any] = {
            "step": shown.running,
            "failed_step": shown.failed,
            "seen_at": None if seen_at is None else seen_at.isoformat(timespec="seconds"),
        }
        for fact in Fact:
            attributes[fact] = findings[fact].holds if fact in findings else None
        self._attr_native_value = _proof_state(shown)
        self._attr_extra_state_attributes = attributes
        return (self._attr_native_value, *attributes.values())


def _proof_state(shown: ProofSnapshot) -> str:
    if shown.running is not None:
        return PROOF_RUNNING
    level = ProofLevel.NOTHING if shown.proof is None else shown.proof.level
    if level is ProofLevel.NOTHING:
        return PROOF_NOT_TRIED if shown.failed is None else PROOF_FAILED
    return PROOF_STATES[level]


class UpstreamQueueSensor(ChargerEntity, LeanSensorEntity):
    """How many messages the back office of a charger has to be told later."""

    @override
    def refresh(self) -> tuple[object, ...]:
        """Take over the number, and what was given up."""
        upstream = None if self.charger is None else self.charger.upstream
        value = None if upstream is None else upstream.waiting
        attributes = {
            "refused": None if upstream is None else upstream.parked,
            "thinned": None if upstream is None else upstream.thinned,
        }
        self._attr_native_value = value
        self._attr_extra_state_attributes = attributes
        return (value, *attributes.values())
