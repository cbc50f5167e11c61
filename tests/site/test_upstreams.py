"""A site whose chargers belong to another back office as well."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Any

import orjson
import pytest
from websockets.exceptions import ConnectionClosed

from custom_components.balanz.balancing.model import ConnectorKey
from custom_components.balanz.balancing.reasons import Rule
from custom_components.balanz.csms.local_controller.upstream import Trouble
from custom_components.balanz.csms.local_controller.upstream_settings import UpstreamSettings
from custom_components.balanz.site import BalanzSite, upstreams
from custom_components.balanz.site.snapshot import ProblemKind, UpstreamSnapshot
from simulator.car import Car
from simulator.charger import SimulatedCharger
from simulator.faults import Faults
from simulator.frames import Direction

from ..csms.local_controller.back_office import BackOffice
from .build import (
    accepted_a,
    booked_a,
    changed,
    charger,
    connector,
    group,
    limits_received,
    pass_s,
    settings,
    subjects,
    until,
)
from .conftest import Bench


@pytest.fixture
async def office(socket_enabled: None) -> AsyncGenerator[BackOffice]:
    office = BackOffice()
    await office.start()
    yield office
    await office.stop()


def passed_on(identity: str, office: BackOffice, **changes: Any) -> Any:
    """A charger with a back office."""
    return charger(identity, upstream=UpstreamSettings(url=office.url), **changes)


def upstream(site: BalanzSite, identity: str = "CP1") -> UpstreamSnapshot:
    shown = site.snapshot.chargers[identity].upstream
    assert shown is not None
    return shown


def profile(limit_a: float, **changes: Any) -> dict[str, Any]:
    """A profile for all transactions, of the back office."""
    fields: dict[str, Any] = {
        "chargingProfileId": 77,
        "stackLevel": 1,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Relative",
        "chargingSchedule": {
            "chargingRateUnit": "A",
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit_a}],
        },
    }
    return {"connectorId": 1, "csChargingProfiles": fields | changes}


async def charging(
    bench: Bench, office: BackOffice, **changes: Any
) -> tuple[BalanzSite, SimulatedCharger]:
    """A site with one charger at 16 A."""
    site = await bench.start(settings(passed_on("CP1", office, **changes)))
    simulated = await bench.dial_in(site, "CP1", car=Car())
    await until(lambda: accepted_a(site, "CP1") == 16.0 and office.starts)
    return site, simulated


async def test_a_limit_of_the_back_office_is_an_upper_bound(
    bench: Bench, office: BackOffice
) -> None:
    site, _ = await charging(bench, office)

    assert await office.ask("SetChargingProfile", profile(10.0)) == {"status": "Accepted"}
    await until(lambda: accepted_a(site, "CP1") == 10.0)

    assert connector(site, "CP1").offered_by.rule is Rule.UPSTREAM


async def test_our_own_limit_stays_the_lower_one(bench: Bench, office: BackOffice) -> None:
    site, _ = await charging(bench, office)
    await site.set_capacity("root", 10.0)
    await until(lambda: accepted_a(site, "CP1") == 10.0)

    assert await office.ask("SetChargingProfile", profile(32.0)) == {"status": "Accepted"}
    told = await office.ask("GetCompositeSchedule", {"connectorId": 1, "duration": 60})

    limits = [it["limit"] for it in told["chargingSchedule"]["chargingSchedulePeriod"]]
    assert max(limits) == 10.0
    assert accepted_a(site, "CP1") == 10.0


async def test_clearing_everything_leaves_our_own_limit_in_force(
    bench: Bench, office: BackOffice
) -> None:
    site, simulated = await charging(bench, office)
    await office.ask("SetChargingProfile", profile(10.0))
    await until(lambda: accepted_a(site, "CP1") == 10.0)

    assert await office.ask("ClearChargingProfile", {}) == {"status": "Accepted"}
    await until(lambda: accepted_a(site, "CP1") == 16.0)

    assert await office.ask("ClearChargingProfile", {}) == {"status": "Unknown"}
    assert not [it for it in simulated.frames if '"ClearChargingProfile"' in it.text]


async def test_a_profile_of_an_unknown_transaction_is_rejected(
    bench: Bench, office: BackOffice
) -> None:
    site, _ = await charging(bench, office)
    of_transaction = profile(8.0, chargingProfilePurpose="TxProfile", transactionId=99)

    assert await office.ask("SetChargingProfile", of_transaction) == {"status": "Rejected"}

    mine = of_transaction["csChargingProfiles"] | {"transactionId": office.starts[0]["id"]}
    answer = await office.ask("SetChargingProfile", {"connectorId": 1, "csChargingProfiles": mine})
    assert answer == {"status": "Accepted"}
    await until(lambda: accepted_a(site, "CP1") == 8.0)


async def test_a_limit_below_the_minimum_is_a_pause(bench: Bench, office: BackOffice) -> None:
    site, _ = await charging(bench, office)

    await office.ask("SetChargingProfile", profile(0.0))

    await until(lambda: accepted_a(site, "CP1") == 0.0)
    assert connector(site, "CP1").offered_by.rule is Rule.UPSTREAM


@pytest.mark.parametrize("limit", [-1.0, 1e300])
async def test_a_limit_that_cannot_be_does_no_harm(
    bench: Bench, office: BackOffice, limit: float
) -> None:
    site, _ = await charging(bench, office)

    await office.ask("SetChargingProfile", profile(limit))

    assert (accepted_a(site, "CP1") or 0.0) <= 16.0
    assert site.snapshot.groups["root"].within_limit


async def test_what_the_back_office_allows_holds_over_a_restart(
    bench: Bench, office: BackOffice
) -> None:
    site, simulated = await charging(bench, office)
    await office.ask("SetChargingProfile", profile(10.0))
    await until(lambda: accepted_a(site, "CP1") == 10.0)
    await simulated.stop()
    await site.stop()

    again = await bench.start(settings(passed_on("CP1", office)))
    await bench.dial_in(again, "CP1", car=Car())

    await until(lambda: accepted_a(again, "CP1") == 10.0)


async def test_chargers_of_two_back_offices_and_of_none_live_side_by_side(
    bench: Bench, office: BackOffice
) -> None:
    other = BackOffice()
    await other.start()
    site = await bench.start(
        settings(passed_on("CP1", office), passed_on("CP2", other), charger("CP3"))
    )
    for identity in ("CP1", "CP2", "CP3"):
        await bench.dial_in(site, identity)

    await until(lambda: office.of("BootNotification") and other.of("BootNotification"))

    assert [set(it.lines) for it in (office, other)] == [{"CP1"}, {"CP2"}]
    assert site.snapshot.chargers["CP3"].upstream is None
    await other.stop()


async def test_a_back_office_is_added_and_taken_away_while_the_charger_is_connected(
    bench: Bench, office: BackOffice
) -> None:
    before = settings(charger("CP1"))
    site = await bench.start(before)
    simulated = await bench.dial_in(site, "CP1", car=Car())
    await until(lambda: accepted_a(site, "CP1") == 16.0)

    await site.apply(changed(before, passed_on("CP1", office)))
    await until(lambda: office.of("BootNotification"))
    assert upstream(site).connected

    await site.apply(before)
    await until(lambda: site.snapshot.chargers["CP1"].upstream is None)
    assert simulated.connected
    assert accepted_a(site, "CP1") == 16.0


async def test_a_cut_goes_before_all_that_the_back_office_asks(
    bench: Bench, office: BackOffice
) -> None:
    site, simulated = await charging(bench, office)
    simulated.faults = Faults(answer_delay_s=0.5)
    asking = [
        asyncio.create_task(office.ask("GetConfiguration", {"key": ["x"]}, within_s=60.0))
        for _ in range(15)
    ]
    await until(lambda: [it for it in simulated.frames if '"GetConfiguration"' in it.text][-2:])
    before = len(simulated.frames)

    await site.set_capacity("root", 6.0)
    await until(lambda: accepted_a(site, "CP1") == 6.0)

    asked = [
        orjson.loads(it.text)[2]
        for it in list(simulated.frames)[before:]
        if it.direction is Direction.RECEIVED and it.text.startswith("[2")
    ]
    assert asked.index("SetChargingProfile") <= 1
    await asyncio.gather(*asking)


@pytest.mark.parametrize("flood", ["huge", "unreadable", "unsolicited"])
async def test_a_hostile_back_office_is_contained_and_told(
    bench: Bench, office: BackOffice, flood: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upstreams, "MISBEHAVES_FOR_S", 60.0)
    site, simulated = await charging(bench, office)
    sent = {
        "huge": [json.dumps([2, "h", "DataTransfer", {"vendorId": "x" * 300_000}])],
        "unreadable": ['[2,"n","SetChargingProfile",{"connectorId":NaN}]'] * 500,
        "unsolicited": ['[3,"nobody",{}]'] * 500,
    }[flood]

    line = office.lines["CP1"].socket
    with suppress(ConnectionClosed):
        for text in sent:
            await line.send(text)
    await until(lambda: subjects(site, ProblemKind.UPSTREAM_MISBEHAVES) == ["CP1"])

    assert simulated.connections == 1
    assert site.snapshot.groups["root"].within_limit
    await site.set_capacity("root", 8.0)
    await until(lambda: accepted_a(site, "CP1") == 8.0)
    await until(lambda: upstream(site).connected)
    await until(lambda: subjects(site, ProblemKind.UPSTREAM_MISBEHAVES) == [])


async def test_endless_profiles_are_no_more_than_the_charger_could_hold(
    bench: Bench, office: BackOffice
) -> None:
    site, simulated = await charging(bench, office)

    answers = [
        await office.ask(
            "SetChargingProfile", profile(20.0 - it / 100, chargingProfileId=it, stackLevel=it % 9)
        )
        for it in range(300)
    ]
    installed = len({it.profile.id for it in simulated.profiles.installed})
    levels = await office.ask(
        "SetChargingProfile", profile(7.0, chargingProfileId=1000, stackLevel=8)
    )

    assert {it["status"] for it in answers} <= {"Accepted", "Rejected"}
    assert installed == 1
    assert levels == {"status": "Accepted"}
    await until(lambda: accepted_a(site, "CP1") == 7.0)


async def test_a_refusal_is_told_to_the_user(bench: Bench, office: BackOffice) -> None:
    office.refuses_with = 401
    site = await bench.start(settings(passed_on("CP1", office)))

    await bench.dial_in(site, "CP1")

    await until(lambda: subjects(site, ProblemKind.UPSTREAM_CREDENTIALS) == ["CP1"])
    assert upstream(site).trouble is Trouble.CREDENTIALS


async def test_a_key_that_leads_away_is_told_to_the_user(bench: Bench, office: BackOffice) -> None:
    site, _ = await charging(bench, office)

    await office.ask("ChangeConfiguration", {"key": "CentralSystemUrl", "value": "wss://x"})

    await until(lambda: subjects(site, ProblemKind.UPSTREAM_LEADS_AWAY) == ["CP1"])


async def test_without_smart_charging_profiles_go_to_the_charger(
    bench: Bench, office: BackOffice
) -> None:
    site, simulated = await charging(bench, office)
    await site.set_smart_charging("root", on=False)

    await office.ask("SetChargingProfile", profile(9.0))

    assert [it for it in simulated.frames if '"chargingProfileId":77' in it.text.replace(" ", "")]


async def test_a_balanz_may_be_the_back_office_of_another(bench: Bench) -> None:
    above = await bench.start(settings(charger("CP1")), folder=bench.folder / "above")
    url = f"ws://127.0.0.1:{above.port}/ocpp"
    below = await bench.start(
        settings(charger("CP1", upstream=UpstreamSettings(url=url))),
        folder=bench.folder / "below",
    )
    await above.set_capacity("root", 8.0)

    await bench.dial_in(below, "CP1", car=Car())

    await until(lambda: accepted_a(below, "CP1") == 8.0)
    assert connector(below, "CP1").offered_by.rule is Rule.UPSTREAM
    await until(lambda: connector(above, "CP1").charging)


def of_session(office: BackOffice, limit_a: float) -> dict[str, Any]:
    """A profile for the session that runs, which overrules what holds for all."""
    number = office.starts[0]["id"]
    return profile(limit_a, chargingProfilePurpose="TxProfile", transactionId=number)


def has_of_the_office(simulated: SimulatedCharger) -> bool:
    return any(it.profile.id == 77 for it in simulated.profiles.installed)


async def test_a_profile_that_lies_in_the_charger_is_booked_and_cleared_once_balanz_balances(
    bench: Bench, office: BackOffice
) -> None:
    site, simulated = await charging(bench, office)
    await site.set_smart_charging("root", on=False)
    assert await office.ask("SetChargingProfile", of_session(office, 12.0)) == {
        "status": "Accepted"
    }
    await until(lambda: has_of_the_office(simulated))

    await site.set_smart_charging("root", on=True)
    await until(lambda: not has_of_the_office(simulated))

    # It counts as an upper bound from now on.
    await until(lambda: accepted_a(site, "CP1") == 12.0)
    assert connector(site, "CP1").offered_by.rule is Rule.UPSTREAM


async def test_a_profile_that_the_charger_refuses_is_not_booked(
    bench: Bench, office: BackOffice
) -> None:
    site, simulated = await charging(bench, office)
    await site.set_smart_charging("root", on=False)

    of_another = of_session(office, 12.0) | {"connectorId": 9}
    assert await office.ask("SetChargingProfile", of_another) != {"status": "Accepted"}
    await site.set_smart_charging("root", on=True)

    await until(lambda: accepted_a(site, "CP1") == 16.0)
    assert not has_of_the_office(simulated)


async def test_a_profile_that_the_office_clears_itself_is_forgotten(
    bench: Bench, office: BackOffice
) -> None:
    site, simulated = await charging(bench, office)
    await site.set_smart_charging("root", on=False)
    await office.ask("SetChargingProfile", profile(12.0))
    await until(lambda: has_of_the_office(simulated))

    assert await office.ask("ClearChargingProfile", {"id": 77}) == {"status": "Accepted"}
    await site.set_smart_charging("root", on=True)

    await until(lambda: accepted_a(site, "CP1") == 16.0)
    assert subjects(site, ProblemKind.FOREIGN_PROFILE) == []


async def test_a_campus_bounds_its_buildings_and_gives_one_what_the_other_does_not_use(
    bench: Bench,
) -> None:
    north, south = ("CP1", "CP2"), ("CP3",)
    campus = await bench.start(
        settings(
            *(charger(it, group_id="north") for it in north),
            *(charger(it, group_id="south") for it in south),
            groups=(group("north", rating_a=20.0), group("south", rating_a=13.0)),
            rating_a=63.0,
        ),
        folder=bench.folder / "campus",
    )
    back_office = UpstreamSettings(url=f"ws://127.0.0.1:{campus.port}/ocpp")
    sites = {
        name: await bench.start(
            settings(*(charger(it, upstream=back_office) for it in identities)),
            folder=bench.folder / name,
        )
        for name, identities in (("north", north), ("south", south))
    }
    of = dict.fromkeys(north, sites["north"]) | {"CP3": sites["south"]}

    def limits_a() -> list[float | None]:
        return [accepted_a(site, identity) for identity, site in of.items()]

    for identity, site in of.items():
        await bench.dial_in(site, identity, car=Car())
    await until(lambda: limits_a() == [10.0, 10.0, 13.0])
    assert all(connector(of[it], it).offered_by.rule is Rule.UPSTREAM for it in of)

    await campus.set_capacity("root", 24.0)
    await until(lambda: limits_a() == [8.0, 8.0, 8.0])
    await campus.set_capacity("root", 30.0)
    await sites["north"].set_capacity("root", 12.0)
    await until(lambda: limits_a() == [6.0, 6.0, 13.0])
    assert all(connector(of[it], it).offered_by.rule is not Rule.UPSTREAM for it in north)

    await sites["north"].set_capacity("root", 32.0)
    await campus.set_capacity("north", 6.0)
    await until(lambda: set(limits_a()[:2]) == {0.0, 6.0})
    everywhere = (campus, *sites.values())
    await until(lambda: all(it.snapshot.groups["root"].within_limit for it in everywhere))


async def test_a_building_that_cannot_reach_its_campus_lets_the_lease_of_that_lapse(
    bench: Bench,
) -> None:
    campus = await bench.start(settings(charger("CP1")), folder=bench.folder / "campus")
    url = f"ws://127.0.0.1:{campus.port}/ocpp"
    building = await bench.start(
        settings(charger("CP1", upstream=UpstreamSettings(url=url))),
        folder=bench.folder / "building",
    )
    await campus.set_capacity("root", 9.0)
    simulated = await bench.dial_in(building, "CP1", car=Car())
    await until(lambda: accepted_a(building, "CP1") == 9.0)

    await campus.stop()
    await until(lambda: not upstream(building).connected)
    await pass_s(3600.0)

    assert limits_received(simulated)[-2:] == [9.0, 6.0]


async def test_a_charger_that_its_building_has_lost_stays_booked_on_the_campus(
    bench: Bench,
) -> None:
    campus = await bench.start(
        settings(charger("CP1"), charger("CP2")), folder=bench.folder / "campus"
    )
    back_office = UpstreamSettings(url=f"ws://127.0.0.1:{campus.port}/ocpp")
    building = await bench.start(
        settings(*(charger(it, upstream=back_office) for it in ("CP1", "CP2"))),
        folder=bench.folder / "building",
    )
    lost, other = [await bench.dial_in(building, it, car=Car()) for it in ("CP1", "CP2")]
    await until(lambda: (lost.currents_a[0], other.currents_a[0]) == (16.0, 16.0))

    lost.faults = Faults(offline=True)
    await until(lambda: not campus.snapshot.chargers["CP1"].connected)
    await campus.set_capacity("root", 20.0)
    await until(lambda: other.currents_a[0] == 0.0)

    assert booked_a(campus, "CP1") == 16.0
    await until(lambda: campus.snapshot.groups["root"].within_limit)


async def test_watts_are_those_of_the_lines_that_the_car_is_seen_to_use(
    bench: Bench, office: BackOffice
) -> None:
    site = await bench.start(settings(passed_on("CP1", office)))
    await bench.dial_in(site, "CP1", car=Car(phases=1))
    await until(lambda: accepted_a(site, "CP1") == 16.0 and office.starts)
    in_watts = {
        "chargingRateUnit": "W",
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 2300.0}],
    }
    await until(lambda: site._rooms.live[ConnectorKey("CP1", 1)].known_lines == 1)

    await office.ask("SetChargingProfile", profile(0.0, chargingSchedule=in_watts))

    await until(lambda: accepted_a(site, "CP1") == 10.0)
