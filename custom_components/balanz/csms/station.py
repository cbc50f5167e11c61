"""A charging station as the site sees it, through all its connections."""

import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from enum import StrEnum

from .capabilities import MAX_CONNECTORS, Capabilities
from .clock_skew import ClockSkew
from .events import (
    BootInfo,
    CapabilitiesLearnt,
    ConnectorsCounted,
    ConnectorStatus,
    LineFreed,
    StationConnected,
    StationDisconnected,
    StationEvent,
    StationReady,
)
from .interview import interview
from .link import StationLink
from .profiles import Limit, charging_profile, lapses_after_s, profile_form, starts_at
from .rpc import RpcConnection
from .rpc_errors import CallFailed, CallRejected
from .rpc_frames import Payload
from .station_errors import CommandRejected, StationError, StationUnreachable
from .transactions import TransactionBook
from .v16 import InboundMessages, started_event

__all__ = ["CommandRejected", "LimitAnswer", "Station", "StationError", "StationUnreachable"]

_LOGGER = logging.getLogger(__name__)


class LimitAnswer(StrEnum):
    """What became of a limit that was to be set."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    TIMED_OUT = "timed_out"
    """It may be in force or not: no answer, one that cannot be read, or the line was lost."""
    NOT_SENT = "not_sent"
    """It was certainly not sent."""


class Station:
    """One known charger. It outlives its connections."""

    def __init__(
        self,
        identity: str,
        *,
        transactions: TransactionBook,
        listener: Callable[[StationEvent], None],
    ) -> None:
        self.identity = identity
        self.ready = False
        """Whether it takes commands: it is connected, and accepted since or before."""
        self.boot: BootInfo | None = None
        self.statuses: dict[int, ConnectorStatus] = {}
        self.capabilities = Capabilities()
        self.clock = ClockSkew()
        self.violations = 0
        """Messages of the charger that broke the schema."""
        self.last_violation: str | None = None
        self.late_answers = 0
        """Answers that came after the time-out of their call."""
        self._listener = listener
        self._transactions = transactions
        self._messages = InboundMessages(self, transactions)
        self._link: StationLink | None = None
        self._has_told_transactions = False
        self._connector_count: int | None = None
        self._limits_start_at: dict[int, datetime] = {}

    @property
    def connected(self) -> bool:
        """Whether there is an open socket."""
        return self._link is not None

    @property
    def busy(self) -> bool:
        """Whether a call is outstanding."""
        return self._link is not None and self._link.rpc.busy

    @property
    def clock_skew_s(self) -> float | None:
        """How far the charger's clock is ahead; None until it is known."""
        return self.clock.skew_s

    @property
    def connector_count(self) -> int | None:
        """How many connectors it has, if that is known."""
        return self._connector_count

    def lapses_after_s(self, limit: Limit) -> float | None:
        """Return how long after its sending a limit has surely fallen back; None if it does not."""
        return lapses_after_s(limit, capabilities=self.capabilities, clock_skew_s=self.clock_skew_s)

    async def set_limit(self, connector: int, limit: Limit, *, urgent: bool) -> LimitAnswer:
        """Set what a connector may draw; urgent limits overtake everything else that waits."""
        if self._link is None or not self.ready:
            return LimitAnswer.NOT_SENT
        profile = charging_profile(
            limit,
            connector=connector,
            capabilities=self.capabilities,
            clock_skew_s=self.clock_skew_s,
            clock_lag_s=self.clock.lag_s,
            now=datetime.now(UTC),
        )
        self._limits_start_at[connector] = starts_at(profile)
        payload = {"connectorId": connector, "csChargingProfiles": profile}
        try:
            answer = await self._link.rpc.call("SetChargingProfile", payload, urgent=urgent)
        except CallRejected as error:
            _LOGGER.debug("%s refuses a limit: %s", self.identity, error)
            return LimitAnswer.REJECTED
        except CallFailed as error:
            return LimitAnswer.TIMED_OUT if error.sent else LimitAnswer.NOT_SENT
        match answer.get("status"):
            case "Accepted":
                return LimitAnswer.ACCEPTED
            case "Rejected" | "NotSupported":
                return LimitAnswer.REJECTED
            case _:
                return LimitAnswer.TIMED_OUT

    async def remote_start(self, connector: int, id_tag: str) -> None:
        """Ask for a transaction to start. Raises StationError."""
        payload = {"connectorId": connector, "idTag": id_tag}
        await self._command("RemoteStartTransaction", payload)

    async def remote_stop(self, connector: int) -> None:
        """Ask for the connector's transaction to stop. Raises StationError."""
        transaction = self._transactions.open_at(self.identity, connector)
        if transaction is None:
            raise CommandRejected("no transaction is known to run")
        await self._command("RemoteStopTransaction", {"transactionId": transaction.id})

    async def change_availability(self, connector: int, *, operative: bool) -> None:
        """Put a connector in or out of service, after its transaction if one runs.

        Raises StationError.
        """
        payload = {"connectorId": connector, "type": "Operative" if operative else "Inoperative"}
        answer = await self.request("ChangeAvailability", payload)
        if answer.get("status") not in ("Accepted", "Scheduled"):
            raise CommandRejected(str(answer.get("status")))

    async def reset(self, *, hard: bool = False) -> None:
        """Ask for a restart. Raises StationError."""
        await self._command("Reset", {"type": "Hard" if hard else "Soft"})

    async def trigger(self, message: str, connector: int | None = None) -> None:
        """Ask for a message such as StatusNotification. Raises StationError."""
        payload: Payload = {"requestedMessage": message}
        if connector is not None:
            payload["connectorId"] = connector
        await self._command("TriggerMessage", payload)

    async def request(self, action: str, payload: Payload) -> Payload:
        """Send a call that is in no hurry and return its answer. Raises StationError."""
        if self._link is None:
            raise StationUnreachable("not connected")
        try:
            return await self._link.rpc.call(action, payload)
        except CallRejected as error:
            raise CommandRejected(str(error)) from error
        except CallFailed as error:
            raise StationUnreachable("no answer") from error

    async def _command(self, action: str, payload: Payload) -> None:
        answer = await self.request(action, payload)
        if answer.get("status") != "Accepted":
            raise CommandRejected(str(answer.get("status")))

    def attach(self, rpc: RpcConnection, *, must_boot: bool = False) -> None:
        """Take over a new connection; an older one is closed and forgotten."""
        older = self._link
        self._link = StationLink(self, rpc, self._messages, must_boot=must_boot)
        rpc.peer = self._link
        self.ready = False
        if older is not None:
            older.rpc.stop(1000, "replaced by a new connection")
        self.emit(StationConnected(identity=self.identity))
        if must_boot:
            rpc.spawn(self._ask_to_boot())

    def detach(self, rpc: RpcConnection) -> None:
        """Forget a connection that has ended, unless a newer one has replaced it."""
        if self._link is not None and self._link.rpc is rpc:
            self._link = None
            self.ready = False
            self.emit(StationDisconnected(identity=self.identity))

    def disconnect(self, reason: str) -> None:
        """Close the socket, if there is one."""
        if self._link is not None:
            self._link.rpc.stop(1000, reason)
            self.detach(self._link.rpc)

    def became_ready(self, link: StationLink, *, booted: bool) -> None:
        """Learn that the charger is accepted on a connection."""
        if self._link is not link:
            return
        self.ready = True
        if not self._has_told_transactions:
            self._has_told_transactions = True
            for transaction in list(self._transactions.open_transactions.values()):
                if transaction.identity == self.identity:
                    self.emit(started_event(transaction))
        self.emit(StationReady(identity=self.identity, booted=booted))
        if not link.interviewed:
            link.interviewed = True
            link.rpc.spawn(interview(self, read_settings=booted or self.capabilities.unread))

    def call_ended(self, link: StationLink) -> None:
        """Learn that an outstanding call has ended."""
        if self._link is link:
            self.emit(LineFreed(identity=self.identity))

    def note_late_answer(self, action: str) -> None:
        """Learn that a call was answered after its time-out."""
        self.late_answers += 1
        _LOGGER.debug("%s answered %s too late", self.identity, action)

    def note_violation(self, text: str) -> None:
        """Learn that the charger broke the schema."""
        self.violations += 1
        self.last_violation = text

    def saw_clock(self, stamped_at: datetime, received_at: datetime) -> None:
        """Learn from a message's timestamp how the charger's clock is set."""
        self.clock.observe(stamped_at, received_at)
        if self.ready and any(start > stamped_at for start in self._limits_start_at.values()):
            # By the charger's clock a limit may not have begun, so that they have to be set again.
            self._limits_start_at.clear()
            self.emit(StationReady(identity=self.identity, booted=False))

    def learn(self, capabilities: Capabilities) -> None:
        """Learn what the charger can do; that it says nothing this time changes nothing."""
        if capabilities.unread:
            return
        before, self.capabilities = self.capabilities, capabilities
        if before != capabilities:
            self.emit(CapabilitiesLearnt(identity=self.identity, capabilities=capabilities))
        if self.ready and profile_form(before) != profile_form(capabilities):
            # In another unit, or below another's stack level, its limits may mean nothing.
            self.emit(StationReady(identity=self.identity, booted=False))

    def saw_connector(self, connector: int) -> None:
        """Learn that a connector exists."""
        if connector > (self._connector_count or 0):
            self.count_connectors(connector)

    def count_connectors(self, count: int) -> None:
        """Learn how many connectors there are; what cannot be is ignored."""
        if 1 <= count <= MAX_CONNECTORS and count != self._connector_count:
            self._connector_count = count
            self.emit(ConnectorsCounted(identity=self.identity, count=count))

    def emit(self, event: StationEvent) -> None:
        """Tell the listener what has happened."""
        self._listener(event)

    async def _ask_to_boot(self) -> None:
        """Spare a charger that was told to wait the rest of its waiting."""
        with suppress(StationError):
            await self.trigger("BootNotification")
