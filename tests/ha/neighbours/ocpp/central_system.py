"""The server of the neighbour."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from ocpp.v16 import ChargePoint, call, call_result
from ocpp.v16.datatypes import IdTagInfo
from ocpp.v16.enums import Action, AuthorizationStatus, RegistrationStatus
from simulator.routes import on

_ACCEPTED = IdTagInfo(status=AuthorizationStatus.accepted)


class Charger(ChargePoint):
    """A charger that has connected."""

    def __init__(self, identity: str, socket: ServerConnection, told: Callable[[], None]) -> None:
        untyped: Any = super().__init__
        untyped(identity, socket)
        self.boot: dict[str, Any] = {}
        self.status: str | None = None
        self.power_w: float | None = None
        self._told = told

    @on(Action.boot_notification)
    def booted(self, **boot: Any) -> call_result.BootNotification:
        self.boot = boot
        self._told()
        return call_result.BootNotification(
            current_time=datetime.now(UTC).isoformat(),
            interval=3600,
            status=RegistrationStatus.accepted,
        )

    @on(Action.status_notification)
    def status_changed(self, status: str, **_: Any) -> call_result.StatusNotification:
        self.status = status
        self._told()
        return call_result.StatusNotification()

    @on(Action.heartbeat)
    def heartbeat(self) -> call_result.Heartbeat:
        return call_result.Heartbeat(current_time=datetime.now(UTC).isoformat())

    @on(Action.authorize)
    def authorize(self, **_: Any) -> call_result.Authorize:
        return call_result.Authorize(id_tag_info=_ACCEPTED)

    @on(Action.start_transaction)
    def started(self, **_: Any) -> call_result.StartTransaction:
        return call_result.StartTransaction(transaction_id=7, id_tag_info=_ACCEPTED)

    @on(Action.stop_transaction)
    def stopped(self, **_: Any) -> call_result.StopTransaction:
        return call_result.StopTransaction()

    @on(Action.meter_values)
    def metered(self, meter_value: list[Any], **_: Any) -> call_result.MeterValues:
        for one in meter_value[-1]["sampled_value"]:
            if one.get("measurand") == "Power.Active.Import" and "phase" not in one:
                self.power_w = float(one["value"])
        self._told()
        return call_result.MeterValues()


class CentralSystem:
    """Serves whoever connects."""

    def __init__(self) -> None:
        self.chargers: dict[str, Charger] = {}
        self.listeners: list[Callable[[], None]] = []
        self._server: Server | None = None

    async def start(self, port: int) -> None:
        self._server = await serve(
            self._serve, "127.0.0.1", port, subprotocols=[Subprotocol("ocpp1.6")]
        )

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    async def ask(self, identity: str, request: object) -> Any:
        charger: Any = self.chargers[identity]
        return await charger.call(request)

    async def set_charge_rate(self, identity: str, limit_a: float) -> None:
        await self.ask(
            identity,
            call.SetChargingProfile(
                connector_id=0,
                cs_charging_profiles={
                    "chargingProfileId": 1000,
                    "stackLevel": 0,
                    "chargingProfilePurpose": "TxDefaultProfile",
                    "chargingProfileKind": "Relative",
                    "chargingSchedule": {
                        "chargingRateUnit": "A",
                        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit_a}],
                    },
                },
            ),
        )

    async def _serve(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        identity = socket.request.path.rsplit("/", 1)[-1]
        charger = self.chargers[identity] = Charger(identity, socket, self._told)
        untyped: Any = charger
        try:
            await untyped.start()
        except ConnectionClosed, asyncio.CancelledError:
            charger.status = None
            self._told()

    def _told(self) -> None:
        for listener in self.listeners:
            listener()
