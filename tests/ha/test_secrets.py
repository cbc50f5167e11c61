"""Secrets are planted wherever they come by; what anybody may read is searched for them."""

import json
import logging
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from homeassistant.components.backup.const import EXCLUDE_FROM_BACKUP
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import issue_registry as ir
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_capture_events

from custom_components.balanz.const import DOMAIN
from custom_components.balanz.csms import certificate_authority
from custom_components.balanz.csms.credentials import authorization_key
from custom_components.balanz.diagnostics import (
    async_get_config_entry_diagnostics,
    async_get_device_diagnostics,
)
from custom_components.balanz.security_events import EVENT_SECURITY
from custom_components.balanz.tls_sources import authority_of
from tests.csms.client import RawCharger
from tests.csms.test_security_profiles import basic
from tests.ha.build import charger, set_up, site_entry, wait_until
from tests.ha.test_security import OWN, answer, change, dial, password_in, refusal

WRONG = "Wrong-Password-Wrong"
TOLD_BY_CHARGER = "Charger-Tells-All-20"
"""What a careless charger reads out as its AuthorizationKey."""
TAG = "04A1B2C3D4E5F6"


@pytest.fixture(autouse=True)
def quick_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certificate_authority, "_ROOT_KEY_BITS", 2048)


class Household:
    """A site in which all its secrets have come by."""

    def __init__(self, hass: HomeAssistant, entry: MockConfigEntry, port: int) -> None:
        self.hass = hass
        self.entry = entry
        self.port = port
        self.passwords = [WRONG, TOLD_BY_CHARGER]
        self.events: list[Any] = async_capture_events(hass, EVENT_SECURITY)
        self.errors: list[str] = []
        """What users were shown when something failed."""

    @property
    def keys(self) -> list[str]:
        """A line from the middle of each private key."""
        folder = authority_of(self.hass, self.entry.entry_id).root.parent
        return [file.read_text().splitlines()[1] for file in folder.glob("*.key")]

    async def connect(self, password: str | None = None) -> RawCharger:
        """Have a charger dial in that tells what it should not."""
        simulated = await dial(self.port, password)
        leak = f"cannot use {self.passwords[-1]}"
        told = [
            {"key": "AuthorizationKey", "readonly": False, "value": TOLD_BY_CHARGER},
            {"key": "authorizationKey", "readonly": False,
             "value": authorization_key(TOLD_BY_CHARGER)},
        ]  # fmt: skip
        simulated.answers |= {
            "GetConfiguration": {"configurationKey": told},
            "ChangeConfiguration": f'[4,"%s","InternalError","{leak}",{{}}]',
        }
        await simulated.boot()
        await wait_until(lambda: self.entry.runtime_data.site.door.is_connected("CP-1"))
        return simulated

    async def new_password(self, *, sent: bool, accepted: RawCharger | None = None) -> str:
        """Make a password in the charger's form, and go on."""
        form = await change(self.hass, self.entry, security="password", new_password=True)
        password = password_in(form)
        self.passwords.append(password)
        if accepted is not None:
            accepted.answers["ChangeConfiguration"] = {"status": "Accepted"}
        result = await answer(self.hass, form, {"send": sent})
        self.errors.append(json.dumps(result.get("errors"), default=str))
        return password

    def told(self) -> Iterator[str]:
        """Yield all that users, their automations and their backups of entries can read."""
        yield json.dumps([state.as_dict() for state in self.hass.states.async_all()], default=str)
        yield json.dumps(self.entry.as_dict(), default=str)
        yield str(self.entry.runtime_data.snapshot)
        yield str(self.entry.runtime_data.site._rooms.central.admission.rules)
        yield from (str(issue) for issue in ir.async_get(self.hass).issues.values())
        yield from (json.dumps(event.data) for event in self.events)
        yield from self.errors

    def device(self) -> dr.DeviceEntry:
        """Return the charger."""
        registry = dr.async_get(self.hass)
        device = registry.async_get_device_by_identifier((DOMAIN, "home_charger_CP-1"), "home")
        assert device is not None
        return device

    async def diagnostics(self) -> str:
        """Return what can be downloaded of the site and of the charger."""
        site = await async_get_config_entry_diagnostics(self.hass, self.entry)
        own = await async_get_device_diagnostics(self.hass, self.entry, self.device())
        return json.dumps([site, own])


