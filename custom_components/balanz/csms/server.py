"""The listening socket: who may come in, and as whom."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from types import MappingProxyType

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from .admission import Admission, AdmissionRule, Grant, Refusal
from .events import StationEvent, StationRefused
from .pairing import PendingStation
from .peers import Peer
from .rpc import CALL_TIMEOUT_S, RpcConnection
from .security_profile import SecurityProfile
from .station import Station
from .tls import TlsContexts, TlsSettings
from .transactions import TransactionBook
from .validation import load
from .websocket import (
    CLOSE_TIMEOUT_S,
    HANDSHAKE_TIMEOUT_S,
    MAX_MESSAGE_BYTES,
    Gate,
    GatedConnection,
    WebSocket,
    close_for_good,
    gated_by,
    offered_subprotocols,
    parse_identity,
    peer_of,
    quiet_logger,
)

_LOGGER = logging.getLogger(__name__)

OCPP_16 = Subprotocol("ocpp1.6")
MAX_REFUSED = 50
MAX_PENDING = 16
SPARE_SOCKETS = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """Where to listen."""

    host: str
    port: int
    """0 for any free one."""
    silence_limit_s: float = 900.0
    """A charger that is not heard for so long is gone: three times its heartbeat interval."""
    call_timeout_s: float = CALL_TIMEOUT_S
    """How long a charger may take to answer."""
    tls: TlsSettings | None = None
    """Where to listen for encrypted connections, besides; None: nowhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedStation:
    """A charger that nobody knows."""

    identity: str
    address: str
    last_seen: datetime
    count: int


