"""Passwords, certificates and addresses, as the user meets them."""

import json
import ssl
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest
from homeassistant.components.repairs import DOMAIN as REPAIRS
from homeassistant.config_entries import SOURCE_USER, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)

from custom_components.balanz import repairs
from custom_components.balanz.const import DOMAIN
from custom_components.balanz.coordinator import RENEWAL
from custom_components.balanz.csms import certificate_authority
from custom_components.balanz.csms.certificate_authority import CertificateAuthority
from custom_components.balanz.csms.credentials import authorization_key
from custom_components.balanz.csms.security_profile import SecurityProfile
from custom_components.balanz.entry_settings import read_entry
from custom_components.balanz.storage.journal import StorageError
from tests.csms.certificates import Made
from tests.csms.client import RawCharger, status_of
from tests.csms.test_security_profiles import basic, come_from
from tests.ha.build import charger, group, set_up, site_data, site_entry, wait_until
from tests.ha.test_discovery import CONFIRMED, discovered
from tests.ha.test_subentry_flow import NEW_CHARGER, without

OWN: dict[str, Any] = {"tls": "own", "allow_internet": False}


@pytest.fixture(autouse=True)
def quick_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certificate_authority, "_ROOT_KEY_BITS", 2048)


@pytest.fixture
def tls_port(port: int, unused_tcp_port: int) -> int:
    return unused_tcp_port


async def add(hass: HomeAssistant, entry: MockConfigEntry, **changes: Any) -> Any:
    """Add a charger by hand."""
    form = await hass.config_entries.subentries.async_init(
        (entry.entry_id, "charger"), context={"source": SOURCE_USER}
    )
    return await answer(hass, form, {**NEW_CHARGER, "security": "password", **changes})


async def change(hass: HomeAssistant, entry: MockConfigEntry, **changes: Any) -> Any:
    """Change the charger CP-1."""
    form = await entry.start_subentry_reconfigure_flow(hass, "subentry-CP-1")
    return await answer(hass, form, {**without(NEW_CHARGER, "identity"), **changes})


async def answer(hass: HomeAssistant, form: Any, user_input: dict[str, Any]) -> Any:
    result = await hass.config_entries.subentries.async_configure(form["flow_id"], user_input)
    await hass.async_block_till_done()
    return result


def password_in(form: Any) -> str:
    assert form["step_id"] == "password"
    password: str = form["description_placeholders"]["password"]
    return password


async def dial(port: int, password: str | None = None, identity: str = "CP-1") -> RawCharger:
    options = {} if password is None else basic(password, user=identity)
    return await RawCharger.dial(port, identity, **options)


async def refusal(port: int, password: str | None = None) -> int:
    return await status_of(port, "/CP-1", **({} if password is None else basic(password, "CP-1")))


# Passwords


async def test_a_charger_added_by_hand_gets_a_password_that_is_shown_once(
    hass: HomeAssistant, port: int
) -> None:
    entry = site_entry(port)
    await set_up(hass, entry)
    form = await add(hass, entry)
    password = password_in(form)
    url = f"ws://127.0.0.1:{port}/"
    assert form["description_placeholders"] == {
        "url": url,
        "identity": "CP-1",
        "password": password,
        "root": "-",
    }
    [qr_code] = form["data_schema"].schema.values()
    assert qr_code.config["data"] == f"{url}CP-1\nCP-1\n{password}"

    result = await answer(hass, form, {})

    assert result["type"] is FlowResultType.CREATE_ENTRY
    [subentry] = entry.subentries.values()
    assert subentry.data["security"] == "password"
    assert password not in json.dumps({**subentry.data})
    assert await refusal(port) == 401
    simulated = await dial(port, password)
    assert (await simulated.boot())["status"] == "Accepted"
    await simulated.close()


async def test_a_form_that_is_closed_leaves_nothing_behind(hass: HomeAssistant, port: int) -> None:
    entry = site_entry(port)
    await set_up(hass, entry)
    form = await add(hass, entry)

    hass.config_entries.subentries.async_abort(form["flow_id"])

    assert not entry.runtime_data.site.door.has_password("CP-1")


async def test_no_password_is_made_while_the_site_is_not_running(
    hass: HomeAssistant, port: int
) -> None:
    entry = site_entry(port)
    entry.add_to_hass(hass)

    result = await add(hass, entry)

    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "site_not_running")


async def test_a_charger_from_before_is_open_and_comes_as_it_did(
    hass: HomeAssistant, port: int
) -> None:
    entry = site_entry(port, charger("CP-1"))
    await set_up(hass, entry)

    assert read_entry(entry).site.chargers[0].security is SecurityProfile.OPEN
    await (await dial(port)).close()


