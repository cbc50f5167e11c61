"""A central system on the public `ocpp` package, for balanz to dial in to."""

import asyncio
import json
from collections import deque
from contextlib import suppress
from datetime import UTC, datetime
from http import HTTPStatus
from itertools import count
from typing import Any

from ocpp.exceptions import InternalError, SecurityError
from ocpp.v16 import ChargePoint
from ocpp.v16 import call_result as results
from ocpp.v16.enums import Action
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from simulator.routes import on

# The package has no types for these.

call_result: Any = results


class BackOffice:
    """Numbers transactions in its own way, and can be made to behave badly in many."""

    def __init__(self) -> None:
        self.port = 0
        self.lines: dict[str, Line] = {}
        """The newest connection of each charger."""
        self.connections = 0
        self.authorizations: list[str | None] = []
        self.paths: list[str] = []
        self.received: list[tuple[str, dict[str, Any]]] = []
        """The calls that came, also twice."""
        self.texts: list[str] = []
        """The same as they were written."""
        self.starts: list[dict[str, Any]] = []
        """Each transaction once, whatever its messages."""
        self.stops: list[dict[str, Any]] = []
        self.most_outstanding = 0
        """How many calls were waiting for their answer at once, at the most."""
        self.refuses_with: int | None = None
        """The HTTP status with which it lets nobody in."""
        self.delay_s = 0.0
        self.fails: set[str] = set()
        """Actions that it answers with an error."""
        self.silent_once: set[str] = set()
        """Actions of which it works off the next one without an answer."""
        self.drops_after: set[str] = set()
        """Actions after the next one of which the connection breaks, worked off or not."""
        self.tags: dict[str, dict[str, Any]] = {}
        self.raw: dict[str, str] = {}
        """The payloads that it answers to some actions, whatever they are."""
        self.boot_status = "Accepted"
        self.interval_s: int = 300
        self.wants_boot = False
        """Whether it takes nothing of a charger that has not booted on this connection."""
        self.answers_twice = False
        self.time: str | None = None
        self._ids = count(4711, 7)
        self._transactions: dict[str, int] = {}
        self._server: Server | None = None

    async def start(self, **options: Any) -> None:
        """Listen, at the same port as before if there was one."""
        self._server = await serve(
            self._serve,
            "127.0.0.1",
            self.port,
            subprotocols=[Subprotocol("ocpp1.6")],
            process_request=self._admit,
            compression=None,
            **options,
        )
        self.port = next(iter(self._server.sockets)).getsockname()[1]

    async def stop(self) -> None:
        """Vanish."""
        if self._server is not None:
            for line in self.lines.values():
                line.socket.transport.abort()
            self._server.close()
            await self._server.wait_closed()
            self._server = None

    @property
    def url(self) -> str:
        """What to dial."""
        return f"ws://127.0.0.1:{self.port}/ocpp"

    def of(self, action: str) -> list[dict[str, Any]]:
        """Return the payloads of one kind of call."""
        return [payload for name, payload in self.received if name == action]

    async def ask(
        self, action: str, payload: dict[str, Any], charger: str = "CP1", within_s: float = 5.0
    ) -> Any:
        """Call a charger; return the payload of the result, or the code of the error."""
        line = self.lines[charger]
        message_id = f"office-{next(self._ids)}"
        answer = line.expect(message_id)
        await line.socket.send(json.dumps([2, message_id, action, payload]))
        async with asyncio.timeout(within_s):
            return (await answer)[2]

    def transaction_of(self, charger: str, payload: dict[str, Any]) -> int:
        """Return the id of a transaction, the same for the same start."""
        key = json.dumps([charger, payload], sort_keys=True)
        if key not in self._transactions:
            self._transactions[key] = next(self._ids)
            self.starts.append({**payload, "id": self._transactions[key], "charger": charger})
        return self._transactions[key]

    async def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        self.paths.append(request.path)
        self.authorizations.append(request.headers.get("Authorization"))
        if self.refuses_with is None:
            return None
        response = connection.respond(HTTPStatus(self.refuses_with), "")
        response.headers.update(Headers({"Location": "ws://127.0.0.1:1/elsewhere"}))
        return response

    async def _serve(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        charger = socket.request.path.rpartition("/")[2]
        line = Line(self, charger, socket)
        self.lines[charger] = line
        self.connections += 1
        await line.read()


class Line(ChargePoint):
    """One connection of one charger."""

    def __init__(self, office: BackOffice, charger: str, socket: ServerConnection) -> None:
        initialize: Any = super().__init__
        initialize(charger, socket)
        self.office = office
        self.charger = charger
        self.socket = socket
        self.booted = False
        self._expected: dict[str, asyncio.Future[Any]] = {}
        self._outstanding = 0
        self._tasks: deque[asyncio.Task[None]] = deque()

    def expect(self, message_id: str) -> asyncio.Future[Any]:
        """Return what will be the frame that answers a call."""
        self._expected[message_id] = asyncio.get_running_loop().create_future()
        return self._expected[message_id]

    async def read(self) -> None:
        """Serve all calls at once, so that one that comes too early is seen."""
        with suppress(ConnectionClosed):
            while True:
                text = await self.socket.recv()
                frame = json.loads(text)
                if frame[0] == 2:
                    self._tasks.append(asyncio.create_task(self._take(str(text), frame)))
                elif frame[1] in self._expected:
                    self._expected.pop(frame[1]).set_result(frame)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _take(self, text: str, frame: list[Any]) -> None:
        office, action = self.office, frame[2]
        self._outstanding += 1
        office.most_outstanding = max(office.most_outstanding, self._outstanding)
        try:
            office.texts.append(text)
            office.received.append((action, frame[3]))
            if action in office.drops_after:
                office.drops_after.discard(action)
                if office.connections % 2:
                    self._work_off(action, frame[3])
                self.socket.transport.abort()
                return
            if action in office.silent_once:
                office.silent_once.discard(action)
                self._work_off(action, frame[3])
                return
            await asyncio.sleep(office.delay_s)
            with suppress(ConnectionClosed):
                if action in office.raw:
                    await self.socket.send(f'[3,"{frame[1]}",{office.raw[action]}]')
                    return
                await self._route(text)
                if office.answers_twice:
                    await self._route(text)
        finally:
            self._outstanding -= 1

    async def _route(self, text: str) -> None:
        route: Any = self.route_message
        await route(text)

    def _work_off(self, action: str, payload: dict[str, Any]) -> None:
        if action == "StartTransaction":
            self.office.transaction_of(self.charger, payload)
        elif action == "StopTransaction" and payload not in self.office.stops:
            self.office.stops.append(payload)

    def _check(self, action: str) -> None:
        if self.office.wants_boot and not self.booted:
            raise SecurityError
        if action in self.office.fails:
            raise InternalError

    def _info(self, id_tag: str) -> dict[str, Any]:
        return self.office.tags.get(id_tag, {"status": "Accepted"})

    def _now(self) -> str:
        return self.office.time or datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    @on(Action("BootNotification"))
    def boot(self, **_fields: Any) -> Any:
        self.booted = True
        office = self.office
        return call_result.BootNotification(
            current_time=self._now(), interval=office.interval_s, status=office.boot_status
        )

    @on(Action("Heartbeat"))
    def heartbeat(self) -> Any:
        self._check("Heartbeat")
        return call_result.Heartbeat(current_time=self._now())

    @on(Action("Authorize"))
    def authorize(self, id_tag: str) -> Any:
        self._check("Authorize")
        return call_result.Authorize(id_tag_info=self._info(id_tag))

    @on(Action("StatusNotification"))
    def status(self, **_fields: Any) -> Any:
        self._check("StatusNotification")
        return call_result.StatusNotification()

    @on(Action("MeterValues"))
    def meter_values(self, **_fields: Any) -> Any:
        self._check("MeterValues")
        return call_result.MeterValues()

    @on(Action("DataTransfer"))
    def data_transfer(self, **_fields: Any) -> Any:
        return call_result.DataTransfer(status="Accepted", data="from the back office")

    @on(Action("StartTransaction"))
    def start_transaction(self, **fields: Any) -> Any:
        self._check("StartTransaction")
        payload = _camel(fields)
        transaction_id = self.office.transaction_of(self.charger, payload)
        return call_result.StartTransaction(
            transaction_id=transaction_id, id_tag_info=self._info(fields["id_tag"])
        )

    @on(Action("StopTransaction"))
    def stop_transaction(self, **fields: Any) -> Any:
        self._check("StopTransaction")
        self._work_off("StopTransaction", _camel(fields))
        return call_result.StopTransaction(id_tag_info={"status": "Accepted"})


def _camel(fields: dict[str, Any]) -> dict[str, Any]:
    def name(snake: str) -> str:
        first, *rest = snake.split("_")
        return first + "".join(word.title() for word in rest)

    return {name(key): value for key, value in fields.items()}
