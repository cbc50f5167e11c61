"""Unknown chargers: how they come in, and how they stay out."""

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from custom_components.balanz.site import pairing as pairing_module
from custom_components.balanz.site.snapshot import ProblemKind
from simulator.car import Car
from tests.csms.client import RawCharger

from .build import charger, problems, settings, until
from .conftest import Bench


async def refused(port: int, identity: str) -> None:
    with pytest.raises(InvalidStatus):
        await connect(f"ws://127.0.0.1:{port}/{identity}", subprotocols=[Subprotocol("ocpp1.6")])


async def test_an_unknown_charger_is_refused_and_listed_once(bench: Bench) -> None:
    site = await bench.start(settings(charger("A")))
    for identity in ("X", "Y", "X"):
        await refused(site.port, identity)
    await until(lambda: site.snapshot.refused == ("X", "Y"))
    assert site.snapshot.pending == ()


async def test_strangers_do_not_fill_the_list(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pairing_module, "REMEMBERED", 2)
    site = await bench.start(settings())
    for identity in ("X", "Y", "Z"):
        await refused(site.port, identity)
    await until(lambda: site.snapshot.refused == ("Y", "Z"))
    site.open_pairing()
    for identity in ("P", "Q", "R"):
        stranger = await RawCharger.dial(site.port, identity)
        await stranger.boot()
        await stranger.close()
    await until(lambda: [it.identity for it in site.snapshot.pending] == ["Q", "R"])


async def test_while_pairing_is_open_an_unknown_charger_introduces_itself_and_waits(
    bench: Bench,
) -> None:
    site = await bench.start(settings())
    site.open_pairing()
    assert site.snapshot.pairing_until is not None
    simulated = await bench.dial_in(site, "A", car=Car(), serial="S-1")
    await until(lambda: site.snapshot.pending)
    (pending,) = site.snapshot.pending
    assert (pending.identity, pending.boot.serial, pending.address) == ("A", "S-1", "127.0.0.1")
    assert not simulated.accepted
    assert site.snapshot.chargers == {}


async def test_a_charger_is_confirmed_without_losing_its_socket(bench: Bench) -> None:
    site = await bench.start(settings())
    site.open_pairing()
    simulated = await bench.dial_in(site, "A", car=Car())
    await until(lambda: site.snapshot.pending)
    await site.apply(settings(charger("A")))
    assert site.snapshot.pending == ()
    await until(lambda: simulated.currents_a[0] == 16.0)
    assert simulated.connections == 1


async def test_a_refused_charger_is_not_listed_any_more_once_it_is_known(bench: Bench) -> None:
    site = await bench.start(settings())
    await refused(site.port, "A")
    await until(lambda: site.snapshot.refused == ("A",))
    await site.apply(settings(charger("A")))
    assert site.snapshot.refused == ()


async def test_pairing_closes_by_itself(bench: Bench) -> None:
    site = await bench.start(settings())
    site.open_pairing(20.0)
    simulated = await bench.dial_in(site, "A")
    await until(lambda: site.snapshot.pending)
    await until(lambda: site.snapshot.pairing_until is None)
    assert site.snapshot.pending == ()
    await until(lambda: not simulated.connected)
    await until(lambda: site.snapshot.refused == ("A",))


async def test_pairing_that_is_opened_again_lasts_longer(bench: Bench) -> None:
    site = await bench.start(settings())
    site.open_pairing(60.0)
    first = site.snapshot.pairing_until
    site.open_pairing(600.0)
    second = site.snapshot.pairing_until
    assert first is not None
    assert second is not None
    assert second > first
    site.close_pairing()
    assert site.snapshot.pairing_until is None


async def test_unknown_chargers_are_a_problem_only_while_the_door_is_closed(bench: Bench) -> None:
    site = await bench.start(settings())
    for identity in "ABCDEFG":
        await refused(site.port, identity)
    await until(lambda: problems(site) == {ProblemKind.UNKNOWN_CHARGERS})
    [problem] = site.snapshot.problems
    assert problem.placeholders == {"chargers": "C, D, E, F, G"}

    site.open_pairing()

    assert problems(site) == set()


async def test_a_charger_that_was_just_removed_is_no_problem(bench: Bench) -> None:
    site = await bench.start(settings(charger("A")))
    await site.apply(settings())
    await refused(site.port, "A")
    await until(lambda: site.snapshot.refused == ("A",))

    assert ProblemKind.UNKNOWN_CHARGERS not in problems(site)
