"""A charging station as the site sees it, through all its connections."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from enum import StrEnum

from .capabilities import MAX_CONNECTORS, Capabilities
from .clock_skew import ClockSkew
from .composite_schedule import CompositeSchedule, parse_composite_schedule
from .events import (
    BootInfo,
    CapabilitiesLearnt,
    ConnectorsCounted,
    ConnectorStatus,
    LineFreed,
    StationConnected,
    StationDisconnected,
    StationEvent,
    StationLearnt,
    StationReady,
)
from .firmware_memory import FirmwareMemory
from .interview import Extent, interview
from .link import StationLink
from .profile_forms import FormSearch, ProfileForm, profile_forms
from .profiles import Limit, charging_profile, lapses_after_s, rate_unit, starts_at
from .rpc import RpcConnection
from .rpc_errors import CallFailed, CallRejected, CallTimeout, MalformedAnswer
from .rpc_frames import Payload
from .station_errors import CommandRejected, StationError, StationUnreachable
from .transactions import TransactionBook
from .v16 import InboundMessages, started_event

__all__ = ["CommandRejected", "LimitAnswer", "Station", "StationError", "StationUnreachable"]

MOST_BOOTS = 3
BOOT_LOOP_S = 600.0
"""A charger that boots more often than that within this time is only limited."""

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
        self.boots = 0
        """How often it was accepted after a boot."""
        self.late_answers = 0
        """Answers that came after the time-out of their call."""
        self.on_certificate_wanted: Callable[[str, str], bool] | None = None
        """Who signs certificates: told identity and request, says whether it will."""
        self._listener = listener
        self._transactions = transactions
        self._messages = InboundMessages(self, transactions)
        self._link: StationLink | None = None
        self._has_told_transactions = False
        self._connector_count: int | None = None
        self._forms = FormSearch()
        self._recalled = False
        """Whether what it can do is known of its firmware."""
        self._booted_at: deque[float] = deque(maxlen=MOST_BOOTS + 1)
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
        return lapses_after_s(
            limit,
            form=self._form,
            capabilities=self.capabilities,
            clock_skew_s=self.clock_skew_s,
        )

    @property
    def tries_another_form(self) -> bool:
        """Whether the limit that was refused last may be taken in another form."""
        return self._forms.tries_another

    async def set_limit(self, connector: int, limit: Limit, *, urgent: bool) -> LimitAnswer:
        """Set what a connector may draw; urgent limits overtake everything else that waits."""
        if self._link is None or not self.ready:
            return LimitAnswer.NOT_SENT
        form = self._form
        profile = charging_profile(
            limit,
            connector=connector,
            form=form,
            capabilities=self.capabilities,
            clock_skew_s=self.clock_skew_s,
            clock_lag_s=self.clock.lag_s,
            now=datetime.now(UTC),
        )
        self._limits_start_at.pop(connector, None)
        if (start := starts_at(profile)) is not None:
            self._limits_start_at[connector] = start
        payload = {
            "connectorId": 0 if form.whole_charger else connector,
            "csChargingProfiles": profile,
        }
        try:
            answer = await self._link.rpc.call("SetChargingProfile", payload, urgent=urgent)
        except CallTimeout, MalformedAnswer:
            # Some chargers never answer to a form that they do not know.
            self._forms.unanswered(form, self._possible_forms)
            return LimitAnswer.TIMED_OUT
        except CallRejected as error:
            _LOGGER.debug("%s refuses a limit: %s", self.identity, error)
            self._forms.refused(form, self._possible_forms)
            return LimitAnswer.REJECTED
        except CallFailed as error:
            return LimitAnswer.TIMED_OUT if error.sent else LimitAnswer.NOT_SENT
        match answer.get("status"):
            case "Accepted":
                if self._forms.took(form, self._possible_forms):
                    self._tell_what_is_learnt()
                return LimitAnswer.ACCEPTED
            case "Rejected" | "NotSupported":
                self._forms.refused(form, self._possible_forms)
                return LimitAnswer.REJECTED
            case _:
                self._forms.refused(form, self._possible_forms)
                return LimitAnswer.TIMED_OUT

    async def composite_schedule(
        self, connector: int, *, duration_s: int
    ) -> CompositeSchedule | None:
        """Return what it would offer from now on; None where it does not tell.

        Raises StationError.
        """
        unit = rate_unit(self.capabilities)
        answer = await self.request(
            "GetCompositeSchedule",
            {"connectorId": connector, "duration": duration_s, "chargingRateUnit": unit.value},
        )
        return parse_composite_schedule(answer)

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
        if booted:
            self.boots += 1
            self._booted_at.append(asyncio.get_running_loop().time())
            self._forms.restart()
        if not self._has_told_transactions:
            self._has_told_transactions = True
            for transaction in list(self._transactions.open_transactions.values()):
                if transaction.identity == self.identity:
                    self.emit(started_event(transaction))
        self.emit(StationReady(identity=self.identity, booted=booted))
        if not link.interviewed and not self._boots_in_a_loop:
            link.interviewed = True
            link.rpc.spawn(interview(self, self._extent(booted=booted)))

    @property
    def _boots_in_a_loop(self) -> bool:
        """Whether it boots so often that what it is asked, or was written, may be the cause."""
        times = self._booted_at
        return len(times) > MOST_BOOTS and times[-1] - times[0] <= BOOT_LOOP_S

    def _extent(self, *, booted: bool) -> Extent:
        if self.capabilities.unread or (booted and not self._recalled):
            return Extent.ALL
        return Extent.METER if booted else Extent.STATE

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
        if not capabilities.unread:
            self._take_over(capabilities)
            self._tell_what_is_learnt()

    def _take_over(self, capabilities: Capabilities) -> None:
        before, self.capabilities = self.capabilities, capabilities
        if before != capabilities:
            self.emit(CapabilitiesLearnt(identity=self.identity, capabilities=capabilities))
        is_other_form = (before.max_stack_level or 0) != (capabilities.max_stack_level or 0)
        if is_other_form:
            self._forms.known = None
            self._forms.restart()
        if self.ready and (is_other_form or rate_unit(before) != rate_unit(capabilities)):
            # In another unit, or below another's stack level, its limits may mean nothing.
            self.emit(StationReady(identity=self.identity, booted=False))

    def recall(self, memory: FirmwareMemory) -> None:
        """Take over what is remembered of the firmware that the charger boots with."""
        self._recalled = not memory.capabilities.unread
        if self._recalled:
            self._take_over(memory.capabilities)
        self._forms.known = memory.form

    def _tell_what_is_learnt(self) -> None:
        memory = FirmwareMemory(capabilities=self.capabilities, form=self._forms.known)
        self.emit(StationLearnt(identity=self.identity, memory=memory))

    def wants_certificate(self, csr_pem: str) -> bool:
        """Learn that the charger wants a certificate; return whether it will get one."""
        if self.on_certificate_wanted is None:
            return False
        return self.on_certificate_wanted(self.identity, csr_pem)

    def saw_connector(self, connector: int) -> None:
        """Learn that a connector exists."""
        if connector > (self._connector_count or 0):
            self.count_connectors(connector)

    def count_connectors(self, count: int) -> None:
        """Learn how many connectors there are; what cannot be is ignored."""
        if 1 <= count <= MAX_CONNECTORS and count != self._connector_count:
            self._connector_count = count
            self.emit(ConnectorsCounted(identity=self.identity, count=count))

    @property
    def _possible_forms(self) -> tuple[ProfileForm, ...]:
        return profile_forms(self.capabilities, self._connector_count)

    @property
    def _form(self) -> ProfileForm:
        return self._forms.form(self._possible_forms)

    def emit(self, event: StationEvent) -> None:
        """Tell the listener what has happened."""
        self._listener(event)

    async def _ask_to_boot(self) -> None:
        """Spare a charger that was told to wait the rest of its waiting."""
        with suppress(StationError):
            await self.trigger("BootNotification")
