"""Who holds the profiles of a back office: the charger under balanz's cap, or balanz alone."""

from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import Any

import orjson
import pytest

from custom_components.balanz.balancing.reasons import Rule
from custom_components.balanz.csms.local_controller.modes import Mode
from custom_components.balanz.csms.profile_forms import Purpose as LimitPurpose
from custom_components.balanz.csms.quirks import QuirkChoice
from custom_components.balanz.csms.station_errors import StationUnreachable
from custom_components.balanz.site import BalanzSite
from custom_components.balanz.site.foreign_profiles import ForeignProfiles
from custom_components.balanz.storage.proofs import Fact, ProofLevel, SeenBy
from simulator.car import Car
from simulator.charger import SimulatedCharger
from simulator.faults import Faults
from simulator.profiles import ProfileCapabilities, Purpose

from ..csms.local_controller.back_office import BackOffice
from .build import accepted_a, booked_a, changed, charger, connector, pass_s, settings, until
from .conftest import Bench
from .test_proof import TIMES, settled
from .test_upstreams import of_session, passed_on, profile, upstream

CAP = Purpose.CHARGE_POINT_MAX
ACCEPTED = {"status": "Accepted"}
OF_ALL = {
    "connectorId": 0,
    "csChargingProfiles": {
        "chargingProfileId": 5,
        "stackLevel": 3,
        "chargingProfilePurpose": "ChargePointMaxProfile",
        "chargingProfileKind": "Absolute",
        "chargingSchedule": {
            "startSchedule": "2026-01-01T00:00:00Z",
            "chargingRateUnit": "A",
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 9.0}],
        },
    },
}
"""A limit of 9 A for the whole charger."""

WANTS_NO_CAP = {"quirks": QuirkChoice(purpose=LimitPurpose.TX_DEFAULT)}
NO_OFFICE = {"upstream": None}


@pytest.fixture
async def office(socket_enabled: None) -> AsyncGenerator[BackOffice]:
    office = BackOffice()
    await office.start()
    yield office
    await office.stop()


@pytest.fixture
async def next_office(socket_enabled: None) -> AsyncGenerator[BackOffice]:
    office = BackOffice()
    await office.start()
    yield office
    await office.stop()


def mode(site: BalanzSite) -> Mode:
    return upstream(site).mode


def found(site: BalanzSite) -> tuple[bool, SeenBy] | None:
    """What was seen of the charger's firmware, and how."""
    proof = site.snapshot.chargers["CP1"].proof.proof
    finding = None if proof is None else proof.findings.get(Fact.CAPS)
    return None if finding is None else (finding.holds, finding.seen_by)


def profiles_of(simulated: SimulatedCharger) -> dict[int, Purpose]:
    """What the charger holds, by id."""
    return {it.profile.id: it.profile.purpose for it in simulated.profiles.installed}


def told_of_profiles(simulated: SimulatedCharger, since: int) -> list[str]:
    """What the charger was told of profiles after so many frames."""
    told = []
    for frame in list(simulated.frames)[since:]:
        match orjson.loads(frame.text):
            case [2, _, "ClearChargingProfile", payload]:
                told.append(f"{payload.get('id')} cleared")
            case [2, _, "SetChargingProfile", {"csChargingProfiles": one}]:
                told.append(f"{one['chargingProfileId']} set as {one['chargingProfilePurpose']}")
    return told


async def idle(
    bench: Bench, office: BackOffice, **options: Any
) -> tuple[BalanzSite, SimulatedCharger]:
    """A site with one charger that has a back office and no car."""
    site = await bench.start(settings(passed_on("CP1", office)))
    simulated = await bench.dial_in(site, "CP1", **options)
    return site, simulated


async def capped(
    bench: Bench, office: BackOffice, **options: Any
) -> tuple[BalanzSite, SimulatedCharger]:
    """The same, proven to cap."""
    site, simulated = await idle(bench, office, **options)
    await until(lambda: mode(site) is Mode.CAP and accepted_a(site, "CP1") == 0.0)
    return site, simulated


