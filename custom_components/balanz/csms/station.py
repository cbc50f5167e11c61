"""A charging station as the site sees it, through all its connections."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Protocol

from .capabilities import MAX_CONNECTORS, Capabilities, RateUnit
from .clock_skew import ClockSkew
from .command_values import AvailabilityType, CommandStatus, MessageTrigger, ResetType
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
from .frame_log import FrameLog
from .interview import Extent, interview
from .interview_pace import InterviewPace
from .leases import LeaseMechanism
from .limit_writer import LimitAnswer, LimitWriter
from .line_watch import Pings
from .link import StationLink
from .meter_quirks import MeterQuirks
from .profiles import Limit, own_profile_ids, rate_unit
from .quirks import BY_THE_BOOK, Quirks
from .repeated_json import unfold
from .rpc import RpcConnection
from .rpc_errors import CallFailed, CallRejected, InvalidCall, MalformedAnswer
from .rpc_frames import Payload
from .station_errors import (
    AnswerUnreadable,
    CallRefused,
    CommandInvalid,
    CommandRejected,
    StationError,
    StationOffline,
    StationUnreachable,
)
from .status_order import StatusOrder
from .tag_desk import TagDesk
from .transactions import Transaction, TransactionBook
from .v16 import Desk, InboundMessages, started_event
from .v16_commands import Commands
from .violations import Violations
from .wording import ocpp_name

__all__ = ["CommandRejected", "LimitAnswer", "Station", "StationError", "StationUnreachable"]

MOST_BOOTS = 3
BOOT_LOOP_S = 600.0
"""A charger that boots more often than that within this time is only limited."""

_LOGGER = logging.getLogger(__name__)


class BackOffice(Protocol):
    """Another central system, which a charger is passed on to."""

    @property
    def desk(self) -> Desk:
        """Who decides about the tags of transactions."""
        ...

    @property
    def frames(self) -> FrameLog:
        """The last of what it was told and has said."""
        ...

    async def serve(
        self, action: str, payload: Payload, own: Callable[[str, Payload], Awaitable[Payload]]
    ) -> Payload:
        """Return the answer to a charger's call; `own` gives that of balanz, and takes it in.

        Raises CallError or WithholdAnswer.
        """
        ...

    def charger_connected(self, authorization: str | None) -> None:
        """Learn that the charger has connected, and what it has shown to get in."""
        ...

    def charger_left(self) -> None:
        """Learn that the charger's connection has ended."""
        ...


