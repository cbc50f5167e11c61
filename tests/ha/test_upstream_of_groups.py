"""A back office that is named once, for all chargers of a group or of the site."""

from collections.abc import AsyncGenerator
from typing import Any

import pytest
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType

from custom_components.balanz.csms.local_controller.upstream_settings import (
    Unknown,
    UpstreamSettings,
)
from custom_components.balanz.diagnostics import async_get_config_entry_diagnostics
from custom_components.balanz.entry_settings import groups_above, read_entry
from tests.csms.local_controller.back_office import BackOffice
from tests.ha import test_config_flow
from tests.ha.build import charger, group, set_up, site_entry, state_of, wait_until
from tests.ha.conftest import DialIn
from tests.ha.test_subentry_flow import (
    NEW_CHARGER,
    answer,
    start,
    without,
    without_sensors,
)

URL = "wss://csms.example.com/ocpp"
OTHER = "wss://other.example.com"
NEW_GROUP = {"name": "Garage", "parent": "root", "rating_a": 20}


@pytest.fixture
async def office(socket_enabled: None) -> AsyncGenerator[BackOffice]:
    office = BackOffice()
    await office.start()
    yield office
    await office.stop()


def named(url: str = URL, **more: Any) -> dict[str, Any]:
    """A section with a back office in it."""
    return {"url": url, "unknown_tags_offline": "refuse", **more}


def unnamed(**more: Any) -> dict[str, Any]:
    """A section without."""
    return {"unknown_tags_offline": "refuse", **more}


def upstream_of(*subentries: Any, **site: Any) -> UpstreamSettings | None:
    """Return the back office of the only charger."""
    [found] = read_entry(site_entry(9300, *subentries, **site)).site.chargers
    return found.upstream


class TestTheNearestOneCounts:
    """What a charger does not say, its group does, or the next one above."""

    def test_of_the_group(self) -> None:
        more: Any = {
            "unknown_tags_offline": "accept",
            "observers": [OTHER],
            "ca_file": "/ssl/ca.pem",
        }

        found = upstream_of(
            group("garage", upstream=named(**more)), charger("CP-1", group="garage")
        )

        assert found == UpstreamSettings(
            url=URL, unknown_tags=Unknown.ACCEPT, observers=(OTHER,), ca_file="/ssl/ca.pem"
        )
        assert found.address("CP-1") == f"{URL}/CP-1"

    def test_of_the_site_through_a_group_that_names_none(self) -> None:
        found = upstream_of(
            group("garage", upstream=unnamed(without_url="inherit")),
            group("corner", parent="garage"),
            charger("CP-1", group="corner", upstream=unnamed(without_url="inherit")),
            upstream=named(),
        )

        assert found == UpstreamSettings(url=URL)

    def test_that_of_the_group_before_that_of_the_site(self) -> None:
        found = upstream_of(
            group("garage", upstream=named(OTHER)),
            charger("CP-1", group="garage"),
            upstream=named(),
        )

        assert found == UpstreamSettings(url=OTHER)

    def test_that_of_the_charger_before_all_without_their_credentials(self) -> None:
        found = upstream_of(
            charger("CP-1", upstream=named(OTHER)),
            upstream=named(username="tenant", password="secret", observers=[URL]),
        )

        assert found == UpstreamSettings(url=OTHER)

    def test_a_charger_stays_with_balanz_if_it_is_to(self) -> None:
        found = upstream_of(charger("CP-1", upstream=unnamed(without_url="none")), upstream=named())

        assert found is None

    def test_so_do_all_of_a_group(self) -> None:
        found = upstream_of(
            group("garage", upstream=unnamed(without_url="none")),
            charger("CP-1", group="garage"),
            upstream=named(),
        )

        assert found is None

    def test_a_charger_has_a_name_and_a_password_of_its_own_there(self) -> None:
        found = upstream_of(
            charger("CP-1", upstream=unnamed(upstream_identity="NL-7", password="mine")),
            upstream=named(username="tenant", password="secret"),
        )

        assert found == UpstreamSettings(
            url=URL, identity="NL-7", username="tenant", password="mine"
        )

    def test_that_of_the_site_for_a_group_that_is_gone(self) -> None:
        entry = site_entry(9300, upstream=named())

        assert upstream_of(charger("CP-1", group="gone"), upstream=named()) == UpstreamSettings(
            url=URL
        )
        assert groups_above(entry, "gone") == [entry.data]


