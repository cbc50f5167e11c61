"""A connection of a charger that knows less of WebSockets than it should."""

from typing import override

from websockets.asyncio.client import ClientConnection
from websockets.frames import Opcode


class HangsUpOnPing(ClientConnection):
    """One that takes a ping for the end. A server's frames are not masked, and pings come alone."""

    @override
    def data_received(self, data: bytes) -> None:
        """Read what has come, unless it is a ping."""
        if data[:1] and data[0] & 0x0F == Opcode.PING:
            self.transport.abort()
        else:
            super().data_received(data)
