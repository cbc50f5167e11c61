"""A small central system on the `ocpp` package, for the simulated chargers to dial in to."""

import asyncio
import json
import logging
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from ocpp.exceptions import GenericError
from ocpp.v16 import ChargePoint, call, call_result
from ocpp.v16.datatypes import IdTagInfo
from ocpp.v16.enums import Action, AuthorizationStatus, GenericStatus, RegistrationStatus
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from simulator.charger import SimulatedCharger
from simulator.clock import Clock, timestamp
from simulator.options import ChargerOptions
from simulator.routes import on, routes

_LOGGER = logging.getLogger("central_system")
_LOGGER.setLevel(logging.CRITICAL)

type MakeCharger = Callable[..., Awaitable[SimulatedCharger]]


class CentralSystem:
    """What it received, and what it will answer; both may be changed at any time."""

    def __init__(self) -> None:
        self.received: list[tuple[str, dict[str, Any]]] = []
        self.registration = RegistrationStatus.accepted
        self.interval_s = 300
        self.tag_status = AuthorizationStatus.accepted
        self.failing_actions: set[str] = set()
        self.peer: Any = None
        self.connection: ServerConnection | None = None
        self.authorizations: list[str | None] = []
        self.ssl: ssl.SSLContext | None = None
        self._transaction_ids = count(101)
        self._server: Server | None = None
        self._port = 0

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self._port}/ocpp"

    async def start(self) -> None:
        untyped: Any = "ocpp1.6"
        self._server = await serve(
            self._serve,
            "127.0.0.1",
            self._port,
            subprotocols=[untyped],
            close_timeout=1,
            ssl=self.ssl,
        )
        self._port = next(iter(self._server.sockets)).getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def call(self, payload: Any) -> Any:
        return await self.peer.call(payload, suppress=False)

    def messages(self, action: str) -> list[dict[str, Any]]:
        return [payload for name, payload in self.received if name == action]

    def statuses(self, connector_id: int = 1) -> list[str]:
        return [
            it["status"]
            for it in self.messages("StatusNotification")
            if it["connector_id"] == connector_id
        ]

    def last_status(self, connector_id: int = 1) -> str | None:
        return next(reversed(self.statuses(connector_id)), None)

    async def _serve(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        self.authorizations.append(connection.request.headers.get("Authorization"))
        untyped: Any = ChargePoint
        peer = untyped("charger", connection, response_timeout=5, logger=_LOGGER)
        peer.route_map = routes(self)
        self.peer, self.connection = peer, connection
        try:
            await peer.start()
        except ConnectionClosed:
            return

    def _note(self, action: str, payload: dict[str, Any]) -> None:
        self.received.append((action, payload))
        if action in self.failing_actions:
            raise GenericError

    @on(Action.boot_notification)
    def boot_notification(self, **payload: Any) -> Any:
        self._note("BootNotification", payload)
        return call_result.BootNotification(
            current_time=timestamp(datetime.now(UTC)),
            interval=self.interval_s,
            status=self.registration,
        )

    @on(Action.heartbeat)
    def heartbeat(self, **payload: Any) -> Any:
        self._note("Heartbeat", payload)
        return call_result.Heartbeat(current_time=timestamp(datetime.now(UTC)))

    @on(Action.status_notification)
    def status_notification(self, **payload: Any) -> Any:
        self._note("StatusNotification", payload)
        return call_result.StatusNotification()

    @on(Action.meter_values)
    def meter_values(self, **payload: Any) -> Any:
        self._note("MeterValues", payload)
        return call_result.MeterValues()

    @on(Action.authorize)
    def authorize(self, **payload: Any) -> Any:
        self._note("Authorize", payload)
        return call_result.Authorize(id_tag_info=IdTagInfo(status=self.tag_status))

    @on(Action.start_transaction)
    def start_transaction(self, **payload: Any) -> Any:
        self._note("StartTransaction", payload)
        return call_result.StartTransaction(
            transaction_id=next(self._transaction_ids),
            id_tag_info=IdTagInfo(status=self.tag_status),
        )

    @on(Action.stop_transaction)
    def stop_transaction(self, **payload: Any) -> Any:
        self._note("StopTransaction", payload)
        return call_result.StopTransaction()

    @on(Action.security_event_notification)
    def security_event_notification(self, **payload: Any) -> Any:
        self._note("SecurityEventNotification", payload)
        return call_result.SecurityEventNotification()

    @on(Action.sign_certificate)
    def sign_certificate(self, **payload: Any) -> Any:
        self._note("SignCertificate", payload)
        return call_result.SignCertificate(status=GenericStatus.accepted)

    @on(Action.firmware_status_notification)
    def firmware_status_notification(self, **payload: Any) -> Any:
        self._note("FirmwareStatusNotification", payload)
        return call_result.FirmwareStatusNotification()

    @on(Action.diagnostics_status_notification)
    def diagnostics_status_notification(self, **payload: Any) -> Any:
        self._note("DiagnosticsStatusNotification", payload)
        return call_result.DiagnosticsStatusNotification()

    @on(Action.signed_firmware_status_notification)
    def signed_firmware_status_notification(self, **payload: Any) -> Any:
        self._note("SignedFirmwareStatusNotification", payload)
        return call_result.SignedFirmwareStatusNotification()

    @on(Action.log_status_notification)
    def log_status_notification(self, **payload: Any) -> Any:
        self._note("LogStatusNotification", payload)
        return call_result.LogStatusNotification()


def profile_payload(
    limit: float, *, purpose: str = "TxDefaultProfile", profile_id: int = 1, **fields: Any
) -> dict[str, Any]:
    """A profile in amperes that is in force since a minute ago."""
    return {
        "charging_profile_id": profile_id,
        "stack_level": 0,
        "charging_profile_purpose": purpose,
        "charging_profile_kind": "Absolute",
        "charging_schedule": {
            "charging_rate_unit": "A",
            "start_schedule": timestamp(datetime.now(UTC) - timedelta(seconds=60)),
            "charging_schedule_period": [{"start_period": 0, "limit": limit}],
        },
        **fields,
    }


async def set_limit(central: CentralSystem, limit: float, **fields: Any) -> str:
    answer = await central.call(
        call.SetChargingProfile(
            connector_id=1, cs_charging_profiles=profile_payload(limit, **fields)
        )
    )
    return str(answer.status)


@pytest.fixture
async def central(socket_enabled: None) -> AsyncIterator[CentralSystem]:
    system = CentralSystem()
    await system.start()
    yield system
    await system.stop()


@pytest.fixture
async def make_charger(central: CentralSystem) -> AsyncIterator[MakeCharger]:
    """Start chargers that live twenty times as fast, and stop them at the end."""
    async with AsyncExitStack() as chargers:

        async def make(**properties: Any) -> SimulatedCharger:
            properties.setdefault("clock", Clock(20.0))
            properties.setdefault("options", ChargerOptions(sample_interval_s=2))
            charger = SimulatedCharger("CP 1", central.url, **properties)
            chargers.push_async_callback(charger.stop)
            await charger.start()
            return charger

        yield make


def wire_calls(charger: SimulatedCharger, action: str) -> list[Any]:
    """The CALLs of an action in the charger's record of frames."""
    calls = [json.loads(frame.text) for frame in charger.frames]
    return [it for it in calls if it[0] == 2 and it[2] == action]


async def eventually(predicate: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not predicate():
            await asyncio.sleep(0.01)
