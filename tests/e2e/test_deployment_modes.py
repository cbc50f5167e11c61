"""The four ways to deploy balanz, side by side in one real Home Assistant.

Two chargers share a group with smart charging and two a group without; of each two, one belongs to
a back office as well.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from functools import partial

import pytest

from simulator import grid_meter
from simulator.back_office import BackOffice
from simulator.car import Car
from simulator.charger import SimulatedCharger
from simulator.entities import SiteEntities
from simulator.home_assistant import HassProcess, free_port
from simulator.house import House, Wire, constant
from simulator.options import ChargerOptions
from simulator.site_setup import SiteSetup, charger_form
from tests.e2e.error_log import errors
from tests.e2e.waiting import until, until_asked

SHARED_A = 20.0
CSMS, LOCAL_CONTROLLER = "CSMS", "LC"
PLAIN_CSMS, PLAIN_LOCAL_CONTROLLER = "CSMS-plain", "LC-plain"
SHARING = (CSMS, LOCAL_CONTROLLER)
PLAIN = (PLAIN_CSMS, PLAIN_LOCAL_CONTROLLER)
PASSED_ON = (LOCAL_CONTROLLER, PLAIN_LOCAL_CONTROLLER)


class Place:
    """A Home Assistant, four chargers with cars, and the back office of two of them."""

    def __init__(self, process: HassProcess) -> None:
        self.process = process
        self.office = BackOffice()
        port = free_port()
        self.chargers = {
            identity: SimulatedCharger(
                identity,
                f"ws://127.0.0.1:{port}",
                rating_a=16,
                phases=3,
                options=ChargerOptions(
                    serial=identity, id_tag=f"TAG-{identity}", sample_interval_s=2
                ),
            )
            for identity in (*SHARING, *PLAIN)
        }
        self.port = port
        self.house = House(
            base=(constant(4), constant(4), constant(4)),
            wires=[Wire(charger=charger) for charger in self.chargers.values()],
        )
        self.entities: SiteEntities

    async def set_up(self) -> None:
        """Add site, groups and chargers as a user would, and let a car come to each."""
        client = self.process.client
        await self.office.start()
        await grid_meter.report(client, self.house.grid_currents_a(0))
        site = await SiteSetup.add(client, name="Place", port=self.port, main_fuse_a=80)
        shared = await site.add_group(name="Shared", rating_a=SHARED_A)
        plain = await site.add_group(name="Plain", rating_a=32)
        self.entities = SiteEntities(client, site.entry_id)
        await self.entities.load()
        switch = self.entities.entity_id("switch", f"_{plain}_smart_charging")
        await client.call_service("switch", "turn_off", {"entity_id": switch})
        await asyncio.gather(*(charger.start() for charger in self.chargers.values()))
        for identity in self.chargers:
            form = charger_form(
                name=identity,
                group_id=shared if identity in SHARING else plain,
                rating_a=16,
                phases=3,
                phase_map="l1_l2_l3",
                upstream_url=self.office.url if identity in PASSED_ON else None,
            )
            await site.confirm(identity, form)
        for charger in self.chargers.values():
            charger.plug_in(Car(start_lag_s=1, reaction_lag_s=1))
        await until(lambda: all(self.drawn_a().values()), "all charge")
        await self.entities.load()

    async def metering(self) -> None:
        """Let the grid meter report."""
        while True:
            await grid_meter.report(self.process.client, self.house.grid_currents_a(0))
            await asyncio.sleep(0.5)

    def drawn_a(self) -> dict[str, float]:
        """What each car draws on L1."""
        return {name: charger.currents_a[0] for name, charger in self.chargers.items()}

    async def shown(self, identity: str, key: str) -> str:
        """Return the state of a sensor of a connector."""
        state = await self.process.client.state(self.entities.of_charger("sensor", identity, key))
        return "missing" if state is None else str(state["state"])

    async def until_shown(self, identity: str, key: str, value: str) -> None:
        """Wait until a sensor of a connector shows this."""

        async def is_shown() -> bool:
            return await self.shown(identity, key) == value

        await until_asked(is_shown, f"{identity} {key}: {value}")


@pytest.fixture(scope="module")
async def place(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Place]:
    async with HassProcess(
        tmp_path_factory.mktemp("config"),
        free_port(),
        extra_configuration=grid_meter.CONFIGURATION,
    ) as process:
        place = Place(process)
        meter = asyncio.create_task(place.metering())
        await place.set_up()
        yield place
        meter.cancel()
        with suppress(asyncio.CancelledError):
            await meter
        await asyncio.gather(*(charger.stop() for charger in place.chargers.values()))
        await place.office.cut()


async def test_1_with_smart_charging_two_cars_share_whoever_their_back_office_is(
    place: Place,
) -> None:
    await until(lambda: [place.drawn_a()[it] for it in SHARING] == [10, 10], "20 A by two")

    for identity in SHARING:
        await place.until_shown(identity, "limit_commanded", "10.0")
        await place.until_shown(identity, "status", "charging")


async def test_2_without_smart_charging_each_car_takes_what_it_can_and_no_limit_is_written(
    place: Place,
) -> None:
    await until(lambda: [place.drawn_a()[it] for it in PLAIN] == [16, 16], "16 A each")

    assert [place.chargers[it].limit_a for it in PLAIN] == [None, None]
    for identity in PLAIN:
        await place.until_shown(identity, "status", "charging")


async def test_3_the_back_office_has_heard_of_its_own_chargers_and_of_no_others(
    place: Place,
) -> None:
    office = place.office
    await until(lambda: len(office.sessions) == 2, "both sessions are told")

    assert office.connected == frozenset(PASSED_ON)
    assert {it.charger for it in office.heard} == set(PASSED_ON)
    assert {(it.charger, it.id_tag) for it in office.sessions} == {
        (identity, f"TAG-{identity}") for identity in PASSED_ON
    }
    for identity in PASSED_ON:
        await until(partial(office.of, "MeterValues", identity), "meter values")
        assert place.chargers[identity].transaction_id not in {it.id for it in office.sessions}


async def test_4_with_smart_charging_a_limit_above_what_balanz_allocates_raises_nothing(
    place: Place,
) -> None:
    assert await place.office.allow(LOCAL_CONTROLLER, 16) == "Accepted"

    await place.until_shown(LOCAL_CONTROLLER, "upstream_limit", "16.0")
    await place.until_shown(LOCAL_CONTROLLER, "limit_commanded", "10.0")
    assert [place.drawn_a()[it] for it in SHARING] == [10, 10]


async def test_5_with_smart_charging_a_lower_limit_of_the_back_office_binds(place: Place) -> None:
    assert await place.office.allow(LOCAL_CONTROLLER, 7) == "Accepted"

    await until(lambda: place.drawn_a()[LOCAL_CONTROLLER] == 7, "as its back office says")
    await place.until_shown(LOCAL_CONTROLLER, "reason", "upstream")
    await place.until_shown(LOCAL_CONTROLLER, "upstream_limit", "7.0")
    # Whoever holds the limit of the back office, that of balanz is there.
    ids = [it.profile.id for it in place.chargers[LOCAL_CONTROLLER].profiles.installed]
    assert ids.count(1) == 1


async def test_6_without_smart_charging_a_limit_of_the_back_office_goes_to_the_charger(
    place: Place,
) -> None:
    assert await place.office.allow(PLAIN_LOCAL_CONTROLLER, 9) == "Accepted"

    await until(lambda: place.drawn_a()[PLAIN_LOCAL_CONTROLLER] == 9, "as its back office says")
    assert place.drawn_a()[PLAIN_CSMS] == 16
    assert await place.office.allow(PLAIN_LOCAL_CONTROLLER, None) == "Accepted"
    await until(lambda: place.drawn_a()[PLAIN_LOCAL_CONTROLLER] == 16, "without it again")


async def test_7_what_the_back_office_does_not_allow_is_left_for_others(place: Place) -> None:
    await until(lambda: [place.drawn_a()[it] for it in SHARING] == [13, 7], "the rest of 20 A")

    await place.until_shown(CSMS, "limit_commanded", "13.0")


async def test_8_sessions_end_in_home_assistant_and_at_the_back_office(place: Place) -> None:
    for charger in place.chargers.values():
        charger.unplug()

    for identity in place.chargers:
        await place.until_shown(identity, "status", "available")
    sessions = place.office.sessions
    await until(lambda: all(it.meter_stop_wh is not None for it in sessions), "both are billed")
    assert len(sessions) == 2
    for session in sessions:
        told_wh = (session.meter_stop_wh or 0) - session.meter_start_wh
        assert told_wh == pytest.approx(place.chargers[session.charger].energy_wh, abs=1)
        assert place.office.in_order(session.charger)


async def test_9_the_log_has_no_errors(place: Place) -> None:
    assert errors(place.process.log()) == []