class Station:
    """One known charger. It outlives its connections."""

    def __init__(
        self,
        identity: str,
        *,
        transactions: TransactionBook,
        tag_desk: TagDesk,
        listener: Callable[[StationEvent], None],
        pace: InterviewPace | None = None,
    ) -> None:
        """Know it before it has ever connected.

        `pace` is where the interviews of chargers that share a server line up.
        """
        self.identity = identity
        self.ready = False
        """Whether it takes commands: it is connected, and accepted since or before."""
        self.boot: BootInfo | None = None
        self.statuses: dict[int, ConnectorStatus] = {}
        self.capabilities = Capabilities()
        """What it says of itself."""
        self.quirks = BY_THE_BOOK
        """What it does differently from that, and from the book."""
        self.pings = Pings()
        self.clock = ClockSkew()
        self._status_order = StatusOrder(self.clock)
        self.commands = Commands(self.request)
        """What it can be asked by users; what it answers is theirs to judge."""
        self.diagnostics_status: str | None = None
        """How its last upload of a log goes, as it told last; None before."""
        self.firmware_status: str | None = None
        """How its last change of firmware goes, as it told last; None before."""
        self.dialled: str | None = None
        """The URL at which it reaches this server by HTTP, without a slash at the end."""
        self.violations = Violations()
        self.frames = FrameLog()
        """The last of what it was told and has said."""
        self.connections = 0
        """How often it has connected."""
        self.connected_at: datetime | None = None
        """When the connection that there is began; None where there is none."""
        self.boots = 0
        """How often it was accepted after a boot."""
        self.configured = 0
        """How often anybody has had a configuration key changed."""
        self.late_answers = 0
        """Answers that came after the time-out of their call."""
        self.on_certificate_wanted: Callable[[str, str], bool] | None = None
        """Who signs certificates: told identity and request, says whether it will."""
        self._listener = listener
        self._transactions = transactions
        self._tag_desk = tag_desk
        self._pace = pace or InterviewPace()
        self._messages = InboundMessages(self, transactions, tag_desk)
        self._back_office: BackOffice | None = None
        self._link: StationLink | None = None
        self._authorization: str | None = None
        self._told_early: set[int] | None = set()
        """The transactions told of before the charger was ready; None once all are told."""
        self._connector_count: int | None = None
        self._limits = LimitWriter(
            self, transactions=transactions, on_learnt=self._tell_what_is_learnt
        )
        self._recalled = False
        """Whether what it can do is known of its firmware."""
        self._booted_at: tuple[float, ...] = ()

    @property
    def connected(self) -> bool:
        """Whether there is an open socket."""
        return self._link is not None

    @property
    def busy(self) -> bool:
        """Whether a call is outstanding."""
        return self._link is not None and self._link.rpc.busy

    def reserve_line(self) -> None:
        """Have what is in no hurry wait for a moment once the outstanding call has ended."""
        if self._link is not None:
            self._link.rpc.reserve_line()

    @property
    def meter_quirks(self) -> MeterQuirks:
        """What its meter values mean where they do not mean what they say."""
        return self.quirks.meter

    @property
    def clock_skew_s(self) -> float | None:
        """How far the charger's clock is ahead; None until it is known."""
        return self.clock.skew_s

    @property
    def connector_count(self) -> int | None:
        """How many connectors it has, if that is known."""
        return self._connector_count

    def lapses_after_s(self, connector: int, limit: Limit) -> float | None:
        """Return how long after its sending a limit has surely fallen back; None if it does not."""
        return self._limits.lapses_after_s(connector, limit)

    @property
    def lease(self) -> LeaseMechanism:
        """How its limits are told to end by themselves; if it cannot, they do not."""
        return self._limits.leases.mechanism

    @lease.setter
    def lease(self, lease: LeaseMechanism) -> None:
        self._limits.leases.mechanism = lease

    @property
    def possible_leases(self) -> tuple[LeaseMechanism, ...]:
        """The ways in which its limits may be told to end by themselves."""
        return self._limits.possible_leases

    def doubt_fallbacks(self) -> None:
        """Learn that what its limits are to fall back to may be gone."""
        self._limits.leases.forget()

    async def prepare_lease(self, connector: int, limit: Limit) -> None:
        """See to it that a limit that is told next has something to fall back to."""
        if self._link is not None and self.ready:
            await self._limits.prepare_lease(self._link.rpc, connector, limit)

    @property
    def takes_watts(self) -> bool:
        """Whether its limits are told in watts."""
        return rate_unit(self._limits.capabilities) is RateUnit.WATT

    @property
    def tries_another_form(self) -> bool:
        """Whether the limit that was refused last may be taken in another form."""
        return self._limits.forms.tries_another

    @property
    def may_limit_transactions(self) -> bool:
        """Whether a profile of a transaction that it has may be one of ours."""
        return self._limits.may_limit_transactions

    @property
    def has_another_form(self) -> bool:
        """Whether a limit that was accepted and is not kept can be told in another form."""
        return self._limits.has_another_form

    @property
    def forms_without_effect(self) -> int:
        """How many forms it has accepted without keeping the limit."""
        return self._limits.forms.without_effect

    def try_another_form(self) -> bool:
        """Have the next limits told differently, since the last was accepted and not kept.

        Return False where there is no form left; then it is the first one again.
        """
        return self._limits.had_no_effect()

    @property
    def capped(self) -> bool:
        """Whether limits are told as a cap, beside profiles of others. For one connector alone.

        It ends by itself once such a limit was accepted and not kept.
        """
        return self._limits.capped

    @capped.setter
    def capped(self, capped: bool) -> None:
        self._limits.capped = capped

    @property
    def is_cap_in_force(self) -> bool:
        """Whether the limit that was accepted last is such a cap."""
        return self._limits.is_cap_in_force

    async def set_limit(self, connector: int, limit: Limit, *, urgent: bool) -> LimitAnswer:
        """Set what a connector may draw; urgent limits overtake everything else that waits."""
        if self._link is None or not self.ready:
            return LimitAnswer.NOT_SENT
        return await self._limits.write(self._link.rpc, connector, limit, urgent=urgent)

    async def composite_schedule(
        self, connector: int, *, duration_s: int
    ) -> CompositeSchedule | None:
        """Return what it would offer from now on; None where it does not tell.

        Raises StationError.
        """
        unit = rate_unit(self._limits.capabilities)
        answer = await self.request(
            "GetCompositeSchedule",
            {"connectorId": connector, "duration": duration_s, "chargingRateUnit": unit.value},
        )
        return parse_composite_schedule(answer)

    async def clear_limit(self, connector: int, still_wanted: Callable[[], bool]) -> bool:
        """Have a connector's profiles removed; return whether none is left. Raises StationError.

        It ends once that is wanted no more: a limit may have been told since.
        """
        try:
            # The strongest goes first, lest for a moment it rules alone.
            for profile_id in reversed(own_profile_ids(connector)):
                if not still_wanted():
                    return False
                answer = await self.request("ClearChargingProfile", {"id": profile_id})
                if answer.get("status") not in ("Accepted", "Unknown"):
                    return False
        finally:
            # Whatever came of it: what limits fall back to may be gone.
            self._limits.leases.unknown(connector)
        return True

    async def remote_start(self, connector: int, id_tag: str) -> None:
        """Ask for a transaction to start. Raises StationError."""
        _must_accept(await self.commands.remote_start_transaction(id_tag, connector))

    async def remote_stop(self, connector: int) -> None:
        """Ask for the connector's transaction to stop. Raises StationError."""
        transaction_id = self.transaction_id(connector)
        if transaction_id is None:
            raise CommandRejected("no transaction is known to run")
        _must_accept(await self.commands.remote_stop_transaction(transaction_id))

    def transaction_id(self, connector: int) -> int | None:
        """Return the transaction that runs at a connector; None if none is known to."""
        transaction = self._transactions.open_at(self.identity, connector)
        return None if transaction is None else transaction.told_id

    async def change_availability(self, connector: int, *, operative: bool) -> None:
        """Put a connector in or out of service, after its transaction if one runs.

        Raises StationError.
        """
        kind = AvailabilityType.OPERATIVE if operative else AvailabilityType.INOPERATIVE
        _must_accept(await self.commands.change_availability(connector, kind))

    async def reset(self, *, hard: bool = False) -> None:
        """Ask for a restart. Raises StationError."""
        _must_accept(await self.commands.reset(ResetType.HARD if hard else ResetType.SOFT))

    async def trigger(self, message: MessageTrigger, connector: int | None = None) -> None:
        """Ask for a message. Raises StationError."""
        _must_accept(await self.commands.trigger_message(message, connector))

    async def request(self, action: str, payload: Payload) -> Payload:
        """Send a call that is in no hurry and return its answer. Raises StationError."""
        return await self._request_on(self._link, action, payload)

    async def _request_on(self, link: StationLink | None, action: str, payload: Payload) -> Payload:
        """Send a call on a connection, unless it has been replaced. Raises StationError."""
        if link is None or link is not self._link:
            raise StationOffline("not connected")
        self.configured += action == "ChangeConfiguration"
        try:
            return await link.rpc.call(action, payload)
        except CallRejected as error:
            raise CallRefused(error.code, error.description) from error
        except InvalidCall as error:
            raise CommandInvalid(str(error)) from error
        except MalformedAnswer as error:
            raise AnswerUnreadable("no payload") from error
        except CallFailed as error:
            raise StationUnreachable("no answer") from error

    @property
    def back_office(self) -> BackOffice | None:
        """Who has a say besides balanz; None where there is nobody."""
        return self._back_office

    @back_office.setter
    def back_office(self, back_office: BackOffice | None) -> None:
        self._back_office = back_office
        self._messages.tag_desk = self._tag_desk if back_office is None else back_office.desk
        if back_office is not None and self.connected:
            back_office.charger_connected(self._authorization)

    def _serve(self, action: str, payload: Payload) -> Awaitable[Payload]:
        """Return the answer to a call. Raises CallError or WithholdAnswer."""
        if self._back_office is None:
            return self._messages.handle(action, payload)
        unfold(payload)
        return self._back_office.serve(action, payload, self._messages.handle)

    def attach(
        self, rpc: RpcConnection, *, must_boot: bool = False, authorization: str | None = None
    ) -> None:
        """Take over a new connection; an older one is closed and forgotten.

        `authorization` is what the charger has shown to get in, for whom it may have to be passed
        on to.
        """
        older = self._link
        self._link = StationLink(self, rpc, self._serve, must_boot=must_boot)
        rpc.peer = self._link
        rpc.frames = self.frames
        self.ready = False
        self._limits.leases.forget()
        self.connections += 1
        self.connected_at = datetime.now(UTC)
        if older is not None:
            older.rpc.stop(1000, "replaced by a new connection")
        self._authorization = authorization
        self.emit(StationConnected(identity=self.identity))
        if self._back_office is not None:
            self._back_office.charger_connected(authorization)
        if must_boot:
            rpc.spawn(self._ask_to_boot())

    def detach(self, rpc: RpcConnection) -> None:
        """Forget a connection that has ended, unless a newer one has replaced it."""
        if self._link is not None and self._link.rpc is rpc:
            self._link = self.connected_at = None
            self.ready = False
            self._authorization = None
            self.emit(StationDisconnected(identity=self.identity))
            if self._back_office is not None:
                self._back_office.charger_left()

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
            now = asyncio.get_running_loop().time()
            self._booted_at = (*self._booted_at[-MOST_BOOTS:], now)
            self._limits.booted()
            self._status_order.forget()
        if (told := self._told_early) is not None:
            self._told_early = None
            for transaction in list(self._transactions.open_transactions.values()):
                if transaction.identity == self.identity and transaction.id not in told:
                    self.tell_started(transaction)
        self.emit(StationReady(identity=self.identity, booted=booted))
        if not link.interviewed and not self._boots_in_a_loop:
            link.interviewed = True
            link.rpc.spawn(
                interview(
                    self,
                    self._extent(booted=booted),
                    pace=self._pace,
                    ask=partial(self._request_on, link),
                )
            )
        if self.quirks.polls_meter and not link.polled:
            link.polled = True
            link.rpc.spawn(self._poll_meter(link))

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

    def saw_clock(self, stamped_at: datetime, received_at: datetime) -> None:
        """Learn from a message's timestamp how the charger's clock is set."""
        self.clock.observe(stamped_at, received_at)
        starts_at = self._limits.starts_at
        if starts_at and self.ready and any(start > stamped_at for start in starts_at.values()):
            # By the charger's clock a limit may not have begun, so that they have to be set again.
            self._limits.starts_at.clear()
            self.emit(StationReady(identity=self.identity, booted=False))

    def is_overtaken(self, connector: int, stamped_at: datetime, received_at: datetime) -> bool:
        """Return whether a status has come too late to count; it is asked for once more then."""
        order = self._status_order
        if self._link is None or not self.quirks.triggers:
            return False
        if not order.is_overtaken(connector, stamped_at, received_at):
            return False
        self._link.rpc.spawn(
            order.ask_again(connector, partial(self.trigger, MessageTrigger.STATUS_NOTIFICATION))
        )
        return True

    def learn(self, capabilities: Capabilities) -> None:
        """Learn what the charger can do; that it says nothing this time changes nothing."""
        if not capabilities.unread:
            self._take_over(capabilities)
            self._tell_what_is_learnt()

    def _take_over(self, capabilities: Capabilities) -> None:
        before, self.capabilities = self.capabilities, capabilities
        if before != capabilities:
            self.emit(CapabilitiesLearnt(identity=self.identity, capabilities=capabilities))
        before, capabilities = (self.quirks.corrected(it) for it in (before, capabilities))
        is_other_form = (before.max_stack_level or 0) != (capabilities.max_stack_level or 0)
        if is_other_form:
            self._limits.forget_forms()
        if self.ready and (is_other_form or rate_unit(before) != rate_unit(capabilities)):
            # In another unit, or below another's stack level, its limits may mean nothing.
            self.emit(StationReady(identity=self.identity, booted=False))

    def behave(self, quirks: Quirks) -> None:
        """Learn what the charger does differently from the book."""
        if quirks == self.quirks:
            return
        self.quirks = quirks
        self.pings.are_taken = quirks.takes_pings
        self._limits.forget_forms()
        if self.ready:
            # What was told as if it were another charger may mean nothing.
            self.emit(StationReady(identity=self.identity, booted=False))

    def recall(self, memory: FirmwareMemory) -> None:
        """Take over what is remembered of the firmware that the charger boots with."""
        self._recalled = not memory.capabilities.unread
        if self._recalled:
            self._take_over(memory.capabilities)
        self._limits.recall(memory.form, takes_watts=memory.takes_watts)

    def _tell_what_is_learnt(self) -> None:
        memory = FirmwareMemory(
            capabilities=self.capabilities,
            form=self._limits.usual_forms.known,
            takes_watts=self._limits.found_to_take_watts,
        )
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

    def emit(self, event: StationEvent) -> None:
        """Tell the listener what has happened."""
        self._listener(event)

    def tell_started(self, transaction: Transaction) -> None:
        """Tell the listener of a transaction that runs."""
        if self._told_early is not None:
            self._told_early.add(transaction.id)
        self.emit(started_event(transaction))

    async def _poll_meter(self, link: StationLink) -> None:
        """Ask for what a charger does not tell by itself, for as long as it is connected."""
        while self._link is link:
            await asyncio.sleep(self.quirks.meter_interval_s)
            for connector in range(1, (self._connector_count or 1) + 1):
                if self._transactions.open_at(self.identity, connector) is not None:
                    with suppress(StationError):
                        await self.trigger(MessageTrigger.METER_VALUES, connector)

    async def _ask_to_boot(self) -> None:
        """Spare a charger that was told to wait the rest of its waiting."""
        with suppress(StationError):
            await self.trigger(MessageTrigger.BOOT_NOTIFICATION)


def _must_accept(status: CommandStatus) -> None:
    """Raise CommandRejected unless a charger does what it was asked, now or later."""
    if status not in (CommandStatus.ACCEPTED, CommandStatus.SCHEDULED):
        raise CommandRejected(ocpp_name(status))
