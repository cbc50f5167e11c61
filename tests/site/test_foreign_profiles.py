"""Charging profiles of users: booked before they are sent, and for as long as they may rule."""

import asyncio
from typing import Any

import pytest

from custom_components.balanz.balancing.model import ConnectorKey
from custom_components.balanz.csms.charging_profile import ChargingProfile, parse_charging_profile
from custom_components.balanz.csms.command_values import (
    CommandStatus,
    ProfileCriteria,
    ProfilePurpose,
)
from custom_components.balanz.csms.profile_forms import Purpose
from custom_components.balanz.csms.quirks import QuirkChoice
from custom_components.balanz.csms.station_errors import StationOffline
from custom_components.balanz.site import BalanzSite, foreign_profiles
from custom_components.balanz.site.foreign_profiles import ProfileRefusal, ProfileRefused
from custom_components.balanz.storage.journal import StorageError
from simulator.behaviours import Behaviour
from simulator.car import Car
from simulator.charger import SimulatedCharger
from simulator.faults import Faults

from .build import FullDisk, accepted_a, booked_a, charger, limits_received, settings, until
from .conftest import Bench

A = ConnectorKey("A", 1)


def profile(limit_a: float, *, profile_id: int = 50, **changes: Any) -> ChargingProfile:
    """A TxProfile from the start of the transaction on."""
    return parse_charging_profile(
        {
            "chargingProfileId": profile_id,
            "stackLevel": 1,
            "chargingProfilePurpose": "TxProfile",
            "chargingProfileKind": "Relative",
            "chargingSchedule": {
                "chargingRateUnit": "A",
                "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit_a}],
            },
            **changes,
        }
    )


async def two_at_20_a(bench: Bench) -> tuple[BalanzSite, SimulatedCharger, SimulatedCharger]:
    """Two chargers that share 20 A, each with a car that draws its 10 A."""
    site = await bench.start(settings(charger("A"), charger("B"), rating_a=20.0))
    one = await bench.dial_in(site, "A", car=Car())
    other = await bench.dial_in(site, "B", car=Car())
    await until(lambda: one.currents_a[0] == other.currents_a[0] == 10.0)
    await until(lambda: booked_a(site, "A") == booked_a(site, "B") == 10.0)
    return site, one, other


class Watch:
    """Looks at two chargers again and again, for the most that they draw together."""

    def __init__(self, *chargers: SimulatedCharger) -> None:
        self.most_a = 0.0
        self._chargers = chargers
        self._task = asyncio.create_task(self._look())

    async def _look(self) -> None:
        while True:
            drawn_a = sum(one.currents_a[0] for one in self._chargers)
            self.most_a = max(self.most_a, drawn_a)
            await asyncio.sleep(0.05)

    def end(self) -> float:
        self._task.cancel()
        return self.most_a


async def test_without_force_no_profile_reaches_a_charger_that_is_balanced(bench: Bench) -> None:
    site = await bench.start(settings(charger("A")))
    simulated = await bench.dial_in(site, "A")
    await until(lambda: accepted_a(site, "A") == 0.0)
    profiles = site.remote.profiles

    for asked in (
        profiles.install("A", 1, profile(16.0), force=False),
        profiles.start_with("A", "TAG", 1, profile(16.0), force=False),
        profiles.clear("A", ProfileCriteria(), force=False),
    ):
        with pytest.raises(ProfileRefused) as refusal:
            await asked
        assert refusal.value.refusal is ProfileRefusal.NEEDS_FORCE
    assert len(simulated.profiles.installed) == 1


async def test_others_make_room_before_the_profile_is_sent_and_get_it_back_once_it_is_cleared(
    bench: Bench,
) -> None:
    site, one, other = await two_at_20_a(bench)
    watch = Watch(one, other)

    status = await site.remote.profiles.install("A", 1, profile(16.0), force=True)

    assert status is CommandStatus.ACCEPTED
    assert accepted_a(site, "B") == 0.0
    await until(lambda: one.currents_a[0] == 16.0)
    await until(lambda: accepted_a(site, "A") is not None)
    assert booked_a(site, "A") == 16.0

    cleared = await site.remote.profiles.clear("A", ProfileCriteria(profile_id=50), force=True)

    assert cleared is CommandStatus.ACCEPTED
    await until(lambda: one.currents_a[0] == other.currents_a[0] == 10.0)
    assert booked_a(site, "A") == 10.0
    assert watch.end() <= 20.0


async def test_a_lower_profile_leaves_the_larger_of_both_booked(bench: Bench) -> None:
    site, one, _ = await two_at_20_a(bench)

    await site.remote.profiles.install("A", 1, profile(8.0), force=True)

    await until(lambda: accepted_a(site, "A") == 10.0)
    await until(lambda: booked_a(site, "A") == 10.0)
    assert one.currents_a[0] == 8.0


