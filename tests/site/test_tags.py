"""Tags at a running site: who is refused is stopped, who has priority gets more."""

from dataclasses import replace

import pytest

from custom_components.balanz.balancing.model import ConnectorKey
from custom_components.balanz.balancing.policies import Policy
from custom_components.balanz.balancing.reasons import Rule
from custom_components.balanz.csms.authorization import UnknownTags
from custom_components.balanz.csms.events import TagOutcome
from custom_components.balanz.site import refusals
from custom_components.balanz.site.settings import ChargerSettings, SiteSettings
from custom_components.balanz.site.snapshot import TagSnapshot
from custom_components.balanz.storage.tags import Tag
from simulator.car import Car
from simulator.charger import SimulatedCharger
from simulator.faults import Faults

from .build import accepted_a, changed, charger, connector, group, pass_s, settings, until
from .conftest import Bench


def with_unknown(unknown: UnknownTags, *chargers: ChargerSettings) -> SiteSettings:
    return replace(settings(*chargers), unknown_tags=unknown)


def car() -> Car:
    return Car(name="car", start_lag_s=0.0, reaction_lag_s=0.0)


def heedless(simulated: SimulatedCharger) -> SimulatedCharger:
    """A charger that does not look at what it is told of a tag."""
    simulated.station.configuration.change("StopTransactionOnInvalidId", "false")
    return simulated


def charges(simulated: SimulatedCharger) -> bool:
    return simulated.station.connectors[1].transaction is not None


async def start_without_asking(simulated: SimulatedCharger, id_tag: str) -> None:
    simulated.plug_in(car())
    simulated.station.start_transaction(1, id_tag)


async def test_without_tags_every_car_charges(bench: Bench) -> None:
    site = await bench.start(settings(charger("A")))
    await bench.dial_in(site, "A", car=car(), id_tag="STRANGER")

    await until(lambda: accepted_a(site, "A") == 16.0)
    await until(lambda: connector(site, "A").tag is not None)
    assert connector(site, "A").tag == TagSnapshot(
        id_tag="STRANGER", name=None, person=None, refused=False
    )


async def test_a_known_tag_is_shown_with_its_name(bench: Bench) -> None:
    site = await bench.start(settings(charger("A")))
    await site.tags.put(Tag(id="abc", name="Anne", person="person.anne"))
    await bench.dial_in(site, "A", car=car(), id_tag="ABC")

    await until(lambda: connector(site, "A").tag is not None)
    assert connector(site, "A").tag == TagSnapshot(
        id_tag="ABC", name="Anne", person="person.anne", refused=False
    )

    await site.tags.remove(["ABC"])
    await until(lambda: connector(site, "A").tag.name is None)  # type: ignore[union-attr]


async def test_a_refused_card_starts_nothing(bench: Bench) -> None:
    site = await bench.start(settings(charger("A")))
    await site.tags.put(Tag(id="MINE"))
    shown: list[tuple[TagOutcome, str]] = []
    site.tags.on_shown = lambda event, _tag: shown.append((event.outcome, event.id_tag))
    simulated = await bench.dial_in(site, "A", car=car(), id_tag="STRANGER")

    await until(lambda: (TagOutcome.REFUSED, "STRANGER") in shown)
    assert not charges(simulated)


async def test_a_charger_that_goes_on_with_a_refused_tag_gets_nothing_and_is_stopped(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refusals, "STOP_AFTER_S", 20.0)
    site = await bench.start(with_unknown(UnknownTags.REFUSE, charger("A")))
    simulated = heedless(await bench.dial_in(site, "A", charges_freely=False))
    await until(lambda: accepted_a(site, "A") is not None)

    await start_without_asking(simulated, "STRANGER")

    await until(lambda: connector(site, "A").offered_by.rule is Rule.TAG_REFUSED)
    tag = connector(site, "A").tag
    assert tag is not None
    assert tag.refused
    await until(lambda: connector(site, "A").commanded_a == 0.0)
    assert charges(simulated)
    await until(lambda: not charges(simulated))
    await until(lambda: connector(site, "A").tag is None)


async def test_a_charger_that_does_not_hear_is_told_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refusals, "STOP_AGAIN_AFTER_S", 5.0)
    site = await bench.start(with_unknown(UnknownTags.REFUSE, charger("A")))
    simulated = heedless(await bench.dial_in(site, "A", charges_freely=False))
    simulated.faults = Faults(ignore_remote_stop=True)
    await until(lambda: accepted_a(site, "A") is not None)
    await start_without_asking(simulated, "STRANGER")

    await until(lambda: sum("RemoteStopTransaction" in it.text for it in simulated.frames) >= 2)
    simulated.faults = Faults()

    await until(lambda: not charges(simulated))


