"""The demo with a back office, looked at as a user would."""

from pathlib import Path

from simulator.dashboard import URL_PATH
from simulator.home_assistant import free_port
from tests.e2e.browser import logged_in, pictures
from tests.e2e.error_log import errors
from tests.e2e.running_demo import RunningDemo

SHOWN = ("Charger 1", "Back office", "Connected", "To be told", "It allows")


async def test_a_back_office_hears_of_its_chargers_and_limits_one(tmp_path: Path) -> None:
    config = tmp_path / "config"
    demo = await RunningDemo.start(
        *("--upstream", "--upstream-port", str(free_port())),
        *("--chargers", "2", "--minutes", "0.65", "--config", str(config)),
    )
    await demo.read_until("Chargers dial:")
    async with logged_in(demo.url, "demo", "demo", width=1500, height=1150) as browser:
        await browser.open(f"/{URL_PATH}")
        missing = [text for text in SHOWN if not await browser.shows(text)]
        await browser.screenshot(pictures(tmp_path) / "back_office.png")
    status = await demo.end()

    assert status == 0, demo.output
    assert missing == []
    assert "back office CP-1 boots: Simulated AC 11-3" in demo.output
    assert "back office CP-1 starts" in demo.output
    assert "back office allows CP-1 8 A: Accepted" in demo.output
    assert "Back office: CP-1: sessions: 1, ended: 0" in demo.output
    assert "CP-2 boots" not in demo.output
    assert errors((config / "console.log").read_text()) == []
