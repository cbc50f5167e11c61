"""A back office that misbehaves is contained: the charger stays safe and is served."""

import asyncio
import json
import ssl
from collections.abc import AsyncGenerator
from itertools import pairwise
from pathlib import Path

import pytest
from websockets.asyncio.server import serve

from custom_components.balanz.csms.local_controller import observer
from custom_components.balanz.csms.local_controller.controller import LocalController, Patience
from custom_components.balanz.csms.local_controller.upstream import Backoff, Trouble
from custom_components.balanz.csms.websocket import MAX_MESSAGE_BYTES

from ..certificates import Made
from ..client import RawCharger, wait_until
from ..conftest import Bench, Dial
from .back_office import BackOffice
from .conftest import Between
from .test_forwarding import START, stop
from .test_upstream_calls import Desk

ROOT = Made.root("the root of a back office")
BAD_FRAMES = [
    "",
    "nonsense",
    "[]",
    "[2]",
    '[2,"x","Reset"]',
    '[2,"x","Reset",[1]]',
    '[2,"x",["Reset"],{}]',
    '[2,"x","SetChargingProfile",{"connectorId":1,"csChargingProfiles":NaN}]',
    '[2,"x","ChangeAvailability",{"connectorId":1e400,"type":"Operative"}]',
    '[3,"nobody asked",{}]',
    '[4,"nobody asked","InternalError","",{}]',
    '[2,"x","Reset",' + '{"a":' * 500 + "1" + "}" * 500 + "]",
    '{"a":1}',
]


@pytest.mark.parametrize("frame", BAD_FRAMES)
async def test_a_malformed_frame_reaches_no_charger(
    connected: RawCharger, office: BackOffice, frame: str
) -> None:
    before = len(connected.frames)

    await office.lines["CP1"].socket.send(frame)

    assert await connected.alive()
    assert [it[2] for it in connected.frames[before:] if it[0] == 2 and "Reset" in it] == []


async def test_a_huge_message_costs_the_link_and_nothing_else(
    connected: RawCharger, office: BackOffice, controller: LocalController
) -> None:
    first = office.lines["CP1"]

    await first.socket.send(json.dumps([2, "x", "DataTransfer", {"data": "x" * MAX_MESSAGE_BYTES}]))

    await wait_until(lambda: office.lines["CP1"] is not first and controller.connected)
    assert await connected.alive()


async def test_an_answer_that_breaks_the_schema_is_not_passed_on(
    connected: RawCharger, office: BackOffice
) -> None:
    office.raw["Authorize"] = '{"idTagInfo":{"status":"Marvellous"}}'

    answer = await connected.call("Authorize", {"idTag": "TAG"})

    assert answer == {"idTagInfo": {"status": "Invalid"}}


@pytest.mark.parametrize("told", ['{"transactionId":"x"}', "{}", "[]", '{"transactionId":1e300}'])
async def test_a_start_that_is_answered_with_nonsense_goes_on_under_our_id(
    connected: RawCharger, office: BackOffice, controller: LocalController, told: str
) -> None:
    office.raw["StartTransaction"] = told
    started = await connected.call("StartTransaction", START)
    office.raw.clear()

    await connected.call("StopTransaction", stop(started["transactionId"]))
    await wait_until(lambda: controller.waiting == 0)

    assert started["transactionId"] > 0
    assert len(office.stops) <= 1


async def test_a_call_without_an_answer_is_said_again_without_harm(
    connected: RawCharger, office: BackOffice, controller: LocalController
) -> None:
    office.silent_once = {"StartTransaction"}

    started = await connected.call("StartTransaction", START)
    await connected.call("StopTransaction", stop(started["transactionId"]))
    await wait_until(lambda: controller.waiting == 0)

    assert len(office.starts) == len(office.stops) == 1


