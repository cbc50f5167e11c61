"""What a charger is asked once it is ready."""

import asyncio
import time
from typing import Any

import pytest

from custom_components.balanz.csms import interview
from custom_components.balanz.csms.capabilities import Capabilities, RateUnit
from custom_components.balanz.csms.events import (
    ConnectorsCounted,
    StationEvent,
    StationLearnt,
    StationReady,
)
from custom_components.balanz.csms.firmware_memory import FirmwareMemory
from custom_components.balanz.csms.profile_forms import ProfileForm
from custom_components.balanz.csms.profiles import Limit
from custom_components.balanz.csms.rpc import RpcConnection
from custom_components.balanz.csms.server import CentralSystem, ServerSettings
from custom_components.balanz.csms.station import LimitAnswer
from custom_components.balanz.csms.transactions import TransactionBook
from custom_components.balanz.storage.journal import Journal

from .client import RawCharger, wait_until
from .conftest import Bench, Dial

MEMORY = FirmwareMemory(
    capabilities=Capabilities(max_stack_level=8, max_periods=2, max_profiles=3),
    form=ProfileForm(stack_level=1),
)
SETTINGS = {
    "ChargeProfileMaxStackLevel": "8",
    "ChargingScheduleAllowedChargingRateUnit": "Current,Power",
    "ChargingScheduleMaxPeriods": "5",
    "MaxChargingProfilesInstalled": "20",
    "ConnectorSwitch3to1PhaseSupported": "False",
    "NumberOfConnectors": "2",
    "MeterValueSampleInterval": "60",
    "MeterValuesSampledData": "Energy.Active.Import.Register, Voltage",
}


def configuration(
    settings: dict[str, Any], readonly: frozenset[str] = frozenset()
) -> dict[str, Any]:
    return {
        "configurationKey": [
            {"key": key, "value": value, "readonly": key in readonly}
            for key, value in settings.items()
        ]
    }


async def interviewed(charger: RawCharger, *, triggers: int = 2) -> RawCharger:
    """Boot a charger and return it when it was asked for its state."""
    await charger.boot()
    await wait_until(lambda: len(charger.received("TriggerMessage")) == triggers)
    return charger


async def test_what_a_charger_can_do_is_read_and_used(central: Bench, dial: Dial) -> None:
    charger = await dial()
    charger.answers["GetConfiguration"] = configuration(SETTINGS)

    await interviewed(charger, triggers=4)

    station = central.stations["CP1"]
    assert charger.received("GetConfiguration") == [{}]
    assert station.capabilities == Capabilities(
        max_stack_level=8,
        rate_unit=RateUnit.AMPERE,
        max_periods=5,
        max_profiles=20,
        switches_phases=False,
        connectors=2,
    )
    assert central.seen(ConnectorsCounted) == [ConnectorsCounted(identity="CP1", count=2)]
    await station.set_limit(2, Limit(limit_a=6.0, fallback_a=6.0), urgent=True)
    (payload,) = charger.received("SetChargingProfile")
    assert payload["csChargingProfiles"]["stackLevel"] == 8


async def test_the_meter_is_made_to_read_often_and_in_full(dial: Dial) -> None:
    charger = await dial()
    charger.answers["GetConfiguration"] = configuration(SETTINGS)

    await interviewed(charger, triggers=4)

    assert charger.received("ChangeConfiguration") == [
        {"key": "MeterValueSampleInterval", "value": "10"},
        {
            "key": "MeterValuesSampledData",
            "value": "Energy.Active.Import.Register,Voltage,Current.Import,Power.Active.Import",
        },
    ]


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(
            configuration(
                {
                    "MeterValueSampleInterval": " 10",
                    "MeterValuesSampledData": "Energy.Active.Import.Register,Current.Import,"
                    "Power.Active.Import",
                }
            ),
            id="fits-already",
        ),
        pytest.param(
            configuration(SETTINGS, frozenset(SETTINGS)) | {"unknownKey": []}, id="readonly"
        ),
    ],
)
async def test_what_fits_or_cannot_be_changed_is_not_written(
    central: Bench, dial: Dial, answer: dict[str, Any]
) -> None:
    charger = await dial()
    charger.answers["GetConfiguration"] = answer

    await charger.boot()
    await wait_until(lambda: charger.received("TriggerMessage"))

    assert not charger.received("ChangeConfiguration")


