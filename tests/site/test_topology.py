"""What chargers do differently, as far as it concerns how current is shared."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from custom_components.balanz.balancing.lease import LEASE_S, SHORT_LEASE_S
from custom_components.balanz.balancing.model import ConnectorKey
from custom_components.balanz.balancing.resolution import Resolution, Seen
from custom_components.balanz.csms.quirks import STANDARD, QuirkChoice, Quirks
from custom_components.balanz.site.learnt_steps import LearntSteps
from custom_components.balanz.site.live import LiveConnector
from custom_components.balanz.site.topology import build_site
from custom_components.balanz.storage.proofs import Fact, Finding, Firmware, FirmwareProof, SeenBy

from .build import charger, settings

A = ConnectorKey("A", 1)


@pytest.mark.parametrize(
    ("quirks", "minimum_a", "fallback_a", "least_a"),
    [
        (Quirks(), 6.0, 0.0, 0.0),
        (Quirks(minimum_a=7.0), 7.0, 0.0, 0.0),
        (Quirks(minimum_a=40.0), 16.0, 0.0, 0.0),
        (Quirks(steps_a=(8.0, 10.0)), 8.0, 0.0, 0.0),
        (Quirks(pauses_at_zero=False), 6.0, 6.0, 6.0),
        (Quirks(pauses_at_zero=False, minimum_a=7.0), 7.0, 7.0, 7.0),
    ],
)
def test_a_charger_gets_no_less_than_it_understands(
    quirks: Quirks, minimum_a: float, fallback_a: float, least_a: float
) -> None:
    tree = build_site(settings(charger("A", fallback_a=0.0)), quirks={"A": quirks})
    (connector,) = tree.connectors.values()
    assert (connector.minimum_a, connector.fallback_a, connector.least_a) == (
        minimum_a,
        fallback_a,
        least_a,
    )


@pytest.mark.parametrize(
    ("short_lease", "quirks", "lease_s"),
    [
        (False, Quirks(), LEASE_S),
        (True, Quirks(), SHORT_LEASE_S),
        (False, Quirks(keeps_in_ram=True), SHORT_LEASE_S),
    ],
)
def test_leases_are_short_where_renewals_wear_nothing_or_the_user_accepts_it(
    short_lease: bool, quirks: Quirks, lease_s: float
) -> None:
    tree = build_site(settings(charger("A", short_lease=short_lease)), quirks={"A": quirks})
    (connector,) = tree.connectors.values()
    assert connector.lease_s == lease_s


@pytest.mark.parametrize(
    ("learnt_a", "minimum_a", "fallback_a", "step_a"),
    [
        (2.0, 6.0, 8.0, 2.0),
        (3.0, 6.0, 0.0, 3.0),
        (0.1, 6.0, 6.0, 1.0),
        (2.0, 7.0, 8.0, 1.0),
        (2.0, 6.0, 7.0, 1.0),
        (4.0, 6.0, 8.0, 1.0),
    ],
)
def test_a_learnt_step_raises_no_minimum_and_lowers_no_fallback(
    learnt_a: float, minimum_a: float, fallback_a: float, step_a: float
) -> None:
    one = settings(charger("A", minimum_a=minimum_a, fallback_a=fallback_a))
    (connector,) = build_site(one, learnt_steps_a={A: learnt_a}).connectors.values()
    assert (connector.step_a, connector.minimum_a, connector.fallback_a) == (
        step_a,
        minimum_a,
        fallback_a,
    )


@pytest.mark.parametrize(
    ("choice", "quirks", "told"),
    [
        (QuirkChoice(), Quirks(), {A: 2.0}),
        (QuirkChoice(behaves_like=STANDARD), Quirks(), {}),
        (QuirkChoice(), Quirks(step_a=1.0), {}),
        (QuirkChoice(), Quirks(steps_a=(6.0, 8.0)), {}),
    ],
)
def test_what_the_user_or_the_table_says_goes_before_a_learnt_step(
    choice: QuirkChoice, quirks: Quirks, told: dict[ConnectorKey, float]
) -> None:
    one = settings(charger("A", quirks=choice))
    live = LiveConnector(build_site(one).connectors[A], one.chargers[0], 16.0)
    steps = LearntSteps({A: live})
    assert not steps.outdated
    seen = [Seen(limit_a, limit_a - limit_a % 2) for limit_a in (7.0, 9.0, 11.0, 8.0, 10.0) * 2]
    live.card = replace(live.card, resolution=Resolution().saw(seen))
    assert steps.outdated
    assert steps.tell(one.chargers, {"A": quirks}) == told
    assert not steps.outdated


@pytest.mark.parametrize(
    ("lease", "lapses"), [(None, True), ("stack", True), ("one of a later version", False)]
)
def test_a_lapse_counts_only_where_it_can_be_told_as_it_was_seen(
    lease: str | None, lapses: bool
) -> None:
    seen = Finding(
        holds=True,
        seen_by=SeenBy.COMPOSITE_SCHEDULE,
        seen_at=datetime(2026, 3, 1, tzinfo=UTC),
        lease=lease,
    )
    firmware = Firmware(vendor="Acme", model="One", version="1")
    proof = FirmwareProof(firmware=firmware).with_finding(Fact.LAPSES, seen)
    (connector,) = build_site(settings(charger("A")), proofs={"A": proof}).connectors.values()
    assert connector.lapses is lapses