async def test_a_discovered_charger_is_told_the_password_that_is_made_for_it(
    hass: HomeAssistant, port: int
) -> None:
    entry = site_entry(port, group("garage"))
    await set_up(hass, entry)
    simulated = await dial(port)
    await simulated.boot()
    offer = await discovered(hass)
    form = await hass.config_entries.flow.async_configure(
        offer["flow_id"], {**CONFIRMED, "security": "password"}
    )
    password = password_in(form)

    result = await hass.config_entries.flow.async_configure(form["flow_id"], {"send": True})
    assert result["reason"] == "charger_added"
    await hass.async_block_till_done()
    await simulated.boot()

    told = {"key": "AuthorizationKey", "value": authorization_key(password)}
    await wait_until(lambda: told in simulated.received("ChangeConfiguration"))
    await simulated.close()
    assert await refusal(port) == 401
    await (await dial(port, password)).close()


async def test_a_discovered_charger_that_does_not_take_its_password_is_told_of(
    hass: HomeAssistant, port: int, caplog: pytest.LogCaptureFixture
) -> None:
    entry = site_entry(port, group("garage"))
    await set_up(hass, entry)
    simulated = await dial(port)
    simulated.answers["ChangeConfiguration"] = {"status": "Rejected"}
    await simulated.boot()
    offer = await discovered(hass)
    form = await hass.config_entries.flow.async_configure(
        offer["flow_id"], {**CONFIRMED, "security": "password"}
    )
    await hass.config_entries.flow.async_configure(form["flow_id"], {"send": True})
    await hass.async_block_till_done()
    await simulated.boot()

    await wait_until(lambda: "CP-1 did not take its password" in caplog.text)
    assert password_in(form) not in caplog.text
    await simulated.close()


async def test_a_connected_charger_is_given_a_new_password(hass: HomeAssistant, port: int) -> None:
    entry = site_entry(port, charger("CP-1"))
    await set_up(hass, entry)
    simulated = await dial(port)
    await simulated.boot()
    await wait_until(lambda: entry.runtime_data.site.door.is_connected("CP-1"))
    form = await change(hass, entry, security="password", new_password=True)
    password = password_in(form)

    result = await answer(hass, form, {"send": True})

    assert result["reason"] == "reconfigure_successful"
    data = entry.subentries["subentry-CP-1"].data
    assert data["security"] == "password"
    assert "new_password" not in data
    key = authorization_key(password)
    assert {"key": "AuthorizationKey", "value": key} in simulated.received("ChangeConfiguration")
    await simulated.close()
    await (await dial(port, key)).close()


async def test_a_charger_that_does_not_take_it_can_still_be_given_it_by_hand(
    hass: HomeAssistant, port: int
) -> None:
    entry = site_entry(port, charger("CP-1"))
    await set_up(hass, entry)
    simulated = await dial(port)
    simulated.answers["ChangeConfiguration"] = {"status": "NotSupported"}
    await simulated.boot()
    await wait_until(lambda: entry.runtime_data.site.door.is_connected("CP-1"))
    form = await change(hass, entry, security="password")
    password = password_in(form)
    form = await answer(hass, form, {"send": True})
    assert form["errors"] == {"base": "password_not_taken"}
    assert password_in(form) == password

    result = await answer(hass, form, {"send": False})

    assert result["reason"] == "reconfigure_successful"
    await simulated.close()
    await (await dial(port, password)).close()


async def test_a_password_that_the_disk_does_not_take_lets_nobody_in(
    hass: HomeAssistant, port: int
) -> None:
    entry = site_entry(port, charger("CP-1"))
    await set_up(hass, entry)
    form = await change(hass, entry, security="password")
    door = entry.runtime_data.site.door
    with patch.object(door._recorder, "write", side_effect=StorageError("full")):
        form = await answer(hass, form, {})

    assert form["errors"] == {"base": "storage_failing"}
    assert not door.has_password("CP-1")


async def test_a_password_is_asked_for_only_once(hass: HomeAssistant, port: int) -> None:
    entry = site_entry(port, charger("CP-1"))
    await set_up(hass, entry)
    await answer(hass, await change(hass, entry, security="password"), {})

    result = await change(hass, entry, security="password", name="Right")

    assert result["reason"] == "reconfigure_successful"
    await hass.config_entries.async_unload(entry.entry_id)
    result = await change(hass, entry, security="password", name="Left")
    assert result["reason"] == "reconfigure_successful"


async def test_a_charger_that_came_with_its_password_is_shown_so(
    hass: HomeAssistant, port: int
) -> None:
    entry = site_entry(port, charger("CP-1"))
    await set_up(hass, entry)
    form = await change(hass, entry, new_password=True)
    await answer(hass, form, {})
    assert entry.subentries["subentry-CP-1"].data["security"] == "open"

    await (await dial(port, password_in(form))).close()
    await hass.async_block_till_done()

    assert entry.subentries["subentry-CP-1"].data["security"] == "password"
    assert await refusal(port) == 401


