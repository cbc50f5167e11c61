"""What a charger does with a limit that nobody renews is seen, believed, and no more than that."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from custom_components.balanz.balancing.lease import LEASE_S
from custom_components.balanz.site import BalanzSite
from custom_components.balanz.site.proof import ProofTimes
from custom_components.balanz.site.proofs import ProofRefusal, ProofRefused
from custom_components.balanz.site.settings import ChargerSettings
from custom_components.balanz.site.snapshot import ProofSnapshot
from custom_components.balanz.storage.journal import StorageError
from custom_components.balanz.storage.proofs import LEASE_FACTS, Fact, ProofLevel
from simulator.car import Car
from simulator.charger import SimulatedCharger
from simulator.faults import Faults
from simulator.profiles import ProfileCapabilities

from .build import (
    FullDisk,
    accepted_a,
    booked_a,
    changed,
    charger,
    connector,
    limits_received,
    pass_s,
    recorded,
    settings,
    until,
)
from .conftest import Bench

TIMES = ProofTimes(first_lease_s=3.0, second_lease_s=5.0, following_s=6.0)
LONG = ProofTimes(first_lease_s=60.0)
PROOF_DEADLINE_S = 960.0


def shown(site: BalanzSite, identity: str = "A") -> ProofSnapshot:
    return site.snapshot.chargers[identity].proof


def level(site: BalanzSite, identity: str = "A") -> ProofLevel:
    proof = shown(site, identity).proof
    return ProofLevel.NOTHING if proof is None else proof.level


async def idle(
    bench: Bench, *chargers: ChargerSettings, faults: Faults | None = None, **options: Any
) -> tuple[BalanzSite, SimulatedCharger]:
    """A site with charger A, which is under control and has no car."""
    site = await bench.start(settings(*(chargers or (charger("A"),))))
    simulated = await bench.dial_in(site, "A", faults=faults, **options)
    await settled(site, simulated)
    return site, simulated


async def settled(site: BalanzSite, simulated: SimulatedCharger) -> None:
    """Wait until a charger was asked what it can do, and is seen to draw nothing."""

    def is_settled() -> bool:
        one = connector(site, simulated.identity)
        asked = any('"TriggerMessage"' in frame.text for frame in simulated.frames)
        return asked and one.accepted_a == one.booked_a == 0.0 and one.plugged is False

    await until(is_settled)


async def proven(site: BalanzSite) -> ProofSnapshot:
    """Hold a proof and return what it showed."""
    await site.prove_fallback("A", times=TIMES)
    assert booked_a(site, "A") == 16.0
    await until(lambda: shown(site).running is None, deadline_s=PROOF_DEADLINE_S)
    return shown(site)


async def test_a_charger_that_keeps_its_limit_and_falls_back_is_proven(bench: Bench) -> None:
    site, simulated = await idle(bench)
    seen = await proven(site)
    assert seen.proof is not None
    assert {fact: found.holds for fact, found in seen.proof.findings.items()} == dict.fromkeys(
        LEASE_FACTS, True
    )
    assert (seen.proof.level, seen.failed) == (ProofLevel.PROVEN, None)
    await settled(site, simulated)
    await simulated.stop()
    await until(lambda: not site.snapshot.chargers["A"].connected)
    assert booked_a(site, "A") == 0.0


async def test_no_limit_of_a_proof_is_above_a_few_amperes_or_without_an_end(bench: Bench) -> None:
    site, simulated = await idle(bench)
    before = len(limits_received(simulated))
    await proven(site)
    await until(lambda: accepted_a(site, "A") == 0.0)
    assert limits_received(simulated)[before : before + 3] == [8.0, 8.0, 0.0]
    assert simulated.profiles.installed


async def test_a_charger_that_loses_its_limit_at_a_reboot_keeps_nothing(bench: Bench) -> None:
    site, simulated = await idle(bench, profiles_persist=False)
    seen = await proven(site)
    assert (level(site), seen.failed) == (ProofLevel.LAPSE_SEEN, Fact.OUTLASTS_REBOOT)
    await simulated.stop()
    await until(lambda: booked_a(site, "A") == 16.0)


async def test_a_charger_that_loses_its_limit_with_its_link_is_not_rebooted(bench: Bench) -> None:
    site, _ = await idle(bench, faults=Faults(drop_profiles_on_reconnect=True))
    seen = await proven(site)
    assert (level(site), seen.failed) == (ProofLevel.LAPSE_SEEN, Fact.OUTLASTS_LINK_LOSS)
    assert seen.proof is not None
    assert Fact.OUTLASTS_REBOOT not in seen.proof.findings


async def test_a_charger_that_takes_one_period_keeps_its_last_limit(bench: Bench) -> None:
    one_period = ProfileCapabilities(maximum_periods=1, maximum_stack_level=0)
    site, _ = await idle(bench, profile_capabilities=one_period)
    seen = await proven(site)
    assert (level(site), seen.failed) == (ProofLevel.NOTHING, Fact.TAKES_LEASE)
    assert seen.proof is not None
    assert (seen.proof.keeps_limit, seen.proof.lapses) == (True, False)


@pytest.mark.parametrize(
    "differs",
    [
        pytest.param({"faults": Faults(drop_later_periods=True)}, id="ignores-later-periods"),
        pytest.param(
            {"profile_capabilities": ProfileCapabilities(maximum_periods=1)}, id="takes-one-period"
        ),
    ],
)
async def test_a_charger_without_later_periods_is_proven_to_fall_back_to_the_profile_beneath(
    bench: Bench, differs: dict[str, Any]
) -> None:
    site, simulated = await idle(bench, **differs)
    seen = await proven(site)
    assert seen.proof is not None
    assert (seen.proof.level, seen.proof.lease) == (ProofLevel.PROVEN, "stack")

    # Its next car gets a limit that ends in that way, so that an hour without balanz costs no fuse.
    await settled(site, simulated)
    simulated.plug_in(Car())
    await until(lambda: accepted_a(site, "A") == 16.0)
    await until(lambda: simulated.currents_a[0] == 16.0)
    await simulated.stop()
    await until(lambda: booked_a(site, "A") == 6.0, deadline_s=LEASE_S + 60.0)
    assert simulated.limit_a == 6.0


async def test_what_was_told_before_in_a_way_that_has_no_effect_earns_nothing(bench: Bench) -> None:
    faults = Faults(drop_later_periods=True)
    site, _ = await idle(bench, charger("A"), charger("B"), faults=faults)
    other = await bench.dial_in(site, "B", car=Car(), faults=faults)
    await until(lambda: accepted_a(site, "B") == 16.0)
    seen = await proven(site)
    assert seen.proof is not None
    assert seen.proof.lease == "stack"

    await other.stop()
    await until(lambda: not site.snapshot.chargers["B"].connected)
    await pass_s(LEASE_S + 60.0)
    assert booked_a(site, "B") == 16.0


async def test_a_charger_that_takes_one_profile_for_the_other_does_not_fall_back(
    bench: Bench,
) -> None:
    faults = Faults(drop_later_periods=True, takes_one_default=True)
    site, simulated = await idle(bench, faults=faults)
    seen = await proven(site)
    assert (level(site), seen.failed) == (ProofLevel.ACCEPTED, Fact.LAPSES)
    await settled(site, simulated)
    assert simulated.limit_a == 0.0


ONE_DEFAULT = Faults(drop_later_periods=True, takes_one_default=True)
"""Of a charger that knows neither later periods nor one default beneath another."""


async def charging_unproven(
    bench: Bench, faults: Faults, *others: ChargerSettings
) -> tuple[BalanzSite, SimulatedCharger]:
    """A site with a charger that keeps its limits and was not seen to end any; a car charges."""
    site, simulated = await idle(bench, charger("A"), *others, faults=faults)
    seen = await proven(site)
    assert seen.proof is not None
    assert (seen.proof.keeps_limit, seen.proof.lapses) == (True, False)
    await settled(site, simulated)
    simulated.plug_in(Car())
    await until(lambda: simulated.currents_a[0] == 16.0)
    await until(lambda: connector(site, "A").session_started_at is not None)
    return site, simulated


async def test_limits_of_a_transaction_are_tried_with_a_car_where_nothing_else_has_worked(
    bench: Bench,
) -> None:
    site, simulated = await charging_unproven(bench, ONE_DEFAULT)
    seen = await proven(site)
    assert seen.proof is not None
    assert (seen.proof.level, seen.proof.lease) == (ProofLevel.PROVEN, "transaction")
    assert simulated.transaction_id is not None

    # The first renewal puts the fallback beneath, the second one has an end.
    await pass_s(2 * LEASE_S)
    assert simulated.currents_a[0] == 16.0
    await simulated.stop()
    await until(lambda: booked_a(site, "A") == 6.0, deadline_s=LEASE_S + 60.0)
    assert simulated.limit_a == 6.0


async def test_a_charger_that_goes_on_with_the_limit_of_its_transaction_is_not_proven(
    bench: Bench,
) -> None:
    faults = replace(ONE_DEFAULT, never_expires=True)
    site, simulated = await charging_unproven(bench, faults)
    seen = await proven(site)
    assert (level(site), seen.failed) == (ProofLevel.ACCEPTED, Fact.LAPSES)
    await until(lambda: simulated.currents_a[0] == 16.0)


async def test_a_proof_with_a_car_ends_with_its_transaction(bench: Bench) -> None:
    site, simulated = await charging_unproven(bench, ONE_DEFAULT)
    await site.prove_fallback("A", times=LONG)
    await until(lambda: shown(site).running is Fact.LAPSES)
    simulated.unplug()
    await until(lambda: shown(site).running is None)
    assert shown(site).failed is Fact.LAPSES
    await until(lambda: accepted_a(site, "A") == booked_a(site, "A") == 0.0)


async def test_a_proof_with_a_car_takes_nothing_from_others(bench: Bench) -> None:
    site, _ = await charging_unproven(bench, ONE_DEFAULT, charger("B"))
    await site.set_capacity("root", 16.0)
    await bench.dial_in(site, "B", car=Car())
    await until(lambda: accepted_a(site, "A") == accepted_a(site, "B") == 8.0)
    with pytest.raises(ProofRefused, match=ProofRefusal.NO_ROOM):
        await site.prove_fallback("A", times=TIMES)


async def test_a_charger_that_never_falls_back_keeps_its_last_limit_all_the_same(
    bench: Bench,
) -> None:
    faults = Faults(drop_later_periods=True, never_expires=True)
    site, simulated = await idle(bench, faults=faults)
    seen = await proven(site)
    assert (level(site), seen.failed) == (ProofLevel.ACCEPTED, Fact.LAPSES)
    assert seen.proof is not None
    assert (seen.proof.keeps_limit, seen.proof.lapses) == (True, False)
    await settled(site, simulated)
    await simulated.stop()
    await until(lambda: not site.snapshot.chargers["A"].connected)
    assert booked_a(site, "A") == 0.0


async def test_a_charger_that_only_says_that_it_obeys_proves_nothing(bench: Bench) -> None:
    site, _ = await idle(bench, faults=Faults(ignore_profiles=True))
    seen = await proven(site)
    assert (level(site), seen.failed) == (ProofLevel.ACCEPTED, Fact.TAKES_LEASE)


async def test_a_charger_that_refuses_a_lease_is_left_with_what_it_has(bench: Bench) -> None:
    site, simulated = await idle(bench)
    simulated.faults = Faults(reject_profiles=True)
    seen = await proven(site)
    assert (level(site), seen.failed) == (ProofLevel.NOTHING, Fact.TAKES_LEASE)
    assert simulated.limit_a == 0.0


async def test_a_charger_that_falls_silent_is_left_unproven(
    bench: Bench,
) -> None:
    site, simulated = await idle(bench)
    await site.prove_fallback("A", times=TIMES)
    await until(lambda: shown(site).running is Fact.LAPSES)
    simulated.faults = Faults(silent=True)
    await until(lambda: shown(site).running is None, deadline_s=PROOF_DEADLINE_S)
    assert (level(site), shown(site).failed) == (ProofLevel.ACCEPTED, Fact.LAPSES)
    assert shown(site).proof is not None


async def test_what_is_proven_holds_for_all_of_the_firmware_and_over_a_restart(
    bench: Bench,
) -> None:
    site, _ = await idle(bench, charger("A"), charger("B"), charger("C"))
    other = await bench.dial_in(site, "B")
    await settled(site, other)
    await settled(site, await bench.dial_in(site, "C", firmware="0.9"))
    await site.prove_fallback("A", times=TIMES)
    await until(lambda: shown(site).running is None, deadline_s=PROOF_DEADLINE_S)
    assert (level(site, "B"), level(site, "C")) == (ProofLevel.PROVEN, ProofLevel.NOTHING)
    await other.stop()
    await until(lambda: not site.snapshot.chargers["B"].connected)
    await site.stop()
    again = await bench.start(settings(charger("A"), charger("B"), charger("C")))
    assert (level(again, "B"), level(again, "C")) == (ProofLevel.PROVEN, ProofLevel.NOTHING)
    assert booked_a(again, "B") < booked_a(again, "C") == 16.0


async def test_another_firmware_has_to_prove_itself_anew(bench: Bench) -> None:
    site, simulated = await idle(bench)
    await proven(site)
    await settled(site, simulated)
    await simulated.stop()
    await until(lambda: booked_a(site, "A") == 0.0)
    await bench.dial_in(site, "A", firmware="2.0.0", faults=Faults(reject_profiles=True))
    await until(lambda: booked_a(site, "A") == 16.0)
    assert level(site) is ProofLevel.NOTHING


async def test_a_car_that_comes_ends_the_proof_and_charges(bench: Bench) -> None:
    site, simulated = await idle(bench)
    await site.prove_fallback("A", times=LONG)
    await until(lambda: 8.0 in limits_received(simulated))
    simulated.plug_in(Car())
    await until(lambda: shown(site).running is None)
    assert shown(site).failed in {Fact.TAKES_LEASE, Fact.LAPSES}
    await until(lambda: accepted_a(site, "A") == 16.0)


async def test_a_proof_can_be_called_off_and_ends_with_its_charger(bench: Bench) -> None:
    site, _ = await idle(bench)
    await site.prove_fallback("A", times=LONG)
    site.cancel_proof("A")
    await until(lambda: shown(site).running is None and accepted_a(site, "A") == 0.0)
    await site.prove_fallback("A", times=LONG)
    await site.apply(changed(settings()))
    assert "A" not in site.snapshot.chargers
    site.cancel_proof("A")


async def test_a_charger_that_does_not_come_back_proves_nothing_of_that(bench: Bench) -> None:
    site, simulated = await idle(bench)
    await site.prove_fallback("A", times=replace(TIMES, reconnect_s=30.0))
    await until(lambda: shown(site).running is Fact.LAPSES)
    simulated.url = "ws://127.0.0.1:1"
    await until(lambda: shown(site).running is None, deadline_s=PROOF_DEADLINE_S)
    seen = shown(site)
    assert (level(site), seen.failed) == (ProofLevel.LAPSE_SEEN, Fact.OUTLASTS_LINK_LOSS)
    assert seen.proof is not None
    assert Fact.OUTLASTS_LINK_LOSS not in seen.proof.findings


async def refusal(site: BalanzSite, identity: str = "A") -> ProofRefusal:
    with pytest.raises(ProofRefused) as refused:
        await site.prove_fallback(identity, times=LONG)
    return refused.value.refusal


async def test_a_proof_waits_for_an_empty_charger_that_is_there(bench: Bench) -> None:
    site, simulated = await idle(bench)
    simulated.plug_in(Car())
    await until(lambda: connector(site, "A").plugged)
    assert await refusal(site) is ProofRefusal.CAR
    await simulated.stop()
    await until(lambda: not site.snapshot.chargers["A"].connected)
    assert await refusal(site) is ProofRefusal.NOT_CONNECTED


async def test_one_charger_has_one_proof_at_a_time(bench: Bench) -> None:
    site, _ = await idle(bench)
    both = await asyncio.gather(
        site.prove_fallback("A", times=LONG),
        site.prove_fallback("A", times=LONG),
        return_exceptions=True,
    )
    (refused,) = [one for one in both if one is not None]
    assert isinstance(refused, ProofRefused)
    assert await refusal(site) is ProofRefusal.RUNNING


async def test_a_firmware_without_a_name_is_not_tried(bench: Bench) -> None:
    site = await bench.start(settings(charger("A")))
    await bench.dial_in(site, "A", firmware="")
    await until(lambda: accepted_a(site, "A") == 0.0)
    assert await refusal(site) is ProofRefusal.FIRMWARE_UNKNOWN


async def test_limits_that_cannot_be_told_apart_are_not_tried(bench: Bench) -> None:
    site, _ = await idle(bench, charger("A", rating_a=7.5))
    assert await refusal(site) is ProofRefusal.RATING_TOO_LOW


async def test_a_proof_takes_nothing_from_cars_that_charge(bench: Bench) -> None:
    setup = settings(charger("A"), charger("B"), rating_a=20.0)
    site = await bench.start(setup)
    await settled(site, await bench.dial_in(site, "A"))
    await bench.dial_in(site, "B", car=Car())
    await until(lambda: accepted_a(site, "B") == 16.0)
    assert await refusal(site) is ProofRefusal.NO_ROOM
    assert booked_a(site, "A") == 0.0


async def test_a_proof_that_cannot_be_recorded_does_not_begin(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    site, simulated = await idle(bench)
    with monkeypatch.context() as patch:
        FullDisk(patch)
        with pytest.raises(StorageError):
            await site.prove_fallback("A", times=LONG)
    await until(lambda: accepted_a(site, "A") == 0.0)
    assert 8.0 not in limits_received(simulated)


async def test_who_starts_anew_in_the_middle_of_a_proof_books_the_rating(bench: Bench) -> None:
    site, _ = await idle(bench, charger("A", keeps_limit=True))
    await site.prove_fallback("A", times=LONG)
    assert recorded(bench.folder, "limit")[-1]["limit_a"] == 16.0
    await site.stop()
    again = await bench.start(settings(charger("A", keeps_limit=True)))
    assert booked_a(again, "A") == 16.0


async def test_a_charger_with_two_connectors_is_held_as_a_whole(bench: Bench) -> None:
    site = await bench.start(settings(charger("A", connectors=2)))
    await settled(site, await bench.dial_in(site, "A", connectors=2))
    await until(lambda: booked_a(site, "A", 2) == 0.0 and connector(site, "A", 2).plugged is False)
    await site.prove_fallback("A", times=LONG)
    await until(lambda: [booked_a(site, "A", number) for number in (1, 2)] == [16.0, 16.0])
    assert site.snapshot.groups["root"].within_limit
    site.cancel_proof("A")
    await until(lambda: [accepted_a(site, "A", number) for number in (1, 2)] == [0.0, 0.0])
