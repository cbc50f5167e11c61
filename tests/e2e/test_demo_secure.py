"""The demo with encryption and passwords, looked at as a user would."""

import asyncio
import re
from pathlib import Path

from simulator.home_assistant import free_port
from simulator.home_assistant_client import HomeAssistantClient
from tests.e2e.browser import logged_in, pictures
from tests.e2e.error_log import errors
from tests.e2e.running_demo import RunningDemo

SHOWN = ("Charger 4", "Security", "Connected")


async def test_chargers_with_passwords_and_one_with_a_certificate_share_a_fuse(
    tmp_path: Path,
) -> None:
    config, tls_port = tmp_path / "config", free_port()
    options = ("--secure", "--tls-port", str(tls_port), "--config", str(config))
    demo = await RunningDemo.start("--minutes", "0.8", *options)
    await demo.read_until("Chargers dial:")
    await asyncio.sleep(5)
    async with HomeAssistantClient(demo.url) as client:
        await client.log_in("demo", "demo")
        devices = await client.command("config/device_registry/list")
        events = [
            state["attributes"]
            for entity_id, state in (await client.states()).items()
            if entity_id.startswith("event.") and entity_id.endswith("_security")
        ]
    device_id = next(device["id"] for device in devices if device["name"] == "Charger 4")
    async with logged_in(demo.url, "demo", "demo", width=1500, height=1600) as browser:
        await browser.open(f"/config/devices/device/{device_id}")
        missing = [text for text in SHOWN if not await browser.shows(text)]
        await browser.screenshot(pictures(tmp_path) / "secure_charger.png")
    status = await demo.end()
    log = (config / "console.log").read_text()

    assert status == 0, demo.output
    assert f"wss://127.0.0.1:{tls_port}/IDENTITY" in demo.output
    assert len(re.findall(r"CP-\d: may draw", demo.output)) >= 4
    assert [event["event_type"] for event in events] == ["reported"] * 4
    assert missing == []
    assert "Charger CP-4 came with security profile 3" in log
    assert errors(log) == []
