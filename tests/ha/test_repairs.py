"""What is wrong is a repair issue while it lasts; what the user must decide can be fixed there."""

from dataclasses import replace
from typing import Any

import pytest
from homeassistant.components.repairs import DOMAIN as REPAIRS
from homeassistant.const import EVENT_HOMEASSISTANT_STARTED
from homeassistant.core import CoreState, HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component

from custom_components.balanz.const import DOMAIN
from custom_components.balanz.entry_settings import read_entry
from custom_components.balanz.issues import Issues
from custom_components.balanz.repairs import ReleaseBookingFlow
from custom_components.balanz.site.snapshot import Problem, ProblemKind
from tests.ha.build import CURRENT_SENSORS, charger, group, set_up, site_entry, wait_until


def issues(hass: HomeAssistant) -> dict[str, ir.IssueEntry]:
    return {
        issue.issue_id: issue
        for issue in ir.async_get(hass).issues.values()
        if issue.domain == DOMAIN
    }


def placeholders(hass: HomeAssistant, issue_id: str) -> Any:
    return issues(hass)[issue_id].translation_placeholders


def meter(hass: HomeAssistant) -> None:
    for line in ("l1", "l2", "l3"):
        hass.states.async_set(f"sensor.grid_{line}", "4", {"unit_of_measurement": "A"})


async def test_sensors_that_do_not_exist_are_named_until_they_do(
    hass: HomeAssistant, port: int
) -> None:
    await set_up(hass, site_entry(port, supply=CURRENT_SENSORS))
    assert placeholders(hass, "home_sensor_missing_root") == {
        "site": "Home",
        "group": "Home",
        "sensors": "sensor.grid_l1, sensor.grid_l2, sensor.grid_l3",
    }

    meter(hass)
    await hass.async_block_till_done()

    assert not issues(hass)


async def test_a_renamed_sensor_is_an_issue(hass: HomeAssistant, port: int) -> None:
    meter(hass)
    await set_up(hass, site_entry(port, supply=CURRENT_SENSORS))
    hass.states.async_remove("sensor.grid_l2")
    await hass.async_block_till_done()

    assert placeholders(hass, "home_sensor_missing_root")["sensors"] == "sensor.grid_l2"


async def test_sensors_may_come_late_while_home_assistant_starts(
    hass: HomeAssistant, port: int
) -> None:
    hass.set_state(CoreState.starting)
    await set_up(hass, site_entry(port, supply=CURRENT_SENSORS))
    assert not issues(hass)

    hass.set_state(CoreState.running)
    hass.bus.async_fire(EVENT_HOMEASSISTANT_STARTED)
    await hass.async_block_till_done()

    assert list(issues(hass)) == ["home_sensor_missing_root"]


async def test_a_schedule_that_means_nothing_is_an_issue_until_it_is_mended(
    hass: HomeAssistant, port: int
) -> None:
    entry = site_entry(port, advanced={"schedule": "08:00-25:00>0=16"})
    await set_up(hass, entry)
    assert placeholders(hass, "home_schedule_unreadable_root") == {
        "site": "Home",
        "group": "Home",
        "wrong": "25:00",
        "line": "1",
        "column": "7",
    }

    mended = {**entry.data, "advanced": {"schedule": "08:00-24:00>0=16"}}
    hass.config_entries.async_update_entry(entry, data=mended)
    await hass.async_block_till_done()

    assert not issues(hass)


@pytest.mark.parametrize("mended_a", [32.0, 25.0])
async def test_settings_that_cannot_be_leave_the_last_good_ones_in_force(
    hass: HomeAssistant, port: int, mended_a: float
) -> None:
    entry = site_entry(port, rating_a=32.0)
    await set_up(hass, entry)
    hass.config_entries.async_update_entry(entry, data={**entry.data, "rating_a": -5.0})
    await hass.async_block_till_done()
    assert entry.runtime_data.snapshot.groups["root"].rating_a == 32.0
    assert placeholders(hass, "home_settings_refused_root")["field"] == "rating_a"

    hass.config_entries.async_update_entry(entry, data={**entry.data, "rating_a": mended_a})
    await hass.async_block_till_done()

    assert entry.runtime_data.snapshot.groups["root"].rating_a == mended_a
    assert not issues(hass)


async def test_an_unloaded_site_has_no_issues(hass: HomeAssistant, port: int) -> None:
    entry = site_entry(port, supply=CURRENT_SENSORS)
    await set_up(hass, entry)

    await hass.config_entries.async_unload(entry.entry_id)

    assert not issues(hass)


async def test_a_removed_group_is_missed_by_what_hung_in_it(hass: HomeAssistant, port: int) -> None:
    entry = site_entry(port, group("garage"), charger("CP-1", group="garage"))
    await set_up(hass, entry)
    hass.config_entries.async_remove_subentry(entry, "subentry-garage")
    await hass.async_block_till_done()
    assert placeholders(hass, "home_group_gone_charger:CP-1") == {"site": "Home", "name": "Left"}

    subentry = entry.subentries["subentry-CP-1"]
    hass.config_entries.async_update_subentry(
        entry, subentry, data={**subentry.data, "group": "root"}
    )
    await hass.async_block_till_done()

    assert "home_group_gone_charger:CP-1" not in issues(hass)


async def removed_charger(hass: HomeAssistant, port: int) -> str:
    """Remove a charger that never connected, which may be drawing its rating for all we know."""
    entry = site_entry(port, charger("CP-1"))
    await set_up(hass, entry)
    hass.config_entries.async_remove_subentry(entry, "subentry-CP-1")
    await hass.async_block_till_done()
    [issue_id] = issues(hass)
    assert issues(hass)[issue_id].translation_key == "still_booked"
    return issue_id


