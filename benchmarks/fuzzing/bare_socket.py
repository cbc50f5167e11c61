"""A WebSocket client that can send what no client would."""

import asyncio
import os
import struct
from contextlib import suppress

from .mutator import REQUEST

TEXT, CLOSE = 0x1, 0x8
TIMEOUT_S = 20.0


def frame(opcode: int, payload: bytes, *, fin: bool = True, rsv: int = 0) -> bytes:
    """Return a masked frame."""
    head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
    if len(payload) < 126:
        head += bytes([0x80 | len(payload)])
    elif len(payload) < 2**16:
        head += b"\xfe" + struct.pack("!H", len(payload))
    else:
        head += b"\xff" + struct.pack("!Q", len(payload))
    mask = os.urandom(4)
    key = int.from_bytes(mask * (len(payload) // 4 + 1))
    padded = payload + bytes(-len(payload) % 4 or 4)
    masked = (int.from_bytes(padded) ^ key).to_bytes(len(padded))[: len(payload)]
    return head + mask + masked


class BareSocket:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, port: int, address: str) -> BareSocket:
        """Connect from an address of the loopback network."""
        return cls(*await asyncio.open_connection("127.0.0.1", port, local_addr=(address, 0)))

    async def upgrade(self, identity: str) -> bool:
        """Return whether a good handshake is taken."""
        await self.send(REQUEST.replace("{identity}", identity).encode())
        return (await self.head(TIMEOUT_S)).startswith(b"HTTP/1.1 101")

    async def send(self, data: bytes) -> None:
        """Write, if anybody is there."""
        with suppress(ConnectionError):
            self._writer.write(data)
            await self._writer.drain()

    async def head(self, timeout_s: float) -> bytes:
        """Return the head of the answer to a request; empty if there is none in time."""
        try:
            async with asyncio.timeout(timeout_s):
                return await self._reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError, ConnectionError, TimeoutError:
            return b""

    async def message(self) -> bytes | None:
        """Return the next text; None if the connection ends. Raises TimeoutError."""
        try:
            async with asyncio.timeout(TIMEOUT_S):
                while True:
                    head = await self._reader.readexactly(2)
                    length = head[1]
                    if length == 126:
                        (length,) = struct.unpack("!H", await self._reader.readexactly(2))
                    payload = await self._reader.readexactly(length)
                    if head[0] & 0x0F == TEXT:
                        return payload
                    if head[0] & 0x0F == CLOSE:
                        await self.send(frame(CLOSE, payload))
                        return None
        except asyncio.IncompleteReadError, ConnectionError:
            return None

    async def close(self) -> None:
        """Let go of the socket, without a word."""
        self._writer.transport.abort()
        with suppress(ConnectionError):
            await self._writer.wait_closed()
