"""What is wrong can be mended where it is told, without looking for the right form."""

from typing import Any
from unittest.mock import AsyncMock, patch

import pytest
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.balanz.balancing.model import ConnectorKey
from custom_components.balanz.csms.command_values import CommandStatus, ProfilePurpose
from custom_components.balanz.repairs import FLOWS
from custom_components.balanz.site import BalanzSite
from custom_components.balanz.site.proofs import ProofRefusal
from custom_components.balanz.site.snapshot import ProblemKind
from custom_components.balanz.storage.journal import StorageError
from tests.ha.build import (
    CURRENT_SENSORS,
    SIGNED,
    charger,
    group,
    set_up,
    site_entry,
    wait_until,
)
from tests.ha.conftest import DialIn
from tests.ha.test_repairs import issues, meter, placeholders, start_fix

ANOTHER = {"l1": "sensor.new_l1", "l2": "sensor.grid_l2", "l3": "sensor.grid_l3"}
TOTAL: dict[str, Any] = {
    "kind": "total",
    "sensors": {"total": "sensor.house"},
    "direction": "import_positive",
    "advanced": {**SIGNED, "heartbeat": "sensor.beat", "voltage_v": 230},
}


def measures(hass: HomeAssistant, entity_id: str, unit: str = "A", value: str = "4") -> None:
    hass.states.async_set(entity_id, value, {"unit_of_measurement": unit})


async def flow_of(hass: HomeAssistant, kind: str, subject: str) -> Any:
    """Begin a repair whose issue nobody has published."""
    flow = FLOWS[kind]("home", subject)
    flow.hass, flow.handler, flow.context = hass, "balanz", {"issue_id": "none"}
    return flow


async def confirmed(hass: HomeAssistant, kind: str, subject: str) -> Any:
    """Go through a repair that only has to be confirmed."""
    flow = await flow_of(hass, kind, subject)
    assert (await flow.async_step_init(None))["step_id"] == "confirm"
    return await flow.async_step_confirm({})


# Other sensors


async def without_l1(hass: HomeAssistant, port: int) -> MockConfigEntry:
    meter(hass)
    hass.states.async_remove("sensor.grid_l1")
    entry = site_entry(port, supply=CURRENT_SENSORS)
    await set_up(hass, entry)
    assert list(issues(hass)) == ["home_sensor_missing_root"]
    return entry


async def test_another_sensor_is_chosen_in_the_repair(hass: HomeAssistant, port: int) -> None:
    entry = await without_l1(hass, port)
    measures(hass, "sensor.new_l1")
    manager, form = await start_fix(hass, "home_sensor_missing_root")
    assert form["step_id"] == "sensors"
    assert [str(field) for field in form["data_schema"].schema] == ["l1", "l2", "l3"]
    result = await manager.async_configure(form["flow_id"], ANOTHER)
    await hass.async_block_till_done()

    assert result["type"] == "create_entry"
    assert entry.data["supply"] == {**CURRENT_SENSORS, "sensors": ANOTHER}
    assert not issues(hass)
    await wait_until(lambda: entry.runtime_data.snapshot.groups["root"].measured is not None)


async def test_a_sensor_with_another_unit_is_refused_until_one_fits(
    hass: HomeAssistant, port: int
) -> None:
    entry = await without_l1(hass, port)
    measures(hass, "sensor.new_l1", unit="W")
    manager, form = await start_fix(hass, "home_sensor_missing_root")
    form = await manager.async_configure(form["flow_id"], ANOTHER)
    assert form["errors"] == {"l1": "not_a_current"}

    measures(hass, "sensor.new_l1")
    await manager.async_configure(form["flow_id"], ANOTHER)
    await hass.async_block_till_done()

    assert entry.data["supply"]["sensors"] == ANOTHER