@pytest.mark.parametrize(
    ("security", "error"),
    [("tls_password", "needs_encryption"), ("tls_certificate", "needs_own_root")],
)
async def test_nothing_is_asked_for_that_the_site_cannot_give(
    hass: HomeAssistant, port: int, security: str, error: str
) -> None:
    entry = site_entry(port)
    await set_up(hass, entry)

    form = await add(hass, entry, security=security)

    assert form["errors"] == {"security": error}


# Addresses


async def test_a_charger_that_has_moved_is_let_in_once_the_user_says_so(
    hass: HomeAssistant, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    await async_setup_component(hass, REPAIRS, {})
    entry = site_entry(port, charger("CP-1"))
    await set_up(hass, entry)
    await (await dial(port)).close()
    come_from(monkeypatch, "192.168.1.9")
    assert await refusal(port) == 401
    issue_id = "home_address_changed_CP-1"
    await wait_until(lambda: ir.async_get(hass).async_get_issue(DOMAIN, issue_id) is not None)
    issue = ir.async_get(hass).async_get_issue(DOMAIN, issue_id)
    assert issue is not None
    assert issue.translation_placeholders == {
        "site": "Home",
        "entry_id": "home",
        "group": "CP-1",
        "sensors": "",
        "charger": "Left",
        "address": "192.168.1.9",
        "known_address": "127.0.0.1",
    }
    flow: Any = await repairs.async_create_fix_flow(hass, issue_id, issue.data)
    flow.hass, flow.issue_id, flow.handler, flow.flow_id = hass, issue_id, DOMAIN, "1"
    assert (await flow.async_step_init())["type"] is FlowResultType.FORM

    result = await flow.async_step_confirm({})

    assert result["type"] is FlowResultType.CREATE_ENTRY
    await wait_until(lambda: ir.async_get(hass).async_get_issue(DOMAIN, issue_id) is None)
    await (await dial(port)).close()


# Certificates


def security(tls_port: int, /, **changes: Any) -> dict[str, Any]:
    return {"tls_port": tls_port, **OWN, **changes}


async def site_form(hass: HomeAssistant, port: int, chosen: dict[str, Any]) -> Any:
    form = await hass.config_entries.flow.async_init(DOMAIN, context={"source": SOURCE_USER})
    data = {**without(site_data(port), "supply"), "name": "Home", "security": chosen}
    return await hass.config_entries.flow.async_configure(form["flow_id"], data)


async def test_with_certificates_of_its_own_a_site_is_encrypted_from_the_form_on(
    hass: HomeAssistant, port: int, tls_port: int
) -> None:
    menu = await site_form(hass, port, security(tls_port))
    form = await hass.config_entries.flow.async_configure(
        menu["flow_id"], {"next_step_id": "supply_none"}
    )
    result = await hass.config_entries.flow.async_configure(
        form["flow_id"], {"other_loads_a": 5.0, "feeds_chargers_only": False}
    )
    await hass.async_block_till_done()
    entry: Any = result["result"]
    assert entry.state is ConfigEntryState.LOADED
    form = await add(hass, entry, security="tls_password")
    placeholders = form["description_placeholders"]
    assert placeholders["url"] == f"wss://127.0.0.1:{tls_port}/"
    assert placeholders["root"].endswith("balanz-root.pem")
    await answer(hass, form, {})

    context = await hass.async_add_executor_job(
        lambda: ssl.create_default_context(cafile=placeholders["root"])
    )
    simulated = await RawCharger.dial(
        tls_port, "CP-1", ssl=context, **basic(password_in(form), user="CP-1")
    )

    assert (await simulated.boot())["status"] == "Accepted"
    await simulated.close()


async def test_certificates_are_renewed_day_by_day(
    hass: HomeAssistant, port: int, tls_port: int, caplog: pytest.LogCaptureFixture
) -> None:
    entry = site_entry(port, security=security(tls_port))
    await set_up(hass, entry)
    with patch.object(CertificateAuthority, "prepare", side_effect=OSError("full")) as prepare:
        async_fire_time_changed(hass, dt_util.utcnow() + RENEWAL)
        await hass.async_block_till_done(wait_background_tasks=True)

        prepare.assert_called_once()
    assert "are not renewed" in caplog.text


async def test_home_assistants_own_certificate_is_shared(
    hass: HomeAssistant,
    port: int,
    tls_port: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    files = Made.of("home", None).files(tmp_path, "ha")
    assert await async_setup_component(hass, "http", {})
    monkeypatch.setattr(hass.http, "ssl_certificate", str(files.certificate))
    monkeypatch.setattr(hass.http, "ssl_key", str(files.key))
    assert (await site_form(hass, port, security(tls_port, tls="home_assistant")))["type"] is (
        FlowResultType.MENU
    )
    entry = site_entry(port, security=security(tls_port, tls="home_assistant"))
    await set_up(hass, entry)

    assert entry.runtime_data.site.door.port == tls_port


async def test_a_home_assistant_that_has_none_any_more_is_an_error(
    hass: HomeAssistant, port: int, tls_port: int
) -> None:
    hass.http = SimpleNamespace(ssl_certificate=None, ssl_key=None)  # type: ignore[assignment]
    form = await site_form(hass, port, security(tls_port, tls="home_assistant"))
    assert form["errors"] == {"security": "home_assistant_has_no_certificate"}

    entry = site_entry(port, security=security(tls_port, tls="home_assistant"))
    await set_up(hass, entry)

    assert entry.state is ConfigEntryState.SETUP_ERROR
    assert entry.error_reason_translation_key == "home_assistant_has_no_certificate"


async def test_certificates_come_from_files_of_both_kinds(
    hass: HomeAssistant, port: int, tls_port: int, tmp_path: Path
) -> None:
    first = Made.of("home", None).files(tmp_path, "first")
    second = Made.of("home", None).files(tmp_path, "second")
    chosen = security(
        tls_port,
        tls="files",
        certificate=str(first.certificate),
        key=str(first.key),
        other_certificate=str(second.certificate),
        other_key=str(second.key),
    )
    assert (await site_form(hass, port, chosen))["type"] is FlowResultType.MENU
    entry: Any = site_entry(port, security=chosen)
    await set_up(hass, entry)
    assert entry.runtime_data.site.door.port == tls_port
    await hass.config_entries.async_unload(entry.entry_id)

    second.key.unlink()
    await hass.config_entries.async_reload(entry.entry_id)

    assert entry.state is ConfigEntryState.SETUP_ERROR
    assert entry.error_reason_translation_key == "certificate_unusable"
    assert entry.error_reason_translation_placeholders == {
        "file": str(second.key),
        "reason": "No such file or directory",
    }


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"tls": "files"}, "certificate_missing"),
        (
            {"tls": "files", "certificate": "/no", "key": "/no", "other_key": "/no"},
            "certificate_missing",
        ),
        ({"tls": "files", "certificate": "/no", "key": "/no"}, "certificate_unusable"),
        ({"tls_port": 0}, "tls_port_same"),
        ({"tls_port": 1}, "tls_port_in_use"),
    ],
)
async def test_each_mistake_about_certificates_is_named(
    hass: HomeAssistant, port: int, tls_port: int, changes: dict[str, Any], error: str
) -> None:
    chosen = security(tls_port, **changes)
    if error == "tls_port_same":
        chosen["tls_port"] = port
    with patch(
        "custom_components.balanz.config_flow.async_try_to_listen",
        side_effect=lambda _host, number: {"port": "port_in_use"} if number == 1 else {},
    ):
        form = await site_form(hass, port, chosen)

    assert form["errors"] == {"security": error}


