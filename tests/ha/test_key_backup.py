"""Backups hold no private keys, where the user has taken a code for them."""

import logging
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock, patch

import pytest
from homeassistant.components.backup.const import DATA_MANAGER
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import MATCH_ALL
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_capture_events

from custom_components.balanz.backup import async_post_backup, async_pre_backup
from custom_components.balanz.const import DOMAIN
from custom_components.balanz.csms import certificate_authority
from custom_components.balanz.csms.key_lock import KeyLock
from custom_components.balanz.diagnostics import async_get_config_entry_diagnostics
from custom_components.balanz.site import BalanzSite
from custom_components.balanz.storage.journal import StorageError
from custom_components.balanz.tls_sources import authority_of
from tests.csms.client import RawCharger
from tests.ha.build import charger, set_up, site_entry, wait_until
from tests.ha.test_repairs import issues, start_fix
from tests.ha.test_security import OWN

ISSUE = "home_keys_locked"


@pytest.fixture
async def entry(
    hass: HomeAssistant, port: int, unused_tcp_port: int, monkeypatch: pytest.MonkeyPatch
) -> MockConfigEntry:
    monkeypatch.setattr(certificate_authority, "_ROOT_KEY_BITS", 2048)
    entry = site_entry(port, charger("CP-1"), security={"tls_port": unused_tcp_port, **OWN})
    await set_up(hass, entry)
    return entry


def folder(hass: HomeAssistant) -> Path:
    return authority_of(hass, "home").root.parent


def keys_on_disk(hass: HomeAssistant) -> set[str]:
    return {path.name for path in folder(hass).glob("*.key")}


async def protect(hass: HomeAssistant) -> str:
    answer: Any = await hass.services.async_call(
        DOMAIN, "protect_keys", {}, blocking=True, return_response=True
    )
    return str(answer["recovery_code"])


async def restored(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """Start the site from a backup in which the keys are not."""
    await hass.config_entries.async_unload(entry.entry_id)
    for key in folder(hass).glob("*.key"):
        key.unlink()
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()


async def test_a_backup_has_no_key_and_nobody_notices(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    assert await async_setup_component(hass, "backup", {})
    await hass.async_block_till_done()
    manager, site = hass.data[DATA_MANAGER], entry.runtime_data.site
    await manager.async_pre_backup_actions()
    assert len(keys_on_disk(hass)) == 3
    await manager.async_post_backup_actions()
    await protect(hass)

    await manager.async_pre_backup_actions()
    assert keys_on_disk(hass) == set()
    tls = site._rooms.central.tls
    assert tls is not None
    await tls.reload_if_changed()
    assert tls.trouble is None

    await manager.async_post_backup_actions()
    assert len(keys_on_disk(hass)) == 3
    await tls.reload_if_changed()
    assert tls.trouble is None


async def test_a_backup_says_that_it_is_one_and_the_site_goes_on(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    ledger = entry.runtime_data.site._rooms.ledger
    await async_pre_backup(hass)
    assert ledger.in_backup

    await async_post_backup(hass)
    assert not ledger.in_backup


async def test_a_backup_whose_end_cannot_be_recorded_hinders_nothing(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    site = entry.runtime_data.site
    await async_pre_backup(hass)
    with patch.object(BalanzSite, "backup_ends", AsyncMock(side_effect=StorageError("full"))):
        await async_post_backup(hass)

    assert site.running
    assert len(keys_on_disk(hass)) == 3


async def test_a_site_that_stops_during_a_backup_has_its_keys_the_next_time(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    await protect(hass)
    await entry.runtime_data.site.keys.withhold()

    await hass.config_entries.async_reload(entry.entry_id)

    assert entry.state is ConfigEntryState.LOADED
    assert len(keys_on_disk(hass)) == 3


async def test_the_code_is_told_to_nobody_but_who_has_asked(
    hass: HomeAssistant, entry: MockConfigEntry, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    events = async_capture_events(hass, MATCH_ALL)
    code = await protect(hass)
    await hass.async_block_till_done()
    diagnostics = await async_get_config_entry_diagnostics(hass, entry)
    states = [state.as_dict() for state in hass.states.async_all()]

    assert events
    for told in (caplog.text, str(diagnostics), str(states), str(events), str(entry.as_dict())):
        assert code not in told
    config = Path(hass.config.config_dir)
    files = [path.read_bytes() for path in config.rglob("*") if path.is_file()]
    assert files
    assert not any(code.encode() in content for content in files)


async def test_after_a_restore_a_repair_asks_for_the_code(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    root = authority_of(hass, "home").root.read_text()
    code = await protect(hass)
    await restored(hass, entry)
    assert entry.state is ConfigEntryState.SETUP_ERROR
    assert ISSUE in issues(hass)
    manager, form = await start_fix(hass, ISSUE)
    form = await manager.async_configure(form["flow_id"], {"recovery_code": "wrong"})
    assert form["errors"] == {"recovery_code": "code_wrong"}

    result = await manager.async_configure(form["flow_id"], {"recovery_code": code})
    await hass.async_block_till_done()

    assert result["type"] == "create_entry"
    assert not issues(hass)
    assert authority_of(hass, "home").root.read_text() == root
    simulated = await RawCharger.dial(entry.data["port"], "CP-1")
    await simulated.boot()
    await wait_until(lambda: entry.runtime_data.site.door.is_connected("CP-1"))
    await simulated.close()


async def test_a_code_is_of_no_use_where_the_site_runs_or_is_gone(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    code = await protect(hass)
    await restored(hass, entry)
    manager, form = await start_fix(hass, ISSUE)
    with patch.object(KeyLock, "open", side_effect=OSError):
        failing = await manager.async_configure(form["flow_id"], {"recovery_code": code})
    assert failing["reason"] == "storage_failing"
    manager, form = await start_fix(hass, ISSUE)
    authority_of(hass, "home").lock.open(code)
    await hass.config_entries.async_reload(entry.entry_id)
    running = await manager.async_configure(form["flow_id"], {"recovery_code": code})
    assert running["reason"] == "already_mended"

    await restored(hass, entry)
    manager, form = await start_fix(hass, ISSUE)
    await hass.config_entries.async_remove(entry.entry_id)
    gone = await manager.async_configure(form["flow_id"], {"recovery_code": code})
    assert gone["reason"] == "site_not_running"
    assert not issues(hass)


async def test_what_cannot_be_protected_is_said(hass: HomeAssistant, port: int) -> None:
    await set_up(hass, site_entry(port, charger("CP-1")))
    with pytest.raises(ServiceValidationError) as no_root:
        await protect(hass)
    assert no_root.value.translation_key == "no_own_root"
    # A backup of a site without keys of its own is nothing to wait for.
    await hass.config_entries.async_entries(DOMAIN)[0].runtime_data.site.keys.withhold()


async def test_a_disk_that_fails_is_told(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    with (
        patch.object(KeyLock, "put", side_effect=OSError("full")),
        pytest.raises(HomeAssistantError, match="full"),
    ):
        await protect(hass)


async def test_keys_that_a_disk_does_not_take_back_are_told_of(
    hass: HomeAssistant, entry: MockConfigEntry, caplog: pytest.LogCaptureFixture
) -> None:
    await protect(hass)
    await entry.runtime_data.site.keys.withhold()

    with patch.object(KeyLock, "give_back", side_effect=OSError("full")):
        await hass.config_entries.async_unload(entry.entry_id)

    assert "the recovery code opens them" in caplog.text
