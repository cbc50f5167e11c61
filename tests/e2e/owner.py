"""Somebody who uses Home Assistant's frontend: opens pages, fills in forms, picks from lists.

Everything is found by what is seen, and each step waits until what it leads to is seen.
"""

import contextlib
import re
from pathlib import Path
from typing import Literal

from playwright.async_api import Locator
from playwright.async_api import TimeoutError as NotSeenInTime

from simulator.site_setup import DOMAIN
from tests.e2e.browser import Browser

SEEN_WITHIN_MS = 60_000
"""A busy machine loads the parts of the frontend slowly."""
TRIES = 10


class Owner:
    """A logged-in user at a browser."""

    def __init__(self, browser: Browser) -> None:
        """Have the first page open."""
        self.browser = browser
        self.page = browser.page
        self.page.set_default_timeout(SEEN_WITHIN_MS)

    async def open(self, path: str) -> None:
        """Go to a page."""
        await self.browser.open(path)

    async def sees(self, text: str) -> None:
        """Wait until a text is seen."""
        await self.page.get_by_text(text).filter(visible=True).first.wait_for()

    async def press(self, name: str) -> None:
        """Press the button that is called so; the newest where there are several."""
        await self.page.get_by_role("button", name=name, exact=True).last.click()

    async def choose(self, option: str) -> None:
        """Choose from the menu that is open."""
        await self.page.get_by_role("menuitem", name=option, exact=True).click()

    async def type_into(self, field: Locator, value: str, *, then: Locator | None = None) -> None:
        """Fill in a field that is taken over once it is left.

        One that has just appeared may be drawn once more and be empty again; so it is filled in
        until it is seen, by what appears `then`, that it was taken over.
        """
        for _ in range(TRIES):
            await field.fill(value)
            await field.press("Tab")
            if then is None:
                return
            with contextlib.suppress(NotSeenInTime):
                await then.wait_for(timeout=SEEN_WITHIN_MS / TRIES)
                return
        raise AssertionError(f"{value} is not taken over")

    async def screenshot(self, file: Path) -> None:
        """Keep a picture of what is seen once it has come to rest."""
        await self.page.mouse.move(0, 0)
        await self.browser.settle()
        await self.browser.screenshot(file)

    # The integration's page

    async def open_integration(self) -> None:
        """Go to the page of balanz."""
        await self.open(f"/config/integrations/integration/{DOMAIN}")

    async def open_menu_of(self, name: str) -> None:
        """Open the menu of the site, or of a group or charger."""
        rows = self.page.locator("ha-config-entry-row, ha-config-sub-entry-row")
        # A site's row holds those of its groups and chargers, but its menu comes first.
        row = rows.filter(has=self.page.get_by_text(name, exact=True)).last
        await row.locator("ha-dropdown ha-icon-button").first.click()

    def row_of(self, name: str) -> Locator:
        """The row of a group or charger."""
        rows = self.page.locator("ha-config-sub-entry-row")
        return rows.filter(has=self.page.get_by_text(name, exact=True))

    # Repairs

    async def open_repair(self, title: str) -> None:
        """Open one of the repairs."""
        await self.open("/config/repairs")
        await self.page.get_by_role("button", name=title).click()

    # Forms

    @property
    def form(self) -> Locator:
        """The form of a flow."""
        return self.page.locator("dialog-data-entry-flow")

    async def fill(self, field: str, value: float | str) -> None:
        """Fill in a number or a text."""
        role: Literal["textbox", "spinbutton"] = (
            "textbox" if isinstance(value, str) else "spinbutton"
        )
        # Those that must not stay empty have an asterisk.
        named = re.compile(rf"^{re.escape(field)}\*?$")
        await self.form.get_by_role(role, name=named).fill(str(value))

    async def pick(self, field: str, option: str, device: str = "") -> None:
        """Pick an entity by its name, and that of its device if it has one."""
        await self.form.get_by_role("button", name=re.compile(rf"^{field} ")).click()
        await self.page.get_by_role("option", name=f"{option} {device}".strip()).click()
        shown = re.compile(rf"^{field} {option}")
        await self.form.get_by_role("button", name=shown).wait_for()

    async def open_section(self, name: str) -> None:
        """Open a part of the form."""
        await self.form.get_by_role("button", name=name, exact=True).click()

    async def submit(self, *, then: str) -> None:
        """Submit, and wait until this text is seen."""
        await self.form.get_by_role("button", name="Submit").click()
        await self.form.get_by_text(then).first.wait_for()

    async def error_at(self, field: str) -> str | None:
        """Return the error that is shown right above a field."""
        lines = (await self.form.aria_snapshot()).splitlines()
        [place] = [number for number, line in enumerate(lines) if _is_label(line, field)]
        _, is_alert, text = lines[place - 1].partition("alert: ")
        # A snapshot quotes texts that it could not tell from its own signs.
        return text.strip('"') if is_alert else None

    async def close(self) -> None:
        """Close the form."""
        button = self.form.get_by_role("button", name=re.compile("^(Close|Finish)$"))
        await button.last.click()
        await self.browser.until_no_dialog()


def _is_label(line: str, field: str) -> bool:
    return re.fullmatch(rf" *- text: {re.escape(field)}\*?", line) is not None
