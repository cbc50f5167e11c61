"""What a config entry keeps is read as the settings of a site, whatever its age."""

from typing import Any
from zoneinfo import ZoneInfo

import pytest
from homeassistant.core import HomeAssistant

from custom_components.balanz.balancing.policies import Policy
from custom_components.balanz.balancing.schedule_text import parse_schedule
from custom_components.balanz.balancing.surplus import SurplusMode
from custom_components.balanz.balancing.tuning import Tuning
from custom_components.balanz.csms.capabilities import RateUnit
from custom_components.balanz.csms.profile_forms import Purpose
from custom_components.balanz.csms.quirks import QuirkChoice
from custom_components.balanz.entry_settings import read_entry
from tests.ha.build import charger, group, site_entry

EVENING = "Mo-Fr 17:00-20:59>0=16:5=32"
POWER_SENSORS = {
    "kind": "total",
    "sensors": {"total": "sensor.grid"},
    "direction": "import_positive",
    "advanced": {"margin_a": 1.0, "max_age_s": 60, "voltage_v": 230},
}


async def test_an_entry_from_before_these_settings_is_read_as_it_always_was(
    hass: HomeAssistant, port: int
) -> None:
    entry = site_entry(port, group("garage"), charger("CP-1"), supply=POWER_SENSORS)
    entry.add_to_hass(hass)
    settings = read_entry(entry)

    for found in settings.site.groups:
        assert found.policy is None
        assert found.share_a is None
        assert found.power_limit_w is None
        assert found.surplus is SurplusMode.IGNORE
    assert settings.supplies["root"].power_factor == 1.0
    assert settings.site.chargers[0].weight == 1.0
    assert settings.site.schedules == {}
    assert settings.site.holidays == frozenset()
    assert settings.site.unbalance_a is None
    assert settings.site.tuning == Tuning()


async def test_all_that_a_group_says_is_read(hass: HomeAssistant, port: int) -> None:
    advanced = {
        "policy": "all_in_use",
        "share_a": 8.0,
        "surplus": "only",
        "power_limit_kw": 17.5,
        "power_factor": 0.95,
        "schedule": EVENING,
    }
    entry = site_entry(port, group("garage", advanced=advanced, supply=POWER_SENSORS))
    entry.add_to_hass(hass)
    settings = read_entry(entry)

    [_, garage] = settings.site.groups
    assert garage.policy is Policy.ALL_IN_USE
    assert garage.share_a == 8.0
    assert garage.surplus is SurplusMode.ONLY
    assert garage.power_limit_w == 17_500
    assert garage.power_factor == settings.supplies["garage"].power_factor == 0.95
    assert settings.site.schedules == {"garage": parse_schedule(EVENING)}


async def test_a_group_may_share_as_the_group_above_it(hass: HomeAssistant, port: int) -> None:
    entry = site_entry(
        port,
        group("garage", advanced={"policy": "inherit", "power_factor": 0.9}),
        advanced={"policy": "first_come", "power_factor": 0.9},
    )
    entry.add_to_hass(hass)
    settings = read_entry(entry)

    assert [found.policy for found in settings.site.groups] == [Policy.FIRST_COME, None]


async def test_charging_is_free_where_the_user_says_so(hass: HomeAssistant, port: int) -> None:
    advanced = {"fallback_a": 6.0, "keeps_limit": False, "free_charging": True}
    entry = site_entry(port, charger("CP-1", advanced=advanced), charger("CP-2"))
    entry.add_to_hass(hass)

    assert [one.free_charging for one in read_entry(entry).site.chargers] == [True, False]


async def test_a_charger_has_the_weight_that_it_was_given(hass: HomeAssistant, port: int) -> None:
    advanced = {"fallback_a": 6.0, "keeps_limit": False, "weight": 2.5}
    entry = site_entry(port, charger("CP-1", advanced=advanced))
    entry.add_to_hass(hass)

    assert read_entry(entry).site.chargers[0].weight == 2.5


