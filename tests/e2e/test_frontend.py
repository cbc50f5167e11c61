"""A day of an owner at the browser: settings, an automation, a charger that goes, a repair.

A house with a garage, where two cars charge all the time.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from simulator import grid_meter
from simulator.car import Car
from simulator.charger import SimulatedCharger
from simulator.frames import Direction
from simulator.home_assistant import HassProcess, free_port
from simulator.house import House, Wire, constant
from simulator.options import ChargerOptions
from simulator.site_setup import DOMAIN, SiteSetup, charger_form
from tests.e2e.browser import logged_in, pictures
from tests.e2e.error_log import errors
from tests.e2e.owner import Owner
from tests.e2e.waiting import until, until_asked


class Home:
    """Two chargers in a garage behind a main fuse, with a meter that reports twice a second."""

    def __init__(self, process: HassProcess) -> None:
        self.process = process
        self.client = process.client
        self.port = free_port()
        self.left, self.right = (
            SimulatedCharger(
                identity,
                f"ws://127.0.0.1:{self.port}",
                rating_a=16,
                phases=3,
                options=ChargerOptions(serial=identity, sample_interval_s=2),
            )
            for identity in ("CP-1", "CP-2")
        )
        self.chargers = {"Left": self.left, "Right": self.right}
        self.house = House(
            base=(constant(4), constant(4), constant(4)),
            wires=[Wire(charger=charger) for charger in self.chargers.values()],
        )

    async def set_up(self) -> None:
        """Add site, group and chargers; that is tested elsewhere."""
        site = await SiteSetup.add(self.client, name="Home", port=self.port, main_fuse_a=20)
        garage = await site.add_group(name="Garage", rating_a=20)
        for name, charger in self.chargers.items():
            await charger.start()
            form = charger_form(
                name=name, group_id=garage, rating_a=16, phases=3, phase_map="l1_l2_l3"
            )
            await site.confirm(charger.identity, form)
        # Whoever was paused twice has to rest, and a charger that comes may cost others a pause.
        await self.until_told(0, 0)
        for charger in self.chargers.values():
            charger.plug_in(Car(start_lag_s=1, reaction_lag_s=1))

    async def metering(self) -> None:
        """Let the grid meter report."""
        while True:
            await grid_meter.report(self.client, self.house.grid_currents_a(0))
            await asyncio.sleep(0.5)

    async def until_told(self, left_a: float, right_a: float) -> None:
        """Wait until these limits are the last that went over the wire."""

        def told() -> list[float | None]:
            return [next(limits_sent(one), None) for one in (self.left, self.right)]

        await until(lambda: told() == [left_a, right_a], f"{left_a} A and {right_a} A are told")

    async def issues(self) -> set[str]:
        """Return the kinds of the open repair issues of balanz."""
        listed = await self.client.command("repairs/list_issues")
        return {one["translation_key"] for one in listed["issues"] if one["domain"] == DOMAIN}

    @property
    def connections(self) -> list[int]:
        """How often each charger has connected."""
        return [charger.connections for charger in self.chargers.values()]


def limits_sent(charger: SimulatedCharger) -> Iterator[float]:
    """Yield the limits in the SetChargingProfile frames that a charger received, newest first."""
    for frame in reversed(charger.frames):
        if frame.direction is Direction.RECEIVED and "SetChargingProfile" in frame.text:
            schedule = json.loads(frame.text)[3]["csChargingProfiles"]["chargingSchedule"]
            yield schedule["chargingSchedulePeriod"][0]["limit"]


@pytest.fixture(scope="module")
async def home(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Home]:
    async with HassProcess(
        tmp_path_factory.mktemp("config"),
        free_port(),
        extra_configuration=grid_meter.CONFIGURATION,
    ) as process:
        home = Home(process)
        await grid_meter.report(home.client, home.house.grid_currents_a(0))
        meter = asyncio.create_task(home.metering())
        await home.set_up()
        yield home
        meter.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await meter
        await asyncio.gather(*(charger.stop() for charger in home.chargers.values()))


@pytest.fixture(scope="module")
async def owner(home: Home) -> AsyncIterator[Owner]:
    process = home.process
    async with logged_in(process.url, process.user, process.password, height=900) as browser:
        yield Owner(browser)


@pytest.fixture(scope="module")
def shots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where to put pictures."""
    return pictures(tmp_path_factory.mktemp("pictures"))


