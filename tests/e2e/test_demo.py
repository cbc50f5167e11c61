"""The demo that the README starts with, run and looked at as a user would."""

import asyncio
import re
from pathlib import Path

from simulator.dashboard import URL_PATH
from simulator.home_assistant_client import HomeAssistantClient
from tests.e2e.browser import logged_in, pictures
from tests.e2e.running_demo import RunningDemo

ON_OVERVIEW = ("My home", "Garage", "Charger 1", "Capacity", "Available", "Reason")
ON_DEVICE_PAGE = ("Charger 1", "AC 11-3", "by Simulated", "Charging allowed", "Limit", "Reason")
CHARGING_AFTER_S = 30.0
"""Cars arrive, and each waits for confirmed headroom and for its own start."""


async def test_the_demo_shows_cars_that_share_a_fuse_and_sums_up(tmp_path: Path) -> None:
    demo = await RunningDemo.start("--minutes", "1.2", "--config", str(tmp_path / "config"))
    await demo.read_until("Chargers dial:")
    await asyncio.sleep(CHARGING_AFTER_S)

    async with HomeAssistantClient(demo.url) as client:
        await client.log_in("demo", "demo")
        devices = await client.command("config/device_registry/list")
    device_id = next(device["id"] for device in devices if device["name"] == "Charger 1")
    async with logged_in(demo.url, "demo", "demo", width=1500, height=1150) as browser:
        await browser.open(f"/{URL_PATH}")
        missing = [text for text in ON_OVERVIEW if not await browser.shows(text)]
        await browser.screenshot(pictures(tmp_path) / "overview.png")
        await browser.open(f"/config/devices/device/{device_id}")
        missing += [text for text in ON_DEVICE_PAGE if not await browser.shows(text)]
        await browser.screenshot(pictures(tmp_path) / "charger.png")
        problems = browser.problems
    status = await demo.end()

    assert status == 0, demo.output
    assert problems == []
    assert missing == []
    for number in range(1, 5):
        assert re.search(rf"CP-{number}: may draw +\d+\.\d A, draws", demo.output), demo.output
        assert re.search(rf"  CP-{number}: \d+\.\d\d kWh, \d+ limits written", demo.output)
    for name, limit in (("Main fuse", 32), ("Garage", 25)):
        safe = rf"{name}: \d+ s above its limit of {limit} A, 0 s of them preventable"
        assert re.search(safe, demo.output), demo.output
    assert "an automation sets the garage's capacity to 16 A" in demo.output