async def test_a_back_office_that_drops_the_link_again_and_again_is_left_alone_for_longer() -> None:
    backoff = Backoff()

    waits_s = [backoff.wait_s(failures, Trouble.UNREACHABLE) for failures in (1, 2, 3, 10, 1000)]

    assert [5 <= waits_s[0] <= 10, 10 <= waits_s[1] <= 20, 20 <= waits_s[2] <= 40] == [True] * 3
    assert all(300 <= wait_s <= 600 for wait_s in waits_s[3:])


async def test_who_refuses_us_is_asked_less_often() -> None:
    assert Backoff().wait_s(3, Trouble.CREDENTIALS) >= 600


async def test_a_certificate_file_that_is_missing_is_told(between: Between, dial: Dial) -> None:
    controller = between.pass_on(url="wss://127.0.0.1:1/ocpp", ca_file="/nowhere/ca.pem")

    await dial()

    await wait_until(lambda: controller.trouble is Trouble.CERTIFICATE)


class TestEncryption:
    """A back office is dialled encrypted, and only if it can be trusted."""

    @pytest.fixture
    async def tls_office(self, socket_enabled: None, tmp_path: Path) -> AsyncGenerator[BackOffice]:
        files = Made.of("127.0.0.1", ROOT).files(tmp_path, "office")
        (tmp_path / "root.pem").write_bytes(ROOT.pem)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(files.certificate, files.key)
        office = BackOffice()
        await office.start(ssl=context)
        yield office
        await office.stop()

    async def test_one_of_an_authority_of_its_own_is_trusted_by_its_file(
        self, tls_office: BackOffice, between: Between, dial: Dial, tmp_path: Path
    ) -> None:
        url = tls_office.url.replace("ws:", "wss:")
        controller = between.pass_on(url=url, ca_file=str(tmp_path / "root.pem"))

        charger = await dial()
        await wait_until(lambda: controller.connected)

        assert (await charger.boot())["status"] == "Accepted"

    async def test_one_that_nobody_knows_is_not(
        self, tls_office: BackOffice, between: Between, dial: Dial
    ) -> None:
        controller = between.pass_on(url=tls_office.url.replace("ws:", "wss:"))

        await dial()

        await wait_until(lambda: controller.trouble is Trouble.CERTIFICATE)


