"""Watches a WebSocket for frames that are allowed one by one, but that nobody sends so."""

import asyncio
from typing import Any

from websockets.asyncio.client import ClientConnection
from websockets.asyncio.connection import Connection
from websockets.frames import Frame, Opcode

from .patience import Budget

MAX_FRAGMENTS = 64
FRAGMENTS_TIMEOUT_S = 30.0
MAX_PINGS = {1.0: 20}
READ_BYTES = 4096
"""So much is read of a socket until the others have their turn: some hundred tiny frames."""
_DATA = frozenset({Opcode.TEXT, Opcode.BINARY, Opcode.CONT})


class FrameWatch:
    """Closes a connection whose peer holds back the end of a message, or sends it in crumbs."""

    def __init__(self, connection: Connection) -> None:
        """Watch an open connection, which hands over its frames."""
        self._connection = connection
        self._loop = connection.loop
        self._pings = Budget(MAX_PINGS)
        self._fragments = 0
        self._fragments_due: asyncio.TimerHandle | None = None
        self._closing: asyncio.Task[None] | None = None

    def look_at(self, event: Any) -> None:
        """Look at what the package takes for a good frame."""
        if not isinstance(event, Frame):
            return
        if event.opcode is Opcode.PING:
            if self._pings.spend(self._loop.time()):
                self._show_out("too many pings")
        elif event.opcode in _DATA:
            self._count_fragment(is_last=event.fin)

    def end(self) -> None:
        """Learn that there will be no further frames."""
        self._fragments = 0
        if self._fragments_due is not None:
            self._fragments_due.cancel()
            self._fragments_due = None

    def _count_fragment(self, *, is_last: bool) -> None:
        if is_last:
            self.end()
            return
        self._fragments += 1
        if self._fragments_due is None:
            self._fragments_due = self._loop.call_later(
                FRAGMENTS_TIMEOUT_S, self._show_out, "a message without an end"
            )
        if self._fragments > MAX_FRAGMENTS:
            self._show_out("too many fragments")

    def _show_out(self, reason: str) -> None:
        if self._closing is None:
            self._closing = self._loop.create_task(self._connection.close(1008, reason))


class WatchedConnection(ClientConnection):
    """A connection that was dialled from here."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to watch."""
        self._watch = FrameWatch(self)
        read_little(transport)
        super().connection_made(transport)

    def process_event(self, event: Any) -> None:
        """Look at each frame."""
        super().process_event(event)
        self._watch.look_at(event)

    def connection_lost(self, exc: Exception | None) -> None:
        """Watch no more."""
        self._watch.end()
        super().connection_lost(exc)


def read_little(transport: Any) -> None:
    """Have asyncio read a socket in small portions, each in a turn of its own."""
    if hasattr(transport, "max_size"):
        transport.max_size = READ_BYTES
