"""The `websockets` package, versions 15 to 17, as the central system needs it."""

import asyncio
import logging
import re
import socket as sockets
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote_to_bytes

from websockets.asyncio.server import Server, ServerConnection
from websockets.exceptions import ConnectionClosed

from .admission import Grant
from .peers import Peer, names_in
from .rpc_errors import ConnectionLost

MAX_MESSAGE_BYTES = 256 * 1024
HANDSHAKE_TIMEOUT_S = 10.0
CLOSE_TIMEOUT_S = 5.0
MAX_HANDSHAKES = 32
_IDENTITY = re.compile(r"(?=.*[A-Za-z0-9])[A-Za-z0-9*\-_=+|@.]{1,48}")


def parse_identity(path: str) -> str | None:
    """Return the identity that a request's path ends in; None where there is none that is safe."""
    segment = path.partition("?")[0].rstrip("/").rpartition("/")[2]
    try:
        identity = unquote_to_bytes(segment).decode()
    except UnicodeError:
        return None
    return identity if is_identity(identity) else None


def is_identity(text: str) -> bool:
    """Return whether a charger can be called so: nothing that means something in a URL."""
    return _IDENTITY.fullmatch(text) is not None


def offered_subprotocols(headers: list[str]) -> list[str]:
    """Return the names in the Sec-WebSocket-Protocol headers of a request."""
    names = ",".join(headers).split(",")
    return [name.strip() for name in names if name.strip()]


class WebSocket:
    """A WebSocket in the words of the RPC layer."""

    def __init__(self, connection: ServerConnection) -> None:
        self._connection = connection

    async def recv(self) -> str | bytes:
        """Return the next message. Raises ConnectionLost."""
        try:
            return await self._connection.recv()
        except ConnectionClosed:
            raise ConnectionLost(sent=True) from None

    async def send(self, message: str) -> None:
        """Send a text message. Raises ConnectionLost."""
        try:
            await self._connection.send(message)
        except ConnectionClosed:
            raise ConnectionLost(sent=True) from None

    async def close(self, code: int, reason: str) -> None:
        """Close with a handshake."""
        await self._connection.close(code, reason)

    def abort(self) -> None:
        """Drop the connection at once."""
        self._connection.transport.abort()


class Gate:
    """Counts sockets and half-open handshakes, and turns away what is too much."""

    def __init__(self, max_sockets: Callable[[], int]) -> None:
        self._max_sockets = max_sockets
        self.sockets: set[GatedConnection] = set()
        self.handshakes: set[GatedConnection] = set()

    def admits(self) -> bool:
        """Return whether one more socket is welcome."""
        return len(self.handshakes) < MAX_HANDSHAKES and len(self.sockets) < self._max_sockets()

    def drop_handshakes(self) -> None:
        """Drop all connections that have not asked for anything yet."""
        for connection in list(self.handshakes):
            connection.transport.abort()

    def drop_silent(self, silence_limit_s: float) -> None:
        """Drop all connections on which nothing has come for too long."""
        heard_since = asyncio.get_running_loop().time() - silence_limit_s
        for connection in list(self.sockets):
            if connection.heard_at < heard_since:
                connection.transport.abort()


class GatedConnection(ServerConnection):
    """A connection that passes a gate, and that notes when its peer was last heard."""

    gate: Gate
    identity: str
    grant: Grant
    heard_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Let the gate decide before anything is read."""
        super().connection_made(transport)
        self.heard_at = self.loop.time()
        if not self.gate.admits():
            self.transport.abort()
            return
        self.gate.sockets.add(self)
        self.gate.handshakes.add(self)
        _keep_alive(transport.get_extra_info("socket"))

    def data_received(self, data: bytes) -> None:
        """Note that the peer lives."""
        self.heard_at = self.loop.time()
        super().data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Leave the gate."""
        self.gate.sockets.discard(self)
        self.gate.handshakes.discard(self)
        super().connection_lost(exc)


def gated_by(gate: Gate) -> type[GatedConnection]:
    """Return the connection class whose connections pass a gate."""
    passed_gate = gate

    class PassedConnection(GatedConnection):
        gate = passed_gate

    return PassedConnection


def peer_of(connection: ServerConnection) -> Peer:
    """Return who is at the other end; without an address if it has gone already."""
    address = connection.remote_address
    encryption = connection.transport.get_extra_info("ssl_object")
    return Peer(
        address=str(address[0]) if address else "",
        encrypted=encryption is not None,
        certificate_names=names_in(encryption.getpeercert()) if encryption else frozenset(),
    )


async def close_for_good(server: Server) -> None:
    """Wait until a server that closes has closed; drop who still shakes hands over encryption."""
    try:
        async with asyncio.timeout(CLOSE_TIMEOUT_S):
            await server.wait_closed()
    except TimeoutError:
        server.server.abort_clients()
        await server.wait_closed()


def quiet_logger(name: str) -> logging.Logger:
    """Return a logger for the package, without the tracebacks of strangers' bad handshakes."""
    logger = logging.getLogger(name)
    logger.setLevel(logging.WARNING)
    logger.addFilter(_no_bad_handshakes)
    return logger


def _no_bad_handshakes(record: logging.LogRecord) -> bool:
    return record.msg != "opening handshake failed"


def _keep_alive(socket: Any) -> None:
    """Have the kernel find out about peers that vanished without a word."""
    socket.setsockopt(sockets.SOL_SOCKET, sockets.SO_KEEPALIVE, 1)
    for option, value in (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 20), ("TCP_KEEPCNT", 5)):
        if hasattr(sockets, option):
            socket.setsockopt(sockets.IPPROTO_TCP, getattr(sockets, option), value)
