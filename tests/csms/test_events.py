"""The words for what happens at the chargers."""

import pytest

from custom_components.balanz.csms.events import ConnectorStatus


@pytest.mark.parametrize(
    ("status", "plugged"),
    [
        (ConnectorStatus.AVAILABLE, False),
        (ConnectorStatus.RESERVED, False),
        (ConnectorStatus.PREPARING, True),
        (ConnectorStatus.SUSPENDED_EV, True),
        (ConnectorStatus.FINISHING, True),
        (ConnectorStatus.FAULTED, None),
        (ConnectorStatus.UNAVAILABLE, None),
    ],
)
def test_a_status_tells_whether_a_car_is_plugged_in_or_that_it_is_unknown(
    status: ConnectorStatus, plugged: bool | None
) -> None:
    assert status.plugged is plugged
