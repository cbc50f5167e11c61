"""The connection of one charger to its back office, dialled again whenever it is lost."""

import asyncio
import contextlib
import logging
import random
import ssl
from base64 import b64encode
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, InvalidStatus
from websockets.typing import Subprotocol

from ..frame_log import FrameLog
from ..frame_watch import WatchedConnection
from ..rpc import Peer, RpcConnection
from ..rpc_errors import ConnectionLost
from ..rpc_frames import Payload
from ..websocket import MAX_MESSAGE_BYTES, WebSocket, quiet_logger
from .upstream_settings import UpstreamSettings

OCPP_16 = Subprotocol("ocpp1.6")
DIAL_S = 10.0
CALL_TIMEOUT_S = 30.0
"""Back offices are slow at times; what is asked of chargers meanwhile waits for none of this."""
PING_S = 30.0
MAX_CALLS_QUEUED = 16

_LOGGER = logging.getLogger(__name__)


class Trouble(StrEnum):
    """Why a back office cannot be reached."""

    UNREACHABLE = "unreachable"
    """Nobody is there, or nobody answers."""
    CREDENTIALS = "credentials"
    """It refuses identity and password (401 or 403)."""
    UNKNOWN_CHARGER = "unknown_charger"
    """It knows no such charger (404)."""
    CERTIFICATE = "certificate"
    """Its certificate cannot be trusted, or encryption fails."""
    PROTOCOL = "protocol"
    """What answers is no back office that speaks OCPP 1.6."""


_PROTESTS = frozenset({1002, 1003, 1007, 1008, 1009})
"""Codes with which a connection is closed for what came over it (RFC 6455, section 7.4.1)."""
_REFUSALS = (Trouble.CREDENTIALS, Trouble.UNKNOWN_CHARGER)
_TRIES_REFUSED = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """How long to wait before dialling again."""

    first_s: float = 5.0
    most_s: float = 300.0
    refused_s: float = 600.0
    """After a refusal, which only somebody can end."""
    stable_s: float = 60.0
    """A connection that lasted so long was a good one."""

    def wait_s(self, failures: int, trouble: Trouble | None) -> float:
        """Return the wait after so many failures in a row, with jitter."""
        least_s = min(self.first_s * 2.0 ** min(max(failures - 1, 0), 20), self.most_s)
        if trouble in _REFUSALS and failures > _TRIES_REFUSED:
            least_s = self.refused_s
        return least_s * (1.0 + random.random())


