"""The real Home Assistant that the demo, the benchmarks and the other tests here stand on."""

import asyncio
from pathlib import Path

import pytest

from simulator import home_assistant as module
from simulator.home_assistant import HassProcess, HomeAssistantFailed, free_port
from simulator.home_assistant_client import ApiError, HomeAssistantClient
from tests.e2e.browser import logged_in


async def test_a_state_that_is_written_can_be_read_and_reaches_subscribers(
    home_assistant: HassProcess,
) -> None:
    client = home_assistant.client

    async with client.subscribe("subscribe_events", event_type="state_changed") as events:
        await client.set_state("sensor.grid", 12.5, {"unit_of_measurement": "A"})
        event = await asyncio.wait_for(events.get(), 10)

    state = await client.state("sensor.grid")
    assert state is not None
    assert (state["state"], state["attributes"]) == ("12.5", {"unit_of_measurement": "A"})
    assert event["data"]["new_state"]["state"] == "12.5"
    assert "sensor.grid" in await client.states()


async def test_an_entity_that_is_not_there_is_none(home_assistant: HassProcess) -> None:
    assert await home_assistant.client.state("sensor.nothing") is None


async def test_an_automation_works_as_soon_as_it_is_saved(home_assistant: HassProcess) -> None:
    client = home_assistant.client
    await client.save_automation(
        "told",
        {
            "alias": "Told",
            "triggers": [{"trigger": "event", "event_type": "asked"}],
            "actions": [{"event": "told"}],
        },
    )

    async with client.subscribe("subscribe_events", event_type="told") as events:
        await client.command("fire_event", event_type="asked")
        event = await asyncio.wait_for(events.get(), 10)

    assert event["event_type"] == "told"


async def test_a_flow_goes_from_form_to_entry(home_assistant: HassProcess) -> None:
    client = home_assistant.client

    flow = await client.config_flow("template")
    await flow.submit({"next_step_id": "sensor"})
    resumed = await client.resume_flow(flow.step["flow_id"])
    done = await resumed.submit({"name": "Two", "state": "{{ 2 }}"})

    assert done["type"] == "create_entry"
    assert await client.discovered("template") == []
    options = await client.options_flow(done["result"]["entry_id"])
    assert options.step["type"] == "form"


async def test_refusals_are_errors(home_assistant: HassProcess) -> None:
    client = home_assistant.client

    with pytest.raises(ApiError, match="unknown_command"):
        await client.command("no_such_command")
    with pytest.raises(ApiError, match="unknown_command"):
        async with client.subscribe("no_such_command"):
            pass
    with pytest.raises(ApiError) as refused:
        await client.request("POST", "/api/states/no_entity_id", {"state": "1"})

    assert refused.value.status == 400


async def test_the_owner_can_log_in_again_but_not_with_a_wrong_password(
    home_assistant: HassProcess,
) -> None:
    async with HomeAssistantClient(home_assistant.url) as client:
        with pytest.raises(ApiError, match="login refused"):
            await client.log_in(home_assistant.user, "wrong")
        with pytest.raises(ApiError):
            await client.command("get_states")
        await client.log_in(home_assistant.user, home_assistant.password)
        client._expires_at = 0.0

        assert await client.command("get_states") == list((await client.states()).values())


async def test_a_command_that_waits_when_the_client_hangs_up_fails(
    home_assistant: HassProcess,
) -> None:
    async with HomeAssistantClient(home_assistant.url) as client:
        await client.log_in(home_assistant.user, home_assistant.password)
        await client.command("get_config")
        waiting = asyncio.create_task(
            client.command("execute_script", sequence=[{"delay": {"seconds": 60}}])
        )
        await client.command("get_config")

    with pytest.raises(ApiError, match="closed"):
        await waiting


async def test_what_was_saved_outlives_a_power_cut(home_assistant: HassProcess) -> None:
    await home_assistant.client.save_automation(
        "kept", {"alias": "Kept", "triggers": [], "actions": []}
    )

    await home_assistant.kill()
    await home_assistant.start()

    assert await home_assistant.client.state("automation.kept") is not None


async def test_the_owner_sees_the_overview(home_assistant: HassProcess, tmp_path: Path) -> None:
    user, password = home_assistant.user, home_assistant.password
    async with logged_in(home_assistant.url, user, password) as browser:
        await browser.open("/home")
        await browser.screenshot(tmp_path / "overview.png")

    assert (tmp_path / "overview.png").stat().st_size > 10_000
    assert browser.problems == []


async def test_a_port_in_use_is_said(home_assistant: HassProcess, tmp_path: Path) -> None:
    with pytest.raises(HomeAssistantFailed, match="in use"):
        await HassProcess(tmp_path, home_assistant.port).start()


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo no such option; exit 3", "status 3.*\n.*no such option"),
        ("trap '' TERM; while true; do sleep 0.1; done", "not up after"),
    ],
    ids=["ends by itself", "hangs and cannot be stopped"],
)
async def test_a_start_that_fails_is_said_and_leaves_nothing_behind(
    script: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hass = tmp_path / "hass"
    hass.write_text(f"#!/bin/bash\n{script}\n")
    hass.chmod(0o755)
    monkeypatch.setattr(module, "HASS", hass)
    monkeypatch.setattr(module, "_START_LIMIT_S", 1)
    monkeypatch.setattr(module, "_STOP_LIMIT_S", 0.2)
    process = HassProcess(tmp_path / "config", free_port())

    with pytest.raises(HomeAssistantFailed, match=said):
        await process.start()

    assert process._process is None
    await process.stop()


async def test_without_its_environment_it_says_how_to_make_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "HASS", tmp_path / "hass")

    with pytest.raises(HomeAssistantFailed, match="script/bootstrap home-assistant"):
        await HassProcess(tmp_path, free_port()).start()
