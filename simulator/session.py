"""One connection of a charger to its peer, from the BootNotification to the end."""

import asyncio
import logging
from collections import deque
from typing import Any

from ocpp.exceptions import OCPPError
from ocpp.v16 import ChargePoint, call
from ocpp.v16.enums import Reason, RegistrationStatus
from websockets.asyncio.client import ClientConnection

from .commands import Commands
from .frames import Frame, RecordedConnection
from .local_list import LocalListCommands
from .maintenance import Maintenance, MaintenanceCommands, SignedMaintenanceCommands
from .outbox import Message
from .profile_commands import ProfileCommands
from .reporter import Reporter
from .routes import routes
from .security_commands import SecurityCommands
from .station import Station

_LOGGER = logging.getLogger(__name__)
# The package logs each message, and each refusal with a traceback, which says nothing new here.
_OCPP_LOGGER = logging.getLogger(f"{__name__}.ocpp")
_OCPP_LOGGER.setLevel(logging.CRITICAL)

_ANSWER_FAILED = (OCPPError, TimeoutError)


class Session:
    """Runs a connection. What it needs to remember beyond that is the station's."""

    def __init__(
        self,
        identity: str,
        station: Station,
        reporter: Reporter,
        connection: ClientConnection,
        frames: deque[Frame],
        maintenance: Maintenance,
    ) -> None:
        self.rebooting = False
        self._identity = identity
        self._station = station
        self._reporter = reporter
        self._connection = connection
        self._frames = frames
        self._maintenance = maintenance
        self._boot_now = asyncio.Event()
        self._tasks = asyncio.TaskGroup()
        self._checked_forms: set[object] = set()

    async def run(self) -> None:
        """Serve the connection. Ends with an ExceptionGroup of ConnectionClosed."""
        untyped: Any = ChargePoint
        try:
            async with self._tasks as tasks:
                recorded = RecordedConnection(
                    self._connection,
                    self._frames,
                    lambda: self._station.faults,
                    tasks,
                    self._station.options.behaviour,
                    self._restart,
                )
                self._charge_point = untyped(
                    self._identity,
                    recorded,
                    response_timeout=self._station.options.call_timeout_s,
                    logger=_OCPP_LOGGER,
                )
                self._charge_point.route_map = routes(*self._commands())
                # When the socket closes, the reader fails and takes all pending calls with it.
                tasks.create_task(self._charge_point.start())
                tasks.create_task(self._talk())
        finally:
            self._reporter.disconnected()

    def _commands(self) -> list[object]:
        security = self._station.security
        commands: list[object] = [
            Commands(self._station, self._reporter, self),
            ProfileCommands(self._station),
            LocalListCommands(self._station.local_list),
            MaintenanceCommands(self._maintenance),
        ]
        if self._station.options.checks_signatures:
            commands.append(SignedMaintenanceCommands(self._maintenance))
        if security.is_known:
            commands.append(SecurityCommands(self._identity, security, self))
        return commands

    async def close(self) -> None:
        """Break the connection."""
        await self._connection.close()

    def abort(self) -> None:
        """Lose the connection without a word to the peer."""
        self._connection.transport.abort()

    def _restart(self) -> None:
        """Restart at once and without a word."""
        self.rebooting = True
        self._station.reboot(Reason.reboot)
        self.abort()

    def send_soon(self, payload: Any) -> None:
        """Send a CALL ahead of the outbox."""
        self._tasks.create_task(self._try_to_call(payload))

    def boot_soon(self) -> None:
        """Send a BootNotification now, even if the last one was accepted."""
        if self._station.accepted:
            self.send_soon(self._boot_notification())
        else:
            self._boot_now.set()

    def reconnect_soon(self) -> None:
        """Hang up once the answer is out; the charger connects anew by itself."""
        self._tasks.create_task(self._hang_up())

    def reboot_soon(self, reason: Reason) -> None:
        """End transactions, tell the peer if possible, then hang up and start anew."""
        self.rebooting = True
        self._station.reboot(reason)
        self._tasks.create_task(self._hang_up())

    async def _hang_up(self) -> None:
        deadline = asyncio.get_running_loop().time() + 2.0
        while len(self._station.outbox) and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(0.02)
        await self._connection.close()

    async def _talk(self) -> None:
        while not self._station.accepted:
            wait_s = await self._boot()
            if not self._station.accepted:
                await self._wait_to_boot_again(wait_s)
        self._reporter.connected()
        while True:
            message = await self._station.outbox.head()
            payload = message.build()
            if payload is None:
                self._station.outbox.remove(message)
                continue
            form = _form(payload)
            try:
                answer = await self._charge_point.call(
                    payload,
                    suppress=False,
                    skip_schema_validation=form in self._checked_forms,
                )
            except _ANSWER_FAILED as error:
                await self._try_again_or_give_up(message, error)
                continue
            self._station.outbox.remove(message)
            if form is not None:
                self._checked_forms.add(form)
            if message.answered is not None:
                message.answered(answer)

    async def _try_again_or_give_up(self, message: Message, error: Exception) -> None:
        configuration = self._station.configuration
        message.attempts += 1
        _LOGGER.info("%s: a message failed: %r", self._identity, error)
        if message.durable and message.attempts < configuration.number(
            "TransactionMessageAttempts"
        ):
            retry_s = configuration.number("TransactionMessageRetryInterval")
            await self._station.clock.sleep(retry_s * message.attempts)
            return
        self._station.outbox.remove(message)
        if message.given_up is not None:
            message.given_up()

    async def _boot(self) -> float:
        """Send a BootNotification and return how long to wait if it is not accepted, s."""
        retry_s = float(self._station.options.heartbeat_interval_s)
        try:
            answer = await self._charge_point.call(self._boot_notification(), suppress=False)
        except _ANSWER_FAILED as error:
            _LOGGER.info("%s: the BootNotification failed: %r", self._identity, error)
            return retry_s
        if answer.status == RegistrationStatus.accepted:
            self._station.accepted = True
            self._station.report_security("StartupOfTheDevice")
            if answer.interval > 0:
                self._station.configuration.set("HeartbeatInterval", str(answer.interval))
        return float(answer.interval or retry_s)

    async def _wait_to_boot_again(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds / self._station.clock.factor):
                await self._boot_now.wait()
        except TimeoutError:
            return
        self._boot_now.clear()

    async def _try_to_call(self, payload: Any) -> None:
        try:
            await self._charge_point.call(payload, suppress=False)
        except _ANSWER_FAILED as error:
            _LOGGER.info("%s: a triggered message failed: %r", self._identity, error)

    def _boot_notification(self) -> Any:
        options = self._station.options
        return call.BootNotification(
            charge_point_model=options.model,
            charge_point_vendor=options.vendor,
            charge_point_serial_number=options.serial,
            firmware_version=self._station.firmware,
        )


def _form(payload: Any) -> object:
    """Return all of meter values but their numbers; None of any other message.

    What fits the schema does so with other numbers too, and to check each of them anew would take
    a sixth of a simulation.
    """
    if not isinstance(payload, call.MeterValues):
        return None
    return payload.transaction_id is None, tuple(
        (one.context, one.format, one.measurand, one.phase, one.location, one.unit)
        for meter_value in payload.meter_value
        for one in meter_value.sampled_value
    )
