"""The listening socket: who may come in, and as whom."""

import asyncio
import logging
import math
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from types import MappingProxyType

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from .admission import Admission, AdmissionRule, Grant, Refusal
from .events import StationEvent, StationRefused
from .gate import HANDSHAKE_TIMEOUT_S, Gate, GatedConnection, gated_by
from .interview_pace import InterviewPace
from .line_watch import PING_AFTER_S, Pings, watch_line
from .message_rate import MESSAGES_PER_S, MessageRate
from .pairing import PendingStation
from .patience import Penalties, Reconnects
from .peers import Peer
from .rpc import CALL_TIMEOUT_S, RpcConnection
from .security_profile import SecurityProfile
from .station import Station
from .tag_desk import TagDesk
from .tls import TlsContexts, TlsSettings
from .transactions import TransactionBook
from .turnstile import Turnstile
from .validation import load
from .websocket import (
    CLOSE_TIMEOUT_S,
    MAX_MESSAGE_BYTES,
    ChargerSocket,
    asks_for,
    close_for_good,
    dialled_url,
    forget_handshake,
    is_oversized,
    offered_subprotocols,
    parse_identity,
    peer_of,
    quiet_logger,
)

_LOGGER = logging.getLogger(__name__)

OCPP_16 = Subprotocol("ocpp1.6")
MAX_REFUSED = 50
MAX_PENDING = 16


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
    ping_after_s: float = PING_AFTER_S
    """A charger that is not heard for so long is sent a ping."""
    messages_per_s: float = MESSAGES_PER_S
    """What a charger sends faster, for long, has to wait."""
    tls: TlsSettings | None = None
    """Where to listen for encrypted connections, besides; None: nowhere."""
    renewal_s: float = 120.0
    """How often to look for renewed certificate files."""


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
        tag_desk: TagDesk | None = None,
    ) -> None:
        self._settings = settings
        self._listener = listener
        self._transactions = transactions
        self.tag_desk = tag_desk or TagDesk(tags={}, transactions=transactions, listener=self._emit)
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
        self._renewal: asyncio.Task[None] | None = None
        self._penalties = Penalties()
        self._turnstile = Turnstile()
        self._pace = InterviewPace()
        self._reconnects: dict[str, Reconnects] = {}
        self._hinted: set[tuple[str, str]] = set()
        self._gate = Gate(lambda: len(self._stations))
        self.transfers = self._gate.transfers
        """Files that chargers load up and down, at the same ports."""

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

    def limit_sockets(self, per_address: int | None) -> None:
        """Say how many sockets may come from one address; None: as many as all chargers need."""
        self._gate.max_per_address = per_address

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
            self._reconnects.pop(identity, None)
        for identity in known - self._stations.keys():
            station = Station(
                identity,
                transactions=self._transactions,
                tag_desk=self.tag_desk,
                listener=self._emit,
                pace=self._pace,
            )
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
            self._renewal = asyncio.get_running_loop().create_task(
                self._renew_certificates(self.tls)
            )

    async def _listen(self, port: int, tls: TlsContexts | None = None) -> Server:
        return await serve(
            self._serve,
            self._settings.host,
            port,
            process_request=self._process_request,
            select_subprotocol=_select_subprotocol,
            create_connection=gated_by(self._gate, tls),
            compression=None,
            max_size=MAX_MESSAGE_BYTES,
            open_timeout=HANDSHAKE_TIMEOUT_S,
            close_timeout=CLOSE_TIMEOUT_S,
            # Some chargers never answer a ping; the watch over each line knows of them.
            ping_interval=None,
            server_header=None,
            logger=quiet_logger(f"{__name__}.websockets"),
        )

    async def stop(self) -> None:
        """Close all sockets and wait until nothing is left of them."""
        if self._renewal is not None:
            self._renewal.cancel()
            with suppress(asyncio.CancelledError):
                await self._renewal
        servers = [server for server in (self._server, self._tls_server) if server is not None]
        for server in servers:
            server.close()
        self._gate.drop_handshakes()
        await self.transfers.stop()
        for server in servers:
            await close_for_good(server)
        self._server = self._tls_server = None

    async def _renew_certificates(self, tls: TlsContexts) -> None:
        """Look for renewed certificate files for as long as the server runs."""
        while True:
            await asyncio.sleep(self._settings.renewal_s)
            await tls.reload_if_changed()

    def _emit(self, event: StationEvent) -> None:
        """Tell the listener what has happened."""
        try:
            self._listener(event)
        except Exception:
            # A fault of the listener must not cost a charger its answer.
            _LOGGER.exception("An event was not taken: %s", event)

    async def _process_request(
        self, connection: ServerConnection, request: Request
    ) -> Response | None:
        """Let a request pass or return its refusal."""
        assert isinstance(connection, GatedConnection)
        self._gate.end_handshake(connection)
        headers = request.headers
        if is_oversized(headers):
            return connection.respond(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "")
        if not asks_for(headers, "Upgrade", "websocket"):
            return None
        identity = parse_identity(request.path)
        if identity is None:
            return connection.respond(HTTPStatus.NOT_FOUND, "")
        answer = await self.admission.check(
            identity,
            headers.get_all("Authorization"),
            peer_of(connection),
            may_wait=self._may_wait(identity),
        )
        if isinstance(answer, Refusal):
            if identity not in self._stations:
                self._refuse(identity, connection.address)
            response = connection.respond(answer.status, "")
            response.headers.update(answer.headers)
            return response
        connection.identity = identity
        connection.grant = answer
        return self._refuse_handshake(connection, headers)

    def _refuse_handshake(self, connection: GatedConnection, headers: Headers) -> Response | None:
        """Return the refusal of a charger that may come in, but not in this way."""
        wait_s = self._penalties.left_s(_who(connection), connection.loop.time())
        if wait_s > 0.0:
            response = connection.respond(HTTPStatus.TOO_MANY_REQUESTS, "")
            response.headers["Retry-After"] = str(math.ceil(wait_s))
            return response
        if not asks_for(headers, "Connection", "upgrade"):
            self._hint(
                connection.identity,
                "is refused, since it does not ask for an upgrade of its connection",
            )
            return connection.respond(HTTPStatus.BAD_REQUEST, "Connection: Upgrade is missing\n")
        if headers.get_all("Sec-WebSocket-Version") != ["13"]:
            self._hint(
                connection.identity,
                "is refused, since it speaks another version of WebSocket than 13",
            )
            response = connection.respond(HTTPStatus.UPGRADE_REQUIRED, "")
            response.headers["Sec-WebSocket-Version"] = "13"
            return response
        offered = offered_subprotocols(headers.get_all("Sec-WebSocket-Protocol"))
        if offered and OCPP_16 not in offered:
            self._hint(connection.identity, "is refused, since it does not offer OCPP 1.6")
            return connection.respond(HTTPStatus.BAD_REQUEST, "only ocpp1.6 is spoken here\n")
        if not offered and "Sec-WebSocket-Protocol" in headers:
            del headers["Sec-WebSocket-Protocol"]
        return None

    def _hint(self, identity: str, problem: str) -> None:
        """Tell once what keeps a known charger from being served."""
        if identity in self._stations and (identity, problem) not in self._hinted:
            self._hinted.add((identity, problem))
            _LOGGER.warning("Charger %s %s", identity, problem)

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
        identity, address = connection.identity, connection.address
        await self._slow_down(connection)
        socket = ChargerSocket(connection)
        rpc = RpcConnection(
            socket,
            name=identity,
            call_timeout_s=self._settings.call_timeout_s,
            rate=MessageRate(per_s=self._settings.messages_per_s),
            turnstile=self._turnstile,
        )
        pings = Pings()
        station = self._stations.get(identity)
        if station is not None:
            pings = station.pings
            if not self.admission.admitted(identity, connection.grant):
                return
            _LOGGER.info("Charger %s has connected from %s", identity, address)
            if station.connected:
                self.admission.replaced(identity, address, asyncio.get_running_loop().time())
            station.dialled = dialled_url(connection)
            station.attach(rpc, authorization=_authorization_of(connection))
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
        forget_handshake(connection)
        rpc.spawn(
            watch_line(
                socket,
                pings,
                silence_limit_s=self._settings.silence_limit_s,
                ping_after_s=self._settings.ping_after_s,
            )
        )
        await rpc.run()
        if rpc.misbehaved:
            self._penalties.add(_who(connection), connection.loop.time())
        _LOGGER.info("Charger %s has disconnected", identity)

    async def _slow_down(self, connection: GatedConnection) -> None:
        """Serve a charger later that connects again and again."""
        identity = connection.identity
        if identity not in self._stations:
            return
        reconnects = self._reconnects.setdefault(identity, Reconnects())
        delay_s = reconnects.delay_s(connection.loop.time())
        if delay_s > 0.0:
            self._hint(identity, "connects again and again; do two use its identity?")
            await asyncio.sleep(delay_s)

    def _forget_pending(self, pending: PendingStation) -> None:
        if self._pending.get(pending.identity) is pending:
            del self._pending[pending.identity]


def _select_subprotocol(
    _connection: ServerConnection, offered: Sequence[Subprotocol]
) -> Subprotocol | None:
    """Speak OCPP 1.6, also with chargers that forget to ask for it."""
    return OCPP_16 if OCPP_16 in offered else None


def _authorization_of(connection: ServerConnection) -> str | None:
    """Return what a charger has shown to get in; None where that was nothing, or two things."""
    shown = (
        [] if connection.request is None else connection.request.headers.get_all("Authorization")
    )
    return shown[0] if len(shown) == 1 else None


def _port_of(server: Server) -> int:
    port: int = next(iter(server.sockets)).getsockname()[1]
    return port


def _who(connection: GatedConnection) -> str:
    """Return whom a penalty is meant for: others may use the same identity, or the same address."""
    return f"{connection.identity}@{connection.address}"
