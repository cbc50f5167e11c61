"""A simulated back office: the central system of an operator, which bills what is charged.

It knows nothing of balanz nor of the supply: it authorises, numbers transactions, and limits a
charger when it is told to. Its link can be cut and mended.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count, pairwise
from typing import Any

from ocpp.exceptions import OCPPError
from ocpp.v16 import ChargePoint
from ocpp.v16 import call as calls
from ocpp.v16 import call_result as results
from ocpp.v16.enums import Action, AuthorizationStatus, RegistrationStatus
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from .clock import parse_timestamp, timestamp
from .routes import on, routes

# The package has no types for these, and logs each message.
call: Any = calls
call_result: Any = results
_LOGGER = logging.getLogger(__name__)
_LOGGER.setLevel(logging.CRITICAL)

PROFILE_ID = 77
INTERVAL_S = 60
LATE_S = 5.0
"""What is told later than this was kept until it could be told."""
_ANSWER_LIMIT_S = 10.0
_OF_TRANSACTIONS = ("StartTransaction", "MeterValues", "StopTransaction")


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A call of a charger."""

    charger: str
    action: str
    payload: dict[str, Any]
    said_at: datetime | None
    """When it was, as the charger says; None where it says nothing of that."""
    late_s: float
    """How much later it was told."""


@dataclass(slots=True, kw_only=True)
class Session:
    """A transaction as it is billed."""

    id: int
    charger: str
    id_tag: str
    meter_start_wh: int
    meter_stop_wh: int | None = None
    """None while it runs."""


