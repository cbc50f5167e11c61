"""A charger that loads a new firmware, restarts with it, and loads its log up."""

import asyncio
from base64 import b64encode
from collections.abc import Callable, Coroutine
from hashlib import sha256
from typing import Any

from ocpp.v16 import call, call_result
from ocpp.v16.enums import (
    Action,
    DiagnosticsStatus,
    FirmwareStatus,
    LogStatus,
    UpdateFirmwareStatus,
    UploadLogStatus,
)

from .http_client import request
from .outbox import Message
from .routes import after, on
from .station import Station

FIRMWARE_MARK = b"FIRMWARE "
"""How a file begins that is a firmware; the version follows, to the end of the line."""
LOG_NAME = "charger.log"
CERTIFICATE_MARK = "-----BEGIN CERTIFICATE-----"
_NO_ANSWER = (OSError, TimeoutError, ValueError)


def firmware_file(version: str) -> bytes:
    """Return a file that a simulated charger can install."""
    return FIRMWARE_MARK + version.encode() + b"\n" + bytes(1000)


def signature_of(firmware: bytes) -> str:
    """Return what a simulated charger takes for the right signature."""
    return b64encode(sha256(firmware).digest()).decode()


class Maintenance:
    """Goes on while the link is away; what is to be told waits for it."""

    def __init__(self, station: Station, reboot: Callable[[], None]) -> None:
        """Do nothing yet; `reboot` restarts the charger."""
        self._station = station
        self._reboot = reboot
        self._tasks: set[asyncio.Task[None]] = set()

    def update(self, location: str, signature: str | None = None, request_id: int = 0) -> None:
        """Begin to install a firmware; with a signature only if it is right."""

        def tell(status: FirmwareStatus) -> None:
            self._station.firmware_status = status
            if signature is None:
                self._tell(call.FirmwareStatusNotification(status=status))
            else:
                self._tell(
                    call.SignedFirmwareStatusNotification(status=status, request_id=request_id)
                )

        async def update() -> None:
            try:
                await self._update(location, signature, tell)
            finally:
                self._station.firmware_status = FirmwareStatus.idle

        self._begin(update())

    def upload(self, location: str, request_id: int | None = None) -> None:
        """Begin to load the log up to a folder; with a number as the answer to a GetLog."""
        self._begin(self._upload(location, request_id))

    async def stop(self) -> None:
        """Leave everything undone."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _update(
        self, location: str, signature: str | None, tell: Callable[[FirmwareStatus], None]
    ) -> None:
        tell(FirmwareStatus.downloading)
        try:
            status, firmware = await request("GET", location)
        except _NO_ANSWER:
            status, firmware = 0, b""
        if status != 200:
            tell(FirmwareStatus.download_failed)
            return
        tell(FirmwareStatus.downloaded)
        if signature is not None:
            if signature != signature_of(firmware):
                tell(FirmwareStatus.invalid_signature)
                return
            tell(FirmwareStatus.signature_verified)
        tell(FirmwareStatus.installing)
        await self._station.clock.sleep(self._station.options.install_s)
        if not firmware.startswith(FIRMWARE_MARK):
            tell(FirmwareStatus.installation_failed)
            return
        version = firmware.removeprefix(FIRMWARE_MARK).partition(b"\n")[0]
        self._station.firmware = version.decode()
        self._reboot()
        tell(FirmwareStatus.installed)

    async def _upload(self, location: str, request_id: int | None) -> None:
        self._tell_upload("Uploading", request_id)
        log = "\n".join([f"firmware {self._station.firmware}", *self._station.log, ""])
        try:
            status, _ = await request("PUT", f"{location.rstrip('/')}/{LOG_NAME}", log.encode())
        except _NO_ANSWER:
            status = 0
        done = 200 <= status < 300
        failed = "UploadFailed" if request_id is None else "UploadFailure"
        self._tell_upload("Uploaded" if done else failed, request_id)

    def _tell_upload(self, status: str, request_id: int | None) -> None:
        if request_id is None:
            self._tell(call.DiagnosticsStatusNotification(status=DiagnosticsStatus(status)))
        else:
            self._tell(
                call.LogStatusNotification(status=UploadLogStatus(status), request_id=request_id)
            )

    def _tell(self, payload: Any) -> None:
        self._station.outbox.put(Message(build=lambda: payload, durable=True))

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class MaintenanceCommands:
    """The handlers, found through their decorators."""

    def __init__(self, maintenance: Maintenance) -> None:
        self._maintenance = maintenance

    @on(Action.update_firmware)
    def update_firmware(self, **_: Any) -> Any:
        """Agree."""
        return call_result.UpdateFirmware()

    @after(Action.update_firmware)
    def after_update_firmware(self, location: str, **_: Any) -> None:
        """Begin."""
        self._maintenance.update(location)

    @on(Action.get_diagnostics)
    def get_diagnostics(self, **_: Any) -> Any:
        """Tell how the file will be called."""
        return call_result.GetDiagnostics(file_name=LOG_NAME)

    @after(Action.get_diagnostics)
    def after_get_diagnostics(self, location: str, **_: Any) -> None:
        """Begin to load it up."""
        self._maintenance.upload(location)


class SignedMaintenanceCommands:
    """The same with the security extension, for chargers that have it."""

    def __init__(self, maintenance: Maintenance) -> None:
        self._maintenance = maintenance

    @on(Action.signed_update_firmware)
    def signed_update_firmware(self, firmware: dict[str, Any], **_: Any) -> Any:
        """Agree if the certificate is one."""
        is_certificate = firmware["signing_certificate"].startswith(CERTIFICATE_MARK)
        status = UpdateFirmwareStatus
        return call_result.SignedUpdateFirmware(
            status=status.accepted if is_certificate else status.invalid_certificate
        )

    @after(Action.signed_update_firmware)
    def after_signed_update_firmware(
        self, request_id: int, firmware: dict[str, Any], **_: Any
    ) -> None:
        """Begin."""
        if firmware["signing_certificate"].startswith(CERTIFICATE_MARK):
            self._maintenance.update(firmware["location"], firmware["signature"], request_id)

    @on(Action.get_log)
    def get_log(self, **_: Any) -> Any:
        """Tell how the file will be called."""
        return call_result.GetLog(status=LogStatus.accepted, filename=LOG_NAME)

    @after(Action.get_log)
    def after_get_log(self, request_id: int, log: dict[str, Any], **_: Any) -> None:
        """Begin to load it up."""
        self._maintenance.upload(log["remote_location"], request_id)