async def charging(site: BalanzSite, simulated: SimulatedCharger, office: BackOffice) -> None:
    simulated.plug_in(Car())
    await until(lambda: accepted_a(site, "CP1") == 16.0 and office.starts)


async def test_a_charger_without_a_car_is_found_to_cap_and_holds_the_profiles_from_then_on(
    bench: Bench, office: BackOffice
) -> None:
    site, simulated = await capped(bench, office)

    assert found(site) == (True, SeenBy.COMPOSITE_SCHEDULE)
    assert profiles_of(simulated) == {1: CAP}

    assert await office.ask("SetChargingProfile", profile(10.0)) == ACCEPTED
    assert profiles_of(simulated) == {1: CAP, 77: Purpose.TX_DEFAULT}


async def test_a_car_gets_the_smaller_of_both_limits(bench: Bench, office: BackOffice) -> None:
    site, simulated = await capped(bench, office)
    await charging(site, simulated, office)

    assert await office.ask("SetChargingProfile", of_session(office, 10.0)) == ACCEPTED
    await until(lambda: simulated.currents_a[0] == 10.0)
    await until(lambda: accepted_a(site, "CP1") == 10.0)
    assert connector(site, "CP1").offered_by.rule is Rule.UPSTREAM

    await site.set_capacity("root", 8.0)
    await until(lambda: simulated.currents_a[0] == booked_a(site, "CP1") == 8.0)


async def test_a_limit_above_ours_is_booked_no_higher(bench: Bench, office: BackOffice) -> None:
    site, simulated = await capped(bench, office)
    await charging(site, simulated, office)
    await site.set_capacity("root", 8.0)
    await until(lambda: booked_a(site, "CP1") == 8.0)

    assert await office.ask("SetChargingProfile", of_session(office, 32.0)) == ACCEPTED

    assert booked_a(site, "CP1") == 8.0
    assert simulated.currents_a[0] == 8.0


async def test_the_charger_itself_tells_what_a_car_would_get(
    bench: Bench, office: BackOffice
) -> None:
    _, simulated = await capped(bench, office)
    await office.ask("SetChargingProfile", profile(10.0))

    told = await office.ask("GetCompositeSchedule", {"connectorId": 1, "duration": 60})

    assert told["chargingSchedule"]["chargingSchedulePeriod"][0]["limit"] == 0.0
    assert any(
        '"GetCompositeSchedule"' in it.text and "office" not in it.text for it in simulated.frames
    )


async def test_nothing_that_is_cleared_is_the_cap(bench: Bench, office: BackOffice) -> None:
    site, simulated = await capped(bench, office)
    await office.ask("SetChargingProfile", profile(10.0))

    assert await office.ask("ClearChargingProfile", {"id": 1}) == {"status": "Unknown"}
    assert await office.ask("ClearChargingProfile", {}) == ACCEPTED
    assert await office.ask("ClearChargingProfile", {}) == {"status": "Unknown"}
    max_alone = {"chargingProfilePurpose": "ChargePointMaxProfile"}
    assert await office.ask("ClearChargingProfile", max_alone) == {"status": "Unknown"}

    assert profiles_of(simulated) == {1: CAP}
    await charging(site, simulated, office)


async def test_a_profile_with_the_id_of_ours_does_not_replace_it(
    bench: Bench, office: BackOffice
) -> None:
    site, simulated = await capped(bench, office)

    assert await office.ask("SetChargingProfile", profile(10.0, chargingProfileId=1)) == ACCEPTED
    assert profiles_of(simulated) == {1: CAP, 3001: Purpose.TX_DEFAULT}

    assert await office.ask("ClearChargingProfile", {"id": 1}) == ACCEPTED
    assert profiles_of(simulated) == {1: CAP}
    await charging(site, simulated, office)


