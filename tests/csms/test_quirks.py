"""What is known of chargers, and what the user knows better."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_components.balanz.csms.capabilities import Capabilities, RateUnit
from custom_components.balanz.csms.events import BootInfo
from custom_components.balanz.csms.meter_quirks import NO_METER_QUIRKS, MeterQuirks
from custom_components.balanz.csms.profile_forms import Kind, Purpose, profile_forms
from custom_components.balanz.csms.profiles import Limit, charging_profile
from custom_components.balanz.csms.quirk_table import QUIRK_ROWS
from custom_components.balanz.csms.quirks import (
    BY_THE_BOOK,
    STANDARD,
    OfflineKey,
    Pattern,
    QuirkChoice,
    QuirkRow,
    Quirks,
    row_of,
)

BOOT = BootInfo(vendor="ACME GmbH", model="Box 11", firmware="v1.6.7")
ROW = QuirkRow(
    id="acme",
    name="ACME",
    patterns=(Pattern(vendor="acme.*"),),
    quirks=Quirks(rate_unit=RateUnit.WATT, pauses_at_zero=False),
    behaviour="",
    source="",
)


@pytest.mark.parametrize(
    ("pattern", "fits"),
    [
        (Pattern(), True),
        (Pattern(vendor="ACME.*"), True),
        (Pattern(vendor="acme gmbh", model="BOX .*"), True),
        (Pattern(vendor="ACME"), False),
        (Pattern(vendor="ACME.*", firmware=r".*\b6\.7\b.*"), True),
        (Pattern(vendor="ACME.*", firmware=r".*\b6\.8\b.*"), False),
        (Pattern(model="Other"), False),
    ],
)
def test_a_pattern_fits_the_whole_of_what_a_charger_says(pattern: Pattern, fits: bool) -> None:
    assert pattern.fits(BOOT) is fits


@pytest.mark.parametrize(
    ("vendor", "model", "firmware", "row_id"),
    [
        ("ABB", "MONTA 7", "1.6", "abb_terra_ac"),
        ("Wallbox Chargers", "PLP1", "6.7.38", "wallbox_6_7"),
        ("Wallbox Chargers", "PLP1", "5.17.67", "wallbox"),
        ("Fronius", "Wattpilot Home 11 J", "41.7", "go_e"),
        ("go-e", "HOME+", "056.2", "go_e"),
        ("United Chargers", "Grizzl-E", "GS7 5.633", "grizzl_e_5"),
        ("HUAWEI", "SCharger-22KT-S0", "", "huawei_scharger"),
        ("EN+", "AC", "", "en_plus"),
        ("", "", "", None),
        ("Alfen BV", "NG910", "6.4", None),
    ],
)
def test_what_a_charger_says_leads_to_its_row(
    vendor: str, model: str, firmware: str, row_id: str | None
) -> None:
    row = row_of(QUIRK_ROWS, BootInfo(vendor=vendor, model=model, firmware=firmware))
    assert (row and row.id) == row_id


def test_every_row_says_something_and_where_it_is_known_from() -> None:
    for row in QUIRK_ROWS:
        assert row.quirks.told(), row.id
        assert row.patterns, row.id
        assert row.behaviour.endswith("."), row.id
        assert row.source, row.id
    assert len({row.id for row in QUIRK_ROWS}) == len(QUIRK_ROWS)


def test_what_the_user_says_goes_before_the_table() -> None:
    rows = (ROW,)
    assert QuirkChoice().quirks(rows, BOOT) == ROW.quirks
    assert QuirkChoice().quirks(rows, None) == BY_THE_BOOK
    assert QuirkChoice().quirks(rows, BootInfo(vendor="Other")) == BY_THE_BOOK
    assert QuirkChoice(behaves_like=STANDARD).quirks(rows, BOOT) == BY_THE_BOOK
    assert QuirkChoice(behaves_like="acme").quirks(rows, None) == ROW.quirks
    own = QuirkChoice(rate_unit=RateUnit.AMPERE, pauses_at_zero=True, purpose=Purpose.TX)
    assert own.quirks(rows, BOOT) == Quirks(rate_unit=RateUnit.AMPERE, purpose=Purpose.TX)


def test_a_row_that_is_gone_counts_as_not_chosen() -> None:
    assert QuirkChoice(behaves_like="gone").quirks((ROW,), BOOT) == ROW.quirks


def test_what_is_known_goes_before_what_the_charger_says() -> None:
    says = Capabilities(rate_unit=RateUnit.AMPERE, max_stack_level=8, max_periods=5)
    quirks = Quirks(rate_unit=RateUnit.WATT, max_stack_level=0)
    really = replace(says, rate_unit=RateUnit.WATT, max_stack_level=0)
    assert quirks.corrected(says) == really
    assert BY_THE_BOOK.corrected(says) == says


def test_the_form_that_is_known_to_work_is_tried_first_and_none_is_left_out() -> None:
    forms = profile_forms(Capabilities(max_stack_level=8), 1)
    quirks = Quirks(purpose=Purpose.TX_DEFAULT, kind=Kind.RELATIVE)
    preferred = quirks.preferred(forms)
    assert (preferred[0].purpose, preferred[0].kind) == (Purpose.TX_DEFAULT, Kind.RELATIVE)
    assert set(preferred) == set(forms)
    assert BY_THE_BOOK.preferred(forms) == forms


@given(
    st.floats(0, 100),
    st.sampled_from(
        [
            BY_THE_BOOK,
            Quirks(step_a=1.0),
            Quirks(step_a=0.5),
            Quirks(steps_a=(6.0, 8.0, 10.0, 13.0, 16.0)),
        ]
    ),
)
def test_a_current_is_never_rounded_up(current_a: float, quirks: Quirks) -> None:
    assert 0.0 <= quirks.rounded_down_a(current_a) <= current_a + 1e-6


@pytest.mark.parametrize(
    ("quirks", "current_a", "rounded_a"),
    [
        (BY_THE_BOOK, 6.3, 6.3),
        (BY_THE_BOOK, 6.39, 6.3),
        (Quirks(step_a=1.0), 6.9, 6.0),
        (Quirks(steps_a=(6.0, 8.0)), 7.9, 6.0),
        (Quirks(steps_a=(6.0, 8.0)), 20.0, 8.0),
        (Quirks(steps_a=(6.0, 8.0)), 5.9, 0.0),
    ],
)
def test_a_charger_is_told_what_it_takes(
    quirks: Quirks, current_a: float, rounded_a: float
) -> None:
    assert quirks.rounded_down_a(current_a) == rounded_a


def test_what_the_user_says_of_the_meter_counts_besides_the_table() -> None:
    choice = QuirkChoice(behaves_like="grizzl_e", meter=("energy_in_kwh",))
    meter = choice.quirks(QUIRK_ROWS, None).at(lines=1).meter
    assert meter == MeterQuirks(export_is_import=True, energy_in_kwh=True)


def test_a_meter_that_means_what_it_says_is_known_as_such() -> None:
    assert Quirks(meter=MeterQuirks(spreads_one_line=True)).at(lines=3).meter is NO_METER_QUIRKS


def test_thirds_are_added_up_only_for_a_single_line() -> None:
    quirks = Quirks(meter=MeterQuirks(spreads_one_line=True))
    assert quirks.at(lines=1).meter.spreads_one_line
    assert not quirks.at(lines=3).meter.spreads_one_line


@pytest.mark.parametrize(
    ("quirks", "capabilities", "told"),
    [
        (BY_THE_BOOK, Capabilities(), None),
        (Quirks(tells_phases=True), Capabilities(), 3),
        (BY_THE_BOOK, Capabilities(rate_unit=RateUnit.WATT, switches_phases=True), 3),
        (BY_THE_BOOK, Capabilities(rate_unit=RateUnit.WATT), None),
        (BY_THE_BOOK, Capabilities(switches_phases=True), None),
    ],
)
def test_phases_are_told_where_a_limit_depends_on_them(
    quirks: Quirks, capabilities: Capabilities, told: int | None
) -> None:
    profile = charging_profile(
        Limit(limit_a=10.0, fallback_a=6.0, phases=3),
        connector=1,
        form=profile_forms(capabilities, 1)[0],
        capabilities=capabilities,
        quirks=quirks,
        clock_skew_s=0.0,
        now=datetime(2026, 3, 1, tzinfo=UTC),
    )
    (period,) = profile["chargingSchedule"]["chargingSchedulePeriod"]
    assert period.get("numberPhases") == told


def test_what_a_limit_falls_back_to_has_watts_of_its_own() -> None:
    profile = charging_profile(
        Limit(limit_a=16.0, fallback_a=6.0, lease_s=900.0, phases=3, fallback_phases=1),
        connector=1,
        form=profile_forms(Capabilities(), 1)[0],
        capabilities=Capabilities(rate_unit=RateUnit.WATT, max_periods=2),
        clock_skew_s=0.0,
        now=datetime(2026, 3, 1, tzinfo=UTC),
    )
    limits = [it["limit"] for it in profile["chargingSchedule"]["chargingSchedulePeriod"]]
    assert limits == [16.0 * 230 * 3, 6.0 * 230]


@pytest.mark.parametrize(
    ("per_ampere", "current_a", "told"), [(1.0, 6.9, "6"), (10.0, 6.3, "63"), (1000.0, 6.0, "6000")]
)
def test_what_a_charger_keeps_to_alone_is_told_in_its_unit_and_rounded_down(
    per_ampere: float, current_a: float, told: str
) -> None:
    assert OfflineKey(name="Offline", per_ampere=per_ampere).told(current_a) == told


@pytest.mark.parametrize(("value", "read"), [("6", 6.0), ("6.0", 6.0), (" 6 ", 6.0), ("off", None)])
def test_what_a_charger_says_that_it_keeps_to_is_read_however_it_is_written(
    value: str, read: float | None
) -> None:
    assert OfflineKey(name="Offline").read(value) == read


def test_the_key_that_a_user_names_goes_before_that_of_the_make() -> None:
    boot = BootInfo(vendor="Acme", model="One", firmware="1")
    assert QuirkChoice(offline_key="Offline").quirks((), boot).offline_key == OfflineKey(
        name="Offline"
    )
    assert QuirkChoice().quirks((), boot).offline_key is None