async def start_fix(hass: HomeAssistant, issue_id: str) -> Any:
    assert await async_setup_component(hass, REPAIRS, {})
    manager = hass.data[REPAIRS]["flow_manager"]
    return manager, await manager.async_init(DOMAIN, data={"issue_id": issue_id})


async def test_the_current_of_a_removed_charger_is_released_in_the_repair(
    hass: HomeAssistant, port: int
) -> None:
    issue_id = await removed_charger(hass, port)
    manager, form = await start_fix(hass, issue_id)
    assert form["description_placeholders"]["charger"] == "Left"
    result = await manager.async_configure(form["flow_id"], {})

    assert result["type"] == "create_entry"
    await wait_until(lambda: not issues(hass))


async def test_a_repair_of_a_site_that_does_not_run_says_so(hass: HomeAssistant, port: int) -> None:
    issue_id = await removed_charger(hass, port)
    manager, form = await start_fix(hass, issue_id)
    await hass.config_entries.async_unload("home")
    result = await manager.async_configure(form["flow_id"], {})

    assert result["reason"] == "site_not_running"


async def test_a_repair_whose_issue_has_just_ended_still_shows_its_form(
    hass: HomeAssistant,
) -> None:
    flow = ReleaseBookingFlow("home", "b")
    flow.hass = hass
    flow.context = {"issue_id": "gone"}
    form = await flow.async_step_init(None)

    assert form["description_placeholders"] == {}


@pytest.mark.parametrize(
    ("problem", "severity", "named"),
    [
        (
            Problem(kind=ProblemKind.OVERLOAD, subject="root", placeholders={"phase": "L2"}),
            ir.IssueSeverity.CRITICAL,
            {"group": "Home", "phase": "L2"},
        ),
        (
            Problem(kind=ProblemKind.METER_SILENT, subject="root", placeholders={"stage": "lost"}),
            ir.IssueSeverity.ERROR,
            {"group": "Home"},
        ),
        (
            Problem(kind=ProblemKind.STORAGE_FAILING, subject=""),
            ir.IssueSeverity.CRITICAL,
            {"site": "Home"},
        ),
        (
            Problem(kind=ProblemKind.STORAGE_DAMAGED, subject=""),
            ir.IssueSeverity.WARNING,
            {"site": "Home"},
        ),
        (
            Problem(kind=ProblemKind.LIMIT_REFUSED, subject="CP-1"),
            ir.IssueSeverity.ERROR,
            {"charger": "Left"},
        ),
        (
            Problem(kind=ProblemKind.LIMIT_IGNORED, subject="gone"),
            ir.IssueSeverity.ERROR,
            {"charger": "gone"},
        ),
    ],
)
async def test_each_problem_of_a_site_is_published_and_taken_back(
    hass: HomeAssistant,
    port: int,
    problem: Problem,
    severity: ir.IssueSeverity,
    named: dict[str, str],
) -> None:
    entry = site_entry(port, charger("CP-1"))
    await set_up(hass, entry)
    published = Issues(hass, entry)
    published.started = True
    quiet = entry.runtime_data.snapshot
    settings = read_entry(entry)
    published.update(replace(quiet, problems=(problem,)), {}, settings)

    issue_id = f"home_{problem.kind}_{problem.subject}"
    assert issues(hass)[issue_id].severity is severity
    assert placeholders(hass, issue_id).items() >= named.items()
    published.update(quiet, {}, settings)
    assert issue_id not in issues(hass)


async def test_a_silent_meter_whose_sensors_are_missing_is_one_issue(
    hass: HomeAssistant, port: int
) -> None:
    entry = site_entry(port)
    await set_up(hass, entry)
    published = Issues(hass, entry)
    published.started = True
    silent = Problem(
        kind=ProblemKind.METER_SILENT, subject="root", placeholders={"stage": "ageing"}
    )
    snapshot = replace(entry.runtime_data.snapshot, problems=(silent,))
    published.update(snapshot, {"root": ("sensor.grid_l1",)}, read_entry(entry))

    assert list(issues(hass)) == ["home_sensor_missing_root"]


async def test_a_silent_meter_is_named_with_its_sensors(hass: HomeAssistant, port: int) -> None:
    meter(hass)
    entry = site_entry(port, supply=CURRENT_SENSORS)
    await set_up(hass, entry)
    published = Issues(hass, entry)
    published.started = True
    silent = Problem(
        kind=ProblemKind.METER_SILENT, subject="root", placeholders={"stage": "ageing"}
    )
    snapshot = replace(entry.runtime_data.snapshot, problems=(silent,))
    published.update(snapshot, {}, read_entry(entry))

    assert placeholders(hass, "home_meter_silent_root")["sensors"] == (
        "sensor.grid_l1, sensor.grid_l2, sensor.grid_l3"
    )


async def test_a_silent_meter_is_one_issue_that_tells_its_stage_in_words(
    hass: HomeAssistant, port: int
) -> None:
    entry = site_entry(port)
    await set_up(hass, entry)
    published = Issues(hass, entry)
    published.started = True
    texts = []
    for stage in ("ageing", "old", "lost"):
        silent = Problem(
            kind=ProblemKind.METER_SILENT, subject="root", placeholders={"stage": stage}
        )
        snapshot = replace(entry.runtime_data.snapshot, problems=(silent,))
        published.update(snapshot, {}, read_entry(entry))
        assert list(issues(hass)) == ["home_meter_silent_root"]
        texts.append(issues(hass)["home_meter_silent_root"].translation_key)

    assert texts == ["meter_silent_ageing", "meter_silent_old", "meter_silent_lost"]
