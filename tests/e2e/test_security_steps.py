"""From an open port to profile 2 in the five steps of docs/security.md, as they are written."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page

from simulator import grid_meter
from simulator.charger import SimulatedCharger
from simulator.entities import SiteEntities
from simulator.home_assistant import HassProcess, free_port
from simulator.options import ChargerOptions, SecurityOptions
from simulator.site_setup import DOMAIN, SiteSetup, charger_form
from tests.e2e.browser import Browser, logged_in
from tests.e2e.error_log import errors

IDENTITY = "CP-1"
USUAL_PORT = "9301"
DRAWN_MS = 1000
"""Dialogs and lists open with a transition, which has no event to wait for."""


class Owner:
    """Somebody with a browser, and a charger whose installation page is open."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._page: Page = browser.page
        self._page.set_default_timeout(15_000)

    async def open_integration(self) -> None:
        await self._browser.open(f"/config/integrations/integration/{DOMAIN}")

    async def click(self, what: Locator) -> None:
        await what.first.click()
        await self._page.wait_for_timeout(DRAWN_MS)

    async def choose(self, label: str, option: str) -> None:
        """Choose from a list."""
        await self.click(self._page.locator("ha-select", has_text=label))
        await self.click(self._page.get_by_role("menuitem", name=option, exact=True))

    async def submit(self) -> None:
        await self.click(self._page.get_by_role("button", name="Submit"))

    async def encrypt(self, port: int) -> None:
        """Step 1; the port is another one than usual, since tests share a machine."""
        page = self._page
        await self.open_integration()
        await self.click(page.locator("ha-config-entry-row ha-dropdown ha-icon-button"))
        await self.click(page.locator("ha-config-entry-row ha-dropdown-item[value=reconfigure]"))
        await self.click(page.get_by_text("Security", exact=True))
        await self.choose("Certificates for encryption", "balanz's own")
        for field in await page.locator("dialog-data-entry-flow input").all():
            if await field.input_value() == USUAL_PORT:
                await field.fill(str(port))
        await self.submit()
        await self.click(page.get_by_text("Keep it as it is"))
        await self.click(page.get_by_role("button", name="Close"))

    async def ask_for_a_password(self) -> str:
        """Step 3; return what the next form shows."""
        page = self._page
        await self.open_integration()
        await self.click(page.locator("ha-config-sub-entry-row ha-icon-button:not([slot=start])"))
        await self.choose("None: whoever comes", "Encryption and password")
        await self.submit()
        text = await page.locator("ha-markdown", has_text="Password:").last.evaluate(
            "element => element.shadowRoot?.textContent || element.textContent"
        )
        await self.submit()
        await self.click(page.get_by_role("button", name="Close"))
        return str(text)

    async def sees(self, path: str, *texts: str) -> list[str]:
        """Return which of these texts a page shows."""
        await self._browser.open(path)
        return [text for text in texts if await self._browser.shows(text)]


@pytest.fixture
async def home_assistant(tmp_path: Path) -> AsyncIterator[HassProcess]:
    async with HassProcess(
        tmp_path, free_port(), extra_configuration=grid_meter.CONFIGURATION
    ) as process:
        await grid_meter.report(process.client, (1.0, 1.0, 1.0))
        yield process


def shown_in(text: str, label: str) -> str:
    """Return what a form shows behind a label."""
    found = re.search(rf"{label}:\s*(\S+)", text)
    assert found, text
    return found[1]


async def until(entities: SiteEntities, identity: str, state: str) -> None:
    """Wait until *Connected* is so."""
    entity = entities.entity_id("binary_sensor", f"_charger_{identity}_connected")
    deadline = time.monotonic() + 30
    while (await entities.state_of("binary_sensor", f"_charger_{identity}_connected")) != state:
        assert time.monotonic() < deadline, f"{entity} is not {state}"
        await asyncio.sleep(0.2)


async def test_an_owner_is_led_from_an_open_port_to_profile_2(
    home_assistant: HassProcess, tmp_path: Path
) -> None:
    client, port = home_assistant.client, free_port()
    site = await SiteSetup.add(client, name="Home", port=port, main_fuse_a=25)
    plain_url = f"ws://127.0.0.1:{port}"
    options = ChargerOptions(reconnect_s=0.5, security=SecurityOptions())
    before = SimulatedCharger(IDENTITY, plain_url, options=options)
    await before.start()
    form = charger_form(
        name="Garage charger", group_id="root", rating_a=16, phases=3, phase_map="l1_l2_l3"
    )
    await site.confirm(IDENTITY, form)
    entities = SiteEntities(client, site.entry_id)
    await entities.load()
    user, password = home_assistant.user, home_assistant.password
    async with logged_in(home_assistant.url, user, password, height=1400) as browser:
        owner, tls_port = Owner(browser), free_port()

        await owner.encrypt(tls_port)
        folder = tmp_path / DOMAIN / site.entry_id / "certificates"
        root_pem = (folder / "balanz-root.pem").read_text()
        await until(entities, IDENTITY, "on")
        text = await owner.ask_for_a_password()
        url, told = shown_in(text, "URL"), shown_in(text, "Password")
        await until(entities, IDENTITY, "off")
        repairs = await owner.sees("/config/repairs", "Garage charger")
        await before.stop()

        after = SimulatedCharger(
            IDENTITY,
            plain_url,
            options=ChargerOptions(
                password=told,
                reconnect_s=0.5,
                security=SecurityOptions(profile=2, secure_url=url, trusts=(root_pem,)),
            ),
        )
        await after.start()
        await until(entities, IDENTITY, "on")
        repairs_after = await owner.sees("/config/repairs", "Garage charger")
        problems = browser.problems
    await after.stop()

    assert url == f"wss://127.0.0.1:{tls_port}/"
    assert shown_in(text, "install in the charger") == str(folder / "balanz-root.pem")
    assert (repairs, repairs_after) == (["Garage charger"], [])
    assert problems == []
    for open_password in (None, told):
        thief = SimulatedCharger(
            IDENTITY, plain_url, options=ChargerOptions(password=open_password)
        )
        await thief.start()
        await thief.wait_until(lambda thief=thief: thief.last_error is not None)  # type: ignore[misc]
        await thief.stop()
        assert thief.connections == 0
    log = home_assistant.log()
    assert told not in log
    assert errors(log) == []
