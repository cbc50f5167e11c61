"""What chargers do differently, as far as it concerns how current is shared."""

from datetime import UTC, datetime

import pytest

from custom_components.balanz.balancing.lease import LEASE_S, SHORT_LEASE_S
from custom_components.balanz.csms.quirks import Quirks
from custom_components.balanz.site.topology import build_site
from custom_components.balanz.storage.proofs import Fact, Finding, Firmware, FirmwareProof, SeenBy

from .build import charger, settings


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