class BackOffice:
    """Remembers what it hears, and tells of it in short sentences."""

    def __init__(self, *, port: int = 0, tell: Callable[[str], None] = lambda _: None) -> None:
        """Listen nowhere yet; port 0 is any that is free."""
        self.heard: list[Heard] = []
        """The oldest first; what was told twice is there twice."""
        self.sessions: list[Session] = []
        """Each transaction once, in the order in which they were told."""
        self.tell = tell
        self._port = port
        self._lines: dict[str, _Line] = {}
        self._ids = count(4711, 7)
        self._starts: dict[tuple[str, str], Session] = {}
        self._server: Server | None = None

    @property
    def url(self) -> str:
        """What to dial, less the identity of the charger."""
        return f"ws://127.0.0.1:{self._port}/ocpp"

    @property
    def connected(self) -> frozenset[str]:
        """Which chargers have a line to it."""
        return frozenset(self._lines)

    async def start(self) -> None:
        """Listen, at the same port as before. Raises OSError if it is taken."""
        self._server = await serve(
            self._serve,
            "127.0.0.1",
            self._port,
            subprotocols=[Subprotocol("ocpp1.6")],
            compression=None,
            close_timeout=1,
            logger=_LOGGER,
        )
        self._port = next(iter(self._server.sockets)).getsockname()[1]

    async def cut(self) -> None:
        """Lose all lines without a word, and be reached by nobody until the next start."""
        server, self._server = self._server, None
        for line in self._lines.values():
            line.connection.transport.abort()
        if server is not None:
            server.close()
            await server.wait_closed()

    def of(self, action: str, charger: str | None = None) -> list[Heard]:
        """Return what was heard of one kind, of all chargers or of one."""
        return [it for it in self.heard if it.action == action and charger in (None, it.charger)]

    def in_order(self, charger: str) -> bool:
        """Return whether a charger's transactions were told in the order in which they were."""
        moments = [
            it.said_at
            for it in self.heard
            if it.charger == charger and it.action in _OF_TRANSACTIONS and it.said_at is not None
        ]
        return all(earlier <= later for earlier, later in pairwise(moments))

    async def allow(self, charger: str, limit_a: float | None) -> str:
        """Limit the transactions of a charger, A per line; None ends that. Return what it says."""
        if limit_a is None:
            payload = call.ClearChargingProfile(id=PROFILE_ID)
        else:
            payload = call.SetChargingProfile(
                connector_id=1, cs_charging_profiles=_profile(limit_a)
            )
        answer = await self._ask(charger, payload)
        wish = "as much as it likes" if limit_a is None else f"{limit_a:g} A"
        self.tell(f"allows {charger} {wish}: {answer}")
        return answer

    def session_of(self, charger: str, payload: dict[str, Any]) -> Session:
        """Return the transaction that begins, the same one where it is told again."""
        key = (charger, payload["timestamp"])
        if key not in self._starts:
            session = Session(
                id=next(self._ids),
                charger=charger,
                id_tag=payload["id_tag"],
                meter_start_wh=payload["meter_start"],
            )
            self._starts[key] = session
            self.sessions.append(session)
        return self._starts[key]

    def summary(self) -> list[str]:
        """Return a line for people on each charger."""
        chargers = sorted({it.charger for it in self.heard})
        return [self._summary_of(charger) for charger in chargers]

    def _summary_of(self, charger: str) -> str:
        sessions = [it for it in self.sessions if it.charger == charger]
        ended = [it for it in sessions if it.meter_stop_wh is not None]
        billed_wh = sum((it.meter_stop_wh or 0) - it.meter_start_wh for it in ended)
        heard = [it for it in self.heard if it.charger == charger]
        late = sum(it.late_s > LATE_S for it in heard)
        order = "in order" if self.in_order(charger) else "OUT OF ORDER"
        return (
            f"{charger}: sessions: {len(sessions)}, ended: {len(ended)}, billed: "
            f"{billed_wh / 1000:.2f} kWh; {len(heard)} messages, {late} of them late, {order}"
        )

    async def _ask(self, charger: str, payload: Any) -> str:
        line = self._lines.get(charger)
        if line is None:
            return "not connected"
        try:
            answer = await line.peer.call(payload, suppress=False)
        except (OCPPError, TimeoutError, ConnectionClosed) as error:
            return f"no answer ({type(error).__name__})"
        return str(answer.status)

    async def _serve(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        line = _Line(self, connection.request.path.rpartition("/")[2], connection)
        self._lines[line.charger] = line
        try:
            await line.peer.start()
        except ConnectionClosed:
            pass
        finally:
            if self._lines.get(line.charger) is line:
                del self._lines[line.charger]


class _Line:
    """One connection of one charger."""

    def __init__(self, office: BackOffice, charger: str, connection: ServerConnection) -> None:
        untyped: Any = ChargePoint
        self.charger = charger
        self.connection = connection
        self.peer = untyped(charger, connection, response_timeout=_ANSWER_LIMIT_S, logger=_LOGGER)
        self.peer.route_map = routes(self)
        self._office = office
        self._late = 0

    def _hear(self, action: str, payload: dict[str, Any]) -> str:
        """Remember a call; return how late it is, for people."""
        said_at = _said_at(payload)
        late_s = 0.0 if said_at is None else (datetime.now(UTC) - said_at).total_seconds()
        self._office.heard.append(
            Heard(
                charger=self.charger,
                action=action,
                payload=payload,
                said_at=said_at,
                late_s=late_s,
            )
        )
        if late_s > LATE_S:
            self._late += 1
            return f", {late_s:.0f} s ago"
        if said_at is not None and self._late:
            self._office.tell(f"has heard {self._late} messages of {self.charger} that it missed")
            self._late = 0
        return ""

    @on(Action.boot_notification)
    def boot_notification(self, **payload: Any) -> Any:
        self._hear("BootNotification", payload)
        make = f"{payload['charge_point_vendor']} {payload['charge_point_model']}"
        self._office.tell(f"{self.charger} boots: {make}")
        return call_result.BootNotification(
            current_time=timestamp(datetime.now(UTC)),
            interval=INTERVAL_S,
            status=RegistrationStatus.accepted,
        )

    @on(Action.heartbeat)
    def heartbeat(self, **payload: Any) -> Any:
        self._hear("Heartbeat", payload)
        return call_result.Heartbeat(current_time=timestamp(datetime.now(UTC)))

    @on(Action.authorize)
    def authorize(self, **payload: Any) -> Any:
        self._hear("Authorize", payload)
        return call_result.Authorize(id_tag_info=_ACCEPTED)

    @on(Action.status_notification)
    def status_notification(self, **payload: Any) -> Any:
        self._hear("StatusNotification", payload)
        return call_result.StatusNotification()

    @on(Action.meter_values)
    def meter_values(self, **payload: Any) -> Any:
        self._hear("MeterValues", payload)
        return call_result.MeterValues()

    @on(Action.security_event_notification)
    def security_event_notification(self, **payload: Any) -> Any:
        self._hear("SecurityEventNotification", payload)
        return call_result.SecurityEventNotification()

    @on(Action.start_transaction)
    def start_transaction(self, **payload: Any) -> Any:
        late = self._hear("StartTransaction", payload)
        session = self._office.session_of(self.charger, payload)
        self._office.tell(f"{self.charger} starts {session.id} for {session.id_tag}{late}")
        return call_result.StartTransaction(transaction_id=session.id, id_tag_info=_ACCEPTED)

    @on(Action.stop_transaction)
    def stop_transaction(self, **payload: Any) -> Any:
        late = self._hear("StopTransaction", payload)
        for session in self._office.sessions:
            if (session.charger, session.id) == (self.charger, payload["transaction_id"]):
                session.meter_stop_wh = payload["meter_stop"]
                taken_wh = payload["meter_stop"] - session.meter_start_wh
                self._office.tell(
                    f"{self.charger} stops {session.id} after {taken_wh / 1000:.2f} kWh{late}"
                )
        return call_result.StopTransaction(id_tag_info=_ACCEPTED)


_ACCEPTED = {"status": AuthorizationStatus.accepted}


def _said_at(payload: dict[str, Any]) -> datetime | None:
    values = payload.get("meter_value")
    text = values[0].get("timestamp") if values else payload.get("timestamp")
    return None if text is None else parse_timestamp(text)


def _profile(limit_a: float) -> dict[str, Any]:
    """A profile for all transactions, as simple as they come."""
    return {
        "charging_profile_id": PROFILE_ID,
        "stack_level": 0,
        "charging_profile_purpose": "TxDefaultProfile",
        "charging_profile_kind": "Relative",
        "charging_schedule": {
            "charging_rate_unit": "A",
            "charging_schedule_period": [{"start_period": 0, "limit": limit_a}],
        },
    }