async def test_a_heartbeat_that_is_gone_can_be_replaced_or_left_out(
    hass: HomeAssistant, port: int
) -> None:
    measures(hass, "sensor.house", unit="W")
    entry = site_entry(port, group("garage", supply=TOTAL))
    await set_up(hass, entry)
    manager, form = await start_fix(hass, "home_sensor_missing_garage")
    same = {"total": "sensor.house", "heartbeat": "sensor.beat"}
    form = await manager.async_configure(form["flow_id"], same)
    assert form["errors"] == {"heartbeat": "sensor_without_heartbeat"}

    await manager.async_configure(form["flow_id"], {"total": "sensor.house"})
    await hass.async_block_till_done()

    kept = entry.subentries["subentry-garage"].data["supply"]
    assert kept["sensors"] == {"total": "sensor.house"}
    assert kept["advanced"] == {**SIGNED, "voltage_v": 230}
    assert not issues(hass)


async def test_a_battery_and_a_voltage_that_are_gone_can_be_replaced(
    hass: HomeAssistant, port: int
) -> None:
    measures(hass, "sensor.house", unit="W")
    measures(hass, "sensor.beat")
    gone = {"battery": "sensor.old_battery", "voltages": ["sensor.old_volts"]}
    measured = {**TOTAL, "advanced": {**TOTAL["advanced"], **gone}}
    entry = site_entry(port, group("garage", supply=measured))
    await set_up(hass, entry)
    manager, form = await start_fix(hass, "home_sensor_missing_garage")
    same = {"total": "sensor.house", "heartbeat": "sensor.beat"}
    form = await manager.async_configure(form["flow_id"], {**same, **gone})
    assert form["errors"] == {"battery": "sensor_no_battery"}

    measures(hass, "sensor.battery", unit="W")
    new = {"battery": "sensor.battery", "voltages": ["sensor.volts"]}
    form = await manager.async_configure(form["flow_id"], {**same, **new})
    assert form["errors"] == {"voltages": "sensor_no_voltage"}

    measures(hass, "sensor.volts", unit="V", value="12")
    form = await manager.async_configure(form["flow_id"], {**same, **new})
    assert form["errors"] == {"voltages": "sensor_other_voltage"}

    measures(hass, "sensor.volts", unit="V", value="230")
    await manager.async_configure(form["flow_id"], {**same, **new})
    await hass.async_block_till_done()

    kept = entry.subentries["subentry-garage"].data["supply"]
    assert kept["advanced"] == {**TOTAL["advanced"], **new}
    assert not issues(hass)


@pytest.mark.parametrize("subject", ["root", "gone"])
async def test_what_is_not_measured_any_more_needs_no_other_sensor(
    hass: HomeAssistant, port: int, subject: str
) -> None:
    await set_up(hass, site_entry(port))
    flow = await flow_of(hass, ProblemKind.METER_SILENT, subject)

    assert (await flow.async_step_init(None))["reason"] == "already_mended"


async def test_a_form_of_a_site_that_does_not_run_says_so(hass: HomeAssistant, port: int) -> None:
    entry = await without_l1(hass, port)
    await hass.config_entries.async_unload(entry.entry_id)
    flow = await flow_of(hass, "sensor_missing", "root")

    assert (await flow.async_step_init(None))["reason"] == "site_not_running"


# Another group


async def test_a_charger_whose_group_is_gone_is_put_into_another(
    hass: HomeAssistant, port: int
) -> None:
    entry = site_entry(
        port, group("garage"), group("barn", name="Barn"), charger("CP-1", group="garage")
    )
    await set_up(hass, entry)
    hass.config_entries.async_remove_subentry(entry, "subentry-garage")
    await hass.async_block_till_done()
    manager, form = await start_fix(hass, "home_group_gone_charger:CP-1")
    assert form["description_placeholders"]["name"] == "Left"
    await manager.async_configure(form["flow_id"], {"group": "barn"})
    await hass.async_block_till_done()

    assert entry.subentries["subentry-CP-1"].data["group"] == "barn"
    assert "home_group_gone_charger:CP-1" not in issues(hass)


