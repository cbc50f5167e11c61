"""The security extension of OCPP 1.6 (security whitepaper, edition 3), to plain values and back."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Protocol

from .credentials import authorization_key
from .events import StationEvent
from .lenient import text, timestamp
from .rpc_frames import Payload
from .security_events import SecurityReported
from .security_profile import SecurityProfile
from .station_errors import CommandRejected, StationError, StationUnreachable

MAX_TYPE_LENGTH = 50
MAX_INFO_LENGTH = 255
MAX_CERTIFICATES = 100
"""Certificates of one answer that are read; no charger has more."""

type Handler = Callable[[Payload], Awaitable[Payload]]


class CertificateUse(StrEnum):
    """What a root in a charger is for."""

    CENTRAL_SYSTEM = "CentralSystemRootCertificate"
    MANUFACTURER = "ManufacturerRootCertificate"


class LogType(StrEnum):
    """What a charger keeps."""

    DIAGNOSTICS = "DiagnosticsLog"
    SECURITY = "SecurityLog"


class ExtendedTrigger(StrEnum):
    """What a charger can be asked to send now."""

    BOOT = "BootNotification"
    FIRMWARE_STATUS = "FirmwareStatusNotification"
    HEARTBEAT = "Heartbeat"
    LOG_STATUS = "LogStatusNotification"
    METER_VALUES = "MeterValues"
    SIGN_CERTIFICATE = "SignChargePointCertificate"
    STATUS = "StatusNotification"


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateHash:
    """What names a certificate in a charger, as the charger itself tells it."""

    algorithm: str
    issuer_name: str
    issuer_key: str
    serial_number: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedFirmware:
    """A firmware that a charger installs only if its signature is right."""

    location: str
    retrieve_at: datetime
    certificate: str
    """Of who signed it, as PEM."""
    signature: str
    """In Base64."""
    install_at: datetime | None = None


class ReportingStation(Protocol):
    """What a charger's reports about its security change."""

    identity: str

    def emit(self, event: StationEvent) -> None:
        """Tell the world."""
        ...

    def wants_certificate(self, csr_pem: str) -> bool:
        """Learn that it wants a certificate; return whether it will get one."""
        ...


def security_handlers(station: ReportingStation) -> Mapping[str, Handler]:
    """Return who serves the messages of the extension that say more than that they came."""

    async def security_event(payload: Payload) -> Payload:
        station.emit(
            SecurityReported(
                identity=station.identity,
                type=text(payload.get("type"), MAX_TYPE_LENGTH),
                info=text(payload.get("techInfo"), MAX_INFO_LENGTH),
                at=timestamp(payload.get("timestamp")) or datetime.now(UTC),
            )
        )
        return {}

    async def sign_certificate(payload: Payload) -> Payload:
        csr_pem = payload.get("csr")
        accepted = isinstance(csr_pem, str) and station.wants_certificate(csr_pem)
        return {"status": "Accepted" if accepted else "Rejected"}

    return {"SecurityEventNotification": security_event, "SignCertificate": sign_certificate}


class SecurityCommands:
    """What one charger can be asked about its security. Each raises StationError."""

    def __init__(self, request: Callable[[str, Payload], Awaitable[Payload]]) -> None:
        """Ask through a function that sends a call and returns its answer."""
        self._request = request

    async def change_password(self, password: str) -> None:
        """Give it a password, with which it then dials in anew.

        The password is not in the error, which a charger may have written it into.
        """
        payload = {"key": "AuthorizationKey", "value": authorization_key(password)}
        try:
            await self._ask("ChangeConfiguration", payload, "Accepted", "RebootRequired")
        except CommandRejected:
            raise CommandRejected("the password was not taken") from None
        except StationError:
            raise StationUnreachable("the password may not have been taken") from None

    async def raise_profile(self, profile: SecurityProfile) -> None:
        """Have it come with a higher profile from its next start on, and start anew."""
        payload = {"key": "SecurityProfile", "value": str(int(profile))}
        await self._ask("ChangeConfiguration", payload, "Accepted", "RebootRequired")
        await self._ask("Reset", {"type": "Hard"}, "Accepted")

    async def trigger(self, message: ExtendedTrigger, connector: int | None = None) -> None:
        """Ask it to send a message now."""
        payload: Payload = {"requestedMessage": message.value}
        if connector is not None:
            payload["connectorId"] = connector
        await self._ask("ExtendedTriggerMessage", payload, "Accepted")

    async def certificate_signed(self, chain_pem: str) -> None:
        """Give it the certificate that it wanted."""
        await self._ask("CertificateSigned", {"certificateChain": chain_pem}, "Accepted")

    async def install_certificate(self, use: CertificateUse, certificate_pem: str) -> None:
        """Have it trust a root."""
        payload = {"certificateType": use.value, "certificate": certificate_pem}
        await self._ask("InstallCertificate", payload, "Accepted")

    async def installed_certificates(self, use: CertificateUse) -> tuple[CertificateHash, ...]:
        """Return the roots that it trusts."""
        payload = {"certificateType": use.value}
        answer = await self._ask("GetInstalledCertificateIds", payload, "Accepted", "NotFound")
        found = answer.get("certificateHashData")
        listed = found[:MAX_CERTIFICATES] if isinstance(found, list) else []
        return tuple(_hash(one) for one in listed if isinstance(one, dict))

    async def delete_certificate(self, certificate: CertificateHash) -> None:
        """Have it trust a root no longer."""
        data = {
            "hashAlgorithm": certificate.algorithm,
            "issuerNameHash": certificate.issuer_name,
            "issuerKeyHash": certificate.issuer_key,
            "serialNumber": certificate.serial_number,
        }
        # What is not there need not be deleted.
        await self._ask("DeleteCertificate", {"certificateHashData": data}, "Accepted", "NotFound")

    async def get_log(
        self,
        log_type: LogType,
        location: str,
        *,
        request_id: int,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> str:
        """Ask it to load a log up; return the name of the file, empty if it does not tell."""
        log: Payload = {"remoteLocation": location}
        if since is not None:
            log["oldestTimestamp"] = _utc(since)
        if until is not None:
            log["latestTimestamp"] = _utc(until)
        payload = {"logType": log_type.value, "requestId": request_id, "log": log}
        answer = await self._ask("GetLog", payload, "Accepted", "AcceptedCanceled")
        return text(answer.get("filename"), MAX_INFO_LENGTH)

    async def update_firmware(self, firmware: SignedFirmware, *, request_id: int) -> None:
        """Ask it to install a signed firmware."""
        described: Payload = {
            "location": firmware.location,
            "retrieveDateTime": _utc(firmware.retrieve_at),
            "signingCertificate": firmware.certificate,
            "signature": firmware.signature,
        }
        if firmware.install_at is not None:
            described["installDateTime"] = _utc(firmware.install_at)
        payload = {"requestId": request_id, "firmware": described}
        await self._ask("SignedUpdateFirmware", payload, "Accepted", "AcceptedCanceled")

    async def _ask(self, action: str, payload: Payload, *good: str) -> Payload:
        answer = await self._request(action, payload)
        if answer.get("status") not in good:
            raise CommandRejected(text(answer.get("status"), MAX_TYPE_LENGTH) or "no status")
        return answer


def _hash(told: Mapping[str, Any]) -> CertificateHash:
    return CertificateHash(
        algorithm=text(told.get("hashAlgorithm"), 10),
        issuer_name=text(told.get("issuerNameHash"), 128),
        issuer_key=text(told.get("issuerKeyHash"), 128),
        serial_number=text(told.get("serialNumber"), 40),
    )


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