async def test_a_refused_transaction_is_stopped_after_a_restart(bench: Bench) -> None:
    refusing = with_unknown(UnknownTags.REFUSE, charger("A"))
    site = await bench.start(refusing)
    simulated = heedless(await bench.dial_in(site, "A", charges_freely=False))
    await until(lambda: accepted_a(site, "A") is not None)
    await start_without_asking(simulated, "STRANGER")
    await until(lambda: connector(site, "A").tag is not None)
    port = site.port
    await site.stop()
    assert charges(simulated)

    await bench.start(changed(refusing, *refusing.chargers, port=port))

    await until(lambda: not charges(simulated))


async def test_where_charging_is_free_strangers_charge(bench: Bench) -> None:
    site = await bench.start(with_unknown(UnknownTags.REFUSE, charger("A", free_charging=True)))
    await bench.dial_in(site, "A", car=car(), id_tag="STRANGER")

    await until(lambda: accepted_a(site, "A") == 16.0)


async def test_a_tag_charges_only_in_its_groups(bench: Bench) -> None:
    site = await bench.start(
        settings(charger("A", group_id="garage"), charger("B"), groups=(group("garage"),))
    )
    await site.tags.put(Tag(id="MINE", places=frozenset({"group:garage"})))
    inside = await bench.dial_in(site, "A", car=car(), id_tag="MINE")
    outside = await bench.dial_in(site, "B", car=car(), id_tag="MINE")

    await until(lambda: charges(inside))
    await pass_s(5.0)
    assert not charges(outside)


async def test_a_changed_setting_counts_at_once(bench: Bench) -> None:
    before = with_unknown(UnknownTags.REFUSE, charger("A"))
    site = await bench.start(before)
    simulated = await bench.dial_in(site, "A", charges_freely=False)
    await until(lambda: accepted_a(site, "A") is not None)
    await site.apply(changed(before, charger("A", free_charging=True)))

    simulated.plug_in(car())
    simulated.station.authorize_and_start(1, "STRANGER")

    await until(lambda: charges(simulated))


async def test_the_user_lets_an_unknown_tag_in(bench: Bench) -> None:
    site = await bench.start(with_unknown(UnknownTags.ASK, charger("A")))
    simulated = await bench.dial_in(site, "A", car=car(), id_tag="STRANGER")
    await until(lambda: site.tags.asked == ("STRANGER",))

    site.tags.answer("stranger", allow=True)

    await until(lambda: charges(simulated))


@pytest.mark.parametrize(("tag_priority", "session_priority"), [(5, None), (1, 7)])
async def test_a_tag_outranks_its_charger_and_the_session_outranks_the_tag(
    bench: Bench, tag_priority: int, session_priority: int | None
) -> None:
    site = await bench.start(
        settings(
            charger("A", priority=1),
            charger("B", priority=3),
            rating_a=16.0,
            policy=Policy.PRIORITY,
        )
    )
    await site.tags.put(Tag(id="VIP", priority=tag_priority))
    await site.tags.put(Tag(id="GUEST"))
    first = await bench.dial_in(site, "A", id_tag="VIP")
    await bench.dial_in(site, "B", car=car(), id_tag="GUEST")
    await until(lambda: accepted_a(site, "B") == 16.0)
    first.plug_in(car())
    await until(lambda: connector(site, "A").priority == tag_priority)
    if session_priority is not None:
        assert site.set_session_priority(ConnectorKey("A", 1), session_priority)

    await until(lambda: accepted_a(site, "A") == 16.0)
    assert accepted_a(site, "B") == 0.0


async def test_the_priority_of_a_session_ends_with_it(bench: Bench) -> None:
    site = await bench.start(settings(charger("A")))
    key = ConnectorKey("A", 1)
    assert not site.set_session_priority(key, 5)
    simulated = await bench.dial_in(site, "A", car=car())
    await until(lambda: connector(site, "A").tag is not None)
    assert site.set_session_priority(key, 5)
    await until(lambda: connector(site, "A").priority == 5)

    simulated.unplug()

    await until(lambda: connector(site, "A").priority is None)


async def test_tags_outlive_a_restart_of_the_site(bench: Bench) -> None:
    site = await bench.start(settings(charger("A")))
    await site.tags.put_all([Tag(id=str(n)) for n in range(1000)], replace=True)
    await site.stop()

    again = await bench.start(settings(charger("A")))

    assert len(again.tags.known) == 1000