async def test_a_group_whose_group_is_gone_is_offered_only_groups_outside_itself(
    hass: HomeAssistant, port: int
) -> None:
    entry = site_entry(
        port,
        group("barn", name="Barn"),
        group("garage", parent="gone"),
        group("corner", name="Corner", parent="garage"),
    )
    await set_up(hass, entry)
    manager, form = await start_fix(hass, "home_group_gone_group:garage")
    [choice] = form["data_schema"].schema.values()
    assert [option["label"] for option in choice.config["options"]] == ["Home", "Barn"]
    await manager.async_configure(form["flow_id"], {"group": "barn"})
    await hass.async_block_till_done()

    assert entry.subentries["subentry-garage"].data["parent"] == "barn"
    assert not issues(hass)


# A schedule


@pytest.mark.parametrize(
    ("mended", "kept"),
    [("08:00-24:00>0=16", {"schedule": "08:00-24:00>0=16"}), (" ", {}), (None, {})],
)
async def test_a_schedule_is_mended_in_the_repair(
    hass: HomeAssistant, port: int, mended: str | None, kept: dict[str, str]
) -> None:
    entry = site_entry(port, advanced={"schedule": "08:00-25:00>0=16"})
    await set_up(hass, entry)
    manager, form = await start_fix(hass, "home_schedule_unreadable_root")
    assert form["description_placeholders"]["wrong"] == "25:00"
    form = await manager.async_configure(form["flow_id"], {"schedule": "Xx 08:00-24:00>0=16"})
    assert form["errors"] == {"schedule": "schedule_day"}
    assert form["description_placeholders"]["wrong"] == "Xx"

    answer = {} if mended is None else {"schedule": mended}
    await manager.async_configure(form["flow_id"], answer)
    await hass.async_block_till_done()

    assert entry.data["advanced"] == kept
    assert not issues(hass)


# A missing proof


async def two_chargers(hass: HomeAssistant, port: int) -> BalanzSite:
    """Return a site whose fuse would not hold if nobody controlled it."""
    entry = site_entry(port, charger("CP-1"), charger("CP-2", name="Right"), rating_a=20.0)
    await set_up(hass, entry)
    site: BalanzSite = entry.runtime_data.site
    budget = site.snapshot.dark_budget
    assert budget is not None
    assert not budget.is_safe
    return site


async def test_the_proof_that_is_missing_begins_in_the_repair(
    hass: HomeAssistant, port: int
) -> None:
    site = await two_chargers(hass, port)
    flow = await flow_of(hass, ProblemKind.UNSAFE_ALONE, "root")
    form = await flow.async_step_init(None)
    [choice] = form["data_schema"].schema.values()
    assert [option["label"] for option in choice.config["options"]] == ["Left", "Right"]
    with patch.object(BalanzSite, "prove_fallback", AsyncMock()) as proved:
        result = await flow.async_step_charger({"charger": "CP-2"})

    assert result["reason"] == "proof_begun"
    proved.assert_awaited_once_with("CP-2")
    assert site.running


async def test_a_proof_that_cannot_begin_says_why_and_another_charger_can_be_chosen(
    hass: HomeAssistant, port: int
) -> None:
    await two_chargers(hass, port)
    flow = await flow_of(hass, ProblemKind.UNSAFE_ALONE, "root")
    form = await flow.async_step_charger({"charger": "CP-1"})

    assert form["errors"] == {"charger": ProofRefusal.NOT_CONNECTED}
    assert form["description_placeholders"]["charger"] == "Left"


async def test_a_proof_that_cannot_be_recorded_says_so(hass: HomeAssistant, port: int) -> None:
    await two_chargers(hass, port)
    flow = await flow_of(hass, ProblemKind.UNSAFE_ALONE, "root")
    with patch.object(BalanzSite, "prove_fallback", AsyncMock(side_effect=StorageError("full"))):
        result = await flow.async_step_charger({"charger": "CP-1"})

    assert result["reason"] == "storage_failing"


