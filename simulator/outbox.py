"""What a charger has still to tell its peer, in order."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(slots=True, kw_only=True, eq=False)
class Message:
    """A CALL to be sent.

    It is built when it is sent, so that it can carry a transaction id that was not known before;
    `build` returns None if it has become pointless.
    """

    build: Callable[[], Any]
    durable: bool = False
    """Kept while there is no connection, and tried again, as transaction messages are."""
    answered: Callable[[Any], None] | None = None
    given_up: Callable[[], None] | None = None
    """Called when no answer will come."""
    attempts: int = 0


class Outbox:
    """A queue that outlives connections. While closed it takes and keeps durable messages only."""

    def __init__(self) -> None:
        self._messages: deque[Message] = deque()
        self._filled = asyncio.Event()
        self._open = False

    def __len__(self) -> int:
        return len(self._messages)

    def put(self, message: Message) -> None:
        """Append a message."""
        if self._open or message.durable:
            self._messages.append(message)
            self._filled.set()
        elif message.given_up is not None:
            message.given_up()

    async def head(self) -> Message:
        """Return the oldest message once there is one; it stays until it is removed."""
        while not self._messages:
            self._filled.clear()
            await self._filled.wait()
        return self._messages[0]

    def remove(self, message: Message) -> None:
        """Take out a message that is done with."""
        if message in self._messages:
            self._messages.remove(message)

    def open(self) -> None:
        """The peer can be reached."""
        self._open = True

    def close(self) -> None:
        """The peer cannot be reached; what is not durable is given up."""
        self._open = False
        dropped = [message for message in self._messages if not message.durable]
        self._messages = deque(message for message in self._messages if message.durable)
        for message in dropped:
            if message.given_up is not None:
                message.given_up()
