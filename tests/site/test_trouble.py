"""What goes wrong at one charger costs that charger, and no one else."""

from custom_components.balanz.balancing.reasons import Rule
from custom_components.balanz.csms.profile_forms import MOST_TRIES
from custom_components.balanz.site.snapshot import ProblemKind
from simulator.car import Car
from simulator.faults import Faults
from tests.csms.client import RawCharger

from .build import (
    accepted_a,
    amperes,
    booked_a,
    charger,
    connector,
    limits_received,
    pass_s,
    problems,
    settings,
    subjects,
    until,
)
from .conftest import Bench

SILENT = Faults(silent=True)


async def test_a_write_that_is_not_answered_books_the_larger_limit(bench: Bench) -> None:
    site = await bench.start(settings(charger("A")))
    simulated = await bench.dial_in(site, "A", car=Car())
    await until(lambda: simulated.currents_a[0] == 16.0 and booked_a(site, "A") == 16.0)
    simulated.faults = SILENT
    await site.set_capacity("root", 8.0)
    await pass_s(25.0)
    assert booked_a(site, "A") == 16.0
    assert connector(site, "A").commanded_a == 8.0
    simulated.faults = Faults()
    await until(lambda: booked_a(site, "A") == 8.0)


async def test_a_raise_that_is_not_answered_is_booked_although_it_may_not_be_in_force(
    bench: Bench,
) -> None:
    site = await bench.start(settings(charger("A")))
    await site.set_capacity("root", 8.0)
    simulated = await bench.dial_in(site, "A", car=Car())
    await until(lambda: simulated.currents_a[0] == 8.0 and booked_a(site, "A") == 8.0)
    simulated.faults = SILENT
    await site.set_capacity("root", 14.0)
    await until(lambda: booked_a(site, "A") == 14.0)
    assert accepted_a(site, "A") == 8.0


async def test_a_charger_that_refuses_limits_is_booked_at_its_rating_and_told(
    bench: Bench,
) -> None:
    site = await bench.start(settings(charger("A"), charger("B"), rating_a=24.0))
    stubborn = await bench.dial_in(site, "A", faults=Faults(reject_profiles=True))
    other = await bench.dial_in(site, "B", car=Car())
    await until(lambda: accepted_a(site, "B") == 8.0)
    assert booked_a(site, "A") == 16.0
    await until(lambda: problems(site) == {ProblemKind.LIMIT_REFUSED})
    assert subjects(site, ProblemKind.LIMIT_REFUSED) == ["A/1"]
    assert len(limits_received(stubborn)) <= MOST_TRIES
    stubborn.faults = Faults()
    await until(lambda: other.currents_a[0] == 16.0)
    assert problems(site) == set()


async def test_a_charger_that_takes_no_stack_level_but_0_is_soon_limited(bench: Bench) -> None:
    site = await bench.start(settings(charger("A"), charger("B"), rating_a=24.0))
    faults = Faults(reject_stack_levels_above=0)
    picky = await bench.dial_in(site, "A", car=Car(), faults=faults)
    await bench.dial_in(site, "B", car=Car())
    await until(lambda: accepted_a(site, "A") == accepted_a(site, "B") == 12.0)
    assert {it.profile.stack_level for it in picky.profiles.installed} == {0}
    assert problems(site) == set()


async def test_others_yield_to_a_charger_that_ignores_its_limit(bench: Bench) -> None:
    site = await bench.start(settings(charger("A"), charger("B"), rating_a=28.0))
    wild = await bench.dial_in(site, "A", car=Car(), faults=Faults(ignore_profiles=True))
    obedient = await bench.dial_in(site, "B", car=Car())
    await until(lambda: wild.currents_a[0] == 16.0 and booked_a(site, "A") == 16.0)
    await until(lambda: problems(site) == {ProblemKind.LIMIT_IGNORED})
    assert subjects(site, ProblemKind.LIMIT_IGNORED) == ["A/1"]
    assert booked_a(site, "A") == 16.0
    assert obedient.currents_a[0] <= 12.0
    wild.faults = Faults()
    await until(lambda: problems(site) == set())


async def test_a_charger_that_is_gone_is_booked_at_its_rating_and_others_are_cut(
    bench: Bench,
) -> None:
    site = await bench.start(settings(charger("A"), charger("B"), rating_a=20.0))
    lost = await bench.dial_in(site, "A", car=Car())
    await bench.dial_in(site, "B", car=Car())
    await until(lambda: accepted_a(site, "A") == accepted_a(site, "B") == 10.0)
    await lost.stop()
    await until(lambda: booked_a(site, "A") == 16.0)
    await until(lambda: accepted_a(site, "B") == 0.0)
    assert connector(site, "A").status is None
    assert connector(site, "A").offered_by.rule is Rule.NOT_CONNECTED
    assert connector(site, "B").offered_by.rule is Rule.WAITING


async def test_a_charger_that_keeps_its_limit_is_booked_at_that_while_it_is_gone(
    bench: Bench,
) -> None:
    site = await bench.start(settings(charger("A", keeps_limit=True), charger("B"), rating_a=20.0))
    lost = await bench.dial_in(site, "A", car=Car())
    await bench.dial_in(site, "B", car=Car())
    await until(lambda: booked_a(site, "A") == accepted_a(site, "B") == 10.0)
    await lost.stop()
    await until(lambda: not site.snapshot.chargers["A"].connected)
    await pass_s(5.0)
    assert booked_a(site, "A") == 10.0
    assert accepted_a(site, "B") == 10.0