@pytest.fixture(autouse=True)
async def look_at_a_failure(
    has_failed: Callable[[], bool], home: Home, owner: Owner
) -> AsyncIterator[None]:
    """Print why chargers have what they have, and what the page shows, when a test has failed."""
    yield
    if has_failed():
        path = f"/api/services/{DOMAIN}/get_allocation?return_response"
        print(await home.client.request("POST", path, {}))
        print(owner.page.url, await owner.page.locator("body").aria_snapshot(), sep="\n")


async def test_1_options_are_checked_and_kept(home: Home, owner: Owner) -> None:
    await owner.open_integration()
    await owner.press("Configure")
    await owner.form.get_by_text("General", exact=True).click()
    await owner.fill("Holidays", "2026-12-25 26.12.2026")
    await owner.submit(then="No date such as")
    assert await owner.error_at("Holidays") == "No date such as 2026-12-25: 26.12.2026"
    await owner.fill("Holidays", "2026-12-25 2026-12-26")
    await owner.open_section("Advanced")
    # Later steps wait for raises.
    await owner.fill("Time between raises", 5)
    await owner.submit(then="Options successfully saved.")
    await owner.close()

    await owner.press("Configure")
    await owner.form.get_by_text("General", exact=True).click()
    await owner.open_section("Advanced")
    kept = owner.form.get_by_role("spinbutton", name="Time between raises*")
    assert await kept.input_value() == "5"
    assert await owner.form.get_by_role("textbox", name="Holidays").input_value() == (
        "2026-12-25 2026-12-26"
    )
    await owner.close()
    assert home.connections == [1, 1]


async def test_2_what_cannot_be_is_said_at_its_field_and_what_can_is_in_force_at_once(
    home: Home, owner: Owner
) -> None:
    await owner.open_menu_of("Home")
    await owner.choose("Reconfigure")
    # Whoever looks into a section has not changed anything by that.
    await owner.open_section("Security")
    await owner.fill("Port", home.process.port)
    await owner.submit(then="Something else listens")
    assert await owner.error_at("Port") == "Something else listens on this port already."
    await owner.fill("Port", home.port)
    await owner.fill("Main fuse", 40)
    await owner.submit(then="What measures it?")
    await owner.form.get_by_text("A current sensor for each phase").click()
    await owner.pick("Current L1", "Available", "Home")
    await owner.pick("Current L2", "Grid current L3")
    await owner.submit(then="already used")
    assert await owner.error_at("Current L1") == (
        "balanz itself makes this sensor. Choose one of a meter."
    )
    assert await owner.error_at("Current L3") == (
        "This sensor is already used for something else here."
    )
    await owner.pick("Current L1", "Grid current L1")
    await owner.pick("Current L2", "Grid current L2")
    await owner.open_section("Advanced")
    await owner.fill("Margin", 5)
    await owner.submit(then="The site was changed.")
    await owner.close()

    # Of 20 A there were 15 A for two cars, now it is the garage that limits them.
    await home.until_told(10, 10)
    assert home.connections == [1, 1]


async def test_3_a_group_is_changed(home: Home, owner: Owner) -> None:
    await owner.press("Change group")
    await owner.fill("Name", "Home")
    await owner.fill("Rating", 14)
    await owner.submit(then="This name is taken.")
    assert await owner.error_at("Name") == (
        "This name is taken. Give it another one, so that they can be told apart."
    )
    await owner.fill("Name", "Garage")
    await owner.submit(then="What measures it?")
    await owner.form.get_by_text("Keep it as it is").click()
    await owner.form.get_by_text("The group was changed.").wait_for()
    await owner.close()

    await home.until_told(7, 7)
    assert home.connections == [1, 1]


async def test_4_a_charger_is_changed(home: Home, owner: Owner, shots: Path) -> None:
    await owner.row_of("Left").get_by_role("button", name="Change charger").click()
    await owner.fill("Maximum current", 20)
    await owner.submit(then="The maximum must be")
    assert await owner.error_at("Maximum current") == (
        "The maximum must be between the minimum and the rating."
    )
    await owner.form.get_by_role("spinbutton", name="Priority*").scroll_into_view_if_needed()
    await owner.screenshot(shots / "form.png")
    await owner.fill("Maximum current", 6)
    await owner.submit(then="The charger was changed.")
    await owner.close()

    await until(lambda: next(limits_sent(home.left)) == 6, "Left is told its new maximum")
    assert home.connections == [1, 1]