class CentralSystem:
    """Chargers dial in here. Events go to the listener, in the event loop."""

    def __init__(
        self,
        settings: ServerSettings,
        listener: Callable[[StationEvent], None],
        transactions: TransactionBook,
    ) -> None:
        self._settings = settings
        self._listener = listener
        self._transactions = transactions
        self._stations: dict[str, Station] = {}
        self._pending: dict[str, PendingStation] = {}
        self._refused: OrderedDict[str, RefusedStation] = OrderedDict()
        self._pairing_open = False
        self.admission = Admission(self._emit)
        self.tls = None if settings.tls is None else TlsContexts(settings.tls)
        """The certificates; None where nothing is encrypted."""
        self.on_certificate_wanted: Callable[[str, str], bool] | None = None
        """Who signs certificates of chargers; None: nobody does."""
        self._server: Server | None = None
        self._tls_server: Server | None = None
        self._watchdog: asyncio.Task[None] | None = None
        self._gate = Gate(lambda: 2 * len(self._stations) + SPARE_SOCKETS)

    @property
    def port(self) -> int:
        """The port that is listened on."""
        if self._server is None:
            return self._settings.port
        return _port_of(self._server)

    @property
    def tls_port(self) -> int | None:
        """The port that is listened on for encrypted connections, if any."""
        if self._tls_server is None:
            return None if self._settings.tls is None else self._settings.tls.port
        return _port_of(self._tls_server)

    @property
    def stations(self) -> Mapping[str, Station]:
        """The known chargers, connected or not, by identity."""
        return MappingProxyType(self._stations)

    @property
    def refused(self) -> Mapping[str, RefusedStation]:
        """The chargers that were refused, by identity."""
        return MappingProxyType(self._refused)

    @property
    def pairing_open(self) -> bool:
        """Whether unknown chargers may introduce themselves."""
        return self._pairing_open

    @pairing_open.setter
    def pairing_open(self, is_open: bool) -> None:
        self._pairing_open = is_open
        if not is_open:
            for pending in self._pending.values():
                pending.rpc.stop(1000, "not known here")

    def set_known(
        self,
        identities: Iterable[str],
        rules: Mapping[str, AdmissionRule] = MappingProxyType({}),
    ) -> None:
        """Say which chargers belong here, and what is asked of those that anything is asked of.

        Sockets of the others are closed, none else.
        """
        known = set(identities)
        self.admission.set_rules(
            {identity: rules.get(identity, AdmissionRule()) for identity in known}
        )
        for identity in self._stations.keys() - known:
            self._stations.pop(identity).disconnect("no longer known here")
        for identity in known - self._stations.keys():
            station = Station(identity, transactions=self._transactions, listener=self._emit)
            station.on_certificate_wanted = self.on_certificate_wanted
            self._stations[identity] = station
            self._refused.pop(identity, None)
            pending = self._pending.pop(identity, None)
            if pending is not None:
                _LOGGER.info("Charger %s is accepted", identity)
                grant = Grant(profile=SecurityProfile.OPEN, peer=Peer(address=pending.address))
                self.admission.admitted(identity, grant)
                station.attach(pending.rpc, must_boot=True)

    async def start(self) -> None:
        """Listen.

        Raises OSError if that cannot be, such as on a port in use, TlsError if the certificates
        cannot be used.
        """
        await load()
        if self.tls is not None:
            await self.tls.load()
        self._server = await self._listen(self._settings.port)
        if self.tls is not None:
            self._tls_server = await self._listen(self.tls.settings.port, self.tls)
        self._watchdog = asyncio.get_running_loop().create_task(self._drop_silent())

    async def _listen(self, port: int, tls: TlsContexts | None = None) -> Server:
        encrypted = {} if tls is None else tls.server_arguments()
        return await serve(
            self._serve,
            self._settings.host,
            port,
            process_request=self._process_request,
            select_subprotocol=_select_subprotocol,
            create_connection=gated_by(self._gate),
            compression=None,
            max_size=MAX_MESSAGE_BYTES,
            open_timeout=HANDSHAKE_TIMEOUT_S,
            close_timeout=CLOSE_TIMEOUT_S,
            # Some chargers never answer a ping. What tells that they live is what they send.
            ping_interval=None,
            server_header=None,
            logger=quiet_logger(f"{__name__}.websockets"),
            **encrypted,
        )

    async def stop(self) -> None:
        """Close all sockets and wait until nothing is left of them."""
        if self._watchdog is not None:
            self._watchdog.cancel()
            with suppress(asyncio.CancelledError):
                await self._watchdog
        servers = [server for server in (self._server, self._tls_server) if server is not None]
        for server in servers:
            server.close()
        self._gate.drop_handshakes()
        for server in servers:
            await close_for_good(server)
        self._server = self._tls_server = None

    def _emit(self, event: StationEvent) -> None:
        """Tell the listener what has happened."""
        try:
            self._listener(event)
        except Exception:
            # A fault of the listener must not cost a charger its answer.
            _LOGGER.exception("An event was not taken: %s", event)

    async def _drop_silent(self) -> None:
        """Drop the connections of chargers that vanished without a word; look for renewed files."""
        while True:
            await asyncio.sleep(self._settings.silence_limit_s / 6)
            self._gate.drop_silent(self._settings.silence_limit_s)
            if self.tls is not None:
                await self.tls.reload_if_changed()

    async def _process_request(
        self, connection: ServerConnection, request: Request
    ) -> Response | None:
        """Let a request pass or return its refusal."""
        assert isinstance(connection, GatedConnection)
        self._gate.handshakes.discard(connection)
        if not any("websocket" in value.lower() for value in request.headers.get_all("Upgrade")):
            return None
        identity = parse_identity(request.path)
        if identity is None:
            return connection.respond(HTTPStatus.NOT_FOUND, "")
        answer = await self.admission.check(
            identity,
            request.headers.get_all("Authorization"),
            peer_of(connection),
            may_wait=self._may_wait(identity),
        )
        if isinstance(answer, Refusal):
            if identity not in self._stations:
                self._refuse(identity, _address(connection))
            response = connection.respond(answer.status, "")
            response.headers.update(answer.headers)
            return response
        offered = offered_subprotocols(request.headers.get_all("Sec-WebSocket-Protocol"))
        if offered and OCPP_16 not in offered:
            return connection.respond(HTTPStatus.BAD_REQUEST, "only ocpp1.6 is spoken here\n")
        if not offered and "Sec-WebSocket-Protocol" in request.headers:
            del request.headers["Sec-WebSocket-Protocol"]
        connection.identity = identity
        connection.grant = answer
        return None

    def _may_wait(self, identity: str) -> bool:
        """Return whether an unknown charger may introduce itself."""
        has_room = identity in self._pending or len(self._pending) < MAX_PENDING
        return self._pairing_open and has_room

    def _refuse(self, identity: str, address: str) -> None:
        """Note a refusal; only the first one of a charger is worth a word."""
        known = self._refused.pop(identity, None)
        count = known.count if known else 0
        self._refused[identity] = RefusedStation(
            identity=identity, address=address, last_seen=datetime.now(UTC), count=count + 1
        )
        is_flood = len(self._refused) > MAX_REFUSED
        if is_flood:
            self._refused.popitem(last=False)
        if known is None and not is_flood:
            _LOGGER.warning("Unknown charger %s at %s is refused", identity, address)
            self._emit(StationRefused(identity=identity, address=address))

    async def _serve(self, connection: ServerConnection) -> None:
        """Serve one socket until it is closed."""
        assert isinstance(connection, GatedConnection)
        identity, address = connection.identity, _address(connection)
        rpc = RpcConnection(
            WebSocket(connection), name=identity, call_timeout_s=self._settings.call_timeout_s
        )
        station = self._stations.get(identity)
        if station is not None:
            if not self.admission.admitted(identity, connection.grant):
                return
            _LOGGER.info("Charger %s has connected from %s", identity, address)
            if station.connected:
                self.admission.replaced(identity, address, asyncio.get_running_loop().time())
            station.attach(rpc)
        elif self._may_wait(identity):
            _LOGGER.info("Unknown charger %s at %s waits to be accepted", identity, address)
            older = self._pending.get(identity)
            if older is not None:
                older.rpc.stop(1000, "replaced by a new connection")
            self._pending[identity] = PendingStation(
                identity, address, rpc, self._emit, self._forget_pending
            )
        else:
            return
        await rpc.run()
        _LOGGER.info("Charger %s has disconnected", identity)

    def _forget_pending(self, pending: PendingStation) -> None:
        if self._pending.get(pending.identity) is pending:
            del self._pending[pending.identity]


def _select_subprotocol(
    _connection: ServerConnection, offered: Sequence[Subprotocol]
) -> Subprotocol | None:
    """Speak OCPP 1.6, also with chargers that forget to ask for it."""
    return OCPP_16 if OCPP_16 in offered else None


def _port_of(server: Server) -> int:
    port: int = next(iter(server.sockets)).getsockname()[1]
    return port


def _address(connection: ServerConnection) -> str:
    """Return the peer's IP address; empty if it has gone already."""
    address = connection.remote_address
    return str(address[0]) if address else ""