async def test_a_charger_that_was_added_before_is_not_taken_to_fall_back(
    hass: HomeAssistant, port: int
) -> None:
    advanced = {"fallback_a": 6.0, "keeps_limit": True}
    entry = site_entry(
        port,
        charger("CP-1", advanced=advanced),
        charger("CP-2", name="Right", advanced={**advanced, "lapses": True}),
    )
    entry.add_to_hass(hass)

    assert [one.lapses for one in read_entry(entry).site.chargers] == [False, True]


async def test_what_the_user_says_of_how_a_charger_behaves_is_read(
    hass: HomeAssistant, port: int
) -> None:
    advanced = {"fallback_a": 6.0, "keeps_limit": True}
    by_itself = dict.fromkeys(("behaves_like", "limit_unit", "limit_form", "pause"), "auto")
    chosen = {
        "behaves_like": "wallbox",
        "limit_unit": "watts",
        "limit_form": "charge_point_max",
        "pause": "minimum",
        "meter_values": ["energy_in_kwh", "tenths_of_amperes", "from_a_later_version"],
    }
    entry = site_entry(
        port,
        charger("CP-1", advanced=advanced),
        charger("CP-2", name="Right", advanced=advanced | by_itself),
        charger("CP-3", name="Third", advanced=advanced | chosen),
    )
    entry.add_to_hass(hass)

    assert [one.quirks for one in read_entry(entry).site.chargers] == [
        QuirkChoice(),
        QuirkChoice(),
        QuirkChoice(
            behaves_like="wallbox",
            rate_unit=RateUnit.WATT,
            purpose=Purpose.CHARGE_POINT_MAX,
            pauses_at_zero=False,
            meter=("energy_in_kwh", "tenths_of_amperes"),
        ),
    ]


async def test_schedules_mean_the_wall_clock_of_home_assistant(
    hass: HomeAssistant, port: int
) -> None:
    await hass.config.async_set_time_zone("Europe/Copenhagen")
    entry = site_entry(port)
    entry.add_to_hass(hass)

    assert read_entry(entry).site.time_zone == ZoneInfo("Europe/Copenhagen")


async def test_a_schedule_that_means_nothing_is_left_out_and_its_wrong_words_are_kept(
    hass: HomeAssistant, port: int
) -> None:
    entry = site_entry(
        port,
        group("garage", advanced={"schedule": "08:00-09:00>0=much"}),
        advanced={"schedule": EVENING},
    )
    entry.add_to_hass(hass)
    settings = read_entry(entry)

    assert list(settings.site.schedules) == ["root"]
    assert settings.unreadable == {"garage": {"wrong": "much", "line": "1", "column": "15"}}


async def test_a_group_whose_sensors_are_lost_is_full_unless_the_user_knows_better(
    hass: HomeAssistant, port: int
) -> None:
    known = {
        "margin_a": 1.0,
        "voltage_v": 230,
        "heartbeat": "sensor.uptime",
        "lost_after_s": 600,
        "lost_load_a": 9.0,
    }
    entry = site_entry(
        port, group("garage", supply={**POWER_SENSORS, "advanced": known}), supply=POWER_SENSORS
    )
    entry.add_to_hass(hass)
    settings = read_entry(entry)

    [root, garage] = settings.site.groups
    assert (root.other_loads_a, root.meter_lost_after_s) == (root.rating_a, 900.0)
    assert (garage.other_loads_a, garage.meter_lost_after_s) == (9.0, 600)
    assert settings.supplies["root"].max_age_s == 60
    assert settings.supplies["garage"].max_age_s is None
    assert settings.supplies["garage"].heartbeat == "sensor.uptime"


@pytest.mark.parametrize(
    "security",
    [
        {"tls": "none", "tls_port": 9301, "allow_internet": False},
        {"tls": "none", "tls_port": 9302, "allow_internet": True},
    ],
    ids=["as the form suggests it", "a port that nobody listens on"],
)
async def test_without_certificates_there_is_nothing_that_a_restart_would_have_to_take_over(
    security: dict[str, Any], hass: HomeAssistant, port: int
) -> None:
    never_asked, asked = site_entry(port), site_entry(port, security=security)

    assert read_entry(asked).tls == read_entry(never_asked).tls == {}
