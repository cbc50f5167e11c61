"""A charger loads firmware, restarts with it, and loads its log up."""

from collections.abc import AsyncGenerator

import pytest
from ocpp.v16 import call
from ocpp.v16.enums import Log

from simulator.charger import SimulatedCharger
from simulator.http_client import request
from simulator.maintenance import (
    CERTIFICATE_MARK,
    LOG_NAME,
    firmware_file,
    signature_of,
)
from simulator.options import ChargerOptions
from tests.file_server import FileServer, file_server

from .conftest import CentralSystem, MakeCharger, eventually

FIRMWARE = firmware_file("2.0.0")


@pytest.fixture
async def files() -> AsyncGenerator[FileServer]:
    async with file_server() as files:
        files.files = {"/2.bin": FIRMWARE, "/junk.bin": b"junk"}
        yield files


@pytest.fixture
async def charger(central: CentralSystem, make_charger: MakeCharger) -> SimulatedCharger:
    charger = await make_charger(
        options=ChargerOptions(install_s=0.1, reboot_s=0.1, checks_signatures=True)
    )
    await eventually(lambda: charger.accepted)
    return charger


def told(central: CentralSystem, action: str = "FirmwareStatusNotification") -> list[str]:
    return [message["status"] for message in central.messages(action)]


def update(url: str) -> call.UpdateFirmware:
    return call.UpdateFirmware(location=url, retrieve_date="2026-01-01T00:00:00Z")


def signed_update(
    url: str, signature: str, certificate: str = CERTIFICATE_MARK
) -> call.SignedUpdateFirmware:
    firmware = {
        "location": url,
        "retrieveDateTime": "2026-01-01T00:00:00Z",
        "signingCertificate": certificate,
        "signature": signature,
    }
    return call.SignedUpdateFirmware(request_id=7, firmware=firmware)


async def test_it_comes_back_with_the_firmware_that_it_was_told_to_load(
    central: CentralSystem, charger: SimulatedCharger, files: FileServer
) -> None:
    await central.call(update(files.url("/2.bin")))
    await eventually(lambda: "Installed" in told(central))

    # What was on its way at the restart may come twice.
    statuses = list(dict.fromkeys(told(central)))
    assert statuses == ["Downloading", "Downloaded", "Installing", "Installed"]
    boots = [boot["firmware_version"] for boot in central.messages("BootNotification")]
    assert boots == ["1.0.0", "2.0.0"]


@pytest.mark.parametrize(
    ("path", "statuses"),
    [
        ("/none.bin", ["Downloading", "DownloadFailed"]),
        ("/junk.bin", ["Downloading", "Downloaded", "Installing", "InstallationFailed"]),
    ],
)
async def test_it_keeps_its_firmware_where_there_is_no_other(
    central: CentralSystem,
    charger: SimulatedCharger,
    files: FileServer,
    path: str,
    statuses: list[str],
) -> None:
    await central.call(update(files.url(path)))
    await eventually(lambda: told(central) == statuses)

    assert charger.station.firmware == "1.0.0"


async def test_it_looks_at_the_signature(
    central: CentralSystem, charger: SimulatedCharger, files: FileServer
) -> None:
    action = "SignedFirmwareStatusNotification"
    url = files.url("/2.bin")
    answer = await central.call(signed_update(url, "wrong", certificate="none"))
    assert answer.status == "InvalidCertificate"

    await central.call(signed_update(url, "wrong"))
    await eventually(lambda: told(central, action)[-1:] == ["InvalidSignature"])
    await central.call(signed_update(url, signature_of(FIRMWARE)))
    await eventually(lambda: "Installed" in told(central, action))

    assert "SignatureVerified" in told(central, action)
    assert {message["request_id"] for message in central.messages(action)} == {7}


async def test_it_loads_its_log_up(
    central: CentralSystem, charger: SimulatedCharger, files: FileServer
) -> None:
    answer = await central.call(call.GetDiagnostics(location=files.url("/logs/")))
    await eventually(lambda: len(told(central, "DiagnosticsStatusNotification")) == 2)

    assert answer.file_name == LOG_NAME
    assert told(central, "DiagnosticsStatusNotification") == ["Uploading", "Uploaded"]
    assert files.received[f"/logs/{LOG_NAME}"].startswith(b"firmware 1.0.0\n")


async def test_it_tells_if_its_log_cannot_be_loaded_up(
    central: CentralSystem, charger: SimulatedCharger
) -> None:
    log = {"remoteLocation": "http://127.0.0.1:1/"}
    await central.call(call.GetLog(log=log, log_type=Log.diagnostics_log, request_id=3))
    await eventually(lambda: len(told(central, "LogStatusNotification")) == 2)

    assert told(central, "LogStatusNotification") == ["Uploading", "UploadFailure"]


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/", "http:///path"])
async def test_what_is_no_http_url_is_not_asked(url: str) -> None:
    with pytest.raises(ValueError, match="not an HTTP URL"):
        await request("GET", url)