async def test_a_charger_that_reconnects_without_a_boot_is_set_anew(bench: Bench) -> None:
    site = await bench.start(settings(charger("A")))
    simulated = await bench.dial_in(site, "A", car=Car())
    await until(lambda: simulated.currents_a[0] == 16.0 and booked_a(site, "A") == 16.0)
    before = len(limits_received(simulated))
    await simulated.disconnect()
    await until(lambda: limits_received(simulated)[before:] == [16.0])
    assert simulated.connections == 2
    assert site.snapshot.chargers["A"].boot is not None


async def test_a_charger_that_restarts_is_set_anew(bench: Bench) -> None:
    site = await bench.start(settings(charger("A")))
    simulated = await bench.dial_in(site, "A", car=Car(), profiles_persist=False)
    await until(lambda: simulated.currents_a[0] == 16.0 and accepted_a(site, "A") == 16.0)
    await site.remote.reset("A")
    await until(lambda: simulated.connections == 2)
    await until(lambda: simulated.limit_a == simulated.currents_a[0] == 16.0)


async def test_a_new_socket_proves_nothing_about_the_old_limit(bench: Bench) -> None:
    site = await bench.start(settings(charger("A"), rating_a=10.0))
    simulated = await bench.dial_in(site, "A", car=Car(), reconnect_s=1000.0)
    await until(lambda: booked_a(site, "A") == 10.0)
    mute = await RawCharger.dial(site.port, "A")
    await until(lambda: not simulated.connected)
    await pass_s(1.0)
    assert site.snapshot.chargers["A"].connected
    assert booked_a(site, "A") == 16.0
    await mute.close()


async def test_while_a_line_is_busy_others_are_cut_in_its_place(bench: Bench) -> None:
    site = await bench.start(settings(charger("A"), charger("B"), metered=True))
    site.report_meter("root", amperes(0.0))
    slow = await bench.dial_in(site, "A", car=Car())
    quick = await bench.dial_in(site, "B", car=Car())
    await until(lambda: slow.currents_a[0] == quick.currents_a[0] == 16.0)
    await pass_s(30.0)
    slow.faults = SILENT
    await site.set_capacity("root", 24.0)
    await until(lambda: accepted_a(site, "B") == 12.0)
    await until(lambda: accepted_a(site, "B") == 8.0)
    assert accepted_a(site, "A") == 16.0


async def test_a_charger_that_answers_slowly_does_not_hold_up_another(bench: Bench) -> None:
    site = await bench.start(settings(charger("A"), charger("B")))
    slow = await bench.dial_in(site, "A", car=Car(), faults=Faults(answer_delay_s=8.0))
    await bench.dial_in(site, "B", car=Car())
    await until(lambda: accepted_a(site, "B") == 16.0)
    assert accepted_a(site, "A") is None
    await until(lambda: slow.currents_a[0] == 16.0)


async def test_a_raise_that_finds_its_line_taken_is_decided_anew(bench: Bench) -> None:
    site = await bench.start(settings(charger("A", connectors=2)))
    await site.set_capacity("root", 12.0)
    simulated = await bench.dial_in(site, "A", connectors=2)
    for number in (1, 2):
        simulated.plug_in(Car(), number)
    await until(lambda: [booked_a(site, "A", number) for number in (1, 2)] == [6.0, 6.0])
    await pass_s(12.0)

    def raises() -> list[float]:
        limits = limits_received(simulated, 1) + limits_received(simulated, 2)
        return [limit_a for limit_a in limits if limit_a > 6.0]

    # One car may have come a step before the other, and have had all of it for a moment.
    earlier = len(raises())
    simulated.faults = Faults(answer_delay_s=4.0)
    await site.set_capacity("root", 32.0)
    await until(lambda: len(raises()) == earlier + 1)
    await site.set_capacity("root", 12.0)
    await pass_s(10.0)
    await until(lambda: [booked_a(site, "A", number) for number in (1, 2)] == [6.0, 6.0])
    assert len(raises()) == earlier + 1


async def test_a_link_that_goes_while_a_limit_is_on_its_way_leaves_it_in_doubt(
    bench: Bench,
) -> None:
    site = await bench.start(settings(charger("A", keeps_limit=True)))
    await site.set_capacity("root", 8.0)
    simulated = await bench.dial_in(site, "A", car=Car())
    await until(lambda: simulated.currents_a[0] == 8.0 and booked_a(site, "A") == 8.0)
    simulated.faults = SILENT
    await site.set_capacity("root", 14.0)
    await until(lambda: connector(site, "A").commanded_a == 14.0)
    await simulated.stop()
    await until(lambda: not site.snapshot.chargers["A"].connected)
    assert booked_a(site, "A") == 14.0


async def test_messages_about_connectors_that_are_not_set_up_change_nothing(bench: Bench) -> None:
    counted: list[tuple[str, int]] = []
    site = await bench.start(settings(charger("A")))
    site.on_connectors_counted = lambda identity, count: counted.append((identity, count))
    simulated = await bench.dial_in(site, "A", connectors=2)
    simulated.plug_in(Car(), 2)
    await until(lambda: counted == [("A", 2)])
    assert [it.key.connector for it in site.snapshot.chargers["A"].connectors] == [1]
    await until(lambda: accepted_a(site, "A") == 0.0)