async def test_odd_settings_are_understood(central: Bench, dial: Dial) -> None:
    charger = await dial()
    charger.answers["GetConfiguration"] = {
        "configurationKey": [
            {"key": "chargeprofilemaxstacklevel", "value": 3},
            {"key": "ChargingScheduleMaxPeriods", "value": None, "readonly": None},
            {"key": 7, "value": "x"},
            "no object",
            {"key": "NumberOfConnectors", "value": "99", "readonly": True},
        ]
    }

    await interviewed(charger)

    assert central.stations["CP1"].capabilities == Capabilities(max_stack_level=3, connectors=99)
    assert not central.seen(ConnectorsCounted)


async def test_a_charger_that_does_not_list_its_settings_is_asked_one_by_one(
    dial: Dial,
) -> None:
    charger = await dial()
    del charger.answers["GetConfiguration"]

    await interviewed(charger)

    asked = charger.received("GetConfiguration")
    assert asked[0] == {}
    assert [payload["key"] for payload in asked[1:]] == [[key] for key in SETTINGS]


async def test_a_charger_that_refuses_everything_stays_ready(central: Bench, dial: Dial) -> None:
    charger = await dial()
    charger.answers.clear()
    charger.answers["SetChargingProfile"] = {"status": "Accepted"}

    await interviewed(charger)

    answer = await central.stations["CP1"].set_limit(
        1, Limit(limit_a=6.0, fallback_a=6.0), urgent=False
    )
    assert answer is LimitAnswer.ACCEPTED


async def test_a_charger_that_never_answers_is_left_in_peace(central: Bench, dial: Dial) -> None:
    charger = await dial()
    charger.answers.update(GetConfiguration=None, TriggerMessage=None)

    await charger.boot()
    await wait_until(lambda: len(charger.held) == 3 and not central.stations["CP1"].busy)

    assert await charger.alive()
    assert len(charger.calls) == 3


async def test_a_reconnected_charger_is_only_asked_how_it_is(central: Bench, dial: Dial) -> None:
    first = await dial()
    first.answers["GetConfiguration"] = configuration({"ChargeProfileMaxStackLevel": "1"})
    await interviewed(first)

    second = await dial()
    await second.alive()
    await wait_until(lambda: len(second.received("TriggerMessage")) == 2)

    assert [action for action, _ in second.calls] == ["TriggerMessage", "TriggerMessage"]


async def test_a_charger_of_a_known_firmware_is_asked_only_what_is_its_own(
    central: Bench, dial: Dial
) -> None:
    station = central.stations["CP1"]
    charger = await dial()
    charger.answers["GetConfiguration"] = configuration(
        {"MeterValueSampleInterval": "60", "NumberOfConnectors": "2"}
    )
    station.recall(MEMORY)

    await interviewed(charger, triggers=4)

    assert charger.received("GetConfiguration") == [
        {"key": ["NumberOfConnectors", "MeterValueSampleInterval", "MeterValuesSampledData"]}
    ]
    assert charger.received("ChangeConfiguration") == [
        {"key": "MeterValueSampleInterval", "value": "10"}
    ]
    assert station.capabilities == MEMORY.capabilities
    await station.set_limit(1, Limit(limit_a=6.0, fallback_a=6.0), urgent=True)
    (payload,) = charger.received("SetChargingProfile")
    assert payload["csChargingProfiles"]["stackLevel"] == 1


async def test_a_charger_of_another_firmware_is_asked_everything(
    central: Bench, dial: Dial
) -> None:
    central.stations["CP1"].recall(MEMORY)
    central.stations["CP1"].recall(FirmwareMemory())
    charger = await dial()

    await interviewed(charger)

    assert charger.received("GetConfiguration")[0] == {}


async def test_what_is_found_out_is_told_for_others_of_the_firmware(
    central: Bench, dial: Dial
) -> None:
    charger = await dial()
    charger.answers["GetConfiguration"] = configuration({"ChargeProfileMaxStackLevel": "3"})
    await interviewed(charger)
    station = central.stations["CP1"]
    charger.answers["SetChargingProfile"] = {"status": "Rejected"}
    await station.set_limit(1, Limit(limit_a=6.0, fallback_a=6.0), urgent=True)
    charger.answers["SetChargingProfile"] = {"status": "Accepted"}
    for _ in range(2):
        await station.set_limit(1, Limit(limit_a=6.0, fallback_a=6.0), urgent=True)

    told = Capabilities(max_stack_level=3)
    assert [event.memory for event in central.seen(StationLearnt)] == [
        FirmwareMemory(capabilities=told),
        FirmwareMemory(capabilities=told, form=ProfileForm(stack_level=2)),
    ]


