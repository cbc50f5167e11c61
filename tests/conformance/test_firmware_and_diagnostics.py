"""The published cases of firmware and diagnostics for central systems (OCPP 1.6)."""

import pytest

from .rig import Rig

LOCATION = "ftp://files.example/charger"


@pytest.mark.parametrize(
    "statuses",
    [
        pytest.param(
            ("Downloading", "Downloaded", "Installing", "Installed"), id="tc_044_1_installed"
        ),
        pytest.param(("Downloading", "DownloadFailed"), id="tc_044_2_download_failed"),
        pytest.param(
            ("Downloading", "Downloaded", "Installing", "InstallationFailed"),
            id="tc_044_3_installation_failed",
        ),
    ],
)
async def test_update_firmware(rig: Rig, statuses: tuple[str, ...]) -> None:
    await rig.booted()
    rig.charger.answers["UpdateFirmware"] = {}
    await rig.ask("update_firmware", location=LOCATION)
    told = rig.last("UpdateFirmware")
    assert told["location"] == LOCATION
    assert told["retrieveDate"]
    for status in statuses:
        if status == "InstallationFailed":
            await rig.booted()
        await rig.says("FirmwareStatusNotification", status=status)


@pytest.mark.parametrize(
    "end",
    [pytest.param("Uploaded", id="tc_045_1"), pytest.param("UploadFailed", id="tc_045_2")],
)
async def test_get_diagnostics(rig: Rig, end: str) -> None:
    await rig.booted()
    rig.charger.answers["GetDiagnostics"] = {"fileName": "log.zip"}
    assert await rig.ask("get_diagnostics", location=LOCATION) == {"file_name": "log.zip"}
    assert rig.last("GetDiagnostics") == {"location": LOCATION}
    for status in ("Uploading", end):
        await rig.says("DiagnosticsStatusNotification", status=status)