async def test_a_cap_of_the_back_office_stays_here_and_bounds_ours(
    bench: Bench, office: BackOffice
) -> None:
    site, simulated = await capped(bench, office)
    await charging(site, simulated, office)

    assert await office.ask("SetChargingProfile", OF_ALL) == ACCEPTED
    await until(lambda: simulated.currents_a[0] == 9.0)
    assert profiles_of(simulated) == {1: CAP}

    assert await office.ask("ClearChargingProfile", {"id": 5}) == ACCEPTED
    await until(lambda: simulated.currents_a[0] == 16.0)


async def test_a_start_brings_its_profile_to_the_charger(bench: Bench, office: BackOffice) -> None:
    site, simulated = await capped(bench, office)
    brought = profile(7.0, chargingProfilePurpose="TxProfile")["csChargingProfiles"]
    simulated.station.options = replace(simulated.options, charges_freely=False)
    simulated.plug_in(Car())
    await until(lambda: connector(site, "CP1").plugged)

    start = {"idTag": "TAG", "connectorId": 1, "chargingProfile": brought}
    assert await office.ask("RemoteStartTransaction", start) == ACCEPTED

    await until(lambda: simulated.currents_a[0] == 7.0)
    assert profiles_of(simulated) == {1: CAP, 77: Purpose.TX}
    of_all = start | {"chargingProfile": brought | {"chargingProfilePurpose": "TxDefaultProfile"}}
    assert await office.ask("RemoteStartTransaction", of_all) == {"status": "Rejected"}


@pytest.mark.parametrize("limit", [-1.0, 1e300])
async def test_what_makes_no_sense_never_lifts_a_limit(
    bench: Bench, office: BackOffice, limit: float
) -> None:
    site, simulated = await capped(bench, office)
    await charging(site, simulated, office)
    await site.set_capacity("root", 8.0)
    await until(lambda: simulated.currents_a[0] == booked_a(site, "CP1") == 8.0)

    await office.ask("SetChargingProfile", of_session(office, limit))

    assert simulated.currents_a[0] == 8.0
    assert site.snapshot.groups["root"].within_limit


async def test_a_car_that_the_back_office_suspends_says_nothing_against_the_cap(
    bench: Bench, office: BackOffice
) -> None:
    site, simulated = await capped(bench, office)
    simulated.plug_in(Car(phases=1))
    await until(lambda: accepted_a(site, "CP1") == 16.0 and office.starts)
    # Three lines are meant, so that the charger pauses; one is in use, so that balanz does not.
    in_watts = {
        "chargingRateUnit": "W",
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 3000.0}],
    }
    await pass_s(70.0)
    told = of_session(office, 0.0)
    told["csChargingProfiles"]["chargingSchedule"] = in_watts

    assert await office.ask("SetChargingProfile", told) == ACCEPTED
    await until(lambda: simulated.status == "SuspendedEVSE")
    await pass_s(100.0)

    assert mode(site) is Mode.CAP


async def test_a_charger_that_makes_nothing_of_profiles_is_merged(
    bench: Bench, office: BackOffice
) -> None:
    site, simulated = await idle(bench, office, faults=Faults(ignore_profiles=True))
    await until(lambda: any('"GetCompositeSchedule"' in it.text for it in simulated.frames))
    await until(lambda: accepted_a(site, "CP1") == 0.0)

    await office.ask("SetChargingProfile", profile(10.0))

    assert (mode(site), found(site)) == (Mode.MERGE, None)
    assert 77 not in profiles_of(simulated)


async def test_a_charger_with_room_for_one_profile_is_merged(
    bench: Bench, office: BackOffice
) -> None:
    one = ProfileCapabilities(maximum_installed=1)
    site, simulated = await idle(bench, office, profile_capabilities=one)
    await until(lambda: accepted_a(site, "CP1") == 0.0)
    await charging(site, simulated, office)

    assert (mode(site), found(site)) == (Mode.MERGE, None)


