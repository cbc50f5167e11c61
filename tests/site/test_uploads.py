"""Logs that chargers load up get names of balanz's own, and do not pile up."""

import asyncio
from pathlib import Path

import pytest

from custom_components.balanz.csms.events import DiagnosticsStatusChanged
from custom_components.balanz.site import BalanzSite
from custom_components.balanz.site.uploads import (
    KEPT_PER_CHARGER,
    AddressUnknown,
    UploadOutcome,
)
from custom_components.balanz.storage.firmware_entry import FirmwareEntry
from simulator.http_client import request
from simulator.maintenance import firmware_file

from .build import charger, settings, until
from .conftest import Bench


@pytest.fixture
async def site(bench: Bench) -> BalanzSite:
    """A site with one connected charger, whose identity is no file name."""
    site = await bench.start(settings(charger("A*+B"), charger("C")))
    await bench.dial_in(site, "A*+B", install_s=1.0, reboot_s=1.0)
    await until(lambda: site.snapshot.chargers["A*+B"].connected)
    return site


async def upload(site: BalanzSite, name: str, content: bytes = b"log") -> Path:
    expected = site.uploads.expect("A*+B", "diagnostics")
    status, _ = await request("PUT", expected.url + name, content)
    assert status == 201
    path = (await expected.ended).path
    assert path is not None
    return path


@pytest.mark.parametrize(
    ("name", "suffix"),
    [
        ("log.txt", ".txt"),
        ("LOG.TAR.GZ", ".tar.gz"),
        ("v1.2.zip", ".zip"),
        ("run.sh", ".log"),
        ("..%2f..%2fevil.py", ".log"),
        ("", ".log"),
    ],
)
async def test_only_the_kind_of_file_is_the_chargers_own(
    site: BalanzSite, bench: Bench, name: str, suffix: str
) -> None:
    path = await upload(site, name)

    assert path.parent == bench.folder / "uploads"
    assert path.name.startswith("A--B_")
    assert path.name.endswith(f"_diagnostics{suffix}")
    assert path.read_bytes() == b"log"


async def test_only_the_newest_files_of_a_charger_are_kept(site: BalanzSite) -> None:
    paths = []
    for _ in range(KEPT_PER_CHARGER + 2):
        paths.append(await upload(site, "a.log"))
        await asyncio.sleep(1.0)

    assert sorted(paths[0].parent.iterdir()) == paths[2:]


async def test_two_files_at_the_same_time_are_two_files(site: BalanzSite) -> None:
    assert await upload(site, "a.log") != await upload(site, "a.log")


async def test_a_new_request_takes_the_place_of_the_one_before(site: BalanzSite) -> None:
    first = site.uploads.expect("A*+B", "diagnostics")
    second = site.uploads.expect("A*+B", "security")

    assert first.ended.cancelled()
    assert (await request("PUT", first.url, b"log"))[0] == 404
    assert (await request("PUT", second.url, b"log"))[0] == 201


async def test_a_file_that_comes_at_a_second_try_is_told_all_the_same(site: BalanzSite) -> None:
    outcomes: list[UploadOutcome] = []
    forget = site.uploads.subscribe("A*+B", outcomes.append)
    expected = site.uploads.expect("A*+B", "diagnostics")

    site.uploads.told(DiagnosticsStatusChanged(identity="A*+B", status="UploadFailed"))
    site.uploads.told(DiagnosticsStatusChanged(identity="A*+B", status="UploadFailed"))
    await request("PUT", expected.url, b"log")

    assert [outcome.path is None for outcome in outcomes] == [True, False]
    forget()


async def test_a_charger_that_never_came_has_no_address(site: BalanzSite) -> None:
    for identity in ("C", "nobody"):
        with pytest.raises(AddressUnknown):
            site.uploads.expect(identity, "diagnostics")


async def test_a_firmware_in_the_folder_is_served_by_balanz_for_as_long_as_it_is_needed(
    site: BalanzSite, bench: Bench
) -> None:
    (bench.folder / "firmware").mkdir()
    (bench.folder / "firmware" / "2.bin").write_bytes(firmware_file("2.0.0"))
    await site.firmware.put(FirmwareEntry(version="2.0.0", url="local:2.bin"))
    await until(lambda: site.snapshot.chargers["A*+B"].firmware.latest)

    outcome = await site.firmware.install("A*+B")

    assert outcome is not None
    assert (outcome.failure, outcome.installed) == (None, "2.0.0")
