"""A charger reduced to its socket: it says what a test tells it to, and records what it hears."""

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from typing import Any

import pytest
from ocpp import messages
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

DEADLINE_S = 15.0
"""Longer than the server waits for the end of a close handshake (`websocket.CLOSE_TIMEOUT_S`)."""
POLL_S = 0.005
BOOT = {"chargePointVendor": "Simple", "chargePointModel": "One", "firmwareVersion": "1.2"}

type Answer = dict[str, Any] | str | None
"""A payload, a whole frame with %s for the message id, or None for silence.

A list of them is given one after another, the last of them again and again.
"""


async def wait_until(condition: Callable[[], object]) -> None:
    """Return as soon as a condition holds; fail if that takes too long."""
    async with asyncio.timeout(DEADLINE_S):
        while not condition():
            await asyncio.sleep(POLL_S)


class RawCharger:
    """One connection of a charger."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.answers: dict[str, Answer | list[Answer]] = {
            "ChangeConfiguration": {"status": "Accepted"},
            "GetConfiguration": {"configurationKey": []},
            "SetChargingProfile": {"status": "Accepted"},
            "TriggerMessage": {"status": "Accepted"},
        }
        self.held: list[str] = []
        """Ids of calls that were not answered."""
        self.results: dict[Any, list[Any]] = {}
        self.frames: list[Any] = []
        self._ids = count(1)
        self._reader = asyncio.create_task(self._read())

    @classmethod
    async def dial(
        cls, port: int, identity: str, *, subprotocol: str | None = "ocpp1.6", **options: Any
    ) -> RawCharger:
        """Open a socket as this charger; an `ssl` context among the options encrypts it."""
        offered = [Subprotocol(subprotocol)] if subprotocol else None
        scheme = "wss" if "ssl" in options else "ws"
        uri = f"{scheme}://127.0.0.1:{port}/ocpp/{identity}"
        return cls(await connect(uri, subprotocols=offered, compression=None, **options))

    async def close(self) -> None:
        """Close the socket."""
        await self.connection.close()
        await self._reader

    async def closed(self) -> int | None:
        """Wait until the other side has closed the socket and return its code."""
        done, _ = await asyncio.wait((self._reader,), timeout=DEADLINE_S)
        assert done, "the connection is still open"
        return self.connection.close_code

    async def send(self, text: str | bytes) -> None:
        """Send just this."""
        await self.connection.send(text)

    async def call(self, action: str, payload: Any, message_id: str | None = None) -> Any:
        """Send a call and return the payload of its result, or the code of its error."""
        message_id = message_id or f"charger-{next(self._ids)}"
        self.results.pop(message_id, None)
        await self.send(json.dumps([2, message_id, action, payload]))
        return await self.result(message_id)

    async def result(self, message_id: Any) -> Any:
        """Wait for the reply to a call."""
        await wait_until(lambda: message_id in self.results)
        return self.results[message_id][2]

    async def boot(self, **fields: str) -> Any:
        """Send a BootNotification."""
        return await self.call("BootNotification", BOOT | fields)

    async def alive(self) -> bool:
        """Return whether a Heartbeat is answered."""
        return "currentTime" in await self.call("Heartbeat", {})

    def received(self, action: str) -> list[dict[str, Any]]:
        """Return the payloads of all calls of this kind."""
        return [payload for name, payload in self.calls if name == action]

    async def _read(self) -> None:
        with suppress(ConnectionClosed):
            while True:
                frame = json.loads(await self.connection.recv())
                self.frames.append(frame)
                if frame[0] == 2:
                    await self._serve(*frame[1:])
                else:
                    self.results[frame[1]] = frame

    async def _serve(self, message_id: str, action: str, payload: dict[str, Any]) -> None:
        await check_call(action, payload)
        self.calls.append((action, payload))
        answer = self.answers.get(action, '[4,"%s","NotImplemented","",{}]')
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        if answer is None:
            self.held.append(message_id)
        elif isinstance(answer, str):
            await self.send(answer % message_id)
        else:
            await self.send(json.dumps([3, message_id, answer]))


async def check_call(action: str, payload: dict[str, Any]) -> None:
    """Fail unless a call of the central system fits the official schema."""
    untyped: Any = messages
    await untyped.validate_payload(untyped.Call("1", action, payload), "1.6")


async def check_result(action: str, payload: dict[str, Any]) -> None:
    """Fail unless an answer of the central system fits the official schema."""
    untyped: Any = messages
    await untyped.validate_payload(untyped.CallResult("1", payload, action=action), "1.6")


async def status_of(port: int, path: str, **options: Any) -> int:
    """Return the HTTP status with which a WebSocket is refused."""
    with pytest.raises(InvalidStatus) as refusal:
        await connect(f"ws://127.0.0.1:{port}{path}", **options)
    return refusal.value.response.status_code