async def test_a_cap_that_is_drawn_above_ends_it_for_the_firmware(
    bench: Bench, office: BackOffice
) -> None:
    site, simulated = await capped(bench, office)
    await charging(site, simulated, office)
    await office.ask("SetChargingProfile", of_session(office, 15.0))
    await until(lambda: simulated.currents_a[0] == 15.0)

    simulated.faults = Faults(ignore_profiles=True)
    await site.set_capacity("root", 8.0)
    await until(lambda: mode(site) is Mode.MERGE)

    assert found(site) == (False, SeenBy.METER)
    assert booked_a(site, "CP1") >= 15.0
    await until(lambda: 77 not in profiles_of(simulated))
    simulated.faults = Faults()
    await until(lambda: simulated.currents_a[0] <= 8.0)


async def test_the_charger_goes_on_holding_them_after_a_restart(
    bench: Bench, office: BackOffice
) -> None:
    site, simulated = await capped(bench, office)
    await charging(site, simulated, office)
    await office.ask("SetChargingProfile", of_session(office, 10.0))
    port = site.port
    await site.stop()

    again = await bench.start(settings(passed_on("CP1", office), port=port))
    assert mode(again) is Mode.CAP
    await until(lambda: accepted_a(again, "CP1") == 10.0)

    assert profiles_of(simulated) == {1: CAP, 77: Purpose.TX}
    assert mode(again) is Mode.CAP


@pytest.mark.parametrize("purpose", [LimitPurpose.TX_DEFAULT, LimitPurpose.TX])
async def test_a_user_who_wants_other_limits_than_caps_has_them_merged(
    bench: Bench, office: BackOffice, purpose: LimitPurpose
) -> None:
    before = settings(passed_on("CP1", office))
    site, simulated = await capped(bench, office)
    await charging(site, simulated, office)
    await office.ask("SetChargingProfile", of_session(office, 10.0))
    await until(lambda: accepted_a(site, "CP1") == 10.0)

    await site.apply(changed(before, passed_on("CP1", office, quirks=QuirkChoice(purpose=purpose))))
    await until(lambda: profiles_of(simulated).get(1) is Purpose.TX_DEFAULT)
    await until(lambda: 77 not in profiles_of(simulated))

    await until(lambda: accepted_a(site, "CP1") == 10.0)
    assert mode(site) is Mode.MERGE


@pytest.mark.parametrize("changes", [WANTS_NO_CAP, NO_OFFICE], ids=["merged", "no office"])
async def test_a_cap_that_ends_is_kept_until_nothing_is_left_beneath_it(
    bench: Bench, office: BackOffice, changes: dict[str, Any]
) -> None:
    site, simulated = await capped(bench, office)
    await charging(site, simulated, office)
    # An urgent limit overtakes the second of two that are cleared.
    await office.ask("SetChargingProfile", profile(14.0, chargingProfileId=76))
    await office.ask("SetChargingProfile", of_session(office, 15.0))
    await site.set_capacity("root", 8.0)
    await until(lambda: simulated.currents_a[0] == booked_a(site, "CP1") == 8.0)
    frames = len(simulated.frames)

    await site.apply(settings(replace(passed_on("CP1", office), **changes)))
    await until(lambda: profiles_of(simulated) == {1: Purpose.TX_DEFAULT})

    told = told_of_profiles(simulated, frames)
    assert told.index("77 cleared") < told.index("1 set as TxDefaultProfile")
    await until(lambda: booked_a(site, "CP1") == 8.0)


