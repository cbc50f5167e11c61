"""What connections may take: how many there are, and how much of the event loop each of them."""

import asyncio
import socket as sockets
import ssl
from collections import Counter
from collections.abc import Callable
from typing import Any

from websockets.asyncio.server import ServerConnection

from .admission import Grant
from .frame_watch import FrameWatch, read_little
from .tls import TlsContexts
from .tls_handshake import Failures, shake_hands
from .transfers import Transfers

SPARE_SOCKETS = 32
"""For chargers that are not known yet, and for strangers."""
SPARE_PER_ADDRESS = 16
HANDSHAKE_TIMEOUT_S = 10.0
"""How long a peer may take for each of its handshakes, that of TLS and that of WebSocket."""
MAX_REQUEST_LINE_BYTES = 8 * 1024


class Gate:
    """Counts sockets and half-open handshakes, and turns away what is too much.

    Unless the user says otherwise, as many as all chargers need may come from one address, since a
    proxy may carry them all; but some of the spare ones are always left to the other addresses.
    """

    def __init__(self, chargers: Callable[[], int]) -> None:
        self._chargers = chargers
        self.max_per_address: int | None = None
        """None for twice the known chargers and some."""
        self.transfers = Transfers()
        """Who serves the connections that are about a file."""
        self.sockets: set[GatedConnection] = set()
        self._handshakes: set[GatedConnection] = set()
        self._sockets_of: Counter[str] = Counter()
        self._handshakes_of: Counter[str] = Counter()
        self.failures = Failures()
        """What is told of handshakes that failed."""

    def admits(self, address: str) -> bool:
        """Return whether one more socket from an address is welcome."""
        chargers = self._chargers()
        per_address = self.max_per_address
        if per_address is None:
            per_address = 2 * chargers + SPARE_PER_ADDRESS
        return (
            len(self.sockets) < 2 * chargers + SPARE_SOCKETS
            and len(self._handshakes) < chargers + SPARE_SOCKETS
            and self._sockets_of[address] < per_address
            and self._handshakes_of[address] < chargers + SPARE_PER_ADDRESS
        )

    def enter(self, connection: GatedConnection) -> None:
        """Count a connection that has asked for nothing yet."""
        self.sockets.add(connection)
        self._sockets_of[connection.address] += 1
        self._handshakes.add(connection)
        self._handshakes_of[connection.address] += 1

    def end_handshake(self, connection: GatedConnection) -> None:
        """Learn that a connection has said what it wants, or has ended."""
        if connection in self._handshakes:
            self._handshakes.discard(connection)
            _count_down(self._handshakes_of, connection.address)

    def leave(self, connection: GatedConnection) -> None:
        """Learn that a connection has ended."""
        self.end_handshake(connection)
        if connection in self.sockets:
            self.sockets.discard(connection)
            _count_down(self._sockets_of, connection.address)

    def drop_handshakes(self) -> None:
        """Drop all connections that have not asked for anything yet."""
        for connection in list(self._handshakes):
            connection.transport.abort()


class GatedConnection(ServerConnection):
    """A connection that passes a gate, and that is watched for what no charger does.

    Where it is to be encrypted it passes the gate before that: who does not finish a handshake of
    TLS counts like who does not finish a request.
    """

    # The package's own attributes are nearly as many as Python stores compactly, which is thirty.
    __slots__ = (
        "_encrypting",
        "_first",
        "_is_clear",
        "_is_open",
        "_watch",
        "address",
        "grant",
        "heard_at",
        "identity",
    )

    gate: Gate
    tls: TlsContexts | None
    identity: str
    grant: Grant
    """What let it in, once it is."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        """Take what the package makes a connection of."""
        super().__init__(*arguments, **options)
        self.address = ""
        """The peer's IP address; empty if it has gone already."""
        self.heard_at = 0.0
        self._is_open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Let the gate decide before anything is read."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        peer = transport.get_extra_info("peername")
        self.address = str(peer[0]) if peer else ""
        if not self.gate.admits(self.address):
            transport.abort()
            return
        self.gate.enter(self)
        _keep_alive(transport.get_extra_info("socket"))
        if self.tls is None:
            read_little(transport)
            self._open(transport)
        else:
            self._encrypting = self.loop.create_task(self._encrypt(transport, self.tls.context))

    async def _encrypt(self, transport: asyncio.Transport, context: ssl.SSLContext) -> None:
        try:
            encrypted, early = await shake_hands(transport, context, timeout_s=HANDSHAKE_TIMEOUT_S)
        except OSError as error:
            self.gate.leave(self)
            self.gate.failures.note(self.address, error, self.loop.time())
            return
        encrypted.set_protocol(self)
        self._open(encrypted)
        early.replay(self)

    def _open(self, transport: asyncio.Transport) -> None:
        """Begin to listen to the peer."""
        self._is_open = True
        self.heard_at = self.loop.time()
        self._watch = FrameWatch(self)
        self._first = bytearray()
        """What has come before it was clear what the connection is about."""
        self._is_clear = False
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        """Note that the peer lives, and hand over who has come for a file."""
        self.heard_at = self.loop.time()
        if not self._is_clear:
            self._first += data
            if b"\n" not in self._first and len(self._first) < MAX_REQUEST_LINE_BYTES:
                return
            self._is_clear = True
            data = bytes(self._first)
            self._first.clear()
            if self.gate.transfers.takes(data):
                self._hand_over(data)
                return
        super().data_received(data)

    def process_event(self, event: Any) -> None:
        """Look at each frame that the package takes for a good one."""
        super().process_event(event)
        self._watch.look_at(event)

    def connection_lost(self, exc: Exception | None) -> None:
        """Leave the gate."""
        self.gate.leave(self)
        if self._is_open:
            self._watch.end()
            super().connection_lost(exc)

    def _hand_over(self, head: bytes) -> None:
        """Let a connection go on without WebSocket; the gate counts it until it is closed."""
        transport, self.transport = self.transport, _Elsewhere()
        super().connection_lost(None)
        self.gate.end_handshake(self)
        self.gate.transfers.begin(transport, head, lambda: self.gate.leave(self))


class _Elsewhere(asyncio.Transport):
    """What a WebSocket has that is none: the package drops it once the handshake has failed."""

    def abort(self) -> None:
        """Leave the real transport to who has it now."""


def gated_by(gate: Gate, tls: TlsContexts | None = None) -> type[GatedConnection]:
    """Return the connection class whose connections pass a gate, and are encrypted after it."""
    passed_gate, its_tls = gate, tls

    class PassedConnection(GatedConnection):
        gate = passed_gate
        tls = its_tls

    return PassedConnection


def _count_down(counter: Counter[str], address: str) -> None:
    counter[address] -= 1
    if counter[address] == 0:
        del counter[address]


def _keep_alive(socket: Any) -> None:
    """Have the kernel find out about peers that vanished without a word."""
    socket.setsockopt(sockets.SOL_SOCKET, sockets.SO_KEEPALIVE, 1)
    for option, value in (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 20), ("TCP_KEEPCNT", 5)):
        if hasattr(sockets, option):
            socket.setsockopt(sockets.IPPROTO_TCP, getattr(sockets, option), value)
