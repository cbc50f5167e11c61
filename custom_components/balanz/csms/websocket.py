"""The `websockets` package, versions 15 to 17, as the central system needs it."""

import asyncio
import logging
import re
from urllib.parse import unquote_to_bytes

from websockets.asyncio.connection import Connection
from websockets.asyncio.server import Server
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.protocol import State

from .gate import GatedConnection
from .peers import Peer, end_of, names_in
from .rpc_errors import ConnectionLost

MAX_MESSAGE_BYTES = 256 * 1024
CLOSE_TIMEOUT_S = 5.0
MAX_HEADERS = 64
MAX_HEADER_BYTES = 8 * 1024
_HOST = re.compile(r"[A-Za-z0-9_.\-]{1,253}(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](:[0-9]{1,5})?")
_PREFIX = re.compile(r"(/[A-Za-z0-9_.~-]{1,50}){0,5}")
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


def asks_for(headers: Headers, name: str, word: str) -> bool:
    """Return whether a header that lists words has this one."""
    words = ",".join(headers.get_all(name)).lower().split(",")
    return word in (found.strip() for found in words)


def is_oversized(headers: Headers) -> bool:
    """Return whether a request has more headers than any charger needs."""
    items = list(headers.raw_items())
    size = sum(len(name) + len(value) for name, value in items)
    return len(items) > MAX_HEADERS or size > MAX_HEADER_BYTES


class WebSocket:
    """A WebSocket in the words of the RPC layer."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def ping(self, timeout_s: float) -> bool:
        """Return whether the peer answers a ping in time. Raises ConnectionLost."""
        try:
            async with asyncio.timeout(timeout_s):
                await asyncio.shield(await self._connection.ping())
        except TimeoutError:
            return False
        except ConnectionClosed:
            raise ConnectionLost(sent=True) from None
        return True

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


class ChargerSocket(WebSocket):
    """One that a charger has opened."""

    def __init__(self, connection: GatedConnection) -> None:
        super().__init__(connection)
        self._gated = connection

    @property
    def heard_at(self) -> float:
        """When anything came from the peer last, in s of the event loop's clock."""
        return self._gated.heard_at

    @property
    def is_lost(self) -> bool:
        """Whether it has ended at the peer's side."""
        return self._gated.state is not State.OPEN


def peer_of(connection: GatedConnection) -> Peer:
    """Return who is at the other end; without an address if it has gone already."""
    encryption = connection.transport.get_extra_info("ssl_object")
    certificate = encryption.getpeercert() if encryption else None
    return Peer(
        address=connection.address,
        encrypted=encryption is not None,
        certificate_names=names_in(certificate),
        certificate_ends=end_of(certificate),
    )


def dialled_url(connection: GatedConnection) -> str | None:
    """Return how a charger that has dialled in reaches this server by HTTP; None if unknown.

    It is the host that it named itself, and what its path had before its identity: so it holds
    through a proxy as well.
    """
    request = connection.request
    if request is None:
        return None
    host = next(iter(request.headers.get_all("Host")), "")
    prefix = request.path.partition("?")[0].rstrip("/").rpartition("/")[0]
    if not _HOST.fullmatch(host) or not _PREFIX.fullmatch(prefix):
        return None
    forwarded = ",".join(request.headers.get_all("X-Forwarded-Proto")).lower()
    encrypted = connection.transport.get_extra_info("ssl_object") is not None
    is_https = encrypted or forwarded in ("https", "wss")
    return f"{'https' if is_https else 'http'}://{host}{prefix}"


def forget_handshake(connection: GatedConnection) -> None:
    """Drop what a charger has dialled in with: some three KiB, and its password among it."""
    for one in (connection.request, connection.response):
        if one is not None:
            one.headers.clear()


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
    if record.msg == "opening handshake failed":
        return False
    # So ends a request that is refused, if what follows it in the same packet is no frame.
    error = record.exc_info[1] if record.exc_info else None
    return not (record.msg == "unexpected internal error" and isinstance(error, AssertionError))