@pytest.mark.parametrize("changes", [WANTS_NO_CAP, NO_OFFICE], ids=["merged", "no office"])
async def test_a_cap_above_what_cannot_be_cleared_is_kept_until_others_have_made_room(
    bench: Bench, office: BackOffice, changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    site, simulated = await capped(bench, office)
    await charging(site, simulated, office)
    await office.ask("SetChargingProfile", of_session(office, 15.0))
    await site.set_capacity("root", 8.0)
    await until(lambda: simulated.currents_a[0] == booked_a(site, "CP1") == 8.0)

    async def refuse(*_: Any, **__: Any) -> None:
        raise StationUnreachable("no answer")

    monkeypatch.setattr(ForeignProfiles, "clear", refuse)
    await site.apply(settings(replace(passed_on("CP1", office), **changes)))
    await until(lambda: booked_a(site, "CP1") >= 15.0)
    await pass_s(25.0)
    assert profiles_of(simulated) == {1: CAP, 77: Purpose.TX}

    await until(lambda: profiles_of(simulated) == {1: Purpose.TX_DEFAULT, 77: Purpose.TX})
    assert booked_a(site, "CP1") >= 15.0


async def test_a_cap_passes_from_one_back_office_to_the_next(
    bench: Bench, office: BackOffice, next_office: BackOffice
) -> None:
    site, simulated = await capped(bench, office)
    await charging(site, simulated, office)
    await office.ask("SetChargingProfile", of_session(office, 10.0))
    await until(lambda: accepted_a(site, "CP1") == 10.0)

    await site.apply(settings(passed_on("CP1", next_office)))
    await until(lambda: profiles_of(simulated) == {1: CAP})
    await until(lambda: accepted_a(site, "CP1") == 16.0)
    simulated.unplug()
    await until(lambda: mode(site) is Mode.CAP)
    await pass_s(60.0)

    assert found(site) == (True, SeenBy.COMPOSITE_SCHEDULE)
    assert mode(site) is Mode.CAP


async def test_a_cap_ends_also_where_the_fallback_is_being_proven(
    bench: Bench, office: BackOffice
) -> None:
    site, simulated = await capped(bench, office)
    await site.prove_fallback("CP1")

    await site.apply(settings(charger("CP1")))
    site.cancel_proof("CP1")

    simulated.plug_in(Car())
    await until(lambda: simulated.currents_a[0] == 16.0)
    assert profiles_of(simulated)[1] is Purpose.TX_DEFAULT


async def test_a_cap_is_not_taken_to_be_kept_because_a_default_was_seen_to_be(
    bench: Bench, office: BackOffice
) -> None:
    site = await bench.start(settings(charger("CP1")))
    simulated = await bench.dial_in(site, "CP1")
    await settled(site, simulated)
    await proven(site)
    proof = site.snapshot.chargers["CP1"].proof.proof
    assert proof is not None
    assert proof.level is ProofLevel.PROVEN

    await site.apply(settings(passed_on("CP1", office), port=site.port))
    await until(lambda: mode(site) is Mode.CAP and accepted_a(site, "CP1") == 0.0)
    await charging(site, simulated, office)
    await site.set_capacity("root", 8.0)
    await until(lambda: accepted_a(site, "CP1") == booked_a(site, "CP1") == 8.0)
    simulated.faults = Faults(offline=True)
    await until(lambda: not site.snapshot.chargers["CP1"].connected, deadline_s=1200.0)

    assert booked_a(site, "CP1") == 16.0


async def test_a_cap_that_was_itself_seen_to_be_kept_is_booked_while_its_charger_is_gone(
    bench: Bench, office: BackOffice
) -> None:
    site, simulated = await capped(bench, office)
    await settled(site, simulated)
    await proven(site)
    await charging(site, simulated, office)
    await site.set_capacity("root", 8.0)
    await until(lambda: accepted_a(site, "CP1") == booked_a(site, "CP1") == 8.0)
    simulated.faults = Faults(offline=True)
    await until(lambda: not site.snapshot.chargers["CP1"].connected, deadline_s=1200.0)

    assert booked_a(site, "CP1") == 8.0


async def proven(site: BalanzSite) -> None:
    """Hold a proof of the fallback to its end."""
    await site.prove_fallback("CP1", times=TIMES)
    await until(lambda: site.snapshot.chargers["CP1"].proof.running is None, deadline_s=960.0)


async def test_profiles_of_a_back_office_that_is_taken_away_go_with_it(
    bench: Bench, office: BackOffice
) -> None:
    before = settings(passed_on("CP1", office))
    site, simulated = await capped(bench, office)
    await charging(site, simulated, office)
    await office.ask("SetChargingProfile", of_session(office, 10.0))
    await until(lambda: accepted_a(site, "CP1") == 10.0)

    await site.apply(changed(before, charger("CP1")))

    await until(lambda: 77 not in profiles_of(simulated))
    await until(lambda: accepted_a(site, "CP1") == 16.0)


async def test_a_charger_that_restarts_without_its_profiles_is_capped_again(
    bench: Bench, office: BackOffice
) -> None:
    site, simulated = await capped(bench, office, profiles_persist=False)
    await charging(site, simulated, office)
    await site.set_capacity("root", 8.0)
    await until(lambda: accepted_a(site, "CP1") == 8.0)

    simulated.reboot()
    await until(lambda: simulated.profiles.installed and accepted_a(site, "CP1") == 8.0)

    assert profiles_of(simulated) == {1: CAP}
    assert mode(site) is Mode.CAP


async def test_the_profiles_of_before_are_given_to_a_charger_that_is_capped_now(
    bench: Bench, office: BackOffice
) -> None:
    site = await bench.start(settings(passed_on("CP1", office)))
    simulated = await bench.dial_in(site, "CP1", car=Car())
    await until(lambda: accepted_a(site, "CP1") == 16.0 and office.starts)
    await office.ask("SetChargingProfile", profile(10.0))
    await until(lambda: accepted_a(site, "CP1") == 10.0)
    assert profiles_of(simulated) == {1: Purpose.TX_DEFAULT}

    simulated.unplug()

    await until(lambda: mode(site) is Mode.CAP)
    await until(lambda: profiles_of(simulated) == {1: CAP, 77: Purpose.TX_DEFAULT})


async def test_without_smart_charging_the_charger_is_given_what_was_kept_here(
    bench: Bench, office: BackOffice
) -> None:
    site = await bench.start(settings(passed_on("CP1", office)))
    simulated = await bench.dial_in(site, "CP1", car=Car())
    await until(lambda: accepted_a(site, "CP1") == 16.0 and office.starts)
    assert await office.ask("SetChargingProfile", OF_ALL) == ACCEPTED
    assert await office.ask("SetChargingProfile", of_session(office, 10.0)) == ACCEPTED

    await site.set_smart_charging("root", on=False)
    await until(lambda: profiles_of(simulated) == {5: CAP, 77: Purpose.TX})
    await until(lambda: simulated.currents_a[0] == 9.0)
    assert await office.ask("ClearChargingProfile", {"id": 5}) == ACCEPTED
    await until(lambda: simulated.currents_a[0] == 10.0)

    await site.set_smart_charging("root", on=True)
    await until(lambda: profiles_of(simulated) == {1: Purpose.TX_DEFAULT})
    await until(lambda: accepted_a(site, "CP1") == 10.0)


async def test_a_profile_that_was_brought_for_a_session_reaches_a_charger_that_is_let_go(
    bench: Bench, office: BackOffice
) -> None:
    site = await bench.start(settings(passed_on("CP1", office)))
    simulated = await bench.dial_in(site, "CP1", charges_freely=False)
    await until(lambda: accepted_a(site, "CP1") == 0.0)
    brought = profile(7.0, chargingProfilePurpose="TxProfile")["csChargingProfiles"]
    start = {"idTag": "TAG", "connectorId": 1, "chargingProfile": brought}
    simulated.plug_in(Car())
    assert await office.ask("RemoteStartTransaction", start) == ACCEPTED

    await site.set_smart_charging("root", on=False)

    await until(lambda: 77 in profiles_of(simulated))
    await until(lambda: simulated.currents_a[0] == 7.0)


async def test_a_cap_outlasts_a_while_without_smart_charging(
    bench: Bench, office: BackOffice
) -> None:
    site, simulated = await capped(bench, office)
    await charging(site, simulated, office)
    await office.ask("SetChargingProfile", of_session(office, 10.0))
    await until(lambda: accepted_a(site, "CP1") == 10.0)

    await site.set_smart_charging("root", on=False)
    await until(lambda: profiles_of(simulated) == {77: Purpose.TX})
    assert await office.ask("SetChargingProfile", OF_ALL) == ACCEPTED
    await until(lambda: simulated.currents_a[0] == 9.0)

    await site.set_smart_charging("root", on=True)
    await until(lambda: profiles_of(simulated) == {1: CAP, 77: Purpose.TX})
    await until(lambda: accepted_a(site, "CP1") == 9.0)


async def test_a_cap_that_the_charger_refuses_is_merged_until_it_restarts(
    bench: Bench, office: BackOffice
) -> None:
    site, simulated = await capped(bench, office)
    await charging(site, simulated, office)
    await office.ask("SetChargingProfile", of_session(office, 10.0))
    await until(lambda: accepted_a(site, "CP1") == 10.0)

    simulated.faults = Faults(reject_profiles=True)
    await site.set_capacity("root", 8.0)
    await until(lambda: mode(site) is Mode.MERGE)
    simulated.faults = Faults()

    await until(lambda: profiles_of(simulated) == {1: Purpose.TX_DEFAULT})
    await until(lambda: accepted_a(site, "CP1") == 8.0)
    simulated.unplug()
    await until(lambda: accepted_a(site, "CP1") == 0.0)
    assert mode(site) is Mode.MERGE
    simulated.reboot()
    await until(lambda: mode(site) is Mode.CAP)


async def test_a_profile_that_had_the_id_of_ours_is_gone_once_ours_is_in_force(
    bench: Bench, office: BackOffice
) -> None:
    site = await bench.start(settings(passed_on("CP1", office)))
    simulated = await bench.dial_in(site, "CP1", car=Car())
    await until(lambda: accepted_a(site, "CP1") == 16.0 and office.starts)
    await site.set_smart_charging("root", on=False)
    await until(lambda: not profiles_of(simulated))
    told = of_session(office, 10.0)
    told["csChargingProfiles"]["chargingProfileId"] = 1
    assert await office.ask("SetChargingProfile", told) == ACCEPTED
    assert profiles_of(simulated) == {1: Purpose.TX}
    frames = len(simulated.frames)

    await site.set_smart_charging("root", on=True)
    await until(lambda: accepted_a(site, "CP1") == 10.0)
    await until(lambda: booked_a(site, "CP1") == 10.0)

    assert profiles_of(simulated) == {1: Purpose.TX_DEFAULT}
    later = [it.text for it in simulated.frames][frames:]
    assert not [it for it in later if "ClearChargingProfile" in it]


@pytest.mark.parametrize("number", [1001, 2001])
async def test_a_profile_that_has_an_id_that_ours_may_have_is_cleared_before_it_overrules_ours(
    bench: Bench, office: BackOffice, number: int
) -> None:
    site = await bench.start(settings(passed_on("CP1", office)))
    simulated = await bench.dial_in(site, "CP1", car=Car())
    await until(lambda: accepted_a(site, "CP1") == 16.0 and office.starts)
    await site.set_smart_charging("root", on=False)
    await until(lambda: not profiles_of(simulated))
    told = of_session(office, 15.0)
    told["csChargingProfiles"]["chargingProfileId"] = number
    assert await office.ask("SetChargingProfile", told) == ACCEPTED
    assert profiles_of(simulated) == {number: Purpose.TX}

    await site.set_smart_charging("root", on=True)
    await until(lambda: profiles_of(simulated) == {1: Purpose.TX_DEFAULT})

    await site.set_capacity("root", 8.0)
    await until(lambda: simulated.currents_a[0] == booked_a(site, "CP1") == 8.0)


async def test_a_profile_with_the_id_of_ours_outlasts_the_clearing_of_ours(
    bench: Bench, office: BackOffice
) -> None:
    site = await bench.start(settings(passed_on("CP1", office)))
    simulated = await bench.dial_in(site, "CP1", car=Car())
    await until(lambda: accepted_a(site, "CP1") == 16.0 and office.starts)
    told = of_session(office, 10.0)
    told["csChargingProfiles"]["chargingProfileId"] = 1

    await site.set_smart_charging("root", on=False)
    assert await office.ask("SetChargingProfile", told) == ACCEPTED

    await until(lambda: set(profiles_of(simulated).values()) == {Purpose.TX})
    await until(lambda: simulated.currents_a[0] == 10.0)