class TestObservers:
    """Further back offices, which only listen."""

    async def test_receive_a_copy_under_their_own_ids(
        self, between: Between, office: BackOffice, dial: Dial
    ) -> None:
        listener = BackOffice()
        await listener.start()
        between.pass_on(observers=(listener.url,))
        charger = await dial()
        await wait_until(lambda: listener.lines and office.lines)

        await charger.boot()
        started = await charger.call("StartTransaction", START)
        await charger.call("StopTransaction", stop(started["transactionId"]))
        await wait_until(lambda: listener.stops)

        told = [name for name, _ in listener.received]
        assert told == ["BootNotification", "StartTransaction", "StopTransaction"]
        assert listener.stops[0]["transactionId"] == listener.starts[0]["id"]
        assert office.stops[0]["transactionId"] == office.starts[0]["id"]
        await listener.stop()

    async def test_have_no_say(self, between: Between, office: BackOffice, dial: Dial) -> None:
        listener = BackOffice()
        await listener.start()
        between.pass_on(observers=(listener.url,))
        charger = await dial()
        await wait_until(lambda: listener.lines)
        charger.answers["Reset"] = {"status": "Accepted"}

        assert await listener.ask("Reset", {"type": "Hard"}) == "SecurityError"
        listener.tags["TAG"] = {"status": "Blocked"}
        told = await charger.call("Authorize", {"idTag": "TAG"})

        assert told["idTagInfo"]["status"] == "Accepted"
        assert charger.received("Reset") == []
        await listener.stop()

    async def test_that_are_away_cost_nobody_anything(
        self,
        between: Between,
        office: BackOffice,
        dial: Dial,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(observer, "MAX_COPIES", 3)
        between.pass_on(observers=("ws://127.0.0.1:1/ocpp",))
        charger = await dial()
        await charger.boot()

        async with asyncio.timeout(1.0):
            for _ in range(10):
                assert await charger.alive()


async def test_what_the_back_office_wants_to_hear_less_often_is_thinned(
    between: Between, office: BackOffice, dial: Dial, central: Bench
) -> None:
    balances = True
    controller = between.pass_on(profiles=lambda: Desk() if balances else None)
    between.ledger.queue(controller.settings.leg("CP1")).remember(
        "key:metervaluesampleinterval", "900"
    )
    charger = await dial()
    await charger.boot()
    await wait_until(lambda: controller.connected)

    def values(context: str) -> dict[str, object]:
        sample = {"value": "1", "context": context}
        return {
            "connectorId": 1,
            "meterValue": [{"timestamp": "2026-11-21T10:00:00Z", "sampledValue": [sample]}],
        }

    for context in ("Sample.Periodic", "Sample.Periodic", "Transaction.End", "Sample.Periodic"):
        await charger.call("MeterValues", values(context))

    told = [it["meterValue"][0]["sampledValue"][0]["context"] for it in office.of("MeterValues")]
    assert told == ["Sample.Periodic", "Transaction.End"]

    balances = False
    await charger.call("MeterValues", values("Sample.Periodic"))
    assert len(office.of("MeterValues")) == 3


@pytest.mark.parametrize("action", ["Heartbeat", "StatusNotification"])
async def test_a_refusal_of_the_back_office_is_that_of_balanz(
    connected: RawCharger, office: BackOffice, action: str
) -> None:
    office.fails = {action}
    status = {"connectorId": 1, "errorCode": "NoError", "status": "Available"}

    told = await connected.call(action, {} if action == "Heartbeat" else status)

    assert told == "InternalError"


async def test_a_tag_is_judged_here_where_the_link_breaks_meanwhile(
    connected: RawCharger, office: BackOffice
) -> None:
    office.drops_after = {"Authorize"}

    answer = await connected.call("Authorize", {"idTag": "TAG"})

    assert answer == {"idTagInfo": {"status": "Invalid"}}


async def test_a_stop_and_a_notice_that_are_answered_with_nonsense_are_taken_here(
    connected: RawCharger, office: BackOffice
) -> None:
    started = await connected.call("StartTransaction", START)
    office.raw = dict.fromkeys(("StopTransaction", "StatusNotification"), '{"idTagInfo":7}')
    status = {"connectorId": 1, "errorCode": "NoError", "status": "Available"}

    assert await connected.call("StatusNotification", status) == {}
    assert await connected.call("StopTransaction", stop(started["transactionId"])) == {}


async def test_an_observer_that_refuses_or_leaves_hears_what_comes_next(
    between: Between, office: BackOffice, dial: Dial, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(observer, "MAX_IDS", 1)
    listener = BackOffice()
    await listener.start()
    listener.fails, listener.drops_after = {"Heartbeat"}, {"StatusNotification"}
    between.pass_on(observers=(listener.url,))
    charger = await dial()
    await wait_until(lambda: listener.lines and office.lines)

    assert await charger.alive()
    status = {"connectorId": 1, "errorCode": "NoError", "status": "Available"}
    await charger.call("StatusNotification", status)
    await wait_until(lambda: listener.connections == 2)
    for minute in (1, 2):
        await charger.call(
            "StartTransaction", START | {"timestamp": f"2026-11-21T10:0{minute}:00Z"}
        )
    await wait_until(lambda: len(listener.starts) == 2)

    assert [it["timestamp"][15:16] for it in listener.starts] == ["1", "2"]
    await listener.stop()


async def test_a_boot_that_is_accepted_late_lets_the_charger_in_the_next_time(
    between: Between, office: BackOffice, dial: Dial
) -> None:
    controller = between.pass_on(patience=Patience(call_timeout_s=30.0))
    charger = await dial()
    await wait_until(lambda: controller.connected)
    office.delay_s = 12.0

    await charger.send(
        '[2,"b1","BootNotification",{"chargePointVendor":"S","chargePointModel":"O"}]'
    )
    await asyncio.sleep(15.0)
    await charger.send(
        '[2,"b2","BootNotification",{"chargePointVendor":"S","chargePointModel":"O"}]'
    )
    await asyncio.sleep(15.0)

    assert [charger.results[it][2]["status"] for it in ("b1", "b2")] == ["Pending", "Accepted"]


@pytest.mark.parametrize(
    ("status", "trouble"),
    [
        (302, Trouble.PROTOCOL),
        (403, Trouble.CREDENTIALS),
        (404, Trouble.UNKNOWN_CHARGER),
        (503, Trouble.UNREACHABLE),
    ],
)
async def test_each_refusal_has_its_own_reason(
    between: Between, office: BackOffice, dial: Dial, status: int, trouble: Trouble
) -> None:
    office.refuses_with = status
    controller = between.pass_on()

    await dial()

    await wait_until(lambda: controller.failures > 0)
    assert controller.trouble is trouble


async def test_a_link_that_has_lasted_makes_up_for_failures_before(
    between: Between, office: BackOffice, dial: Dial
) -> None:
    office.refuses_with = 503
    controller = between.pass_on()
    await dial()
    await wait_until(lambda: controller.failures >= 3)
    office.refuses_with = None
    await wait_until(lambda: controller.connected)

    await asyncio.sleep(Backoff().stable_s)
    office.lines["CP1"].socket.transport.abort()
    await wait_until(lambda: not controller.connected)

    assert controller.failures == 1


async def test_a_start_that_is_answered_late_is_the_one_that_was_begun(
    between: Between, office: BackOffice, dial: Dial
) -> None:
    controller = between.pass_on(patience=Patience(call_timeout_s=30.0))
    charger = await dial()
    await charger.boot()
    await wait_until(lambda: controller.connected)
    office.delay_s = 15.0

    await charger.send(json.dumps([2, "s", "StartTransaction", START]))
    await asyncio.sleep(12.0)
    _, _, told = charger.results["s"]
    office.delay_s = 0.0
    await asyncio.sleep(10.0)
    await charger.call("StopTransaction", stop(told["transactionId"]))
    await wait_until(lambda: controller.waiting == 0)

    [started] = office.starts
    [stopped] = office.stops
    assert stopped["transactionId"] == started["id"] != told["transactionId"]


async def test_a_link_that_never_lasts_is_dialled_ever_later(
    between: Between, office: BackOffice, dial: Dial
) -> None:
    between.pass_on(patience=Patience())
    await dial()
    loop = asyncio.get_running_loop()
    dialled_at: list[float] = []

    while len(dialled_at) < 5:
        async with asyncio.timeout(1000.0):
            while office.connections == len(dialled_at):
                await asyncio.sleep(0.1)
        dialled_at.append(loop.time())
        await office.lines["CP1"].socket.close()

    waits_s = [later - earlier for earlier, later in pairwise(dialled_at)]
    for least_s, wait_s in zip((5.0, 10.0, 20.0, 40.0), waits_s, strict=True):
        assert least_s <= wait_s <= 2 * least_s + 3.0


async def test_who_answers_but_speaks_no_ocpp_is_told_so(between: Between, dial: Dial) -> None:
    async def nothing(_: object) -> None:
        """Let whoever comes go."""

    async with serve(nothing, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        controller = between.pass_on(url=f"ws://127.0.0.1:{port}")

        charger = await dial()

        await wait_until(lambda: controller.trouble is Trouble.PROTOCOL)
        assert await charger.alive()


@pytest.mark.parametrize("scheme", ["ws", "wss"])
async def test_one_that_never_finishes_its_handshake_is_left(
    between: Between, dial: Dial, scheme: str
) -> None:
    async with await asyncio.get_running_loop().create_server(
        asyncio.Protocol, "127.0.0.1", 0
    ) as server:
        port = server.sockets[0].getsockname()[1]
        controller = between.pass_on(url=f"{scheme}://127.0.0.1:{port}")
        charger = await dial()

        await asyncio.sleep(10.5)

        assert controller.trouble is Trouble.UNREACHABLE
        assert await charger.alive()
        await controller.stop()