async def test_a_site_keeps_its_security_where_a_form_leaves_it_out(
    hass: HomeAssistant, port: int, tls_port: int
) -> None:
    entry = site_entry(port, charger("CP-1"), security=security(tls_port))
    await set_up(hass, entry)
    form = await entry.start_reconfigure_flow(hass)
    data = {**without(site_data(port), "supply"), "name": "Home"}
    menu = await hass.config_entries.flow.async_configure(form["flow_id"], data)
    await hass.config_entries.flow.async_configure(menu["flow_id"], {"next_step_id": "supply_keep"})
    await hass.async_block_till_done()

    assert entry.data["security"] == security(tls_port)
    assert entry.state is ConfigEntryState.LOADED


async def test_chargers_from_the_internet_are_allowed_without_a_restart(
    hass: HomeAssistant, port: int
) -> None:
    entry = site_entry(port, charger("CP-1"))
    await set_up(hass, entry)
    running = entry.runtime_data
    hass.config_entries.async_update_entry(
        entry, data={**entry.data, "security": {"allow_internet": True}}
    )
    await hass.async_block_till_done()

    assert entry.runtime_data is running
    assert running.site._rooms.central.admission.allows_internet


async def test_other_certificates_need_a_restart(
    hass: HomeAssistant, port: int, tls_port: int
) -> None:
    entry = site_entry(port)
    await set_up(hass, entry)
    running = entry.runtime_data
    hass.config_entries.async_update_entry(
        entry, data={**entry.data, "security": security(tls_port)}
    )
    await hass.async_block_till_done()

    assert entry.runtime_data is not running
    assert entry.runtime_data.site.door.port == tls_port