@pytest.fixture
async def household(
    hass: HomeAssistant, port: int, unused_tcp_port: int, caplog: pytest.LogCaptureFixture
) -> Household:
    """Passwords made, refused, echoed and used; keys made; a tag shown; much that fails."""
    caplog.set_level(logging.DEBUG)
    entry = site_entry(port, charger("CP-1"), security={"tls_port": unused_tcp_port, **OWN})
    await set_up(hass, entry)
    home = Household(hass, entry, port)
    simulated = await home.connect()
    await simulated.call("Authorize", {"idTag": TAG})
    await home.new_password(sent=True)
    used = await home.new_password(sent=True, accepted=simulated)
    await simulated.close()
    assert await refusal(port, WRONG) == 401
    simulated = await home.connect(used)
    with suppress(Exception):
        await dial(port, used, identity="CP-2")
    for action, data in (
        ("get_log", {"log_type": "security", "location": f"ftp://user:{WRONG}@x/"}),
        ("request_certificate", {}),
    ):
        with pytest.raises(HomeAssistantError) as failed:
            await hass.services.async_call(
                DOMAIN,
                action,
                {"device_id": home.device().id, **data},
                blocking=True,
                return_response=action == "get_log",
            )
        home.errors.append(str(failed.value))
    await simulated.close()
    await hass.async_block_till_done()
    return home


def forms_of(password: str) -> list[str]:
    """Return all that a password can be read from."""
    header = basic(password, "CP-1")["additional_headers"]["Authorization"]
    return [password, authorization_key(password), header.removeprefix("Basic ")]


def ours(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what was logged, but for what the charger's side of these tests logs.

    Nor what Home Assistant's bus does where a test run tells more: each action as it was called.
    """
    return [
        record.getMessage() + str(record.exc_text or record.exc_info or "")
        for record in (*caplog.get_records("setup"), *caplog.records)
        if not record.name.startswith(("websockets.", "homeassistant.core"))
    ]


async def test_passwords_and_keys_are_in_no_log_no_state_no_event_and_no_error(
    household: Household, caplog: pytest.LogCaptureFixture
) -> None:
    diagnostics = await household.diagnostics()
    read = [diagnostics, *household.told(), *ours(caplog)]
    secrets = [form for password in household.passwords for form in forms_of(password)]

    assert any("is refused: wrong_password" in text for text in read)
    assert len(household.passwords) == 4
    assert len(household.keys) == 3
    for secret in (*secrets, *household.keys):
        assert [text for text in read if secret in text] == []


async def test_the_id_of_a_tag_is_in_no_log_and_no_diagnostics(
    household: Household, caplog: pytest.LogCaptureFixture
) -> None:
    diagnostics = await household.diagnostics()

    assert any("is refused: wrong_password" in text for text in ours(caplog))
    assert TAG not in diagnostics
    assert [text for text in ours(caplog) if TAG in text] == []


async def test_a_backup_holds_no_password_and_keys_only_where_they_are_kept(
    household: Household,
) -> None:
    folder = Path(household.hass.config.config_dir)
    certificates = authority_of(household.hass, household.entry.entry_id).root.parent
    files = [path for path in folder.rglob("*") if path.is_file()]
    backed_up = [
        path
        for path in files
        if not any(path.relative_to(folder).full_match(it) for it in EXCLUDE_FROM_BACKUP)
    ]
    contents = {path: path.read_bytes() for path in backed_up}

    for secret in (form for password in household.passwords for form in forms_of(password)):
        assert [path for path, content in contents.items() if secret.encode() in content] == []
    for key in household.keys:
        [holder] = [path for path, content in contents.items() if key.encode() in content]
        assert holder.parent == certificates
    assert stat.S_IMODE(certificates.stat().st_mode) == 0o700
    kept = [path for path in files if DOMAIN in path.relative_to(folder).parts]
    assert len(kept) >= 8
    assert {stat.S_IMODE(path.stat().st_mode) for path in kept} == {0o600}