class TestForms:
    """It is named in the forms of the site, of groups and of chargers."""

    async def test_a_group_is_added_with_one(self, hass: HomeAssistant, port: int) -> None:
        entry = site_entry(port)
        await set_up(hass, entry)

        menu = await answer(
            hass, await start(hass, entry, "group"), NEW_GROUP | {"upstream": named()}
        )
        await without_sensors(hass, menu)

        [subentry] = entry.subentries.values()
        assert subentry.data["upstream"] == named(without_url="inherit")

    async def test_one_is_added_to_a_site(self, hass: HomeAssistant, port: int) -> None:
        entry = site_entry(port, charger("CP-1"))
        await set_up(hass, entry)

        menu = await test_config_flow.answer(
            hass,
            await entry.start_reconfigure_flow(hass),
            test_config_flow.site(port, upstream=named()),
        )
        await test_config_flow.answer(hass, menu, {"next_step_id": "supply_keep"})

        assert read_entry(entry).site.chargers[0].upstream == UpstreamSettings(url=URL)
        assert state_of(hass, "binary_sensor.left_back_office") == "off"

    @pytest.mark.parametrize(
        ("section", "error"),
        [
            (named("http://csms.example.com"), "upstream_url_invalid"),
            (unnamed(password="secret"), "upstream_url_missing"),
            (unnamed(observers=[URL]), "upstream_url_missing"),
            (named(observers=[URL] * 6), "too_many_observers"),
        ],
    )
    async def test_what_is_wrong_is_told_at_the_section(
        self, hass: HomeAssistant, port: int, section: dict[str, Any], error: str
    ) -> None:
        entry = site_entry(port)
        await set_up(hass, entry)

        of_group = await answer(
            hass, await start(hass, entry, "group"), NEW_GROUP | {"upstream": section}
        )
        of_site = await test_config_flow.answer(
            hass,
            await entry.start_reconfigure_flow(hass),
            test_config_flow.site(port, upstream=section),
        )

        assert of_group["errors"] == of_site["errors"] == {"upstream": error}
        for form in (of_group, of_site):
            assert form["data_schema"].schema["upstream"].options == {"collapsed": False}

    async def test_who_leaves_it_out_keeps_it(self, hass: HomeAssistant, port: int) -> None:
        entry = site_entry(port, group("garage", upstream=named()), upstream=named(OTHER))
        await set_up(hass, entry)

        menu = await answer(
            hass, await entry.start_subentry_reconfigure_flow(hass, "subentry-garage"), NEW_GROUP
        )
        await answer(hass, menu, {"next_step_id": "supply_keep"})
        menu = await test_config_flow.answer(
            hass, await entry.start_reconfigure_flow(hass), test_config_flow.site(port)
        )
        await test_config_flow.answer(hass, menu, {"next_step_id": "supply_keep"})

        assert entry.subentries["subentry-garage"].data["upstream"] == named()
        assert entry.data["upstream"] == named(OTHER)

    async def test_a_charger_may_have_a_password_at_that_of_its_group_and_at_no_other(
        self, hass: HomeAssistant, port: int
    ) -> None:
        entry = site_entry(port, group("garage", upstream=named()))
        await set_up(hass, entry)
        given = NEW_CHARGER | {"upstream": unnamed(password="mine")}

        form = await answer(hass, await start(hass, entry, "charger"), given)
        assert form["errors"] == {"upstream": "upstream_url_missing"}
        result = await answer(hass, form, given | {"group": "garage"})

        assert result["type"] is FlowResultType.CREATE_ENTRY
        assert read_entry(entry).site.chargers[0].upstream == UpstreamSettings(
            url=URL, password="mine"
        )

    async def test_observers_belong_to_a_url(self, hass: HomeAssistant, port: int) -> None:
        entry = site_entry(port, upstream=named())
        await set_up(hass, entry)

        given = NEW_CHARGER | {"upstream": unnamed(observers=[OTHER])}
        form = await answer(hass, await start(hass, entry, "charger"), given)

        assert form["errors"] == {"upstream": "upstream_url_missing"}


async def test_chargers_follow_their_group_without_losing_their_connection(
    hass: HomeAssistant, port: int, office: BackOffice, dial_in: DialIn
) -> None:
    entry = site_entry(port, group("garage"), charger("CP-1", group="garage"))
    await set_up(hass, entry)
    simulated = await dial_in("CP-1")
    await wait_until(lambda: state_of(hass, "sensor.left_status") == "available")

    async def reconfigure(section: dict[str, Any]) -> None:
        menu = await answer(
            hass,
            await entry.start_subentry_reconfigure_flow(hass, "subentry-garage"),
            NEW_GROUP | {"upstream": section},
        )
        await answer(hass, menu, {"next_step_id": "supply_keep"})

    await reconfigure(named(office.url))
    await wait_until(lambda: state_of(hass, "binary_sensor.left_back_office") == "on")
    await wait_until(lambda: "CP-1" in office.lines)

    await reconfigure(unnamed())
    await wait_until(lambda: state_of(hass, "binary_sensor.left_back_office") == "unavailable")
    assert state_of(hass, "sensor.left_status") == "available"
    assert simulated.connections == 1


async def test_a_charger_that_is_to_stay_with_balanz_does_so_at_once(
    hass: HomeAssistant, port: int, office: BackOffice, dial_in: DialIn
) -> None:
    entry = site_entry(port, charger("CP-1"), upstream=named(office.url))
    await set_up(hass, entry)
    simulated = await dial_in("CP-1")
    await wait_until(lambda: state_of(hass, "binary_sensor.left_back_office") == "on")

    form = await entry.start_subentry_reconfigure_flow(hass, "subentry-CP-1")
    given = without(NEW_CHARGER, "identity") | {"new_password": False}
    await answer(hass, form, given | {"upstream": unnamed(without_url="none")})

    await wait_until(lambda: state_of(hass, "binary_sensor.left_back_office") == "unavailable")
    assert simulated.connections == 1


async def test_diagnostics_keep_the_passwords_of_sites_and_groups_to_themselves(
    hass: HomeAssistant, port: int
) -> None:
    entry = site_entry(
        port,
        group("garage", upstream=named(password="hush", username="me")),
        upstream=named("wss://csms.example.com/ocpp/tenant-token", password="hush"),
    )
    await set_up(hass, entry)

    told = str(await async_get_config_entry_diagnostics(hass, entry))

    assert "hush" not in told
    assert "tenant-token" not in told