class NewSocket:
    """What a charger has just opened; it hears, and says nothing."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    async def recv(self) -> str:
        await asyncio.Event().wait()
        return ""

    async def send(self, message: str) -> None:
        self.heard.append(message)

    async def close(self, code: int, reason: str) -> None:
        pass

    def abort(self) -> None:
        pass


async def test_a_question_never_goes_out_on_a_later_connection(
    central: Bench, dial: Dial, monkeypatch: pytest.MonkeyPatch
) -> None:
    pause_s = 0.05
    monkeypatch.setattr(interview, "PAUSE_S", pause_s)
    charger = await dial()
    await charger.boot()
    await wait_until(lambda: charger.received("GetConfiguration"))
    socket = NewSocket()
    rpc = RpcConnection(socket, name="CP1", call_timeout_s=0.3)

    # A busy loop: the pause before the next question ends in the moment of the replacement.
    time.sleep(2 * pause_s)  # noqa: ASYNC251
    await asyncio.sleep(0)
    central.stations["CP1"].attach(rpc)
    serving = asyncio.create_task(rpc.run())
    await asyncio.sleep(pause_s)

    assert socket.heard == []
    rpc.stop(1000, "")
    await serving


async def test_a_charger_that_boots_again_and_again_is_only_limited(
    central: Bench, dial: Dial
) -> None:
    def was_asked() -> bool:
        return "GetConfiguration" in [action for action, _ in charger.calls]

    for boot in range(4):
        charger = await dial()
        await charger.boot()
        if boot < 3:
            await wait_until(was_asked)
        answer = await central.stations["CP1"].set_limit(
            1, Limit(limit_a=6.0, fallback_a=6.0), urgent=True
        )
        assert answer is LimitAnswer.ACCEPTED

    await asyncio.sleep(0.1)
    assert {action for action, _ in charger.calls} == {"SetChargingProfile"}


@pytest.mark.parametrize(
    "memory",
    [
        FirmwareMemory(),
        MEMORY,
        FirmwareMemory(capabilities=Capabilities(rate_unit=RateUnit.WATT, connectors=1)),
        FirmwareMemory(form=ProfileForm(stack_level=2), takes_watts=True),
    ],
)
def test_what_is_remembered_reads_back_as_it_was(memory: FirmwareMemory) -> None:
    assert FirmwareMemory.from_record(memory.as_record()) == memory


@pytest.mark.parametrize(
    "change",
    [{"max_periods": "many"}, {"rate_unit": "hp"}, {"form": {}}, {"form": 7}, {"connectors": []}],
)
def test_what_means_nothing_is_not_remembered(change: dict[str, Any]) -> None:
    assert FirmwareMemory.from_record(MEMORY.as_record() | change) == FirmwareMemory()
    assert FirmwareMemory.from_record({}) == FirmwareMemory()


async def test_a_charger_that_is_accepted_is_not_asked_to_boot_again(
    central: Bench, dial: Dial
) -> None:
    # Errata 3.40 of OCPP 1.6 allows that before the acceptance only.
    charger = await dial()
    await charger.alive()
    await interviewed(charger)

    asked = [payload["requestedMessage"] for payload in charger.received("TriggerMessage")]
    assert asked == ["StatusNotification", "MeterValues"]


async def test_the_first_limit_goes_before_the_interview(
    socket_enabled: None, journal: Journal
) -> None:
    limits: list[asyncio.Task[LimitAnswer]] = []

    def set_limit(event: StationEvent) -> None:
        if isinstance(event, StationReady):
            limit = Limit(limit_a=6.0, fallback_a=6.0)
            answer = central.stations["CP1"].set_limit(1, limit, urgent=False)
            limits.append(asyncio.create_task(answer))

    settings = ServerSettings(host="127.0.0.1", port=0)
    central = CentralSystem(settings, set_limit, TransactionBook(journal))
    central.set_known(["CP1"])
    await central.start()
    charger = await RawCharger.dial(central.port, "CP1")
    await charger.boot()

    await wait_until(lambda: len(charger.calls) >= 2)

    assert await limits[0] is LimitAnswer.ACCEPTED
    assert charger.calls[0][0] == "SetChargingProfile"
    await charger.close()
    await central.stop()


async def test_a_cut_overtakes_what_is_left_of_the_interview(central: Bench, dial: Dial) -> None:
    charger = await dial()
    charger.answers["GetConfiguration"] = None
    await charger.boot()
    await wait_until(lambda: charger.held)

    answer = await central.stations["CP1"].set_limit(
        1, Limit(limit_a=0.0, fallback_a=0.0), urgent=True
    )

    assert answer is LimitAnswer.ACCEPTED
    assert charger.calls[1][0] == "SetChargingProfile"
