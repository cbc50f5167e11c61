"""Chargers get new firmware one after the other, and only while nothing charges there."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import Any

import pytest

from custom_components.balanz.site import BalanzSite
from custom_components.balanz.site.firmware_update import (
    RETRY_AFTER_S,
    UpdateFailure,
    UpdateOutcome,
)
from custom_components.balanz.site.firmware_updates import NoUpdate
from custom_components.balanz.site.settings import SiteSettings
from custom_components.balanz.site.snapshot import FirmwareSnapshot
from custom_components.balanz.storage.firmware_entry import FirmwareEntry
from custom_components.balanz.storage.journal import Journal
from custom_components.balanz.storage.kept_updates import KeptUpdate, UpdateStage
from custom_components.balanz.storage.ledger import Ledger
from custom_components.balanz.storage.proofs import Firmware
from simulator.behaviours import Asked, Behaviour
from simulator.car import Car
from simulator.charger import SimulatedCharger
from simulator.faults import Faults
from simulator.maintenance import CERTIFICATE_MARK, firmware_file, signature_of
from tests.file_server import FileServer, file_server

from .build import changed, charger, recorded, settings, until
from .conftest import Bench

FIRMWARE = firmware_file("2.0.0")
QUICK: dict[str, Any] = {"install_s": 1.0, "reboot_s": 1.0}


@pytest.fixture
async def files(socket_enabled: None) -> AsyncGenerator[FileServer]:
    async with file_server() as files:
        files.files = {"/2.bin": FIRMWARE, "/junk.bin": b"junk"}
        yield files


def shown(site: BalanzSite, identity: str) -> FirmwareSnapshot:
    return site.snapshot.chargers[identity].firmware


def entry(files: FileServer, path: str = "/2.bin", **changes: str) -> FirmwareEntry:
    return FirmwareEntry(**({"version": "2.0.0", "url": files.url(path)} | changes))


async def test_a_charger_installs_what_the_catalogue_has_for_it(
    bench: Bench, files: FileServer
) -> None:
    site = await bench.start(settings(charger("A")))
    await site.firmware.put(entry(files, release_notes="Better"))
    await bench.dial_in(site, "A", **QUICK)
    await until(lambda: shown(site, "A").latest == "2.0.0")
    assert shown(site, "A").installed == "1.0.0"
    assert shown(site, "A").release_notes == "Better"

    outcome = await site.firmware.install("A")

    assert outcome == UpdateOutcome(identity="A", version="2.0.0", installed="2.0.0")
    await until(lambda: shown(site, "A") == FirmwareSnapshot(installed="2.0.0"))
    with pytest.raises(NoUpdate):
        await site.firmware.install("A")


async def test_one_charger_after_the_other_is_updated(bench: Bench, files: FileServer) -> None:
    site = await bench.start(settings(charger("A"), charger("B"), charger("C")))
    await site.firmware.put(entry(files))
    for identity in "ABC":
        await bench.dial_in(site, identity, **QUICK)
    await until(lambda: all(shown(site, one).latest for one in "ABC"))
    ended: list[str] = []
    running_at_once = 0
    for identity in "ABC":
        site.firmware.subscribe(identity, lambda outcome: ended.append(outcome.identity))

    def count() -> None:
        nonlocal running_at_once
        busy = [shown(site, one).stage not in (None, UpdateStage.QUEUED) for one in "ABC"]
        running_at_once = max(running_at_once, sum(busy))

    site.subscribe(count)
    first = asyncio.create_task(site.firmware.install("A"))
    await asyncio.sleep(0)
    assert await site.firmware.install("B") is None
    assert await site.firmware.install("C") is None

    await first
    await until(lambda: all(shown(site, one).installed == "2.0.0" for one in "ABC"))
    assert ended == ["A", "B", "C"]
    assert running_at_once == 1


async def test_a_charger_that_charges_waits_and_holds_nobody_up(
    bench: Bench, files: FileServer
) -> None:
    site = await bench.start(settings(charger("A"), charger("B")))
    await site.firmware.put(entry(files))
    busy = await bench.dial_in(site, "A", car=Car(), **QUICK)
    await bench.dial_in(site, "B", **QUICK)
    await until(lambda: busy.transaction_id is not None and shown(site, "B").latest)
    await until(lambda: site.snapshot.chargers["A"].connectors[0].charging)

    assert await site.firmware.install("A") is None
    await site.firmware.install("B")
    await until(lambda: shown(site, "B").installed == "2.0.0")
    assert shown(site, "A").stage is UpdateStage.QUEUED

    busy.unplug()
    await until(lambda: shown(site, "A").installed == "2.0.0")


async def test_a_charger_without_its_link_is_updated_once_it_is_back(
    bench: Bench, files: FileServer
) -> None:
    site = await bench.start(settings(charger("A")))
    await site.firmware.put(entry(files))
    simulated = await bench.dial_in(site, "A", **QUICK)
    await until(lambda: shown(site, "A").latest)
    simulated.faults = Faults(offline=True)
    await until(lambda: not site.snapshot.chargers["A"].connected)

    assert await site.firmware.install("A") is None
    simulated.faults = Faults()

    await until(lambda: shown(site, "A").installed == "2.0.0")


async def test_a_link_that_is_lost_meanwhile_changes_nothing(
    bench: Bench, files: FileServer
) -> None:
    site = await bench.start(settings(charger("A")))
    await site.firmware.put(entry(files))
    simulated = await bench.dial_in(site, "A", install_s=20.0, reboot_s=1.0)
    await until(lambda: shown(site, "A").latest)
    installing = asyncio.create_task(site.firmware.install("A"))
    await until(lambda: shown(site, "A").stage is UpdateStage.INSTALLING)

    await simulated.disconnect()

    assert (
        await installing or UpdateOutcome(identity="", version="", installed="")
    ).failure is None
    await until(lambda: shown(site, "A").installed == "2.0.0")


@pytest.mark.parametrize(
    ("path", "failure"),
    [
        ("/none.bin", UpdateFailure.DOWNLOAD_FAILED),
        ("/junk.bin", UpdateFailure.INSTALLATION_FAILED),
    ],
)
async def test_a_failure_is_told_and_the_update_is_offered_again(
    bench: Bench, files: FileServer, path: str, failure: UpdateFailure
) -> None:
    site = await bench.start(settings(charger("A")))
    await site.firmware.put(entry(files, path))
    await bench.dial_in(site, "A", **QUICK)
    await until(lambda: shown(site, "A").latest)

    outcome = await site.firmware.install("A")

    assert outcome is not None
    assert (outcome.failure, outcome.installed) == (failure, "1.0.0")
    await until(lambda: shown(site, "A").failure is failure)
    assert shown(site, "A").latest == "2.0.0"


async def test_a_charger_that_does_not_know_the_request_refuses_it(
    bench: Bench, files: FileServer
) -> None:
    site = await bench.start(settings(charger("A")))
    await site.firmware.put(entry(files))
    refusing = Behaviour(refuses=(Asked("UpdateFirmware"),))
    await bench.dial_in(site, "A", behaviour=refusing)
    await until(lambda: shown(site, "A").latest)

    outcome = await site.firmware.install("A")

    assert outcome is not None
    assert (outcome.failure, outcome.detail) == (UpdateFailure.REFUSED, "NotSupported")


@pytest.mark.parametrize(
    ("checks", "signature", "certificate", "failure"),
    [
        (True, signature_of(FIRMWARE), CERTIFICATE_MARK, None),
        (True, "wrong", CERTIFICATE_MARK, UpdateFailure.SIGNATURE_INVALID),
        (True, signature_of(FIRMWARE), "none", UpdateFailure.SIGNATURE_INVALID),
        (False, "wrong", CERTIFICATE_MARK, None),
    ],
)
async def test_a_signature_is_checked_where_the_charger_can(
    bench: Bench,
    files: FileServer,
    checks: bool,
    signature: str,
    certificate: str,
    failure: UpdateFailure | None,
) -> None:
    site = await bench.start(settings(charger("A")))
    await site.firmware.put(entry(files, signature=signature, certificate=certificate))
    simulated = await bench.dial_in(site, "A", checks_signatures=checks, **QUICK)
    await until(lambda: shown(site, "A").latest)

    outcome = await site.firmware.install("A")

    assert outcome is not None
    assert outcome.failure is failure
    used = {"SignedUpdateFirmware", "UpdateFirmware"} & {
        action
        for action in ("SignedUpdateFirmware", "UpdateFirmware")
        if any(f'"{action}"' in frame.text for frame in simulated.frames)
    }
    assert ("UpdateFirmware" in used) is not checks


async def test_what_is_taken_out_of_the_catalogue_is_not_installed(
    bench: Bench, files: FileServer
) -> None:
    site = await bench.start(settings(charger("A"), charger("B")))
    await site.firmware.put(entry(files, id="Two"))
    busy = await bench.dial_in(site, "A", car=Car(), **QUICK)
    await until(lambda: site.snapshot.chargers["A"].connectors[0].charging)
    outcomes: list[UpdateOutcome] = []
    forget = site.firmware.subscribe("A", outcomes.append)
    assert await site.firmware.install("A") is None

    await site.firmware.remove(["Two"])

    assert [outcome.failure for outcome in outcomes] == [UpdateFailure.WITHDRAWN]
    busy.unplug()
    await until(lambda: shown(site, "A").stage is None)
    forget()


async def test_a_charger_that_leaves_the_site_takes_its_update_with_it(
    bench: Bench, files: FileServer
) -> None:
    first = settings(charger("A"), charger("B"))
    site = await bench.start(first)
    await site.firmware.put_all([entry(files)], replace=True)
    await bench.dial_in(site, "A", car=Car(), **QUICK)
    await bench.dial_in(site, "B", **QUICK)
    await until(lambda: site.snapshot.chargers["A"].connectors[0].charging)
    await until(lambda: shown(site, "B").latest)
    outcomes: list[UpdateOutcome] = []
    site.firmware.subscribe("A", outcomes.append)
    assert await site.firmware.install("A") is None

    await site.apply(changed(first, charger("B")))

    assert [outcome.failure for outcome in outcomes] == [UpdateFailure.WITHDRAWN]
    assert await site.firmware.install("B") is not None


async def test_what_a_charger_runs_is_known_after_a_restart(
    bench: Bench, files: FileServer
) -> None:
    configured = settings(charger("A"))
    site = await bench.start(configured)
    await site.firmware.put(entry(files))
    simulated = await bench.dial_in(site, "A")
    await until(lambda: shown(site, "A").latest)
    await simulated.stop()
    await site.stop()

    site = await bench.start(replace(configured))

    assert shown(site, "A") == FirmwareSnapshot(installed="1.0.0", latest="2.0.0")


def asked(simulated: SimulatedCharger, action: str) -> int:
    """How often the charger was asked something."""
    return sum(f'"{action}"' in frame.text for frame in simulated.frames)


async def test_a_signed_firmware_that_cannot_be_loaded_is_tried_again(
    bench: Bench, files: FileServer
) -> None:
    site = await bench.start(settings(charger("A"), charger("B")))
    signed = {"signature": signature_of(FIRMWARE), "certificate": CERTIFICATE_MARK}
    await site.firmware.put(entry(files, "/late.bin", model="AC.*", **signed))
    simulated = await bench.dial_in(site, "A", checks_signatures=True, **QUICK)
    await bench.dial_in(site, "B", checks_signatures=True, **QUICK)
    await until(lambda: shown(site, "A").latest and shown(site, "B").latest)

    installing = asyncio.create_task(site.firmware.install("A"))
    await until(lambda: shown(site, "A").retry_at is not None)
    assert shown(site, "A").stage is UpdateStage.QUEUED
    files.files["/late.bin"] = FIRMWARE
    # Nobody waits for one that waits.
    other = await site.firmware.install("B")
    assert other is not None
    assert other.failure is None
    assert asked(simulated, "SignedUpdateFirmware") == 1

    assert await installing == UpdateOutcome(identity="A", version="2.0.0", installed="2.0.0")
    assert asked(simulated, "SignedUpdateFirmware") == 2


async def test_a_signed_firmware_that_is_nowhere_is_tried_three_times(
    bench: Bench, files: FileServer
) -> None:
    site = await bench.start(settings(charger("A")))
    signed = {"signature": signature_of(FIRMWARE), "certificate": CERTIFICATE_MARK}
    await site.firmware.put(entry(files, "/none.bin", **signed))
    simulated = await bench.dial_in(site, "A", checks_signatures=True, **QUICK)
    await until(lambda: shown(site, "A").latest)
    began = asyncio.get_running_loop().time()

    outcome = await site.firmware.install("A")

    assert outcome is not None
    assert outcome.failure is UpdateFailure.DOWNLOAD_FAILED
    assert asked(simulated, "SignedUpdateFirmware") == 3
    assert asyncio.get_running_loop().time() - began >= 2 * RETRY_AFTER_S


async def restarted(bench: Bench, site: BalanzSite, configured: SiteSettings) -> BalanzSite:
    """Stop a site, and start it anew where its chargers dial in."""
    port = site.port
    await site.stop()
    return await bench.start(replace(configured, port=port))


async def test_who_waits_for_an_update_waits_on_after_a_restart(
    bench: Bench, files: FileServer
) -> None:
    configured = settings(charger("A"), charger("B"))
    site = await bench.start(configured)
    await site.firmware.put(entry(files))
    cars = {identity: await bench.dial_in(site, identity, car=Car(), **QUICK) for identity in "AB"}
    await until(lambda: all(site.snapshot.chargers[one].connectors[0].charging for one in "AB"))
    for identity in "AB":
        assert await site.firmware.install(identity) is None

    site = await restarted(bench, site, configured)
    assert {shown(site, one).stage for one in "AB"} == {UpdateStage.QUEUED}
    for simulated in cars.values():
        simulated.unplug()

    await until(lambda: all(shown(site, one).installed == "2.0.0" for one in "AB"))
    site = await restarted(bench, site, configured)
    assert shown(site, "A").stage is None


async def test_an_update_that_runs_during_a_restart_is_picked_up(
    bench: Bench, files: FileServer
) -> None:
    configured = settings(charger("A"))
    site = await bench.start(configured)
    await site.firmware.put(entry(files))
    simulated = await bench.dial_in(site, "A", install_s=60.0, reboot_s=1.0)
    await until(lambda: shown(site, "A").latest)
    installing = asyncio.create_task(site.firmware.install("A"))
    await until(lambda: shown(site, "A").stage is UpdateStage.INSTALLING)

    site = await restarted(bench, site, configured)
    # Whoever has pressed the button is not told what nobody knows.
    assert await installing is None
    assert shown(site, "A").stage is UpdateStage.INSTALLING
    outcomes: list[UpdateOutcome] = []
    site.firmware.subscribe("A", outcomes.append)

    await until(lambda: outcomes)
    assert outcomes == [UpdateOutcome(identity="A", version="2.0.0", installed="2.0.0")]
    assert asked(simulated, "UpdateFirmware") == 1


async def test_a_charger_that_knows_nothing_of_its_update_after_a_restart_is_asked_again(
    bench: Bench, files: FileServer
) -> None:
    configured = settings(charger("A"))
    site = await bench.start(configured)
    await site.firmware.put(entry(files))
    simulated = await bench.dial_in(site, "A", install_s=5.0, reboot_s=1.0)
    await until(lambda: shown(site, "A").latest)
    installing = asyncio.create_task(site.firmware.install("A"))
    await until(lambda: shown(site, "A").stage is UpdateStage.INSTALLING)
    await simulated.stop()

    site = await restarted(bench, site, configured)
    await installing
    await simulated.start()

    await until(lambda: shown(site, "A").installed == "2.0.0")
    assert asked(simulated, "UpdateFirmware") == 2


async def test_a_signed_update_is_asked_after_in_its_own_way(
    bench: Bench, files: FileServer
) -> None:
    configured = settings(charger("A"))
    site = await bench.start(configured)
    signed = {"signature": signature_of(FIRMWARE), "certificate": CERTIFICATE_MARK}
    await site.firmware.put(entry(files, **signed))
    simulated = await bench.dial_in(site, "A", checks_signatures=True, install_s=60.0, reboot_s=1.0)
    await until(lambda: shown(site, "A").latest)
    installing = asyncio.create_task(site.firmware.install("A"))
    await until(lambda: shown(site, "A").stage is UpdateStage.INSTALLING)

    site = await restarted(bench, site, configured)
    await installing

    await until(lambda: asked(simulated, "ExtendedTriggerMessage"))
    await until(lambda: shown(site, "A").installed == "2.0.0")


@pytest.mark.parametrize(
    ("version", "runs"),
    [
        pytest.param("2.0.0", "2.0.0", id="it is installed by now"),
        pytest.param("3.0.0", "1.0.0", id="the catalogue has another one under its name"),
    ],
)
async def test_what_has_ended_by_a_restart_does_not_begin_again(
    bench: Bench, files: FileServer, version: str, runs: str
) -> None:
    configured = settings(charger("A"))
    site = await bench.start(configured)
    await site.firmware.put(entry(files, id="Two"))
    await site.stop()
    ledger, journal = Ledger(), Journal(bench.folder / "journal.jsonl")
    await journal.open()
    told = Firmware(vendor="Acme", model="One", version=runs)
    await journal.append(ledger.note_firmware("A", told))
    update = KeptUpdate(
        firmware="two",
        version=version,
        version_before="1.0.0",
        stage=UpdateStage.QUEUED,
        request_id=0,
        tries=0,
        retries_itself=True,
    )
    await journal.append(ledger.note_update("A", update))
    await journal.close()

    site = await bench.start(configured)

    assert shown(site, "A").stage is None
    assert recorded(bench.folder, "update") == []
