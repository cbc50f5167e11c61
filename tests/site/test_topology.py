"""What chargers do differently, as far as it concerns how current is shared."""

import pytest

from custom_components.balanz.csms.quirks import Quirks
from custom_components.balanz.site.topology import build_site

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
