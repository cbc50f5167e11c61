"""A connection that keeps a record of its frames, and on which some answers go astray."""

import asyncio
import json
from collections import deque
from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple

from websockets.asyncio.client import ClientConnection

from .behaviours import Behaviour
from .faults import Faults


class Direction(StrEnum):
    """Seen from the charger."""

    SENT = "sent"
    RECEIVED = "received"


class Frame(NamedTuple):
    """One text frame on the wire."""

    direction: Direction
    at_s: float
    """On the clock of the event loop, which is time.monotonic() in an ordinary one."""
    text: str


class RecordedConnection:
    """What the `ocpp` package needs of a connection: recv and send."""

    def __init__(
        self,
        connection: ClientConnection,
        frames: deque[Frame],
        faults: Callable[[], Faults],
        tasks: asyncio.TaskGroup,
        behaviour: Behaviour,
        restart: Callable[[], None],
    ) -> None:
        self._connection = connection
        self._frames = frames
        self._faults = faults
        self._tasks = tasks
        self._behaviour = behaviour
        self._restart = restart
        self._kept_back: deque[str] = deque()
        self._held_back: deque[str] = deque()
        """CALLs that it has not looked at yet."""
        self._unanswered = False
        """Whether it waits for an answer."""

    async def recv(self) -> str:
        """Return the next frame; a silent charger takes no notice of CALLs."""
        while True:
            if self._held_back and not self._unanswered:
                return self._held_back.popleft()
            text = await self._connection.recv(decode=True)
            self._frames.append(Frame(Direction.RECEIVED, asyncio.get_running_loop().time(), text))
            if self._faults().silent and text.lstrip().startswith("[2"):
                continue
            is_call = text.lstrip().startswith("[2")
            if not is_call:
                self._unanswered = False
            elif self._unanswered and self._faults().one_thing_at_a_time:
                self._held_back.append(text)
                continue
            reaction = self._behaviour.reaction(text)
            if reaction is None:
                return text
            await self._react(reaction, text)

    async def _react(self, reaction: str, text: str) -> None:
        """Do what the charger does instead of dealing with a CALL."""
        message_id = json.dumps(json.loads(text)[1])
        match reaction:
            case "restarts_on":
                self._restart()
            case "hangs_up_on":
                await self._connection.close()
            case "refuses":
                await self.send(f'[4,{message_id},"NotSupported","",{{}}]')
            case "shrugs_off":
                await self.send(f'[3,{message_id},{{"status":"Accepted"}}]')

    async def send(self, text: str) -> None:
        """Send a frame, answers with the delay that the faults ask for."""
        faults = self._faults()
        if text.startswith("[2"):
            self._unanswered = True
            await self._send(text)
        elif faults.answers_late:
            self._kept_back.append(text)
            if len(self._kept_back) > 1:
                await self._send(text)
                self._kept_back.pop()
                await self._send(self._kept_back.popleft())
        elif faults.answer_delay_s:
            self._tasks.create_task(self._send_later(text, faults.answer_delay_s))
        else:
            await self._send(text)

    async def _send_later(self, text: str, delay_s: float) -> None:
        await asyncio.sleep(delay_s)
        await self._send(text)

    async def _send(self, text: str) -> None:
        self._frames.append(Frame(Direction.SENT, asyncio.get_running_loop().time(), text))
        await self._connection.send(text)