async def test_without_a_charger_there_is_nothing_to_prove(hass: HomeAssistant, port: int) -> None:
    await set_up(hass, site_entry(port))
    flow = await flow_of(hass, ProblemKind.UNSAFE_ALONE, "root")

    assert (await flow.async_step_init(None))["reason"] == "nothing_to_prove"


# Unknown chargers


async def test_unknown_chargers_are_one_issue_whose_repair_opens_the_door(
    hass: HomeAssistant, port: int, dial_in: DialIn
) -> None:
    entry = site_entry(port)
    await set_up(hass, entry)
    site = entry.runtime_data.site
    site.close_pairing()
    await dial_in("STRANGER-1")
    await dial_in("STRANGER-2")
    await wait_until(lambda: len(site.snapshot.refused) == 2)
    await wait_until(lambda: "home_unknown_chargers_" in issues(hass))
    await wait_until(
        lambda: placeholders(hass, "home_unknown_chargers_")["chargers"] == "STRANGER-1, STRANGER-2"
    )
    assert issues(hass)["home_unknown_chargers_"].severity is ir.IssueSeverity.WARNING
    manager, form = await start_fix(hass, "home_unknown_chargers_")
    await manager.async_configure(form["flow_id"], {})

    await wait_until(lambda: len(site.snapshot.pending) == 2)
    assert not issues(hass)
    offered = hass.config_entries.flow.async_progress_by_handler("balanz")
    assert len(offered) == 2


# Profiles of others


def remember_profile(
    entry: MockConfigEntry, purpose: ProfilePurpose = ProfilePurpose.TX_DEFAULT
) -> None:
    """Have a site remember a profile that a user has set at a charger."""
    rooms = entry.runtime_data.site._rooms
    record = {
        "id": 50,
        "connector": 1,
        "purpose": purpose.value,
        "stack_level": 1,
        "largest_a": 40.0,
        "transaction_id": None,
    }
    rooms.recorder.note(rooms.ledger.note_foreign_profiles("CP-1", [record]))
    rooms.foreign.restore(ConnectorKey("CP-1", 1))


async def test_a_profile_that_is_not_ours_is_an_issue_that_names_what_is_booked_for_it(
    hass: HomeAssistant, port: int
) -> None:
    entry = site_entry(port, charger("CP-1"))
    await set_up(hass, entry)
    remember_profile(entry)
    await wait_until(lambda: "home_foreign_profile_CP-1" in issues(hass))

    named = placeholders(hass, "home_foreign_profile_CP-1")
    assert (named["charger"], named["current"]) == ("Left", "16")


async def test_a_profile_that_ends_with_its_session_is_no_issue(
    hass: HomeAssistant, port: int
) -> None:
    entry = site_entry(port, charger("CP-1"))
    await set_up(hass, entry)
    remember_profile(entry, purpose=ProfilePurpose.TX)
    site = entry.runtime_data.site
    await wait_until(lambda: site.snapshot.chargers["CP-1"].connectors[0].booked_a == 16.0)

    assert not issues(hass)


async def test_profiles_of_others_are_cleared_in_the_repair(
    hass: HomeAssistant, port: int, dial_in: DialIn
) -> None:
    entry = site_entry(port, charger("CP-1"))
    await set_up(hass, entry)
    remember_profile(entry)
    await dial_in("CP-1")
    await wait_until(lambda: entry.runtime_data.snapshot.chargers["CP-1"].connected)
    await wait_until(lambda: entry.runtime_data.site.remote.station("CP-1").ready)
    commands = entry.runtime_data.site.remote.commands("CP-1")
    with patch.object(
        type(commands), "clear_charging_profile", AsyncMock(return_value=CommandStatus.ACCEPTED)
    ) as cleared:
        manager, form = await start_fix(hass, "home_foreign_profile_CP-1")
        result = await manager.async_configure(form["flow_id"], {})

    assert result["type"] == "create_entry"
    assert cleared.await_args is not None
    assert cleared.await_args.args[0].profile_id == 50
    await wait_until(lambda: not issues(hass))


