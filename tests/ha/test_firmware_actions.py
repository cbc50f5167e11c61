"""The firmware catalogue by action: what an automation can do, and what it is told if it cannot."""

import os
from pathlib import Path
from typing import Any

import pytest
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError, Unauthorized
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockUser

from custom_components.balanz.const import DOMAIN
from custom_components.balanz.storage.firmware_entry import FirmwareEntry
from tests.ha.build import charger, set_up, site_entry, wait_until
from tests.ha.conftest import DialIn

URL = "https://example.com/fw.bin"
OLD = FirmwareEntry(id="Old", version="1.1.0", url=URL, vendor="Sim.*")
FILE = "version,url,vendor\n2.0.0,https://example.com/2.bin,Simulated\n"


@pytest.fixture
async def entry(hass: HomeAssistant, port: int) -> MockConfigEntry:
    """A running site with a charger, and a firmware in its catalogue."""
    entry = site_entry(port, charger("CP-1"))
    await set_up(hass, entry)
    await entry.runtime_data.site.firmware.put(OLD)
    return entry


async def act(hass: HomeAssistant, action: str, *, answers: bool = False, **data: Any) -> Any:
    return await hass.services.async_call(
        DOMAIN, action, data, blocking=True, return_response=answers
    )


def catalogue(entry: MockConfigEntry) -> set[FirmwareEntry]:
    return set(entry.runtime_data.site.firmware.catalogue)


async def test_the_list_tells_what_there_is_for_each_charger(
    hass: HomeAssistant, entry: MockConfigEntry, dial_in: DialIn
) -> None:
    await act(hass, "add_firmware", version="2.0.0", url=URL, vendor="Other")
    simulated = await dial_in("CP-1")
    await wait_until(lambda: simulated.accepted)

    listed = await act(hass, "list_firmware", answers=True)

    assert [one["id"] for one in listed["firmware"]] == ["Old", "Other 2.0.0"]
    assert listed["firmware"][1]["url"] == URL
    assert listed["chargers"] == [
        {
            "identity": "CP-1",
            "name": "Left",
            "installed_version": "1.0.0",
            "latest_version": "1.1.0",
        }
    ]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"url": "nowhere"}, "begins with http"),
        ({"vendor": "("}, "regular expression"),
        ({"vendor": "(a+)+"}, "for ever"),
        ({"signature": "c2ln"}, "both the signature and the certificate"),
        ({"config_entry_id": "other"}, "There is no such site"),
    ],
)
async def test_a_firmware_that_cannot_be_is_explained_and_nothing_changes(
    hass: HomeAssistant, entry: MockConfigEntry, wrong: dict[str, Any], message: str
) -> None:
    with pytest.raises(ServiceValidationError, match=message):
        await act(hass, "add_firmware", **({"version": "2", "url": URL} | wrong))

    assert catalogue(entry) == {OLD}


async def test_a_firmware_is_removed_by_its_id(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    with pytest.raises(ServiceValidationError, match="no such firmware: new"):
        await act(hass, "remove_firmware", id=["old", "new"])
    assert catalogue(entry) == {OLD}

    await act(hass, "remove_firmware", id="old")
    assert catalogue(entry) == set()


async def test_what_is_exported_to_a_file_can_be_imported(
    hass: HomeAssistant, entry: MockConfigEntry, tmp_path: Path
) -> None:
    hass.config.allowlist_external_dirs = {str(tmp_path)}
    path = str(tmp_path / "firmware.csv")
    assert await act(hass, "export_firmware", path=path, answers=True) == {"total": 1}
    await act(hass, "remove_firmware", id="Old")

    answer = await act(hass, "import_firmware", path=path, answers=True)

    assert answer == {"imported": 1, "total": 1}
    assert catalogue(entry) == {OLD}


async def test_text_is_imported_and_exported_without_a_file(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    answer = await act(hass, "import_firmware", csv=FILE, replace=True, answers=True)
    exported = await act(hass, "export_firmware", answers=True)

    assert answer == {"imported": 1, "total": 1}
    assert exported["csv"].startswith("id,vendor,model,")
    assert "Simulated 2.0.0,Simulated,,,,2.0.0,https://example.com/2.bin" in exported["csv"]


async def test_each_wrong_line_of_a_file_is_told_and_nothing_is_imported(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    with pytest.raises(ServiceValidationError) as error:
        await act(hass, "import_firmware", csv=f"{FILE}3,nowhere,A\n,{URL},B\n")

    assert "3: Not an address" in str(error.value)
    assert "4: A version has" in str(error.value)
    assert catalogue(entry) == {OLD}


async def test_files_outside_the_allowed_folders_stay_untouched(
    hass: HomeAssistant, entry: MockConfigEntry, tmp_path: Path
) -> None:
    path = tmp_path / "elsewhere" / "firmware.csv"
    for action in ("import_firmware", "export_firmware"):
        with pytest.raises(ServiceValidationError, match="may not use this path"):
            await act(hass, action, path=str(path))
        with pytest.raises(ServiceValidationError, match="may not use this path"):
            await act(hass, action, path="a\0b")

    hass.config.allowlist_external_dirs = {str(tmp_path)}
    for action in ("import_firmware", "export_firmware"):
        with pytest.raises(ServiceValidationError, match="cannot be used"):
            await act(hass, action, path=str(path))
    assert not path.exists()


@pytest.mark.parametrize(
    ("action", "data"),
    [
        ("add_firmware", {"version": "2", "url": URL}),
        ("remove_firmware", {"id": "Old"}),
        ("import_firmware", {"csv": FILE}),
    ],
)
async def test_a_disk_that_takes_nothing_is_told(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    monkeypatch: pytest.MonkeyPatch,
    action: str,
    data: dict[str, Any],
) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left")

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(HomeAssistantError, match="cannot be recorded"):
        await act(hass, action, **data)

    assert catalogue(entry) == {OLD}


async def test_only_administrators_change_and_read_the_catalogue(
    hass: HomeAssistant, entry: MockConfigEntry, hass_read_only_user: MockUser
) -> None:
    for action, data in {
        "add_firmware": {"version": "2", "url": URL},
        "remove_firmware": {"id": "Old"},
        "import_firmware": {"csv": FILE},
    }.items():
        with pytest.raises(Unauthorized):
            await hass.services.async_call(
                DOMAIN,
                action,
                data,
                blocking=True,
                context=Context(user_id=hass_read_only_user.id),
            )
    assert catalogue(entry) == {OLD}
