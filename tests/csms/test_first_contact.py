"""What is set before a charger has told what it can do."""

from custom_components.balanz.csms.events import StationReady

from .client import wait_until
from .conftest import Bench, Dial


def configuration(**values: str) -> dict[str, object]:
    keys = [{"key": key, "readonly": True, "value": value} for key, value in values.items()]
    return {"configurationKey": keys}


async def test_limits_are_to_be_set_again_where_the_first_ones_do_not_fit_the_charger(
    central: Bench, dial: Dial
) -> None:
    # A limit below another's stack level, or in the wrong unit, is accepted and means nothing.
    charger = await dial()
    charger.answers["GetConfiguration"] = configuration(ChargeProfileMaxStackLevel="9")

    await charger.boot()

    await wait_until(lambda: charger.received("TriggerMessage"))
    assert [event.booted for event in central.seen(StationReady)] == [True, False]


async def test_limits_that_fit_the_charger_are_not_set_again(central: Bench, dial: Dial) -> None:
    charger = await dial()
    charger.answers["GetConfiguration"] = configuration(
        ChargeProfileMaxStackLevel="0", ChargingScheduleAllowedChargingRateUnit="Current,Power"
    )

    await charger.boot()

    await wait_until(lambda: charger.received("TriggerMessage"))
    assert [event.booted for event in central.seen(StationReady)] == [True]
