"""A bare socket: what a charger would never be able to send can be sent with it."""

import asyncio
import socket
import struct
from contextlib import suppress

from .rows import Piece
from .websocket_frames import CLOSE, TEXT, frame

DEADLINE_S = 8.0


class Wire:
    """One connection, of which every byte is under control."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, port: int, *, takes_little: bool = False) -> Wire:
        """Connect; one that takes little has hardly any room for what is sent to it."""
        raw = socket.socket()
        if takes_little:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        raw.setblocking(False)
        await asyncio.get_running_loop().sock_connect(raw, ("127.0.0.1", port))
        return cls(*await asyncio.open_connection(sock=raw, limit=1024))

    async def send(self, *pieces: Piece) -> None:
        """Write and wait as told, as long as anybody is there."""
        with suppress(ConnectionError):
            for piece in pieces:
                if isinstance(piece, bytes):
                    self._writer.write(piece)
                    await self._writer.drain()
                else:
                    await asyncio.sleep(piece)

    async def status(self) -> int | None:
        """Return the HTTP status of the answer; None if there is none."""
        try:
            async with asyncio.timeout(DEADLINE_S):
                head = await self._reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError, ConnectionError:
            return None
        return int(head.split(b" ", 2)[1])

    async def message(self) -> bytes | int | None:
        """Return the next text, the code of a close, or None if the socket is gone."""
        try:
            async with asyncio.timeout(DEADLINE_S):
                while True:
                    opcode, payload = await self._frame()
                    if opcode == TEXT:
                        return payload
                    if opcode == CLOSE:
                        await self.send(frame(CLOSE, payload))
                        code: int = struct.unpack("!H", payload[:2])[0]
                        return code
        except asyncio.IncompleteReadError, ConnectionError:
            return None

    async def _frame(self) -> tuple[int, bytes]:
        head = await self._reader.readexactly(2)
        length = head[1]
        if length == 126:
            (length,) = struct.unpack("!H", await self._reader.readexactly(2))
        return head[0] & 0x0F, await self._reader.readexactly(length)

    def reset(self) -> None:
        """End the connection as a crash does."""
        raw = self._writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    async def close(self) -> None:
        """Let go of the socket."""
        self._writer.close()
        with suppress(ConnectionError):
            await self._writer.wait_closed()