class UpstreamLeg:
    """Keeps one connection to a back office for as long as it is wanted."""

    def __init__(
        self,
        settings: UpstreamSettings,
        charger: str,
        *,
        peer: Peer,
        serve: Callable[[RpcConnection], Awaitable[None]],
        on_change: Callable[[], None],
        backoff: Backoff | None = None,
        call_timeout_s: float = CALL_TIMEOUT_S,
    ) -> None:
        """Dial nobody yet.

        `peer` answers the back office; `serve` works for as long as a connection lasts.
        """
        self.authorization: str | None = None
        """What the charger itself came with; kept in memory alone."""
        self.trouble: Trouble | None = None
        """Why there is no connection; None while there is one, or before the first try."""
        self.failures = 0
        """How many tries have failed in a row."""
        self.shown_out_at: float | None = None
        """When the connection was last closed for what came over it (monotonic s)."""
        self.frames = FrameLog("back office")
        """The last of what was said on it."""
        self.after: asyncio.Task[None] | None = None
        """What has to end before the first try."""
        self._settings = settings
        self._charger = charger
        self._peer = peer
        self._serve = serve
        self._on_change = on_change
        self._backoff = backoff or Backoff()
        self._call_timeout_s = call_timeout_s
        self._rpc: RpcConnection | None = None
        self._task: asyncio.Task[None] | None = None
        self._tried = asyncio.Event()
        """Whether the first try since the start has come to something."""

    @property
    def connected(self) -> bool:
        """Whether calls can be made."""
        return self._rpc is not None

    def start(self) -> None:
        """Dial, and dial again, until `stop`."""
        if self._task is None:
            self._tried.clear()
            self._task = asyncio.get_running_loop().create_task(self._keep())

    async def stop(self) -> None:
        """Close the connection and dial no more."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self._tried.set()

    async def reached(self, within_s: float) -> bool:
        """Return whether it is connected, after the first try has had its time."""
        if self._rpc is None and self._task is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(within_s):
                    await self._tried.wait()
        return self._rpc is not None

    async def call(
        self, action: str, payload: Payload, *, urgent: bool = False, message_id: str | None = None
    ) -> Payload:
        """Send a call and return the answer. Raises CallFailed."""
        if self._rpc is None:
            raise ConnectionLost(sent=False)
        return await self._rpc.call(action, payload, urgent=urgent, message_id=message_id)

    async def _keep(self) -> None:
        loop = asyncio.get_running_loop()
        if self.after is not None:
            await asyncio.wait((self.after,))
        while True:
            connected_at = None
            try:
                connection = await self._dial()
            except Exception as error:
                # Whatever stands in the way, it is tried again.
                self._failed(_trouble_of(error), error)
            else:
                connected_at = loop.time()
                rpc = self._rpc_over(connection)
                try:
                    await self._speak(connection, rpc)
                finally:
                    self._rpc = None
                    self._on_change()
                if rpc.misbehaved or _has_protested(connection):
                    self.shown_out_at = loop.time()
                if loop.time() - connected_at >= self._backoff.stable_s:
                    self.failures = 0
                self._failed(Trouble.UNREACHABLE, None)
            await asyncio.sleep(self._backoff.wait_s(self.failures, self.trouble))

    async def _dial(self) -> ClientConnection:
        address = self._settings.address(self._charger)
        headers = {}
        authorization = self._authorization()
        if authorization is not None:
            headers["Authorization"] = authorization
        context = None
        if address.startswith("wss:"):
            create = partial(ssl.create_default_context, cafile=self._settings.ca_file)
            context = await asyncio.get_running_loop().run_in_executor(None, create)
        connection = await _Connect(
            address,
            create_connection=WatchedConnection,
            subprotocols=[OCPP_16],
            additional_headers=headers,
            ssl=context,
            compression=None,
            max_size=MAX_MESSAGE_BYTES,
            open_timeout=DIAL_S,
            close_timeout=2.0,
            ping_interval=PING_S,
            ping_timeout=PING_S,
            proxy=None,
            logger=quiet_logger(f"{__name__}.websockets"),
        )
        if connection.subprotocol != OCPP_16:
            await connection.close(1002, "only ocpp1.6 is spoken here")
            raise InvalidHandshake("no OCPP 1.6")
        return connection

    def _authorization(self) -> str | None:
        settings = self._settings
        if settings.password is None:
            return self.authorization
        user = settings.username or settings.identity or self._charger
        return "Basic " + b64encode(f"{user}:{settings.password}".encode()).decode()

    def _rpc_over(self, connection: ClientConnection) -> RpcConnection:
        rpc = RpcConnection(
            WebSocket(connection),
            name=f"back office of {self._charger}",
            call_timeout_s=self._call_timeout_s,
            busy_beyond=MAX_CALLS_QUEUED,
        )
        rpc.peer = self._peer
        rpc.frames = self.frames
        return rpc

    async def _speak(self, connection: ClientConnection, rpc: RpcConnection) -> None:
        self._rpc, self.trouble = rpc, None
        self._tried.set()
        _LOGGER.info("%s is connected to its back office", self._charger)
        self._on_change()
        rpc.spawn(self._work(rpc))
        try:
            await rpc.run()
        except asyncio.CancelledError:
            await connection.close(1000, "the charger has left")
            raise
        await connection.close()

    async def _work(self, rpc: RpcConnection) -> None:
        with contextlib.suppress(ConnectionLost):
            await self._serve(rpc)

    def _failed(self, trouble: Trouble, error: Exception | None) -> None:
        if self.trouble is not trouble:
            why = "the connection has ended" if error is None else str(error) or repr(error)
            _LOGGER.info("%s has no back office (%s): %s", self._charger, trouble.value, why)
        self.failures += 1
        self.trouble = trouble
        self._tried.set()
        self._on_change()


class _Connect(connect):
    """Dials where it was told to and nowhere else: a redirect would give the password away."""

    def process_redirect(self, exc: Exception) -> Exception:
        """Take a redirect for the failure that it is."""
        return exc


def _has_protested(connection: ClientConnection) -> bool:
    """Return whether it was closed from here, and for what had come."""
    sent, has_echoed = connection.protocol.close_sent, connection.protocol.close_rcvd_then_sent
    return sent is not None and sent.code in _PROTESTS and not has_echoed


def _trouble_of(error: Exception) -> Trouble:
    if isinstance(error, InvalidStatus):
        match error.response.status_code:
            case 401 | 403:
                return Trouble.CREDENTIALS
            case 404:
                return Trouble.UNKNOWN_CHARGER
            case 408 | 429 | 500 | 502 | 503 | 504:
                return Trouble.UNREACHABLE
        return Trouble.PROTOCOL
    if isinstance(error, ssl.SSLError):
        return Trouble.CERTIFICATE
    if isinstance(error, InvalidHandshake | ValueError):
        return Trouble.PROTOCOL
    # A certificate file that is not there is a matter of certificates as well.
    if isinstance(error, FileNotFoundError | PermissionError | IsADirectoryError):
        return Trouble.CERTIFICATE
    return Trouble.UNREACHABLE