async def test_a_tx_profile_is_for_the_transaction_that_runs_and_ends_with_it(
    bench: Bench,
) -> None:
    site, one, other = await two_at_20_a(bench)
    await site.remote.profiles.install("A", 1, profile(16.0), force=True)
    (foreign,) = [it.profile for it in one.profiles.installed if it.profile.id == 50]
    assert foreign.transaction_id == one.transaction_id

    one.unplug()

    await until(lambda: booked_a(site, "A") == 0.0)
    await until(lambda: other.currents_a[0] == 16.0)


async def test_a_session_is_started_with_a_profile_of_its_own(bench: Bench) -> None:
    site = await bench.start(settings(charger("A"), charger("B"), rating_a=20.0))
    one = await bench.dial_in(site, "A", car=Car(), charges_freely=False)
    other = await bench.dial_in(site, "B", car=Car())
    await until(lambda: accepted_a(site, "A") == accepted_a(site, "B") == 10.0)
    watch = Watch(one, other)

    status = await site.remote.start_transaction("A", "TAG", 1, profile(16.0), force=True)

    assert status is CommandStatus.ACCEPTED
    await until(lambda: one.currents_a[0] == 16.0)
    assert booked_a(site, "A") == 16.0
    one.unplug()
    await until(lambda: booked_a(site, "A") == 0.0)
    assert watch.end() <= 20.0


async def test_a_profile_for_a_session_that_never_began_stays_booked(bench: Bench) -> None:
    site = await bench.start(settings(charger("A")))
    one = await bench.dial_in(site, "A", car=Car(), charges_freely=False)
    await until(lambda: accepted_a(site, "A") == 16.0)
    one.station.configuration.set("AuthorizeRemoteTxRequests", "true")
    await site.remote.start_transaction("A", "TAG", None, profile(12.0), force=True)
    await until(lambda: accepted_a(site, "A") == 16.0)

    one.unplug()

    await until(lambda: accepted_a(site, "A") == 0.0)
    await until(lambda: booked_a(site, "A") == 12.0)
    await asyncio.sleep(30)
    assert booked_a(site, "A") == 12.0


async def test_what_the_charger_refuses_is_not_booked(bench: Bench) -> None:
    site, one, _ = await two_at_20_a(bench)

    status = await site.remote.profiles.install("A", 1, profile(16.0, stackLevel=99), force=True)

    assert status is CommandStatus.REJECTED
    await until(lambda: booked_a(site, "A") == booked_a(site, "B") == 10.0)
    assert one.currents_a[0] == 10.0