async def test_a_profile_that_the_charger_keeps_stays_an_issue(
    hass: HomeAssistant, port: int, dial_in: DialIn
) -> None:
    entry = site_entry(port, charger("CP-1"))
    await set_up(hass, entry)
    remember_profile(entry)
    await dial_in("CP-1")
    await wait_until(lambda: entry.runtime_data.snapshot.chargers["CP-1"].connected)
    await wait_until(lambda: entry.runtime_data.site.remote.station("CP-1").ready)
    # The charger has no such profile, and says that it has cleared nothing.
    result = await confirmed(hass, ProblemKind.FOREIGN_PROFILE, "CP-1")

    assert result["reason"] == "profile_kept"
    assert "home_foreign_profile_CP-1" in issues(hass)


async def test_a_charger_that_is_away_cannot_clear_anything(hass: HomeAssistant, port: int) -> None:
    entry = site_entry(port, charger("CP-1"))
    await set_up(hass, entry)
    remember_profile(entry)

    assert (await confirmed(hass, ProblemKind.FOREIGN_PROFILE, "CP-1"))["reason"] == (
        "charger_unreachable"
    )


# What only the form of a charger can mend


async def test_a_charger_without_its_password_is_mended_in_its_form(
    hass: HomeAssistant, port: int
) -> None:
    entry = site_entry(port, charger("CP-1"))
    await set_up(hass, entry)
    result = await confirmed(hass, ProblemKind.PASSWORD_REFUSED, "CP-1")

    assert result["reason"] == "form_opened"
    [form] = hass.config_entries.subentries.async_progress()
    assert result["next_flow"] == ("config_subentries_flow", form["flow_id"])
    assert (form["step_id"], form["context"]["subentry_id"]) == ("reconfigure", "subentry-CP-1")


async def test_a_charger_that_was_removed_meanwhile_has_no_form(
    hass: HomeAssistant, port: int
) -> None:
    await set_up(hass, site_entry(port))
    result = await confirmed(hass, ProblemKind.SECURITY_TOO_LOW, "CP-1")

    assert result["reason"] == "already_mended"


# What was stopped


@pytest.mark.parametrize(
    ("may_charge", "outcome"),
    [(True, ("create_entry", None)), (False, ("abort", "not_obeyed_yet"))],
)
async def test_a_connector_that_was_stopped_is_used_again_once_it_has_obeyed(
    hass: HomeAssistant, port: int, may_charge: bool, outcome: tuple[str, str | None]
) -> None:
    await set_up(hass, site_entry(port, charger("CP/1")))
    with patch.object(BalanzSite, "let_back", return_value=may_charge) as let_back:
        result = await confirmed(hass, ProblemKind.LIMIT_IGNORED_OUT_OF_SERVICE, "CP/1/1")

    assert (result["type"], result.get("reason")) == outcome
    let_back.assert_called_once_with(ConnectorKey("CP/1", 1))


async def test_a_repair_that_cannot_be_recorded_says_so(hass: HomeAssistant, port: int) -> None:
    await set_up(hass, site_entry(port))
    with patch.object(BalanzSite, "release_booking", AsyncMock(side_effect=StorageError("full"))):
        result = await confirmed(hass, ProblemKind.STILL_BOOKED, "b")

    assert result["reason"] == "storage_failing"


async def test_an_issue_that_a_repair_took_away_comes_back_while_it_lasts(
    hass: HomeAssistant, port: int
) -> None:
    entry = await without_l1(hass, port)
    ir.async_delete_issue(hass, "balanz", "home_sensor_missing_root")
    entry.runtime_data._update_issues()

    assert list(issues(hass)) == ["home_sensor_missing_root"]
