"""The firmware catalogue outlives restarts, torn files and full disks."""

import os
from pathlib import Path

import pytest

from custom_components.balanz.storage import firmware_catalogue
from custom_components.balanz.storage.firmware_catalogue import FirmwareCatalogue
from custom_components.balanz.storage.firmware_entry import (
    FirmwareEntry,
    FirmwareError,
    InstalledFirmware,
)
from custom_components.balanz.storage.journal import Journal, StorageError

ONE = FirmwareEntry(id="One", version="1.1", url="https://a.b/1", vendor="ACME", release_notes="x")
TWO = FirmwareEntry(id="Two", version="2.0", url="https://a.b/2")


async def opened(folder: Path) -> FirmwareCatalogue:
    catalogue = FirmwareCatalogue(Journal(folder / "firmware.jsonl"))
    await catalogue.open()
    return catalogue


async def reopened(catalogue: FirmwareCatalogue, folder: Path) -> FirmwareCatalogue:
    await catalogue.close()
    return await opened(folder)


async def test_what_was_added_and_removed_is_so_after_a_restart(tmp_path: Path) -> None:
    catalogue = await opened(tmp_path)
    await catalogue.put(ONE)
    await catalogue.put(TWO)
    changed = FirmwareEntry(id="TWO", version="2.1", url="https://a.b/2")
    await catalogue.put(changed)
    await catalogue.remove(["one"])

    catalogue = await reopened(catalogue, tmp_path)

    assert list(catalogue) == [changed]
    assert catalogue.get("two") == changed
    # What is gone is gone from the file as well; its first line is the file's own.
    catalogue = await reopened(catalogue, tmp_path)
    assert list(catalogue) == [changed]
    assert len((tmp_path / "firmware.jsonl").read_bytes().splitlines()) == 2
    await catalogue.close()


async def test_a_file_is_added_or_takes_the_place_of_all(tmp_path: Path) -> None:
    catalogue = await opened(tmp_path)
    await catalogue.put(ONE)
    await catalogue.put_all([TWO], replace=False)
    assert list(catalogue) == [ONE, TWO]

    await catalogue.put_all([TWO], replace=True)
    catalogue = await reopened(catalogue, tmp_path)

    assert list(catalogue) == [TWO]
    await catalogue.close()


async def test_the_newest_that_suits_a_charger_is_its_latest(tmp_path: Path) -> None:
    catalogue = await opened(tmp_path)
    await catalogue.put_all([ONE, TWO], replace=True)

    def latest(version: str, vendor: str = "ACME") -> FirmwareEntry | None:
        return catalogue.latest_for(InstalledFirmware(vendor=vendor, model="", version=version))

    assert latest("1.0") == TWO
    assert latest("2.0") is None
    await catalogue.remove(["Two"])
    assert latest("1.0") == ONE
    assert latest("1.0", vendor="Other") is None
    await catalogue.close()


async def test_an_unknown_firmware_cannot_be_removed_and_none_is(tmp_path: Path) -> None:
    catalogue = await opened(tmp_path)
    await catalogue.put(ONE)

    with pytest.raises(FirmwareError, match="firmware_unknown"):
        await catalogue.remove(["One", "Other"])

    assert list(catalogue) == [ONE]
    await catalogue.close()


async def test_there_can_be_only_so_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(firmware_catalogue, "MAX_ENTRIES", 1)
    catalogue = await opened(tmp_path)
    await catalogue.put(ONE)

    for change in (catalogue.put(TWO), catalogue.put_all([TWO], replace=False)):
        with pytest.raises(FirmwareError, match="firmware_too_many"):
            await change
    await catalogue.put(FirmwareEntry(id="ONE", version="1.2", url="https://a.b/1"))

    assert len(catalogue) == 1
    await catalogue.close()


async def test_a_full_disk_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    catalogue = await opened(tmp_path)
    await catalogue.put(ONE)
    await catalogue.put(ONE)
    await catalogue.close()

    def full(*_: object) -> int:
        raise OSError(28, "No space left")

    monkeypatch.setattr(os, "pwrite", full)
    catalogue = await opened(tmp_path)
    assert list(catalogue) == [ONE]
    for change in (
        catalogue.put(TWO),
        catalogue.remove(["One"]),
        catalogue.put_all([TWO], replace=True),
    ):
        with pytest.raises(StorageError):
            await change

    assert list(catalogue) == [ONE]
    await catalogue.close()


async def test_records_that_mean_nothing_are_passed_over(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "firmware.jsonl")
    await journal.open()
    await journal.append({"kind": "firmware", "version": "1"})
    await journal.append({"kind": "firmware", "version": "1", "url": "nowhere"})
    await journal.append({"no": "kind"})
    await journal.close()

    catalogue = await opened(tmp_path)

    assert len(catalogue) == 0
    await catalogue.close()