async def test_what_is_not_answered_may_be_in_force(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    site, _, _ = await two_at_20_a(bench)
    station = site.remote.station("A")

    async def answerless(*_: object) -> CommandStatus:
        raise TimeoutError

    monkeypatch.setattr(station.commands, "set_charging_profile", answerless)
    with pytest.raises(TimeoutError):
        await site.remote.profiles.install("A", 1, profile(14.0), force=True)

    await until(lambda: accepted_a(site, "A") is not None)
    await until(lambda: booked_a(site, "A") == 14.0)


async def test_where_the_rating_never_fits_nothing_is_sent(bench: Bench) -> None:
    site = await bench.start(settings(charger("A"), rating_a=14.0))
    one = await bench.dial_in(site, "A", car=Car())
    await until(lambda: one.currents_a[0] == 14.0)

    with pytest.raises(ProfileRefused) as refusal:
        await site.remote.profiles.install("A", 1, profile(6.0), force=True)

    assert refusal.value.refusal is ProfileRefusal.NO_ROOM
    assert len(one.profiles.installed) == 1
    await until(lambda: booked_a(site, "A") == 14.0)


async def test_clearing_all_profiles_has_the_own_one_set_again(bench: Bench) -> None:
    site, one, other = await two_at_20_a(bench)
    watch = Watch(one, other)

    status = await site.remote.profiles.clear("A", ProfileCriteria(), force=True)

    assert status is CommandStatus.ACCEPTED
    await until(lambda: len(one.profiles.installed) == 1)
    await until(lambda: one.currents_a[0] == other.currents_a[0] == 10.0)
    assert watch.end() <= 20.0


async def test_clearing_a_session_profile_needs_no_room(bench: Bench) -> None:
    site = await bench.start(settings(charger("A"), rating_a=14.0))
    one = await bench.dial_in(site, "A", car=Car())
    await until(lambda: one.currents_a[0] == 14.0)
    writes = len(limits_received(one))
    criteria = ProfileCriteria(purpose=ProfilePurpose.TX)

    assert await site.remote.profiles.clear("A", criteria, force=True) is CommandStatus.UNKNOWN
    assert len(limits_received(one)) == writes


async def test_clearing_session_profiles_has_the_own_one_of_the_session_set_again(
    bench: Bench,
) -> None:
    waits = Behaviour(defaults_wait=True)
    by_session = QuirkChoice(purpose=Purpose.TX)
    site = await bench.start(settings(charger("A", quirks=by_session), charger("B"), rating_a=20.0))
    one = await bench.dial_in(site, "A", car=Car(), behaviour=waits)
    other = await bench.dial_in(site, "B", car=Car())
    await until(lambda: one.currents_a[0] == other.currents_a[0] == 10.0)
    await until(lambda: booked_a(site, "A") == booked_a(site, "B") == 10.0)
    watch = Watch(one, other)

    criteria = ProfileCriteria(purpose=ProfilePurpose.TX)
    status = await site.remote.profiles.clear("A", criteria, force=True)

    assert status is CommandStatus.ACCEPTED
    assert booked_a(site, "B") == 0.0
    await until(lambda: one.currents_a[0] == other.currents_a[0] == 10.0)
    assert watch.end() <= 20.0


@pytest.mark.parametrize(
    ("criteria", "still_a"),
    [
        (ProfileCriteria(profile_id=51), 16.0),
        (ProfileCriteria(connector=1, purpose=ProfilePurpose.TX, stack_level=2), 16.0),
        (ProfileCriteria(connector=1, purpose=ProfilePurpose.TX, stack_level=1), 10.0),
    ],
)
async def test_only_what_was_surely_cleared_is_no_longer_booked(
    bench: Bench, criteria: ProfileCriteria, still_a: float
) -> None:
    site, _, _ = await two_at_20_a(bench)
    await site.remote.profiles.install("A", 1, profile(16.0), force=True)

    await site.remote.profiles.clear("A", criteria, force=True)

    await until(lambda: accepted_a(site, "A") is not None)
    await until(lambda: booked_a(site, "A") == still_a)


async def test_one_profile_takes_the_place_of_another_of_its_number(bench: Bench) -> None:
    site, _, _ = await two_at_20_a(bench)
    await site.remote.profiles.install("A", 1, profile(16.0), force=True)

    await site.remote.profiles.install("A", 1, profile(12.0), force=True)

    await until(lambda: booked_a(site, "A") == 12.0)


async def test_a_profile_stays_booked_over_a_restart(bench: Bench) -> None:
    site, one, other = await two_at_20_a(bench)
    await site.remote.profiles.install("A", 1, profile(16.0), force=True)
    await until(lambda: accepted_a(site, "A") is not None)
    port = site.port
    await site.stop()

    again = await bench.start(settings(charger("A"), charger("B"), rating_a=20.0, port=port))

    await until(lambda: accepted_a(again, "A") is not None)
    await asyncio.sleep(30)
    assert booked_a(again, "A") == 16.0
    one.unplug()
    await until(lambda: booked_a(again, "A") == 0.0)
    await until(lambda: other.currents_a[0] == 16.0)


async def test_a_record_that_cannot_be_read_is_taken_for_no_limit_at_all(bench: Bench) -> None:
    site = await bench.start(settings(charger("A")))
    site._rooms.ledger.apply(site._rooms.ledger.note_foreign_profiles("A", [{"id": "?"}]))
    site._rooms.foreign.restore(A)
    await bench.dial_in(site, "A")

    await until(lambda: accepted_a(site, "A") == 0.0)
    await asyncio.sleep(30)
    assert booked_a(site, "A") == 16.0


async def test_a_disk_that_takes_nothing_lets_no_profile_out(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    site, one, _ = await two_at_20_a(bench)
    disk = FullDisk(monkeypatch)

    with pytest.raises(StorageError):
        await site.remote.profiles.install("A", 1, profile(16.0), force=True)

    assert len(one.profiles.installed) == 1
    disk.full = False


async def test_refusals_have_their_reasons(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foreign_profiles, "MOST_KEPT", 1)
    site, one, _ = await two_at_20_a(bench)
    profiles = site.remote.profiles

    async def refusal_of(wanted: ChargingProfile) -> ProfileRefusal:
        with pytest.raises(ProfileRefused) as refused:
            await profiles.install("A", 1, wanted, force=True)
        return refused.value.refusal

    assert await refusal_of(profile(8.0, profile_id=1)) is ProfileRefusal.ID_TAKEN
    first = asyncio.create_task(profiles.install("A", 1, profile(8.0), force=True))
    await asyncio.sleep(0)
    assert await refusal_of(profile(8.0, profile_id=51)) is ProfileRefusal.BUSY
    await first
    assert await refusal_of(profile(8.0, profile_id=52)) is ProfileRefusal.TOO_MANY
    with pytest.raises(StationOffline):
        await profiles.install("nobody", 1, profile(8.0), force=True)
    one.faults = Faults(offline=True)
    await until(lambda: not site.snapshot.chargers["A"].connected)
    with pytest.raises(StationOffline):
        await profiles.clear("A", ProfileCriteria(), force=True)