async def test_5_an_automation_made_by_clicking_changes_what_chargers_are_told(
    home: Home, owner: Owner, shots: Path
) -> None:
    page = owner.page
    search = page.get_by_placeholder("Search").filter(visible=True).last
    # The list of automations, once it is there, goes back to itself from an editor opened in it.
    await owner.open("/config/automation/edit/new")
    await owner.press("Add trigger")
    await search.fill("manual event")
    await page.get_by_role("button", name="Manual event received").click()
    event_type = page.get_by_role("textbox", name="Event type")
    taken_over = page.get_by_role("heading", name="oven_on")
    await owner.type_into(event_type, "oven_on", then=taken_over)
    await owner.press("Add action")
    await search.fill("set capacity")
    await page.get_by_role("button", name="balanz: Set capacity for a while").click()
    await owner.press("Add target")
    await search.fill("garage")
    await page.get_by_role("option", name="Garage Home balanz").click()
    current = page.locator("ha-settings-row", has_text="A per phase, at most the rating.")
    await current.locator("ha-checkbox").click()
    await owner.type_into(current.get_by_role("spinbutton"), "12")
    duration = page.locator("ha-settings-row", has_text="two weeks at most")
    await duration.locator("ha-checkbox").click()
    await owner.type_into(duration.get_by_role("spinbutton", name="hh"), "3")
    await owner.screenshot(shots / "automation.png")
    await owner.press("Save")
    dialog = page.locator("ha-dialog-automation-save")
    await dialog.get_by_role("textbox", name="Name*").fill("Less while the oven is on")
    await dialog.get_by_role("button", name="Save").click()
    await page.get_by_role("link", name="Traces").wait_for()

    async def is_there() -> bool:
        return await home.client.state("automation.less_while_the_oven_is_on") is not None

    await until_asked(is_there, "the automation is there")
    await home.client.command("fire_event", event_type="oven_on")

    await home.until_told(6, 6)

    async def is_shown() -> bool:
        capacity = await home.client.state("number.garage_capacity")
        assert capacity is not None
        shown = capacity["attributes"]
        return (capacity["state"], shown["now"]) == ("14.0", 12.0) and shown["until"] is not None

    await until_asked(is_shown, "the capacity of 14 A is 12 A for some hours")


async def test_6_a_charger_that_is_deleted_stays_booked_until_its_current_is_released(
    home: Home, owner: Owner
) -> None:
    await owner.open_integration()
    await owner.row_of("Right").get_by_role("button", name="Change charger").click()
    await owner.sees("its current stays reserved, until you confirm in a repair that it draws")
    await owner.close()
    await owner.open_menu_of("Right")
    await owner.choose("Delete")
    await owner.sees("Its devices and entities will be permanently deleted.")
    await owner.press("Delete")
    await owner.row_of("Right").wait_for(state="detached")

    # All that Right could draw, its rating, is more than the garage may carry now.
    await home.until_told(0, 6)
    devices = await home.client.command("config/device_registry/list")
    assert {one["name"] for one in devices} & {"Left", "Right"} == {"Left"}
    entities = await home.client.command("config/entity_registry/list")
    assert [one["entity_id"] for one in entities if "CP-2" in one["unique_id"]] == []

    home.right.unplug()
    await owner.open_repair("Right may still draw current")
    await owner.sees("16 A of Garage stay reserved for it.")
    await owner.press("Submit")
    await owner.sees("The issue is repaired!")
    await owner.press("Finish")
    await owner.page.get_by_text("Right may still draw current").wait_for(state="detached")
    assert "still_booked" not in await home.issues()
    await home.until_told(6, 6)


async def test_7_a_sensor_that_was_renamed_is_chosen_again_in_a_repair(
    home: Home, owner: Owner, shots: Path
) -> None:
    await home.client.command(
        "config/entity_registry/update",
        entity_id="sensor.grid_current_l2",
        new_entity_id="sensor.meter_l2",
    )
    await owner.open_repair("Home: sensors are missing")
    await owner.sees("do not exist any more or were renamed: sensor.grid_current_l2.")
    await owner.screenshot(shots / "repair.png")
    page = owner.page
    await page.get_by_role("button", name="L2 sensor.grid_current_l2").click()
    await page.get_by_role("option", name="Grid current L2").click()
    await page.get_by_role("button", name="L2 Grid current L2").wait_for()
    await owner.press("Submit")
    await owner.sees("The issue is repaired!")
    await owner.press("Finish")
    await page.get_by_text("Home: sensors are missing").wait_for(state="detached")
    assert "sensor_missing" not in await home.issues()

    # Only on L2: whoever does not see that does not know of it.
    home.house.base = (constant(4), constant(32), constant(4))
    await until(lambda: next(limits_sent(home.left)) == 0, "Left makes room on L2")
    assert home.connections[0] == 1


async def test_8_neither_the_pages_nor_the_log_had_errors(home: Home, owner: Owner) -> None:
    assert owner.browser.problems == []
    assert errors(home.process.log()) == []
