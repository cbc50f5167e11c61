"""A simulated OCPP 1.6-J charger, which dials in to a central system and keeps doing so."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from time import monotonic
from urllib.parse import quote

from ocpp.v16.enums import ChargePointStatus, Reason
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.typing import Subprotocol

from .car import Car
from .clock import Clock
from .faults import Faults
from .frames import Frame
from .maintenance import Maintenance
from .odd_connection import HangsUpOnPing
from .options import ChargerOptions
from .profile_set import ProfileSet
from .reporter import Reporter
from .session import Session
from .station import Station

_LOGGER = logging.getLogger(__name__)
_FRAMES_KEPT = 5_000


class SimulatedCharger:
    """A charger with its car. Start it, watch it, plug and unplug, change its faults, stop it."""

    def __init__(
        self,
        identity: str,
        url: str,
        *,
        rating_a: float = 16.0,
        phases: int = 3,
        car: Car | None = None,
        clock: Clock | None = None,
        options: ChargerOptions | None = None,
        faults: Faults | None = None,
    ) -> None:
        self.identity = identity
        self.url = url
        self.clock = clock or Clock()
        self.options = options or ChargerOptions()
        self.station = Station(
            rating_a=rating_a,
            phases=phases,
            clock=self.clock,
            options=self.options,
            faults=faults or Faults(),
        )
        self.frames: deque[Frame] = deque(maxlen=_FRAMES_KEPT)
        """What went over the wire, oldest first."""
        self.connections = 0
        """How often it has been connected."""
        self.last_error: str | None = None
        """Why the last connection failed or was refused."""
        self._car = car
        self._reporter = Reporter(self.station)
        self._maintenance = Maintenance(self.station, self.reboot)
        self._session: Session | None = None
        self._mute_sockets: list[ClientConnection] = []
        self._running: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Switch it on; it dials in by itself. Raises RuntimeError if it is on already."""
        if self._running is not None:
            raise RuntimeError(f"{self.identity} is running")
        self._running = asyncio.create_task(self._run(), name=f"charger {self.identity}")

    async def stop(self) -> None:
        """Cut its power. What it has not been able to say is kept for the next start."""
        running, self._running = self._running, None
        if running is None:
            return
        running.cancel()
        await asyncio.wait([running])
        await self._maintenance.stop()
        while self._mute_sockets:
            socket = self._mute_sockets.pop()
            socket.transport.resume_reading()
            await socket.close()
        self.station.reboot(Reason.power_loss)
        if not running.cancelled():
            running.result()

    @property
    def faults(self) -> Faults:
        """What is wrong with it; may be replaced at any time."""
        return self.station.faults

    @faults.setter
    def faults(self, faults: Faults) -> None:
        self.station.faults = faults
        self.station.advance()
        if faults.offline:
            self.drop_link()

    @property
    def dials(self) -> str:
        """Where it dials now, less its identity."""
        return self.station.security.url(self.url).rstrip("/")

    @property
    def connected(self) -> bool:
        """Whether there is a connection, accepted or not."""
        return self._session is not None

    @property
    def accepted(self) -> bool:
        """Whether the peer has accepted it since it was switched on."""
        return self.station.accepted

    @property
    def rating_a(self) -> float:
        """What its hardware lets it draw, A per line."""
        return self.station.rating_a

    @property
    def phases(self) -> int:
        """How many lines it has."""
        return self.station.phases

    @property
    def limit_a(self) -> float | None:
        """What its profiles allow connector 1, A per line; None is no limit."""
        limit = self.station.limit(1)
        return None if limit is None else limit.limit_a

    @property
    def offered_a(self) -> float:
        """What it signals to the car at connector 1, A per line."""
        return self.station.connectors[1].offered_a

    @property
    def currents_a(self) -> tuple[float, float, float]:
        """What it draws on its L1, L2 and L3."""
        return self.station.currents_a

    @property
    def energy_wh(self) -> float:
        """What its meters show, over all connectors."""
        return sum(connector.meter_wh for connector in self.station.connectors.values())

    @property
    def status(self) -> ChargePointStatus:
        """The status of connector 1."""
        return self.station.status(1)

    @property
    def transaction_id(self) -> int | None:
        """The transaction of connector 1, once the peer has given it an id."""
        transaction = self.station.connectors[1].transaction
        return None if transaction is None else transaction.id

    @property
    def profiles(self) -> ProfileSet:
        """The charging profiles installed."""
        return self.station.profiles

    @property
    def profile_writes(self) -> int:
        """How many SetChargingProfile it has received."""
        return self.station.profile_writes

    def plug_in(self, car: Car, connector_id: int = 1) -> None:
        """Let a car arrive. Raises ValueError if the connector is taken."""
        self.station.plug_in(car, connector_id)

    def unplug(self, connector_id: int = 1) -> None:
        """Let the car leave."""
        self.station.unplug(connector_id)

    def drop_link(self) -> None:
        """Lose the connection without a word to the peer; it comes back by itself."""
        if self._session is not None:
            self._session.abort()

    def reboot(self) -> None:
        """Restart without a word to the peer, as a watchdog makes it."""
        self.station.reboot(Reason.reboot)
        if self._session is not None:
            self._session.rebooting = True
            self._session.abort()

    async def duplicate_socket(self) -> None:
        """Open a second connection under the same identity, on which nothing is ever said.

        Nor is a ping answered there. Raises OSError or WebSocketException if the peer does not take
        it.
        """
        socket = await self._dial(ping_interval_s=None)
        socket.transport.pause_reading()
        self._mute_sockets.append(socket)

    def reset_meters(self) -> None:
        """Let the energy registers begin at 0 again."""
        self.station.advance()
        for connector in self.station.connectors.values():
            connector.meter_wh = 0.0

    async def disconnect(self) -> None:
        """Break the connection, as a bad network does; it comes back by itself."""
        if self._session is not None:
            await self._session.close()

    async def wait_until(self, predicate: Callable[[], bool], timeout: float = 10.0) -> None:
        """Wait for something to come true. Raises TimeoutError after `timeout` real seconds."""
        deadline = monotonic() + timeout
        while not predicate():
            if monotonic() > deadline:
                raise TimeoutError(f"{self.identity}: not so within {timeout} s")
            await asyncio.sleep(0.01)

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._tick())
            tasks.create_task(self._stay_connected())

    async def _tick(self) -> None:
        began_s = self.clock.seconds()
        while True:
            arrived = self.clock.seconds() - began_s >= self.options.plug_in_after_s
            if arrived and self._car is not None:
                car, self._car = self._car, None
                self.station.plug_in(car)
            self.station.see_link(connected=self.connected)
            self.station.advance()
            await self.clock.sleep(self.options.tick_s)

    async def _stay_connected(self) -> None:
        wait_s = self.options.reconnect_s
        while True:
            session = await self._connect_once()
            if session is not None and session.rebooting:
                await self.clock.sleep(self.options.reboot_s)
                continue
            if session is not None:
                wait_s = self.options.reconnect_s
            await self.clock.sleep(wait_s)
            wait_s = min(2 * wait_s, self.options.reconnect_at_most_s)

    async def _connect_once(self) -> Session | None:
        """Connect and serve until the end; return None if there was no connection."""
        try:
            if self.faults.offline:
                raise ConnectionError("no network")
            async with self._dial() as connection:
                return await self._serve(connection)
        except (OSError, WebSocketException, TimeoutError) as error:
            self.last_error = str(error)
            _LOGGER.info("%s: no connection: %s", self.identity, error)
            return None

    def _dial(self, *, ping_interval_s: float | None = 20.0) -> connect:
        security = self.station.security
        knows_pings = not self.options.behaviour.hangs_up_on_ping
        return connect(
            f"{self.dials}/{quote(self.identity, safe='')}",
            ssl=security.context(),
            subprotocols=[Subprotocol("ocpp1.6")],
            additional_headers=security.headers(self.identity),
            compression=None,
            proxy=None,
            ping_interval=ping_interval_s if knows_pings else None,
            close_timeout=2,
            create_connection=ClientConnection if knows_pings else HangsUpOnPing,
        )

    async def _serve(self, connection: ClientConnection) -> Session:
        session = Session(
            self.identity,
            self.station,
            self._reporter,
            connection,
            self.frames,
            self._maintenance,
        )
        self._session = session
        self.connections += 1
        if self.options.boots_on_reconnect:
            self.station.accepted = False
        if self.faults.drop_profiles_on_reconnect:
            self.station.clear_profiles()
        try:
            await session.run()
        except* ConnectionClosed as closed:
            self.last_error = str(closed.exceptions[0])
        finally:
            self._session = None
        return session
