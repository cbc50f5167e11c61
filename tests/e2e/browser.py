"""Look at Home Assistant's frontend with the system's Chromium."""

import contextlib
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

from playwright.async_api import Page, async_playwright

_ARGUMENTS = [
    "--no-sandbox",  # Chromium refuses to run as root otherwise.
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
]


def pictures(folder: Path) -> Path:
    """Return where to put pictures: a folder, or where those of the documentation are renewed."""
    return Path(os.environ.get("BALANZ_PICTURES", folder)).resolve()


class Browser:
    """A logged-in tab; `problems` has the errors that the pages reported."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.problems: list[str] = []
        page.on("pageerror", lambda error: self.problems.append(str(error)))

    async def open(self, path: str) -> None:
        """Go to a page of the frontend, such as "/config/integrations", and let it settle."""
        await self.until_no_dialog()
        await self.page.goto(self.url + path)
        await self.settle()

    async def until_no_dialog(self) -> None:
        """Wait until a dialog that closes is gone.

        It goes back in the history as its last step, and would take a page along that is opened
        meanwhile.
        """
        await self.page.wait_for_function("!history.state?.dialog")

    async def settle(self) -> None:
        """Wait until the panel is drawn.

        A quiet network is not enough: the websocket that brings the panel its data does not count.
        """
        for screen in ("#ha-launch-screen", "hass-loading-screen", "ha-spinner"):
            await self.page.wait_for_selector(screen, state="detached")
        await self.page.wait_for_selector("partial-panel-resolver > *", state="attached")
        await self.page.wait_for_load_state("networkidle")
        await self.page.evaluate("document.fonts.ready.then(() => undefined)")
        await self.page.wait_for_timeout(700)  # Transitions have no event to wait for.

    async def shows(self, text: str) -> bool:
        """Return whether the page shows a text, also inside its components."""
        return await self.page.get_by_text(text).first.is_visible()

    async def screenshot(self, file: Path) -> None:
        """Save what the tab shows as a PNG."""
        file.parent.mkdir(parents=True, exist_ok=True)
        await self.page.screenshot(path=file)


@contextlib.asynccontextmanager
async def logged_in(
    url: str, user: str, password: str, *, width: int = 1280, height: int = 800
) -> AsyncIterator[Browser]:
    """Give a tab in which the user has just logged in through the login page.

    Uses $CHROMIUM where it is set. Playwright's CSS and role selectors reach into Home Assistant's
    open shadow roots; its XPath does not.
    """
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    assert chromium, "no Chromium; run script/bootstrap browser"
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=chromium, args=_ARGUMENTS)
        try:
            page = await launched.new_page(
                viewport={"width": width, "height": height}, locale="en-GB"
            )
            browser = Browser(page, url)
            await page.goto(url)
            await page.locator("input[name=username]").fill(user)
            await page.locator("input[name=password]").fill(password)
            await page.get_by_role("button", name="Log in").click()
            await page.wait_for_function("document.querySelector('home-assistant')?.hass?.states")
            await browser.settle()
            yield browser
        finally:
            await launched.close()
