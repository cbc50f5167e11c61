"""A charger without its socket: connectors, profiles and transactions."""

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from ocpp.exceptions import PropertyConstraintViolationError
from ocpp.v16 import call
from ocpp.v16.enums import AuthorizationStatus, ChargePointStatus, FirmwareStatus, Reason

from .car import Car
from .clock import Clock, timestamp
from .configuration import Configuration
from .connector import Connector, Transaction
from .faults import Faults
from .local_list import LocalList
from .options import ChargerOptions
from .outbox import Message, Outbox
from .profile_set import ActiveLimit, ProfileSet, merged
from .profiles import (
    NOMINAL_VOLTAGE_V,
    Profile,
    ProfileRejectedError,
    Purpose,
    RunningTransaction,
    check_profile,
)
from .security import Security


class Station:
    """A charger's whole state. `advance` brings it to the present, whenever it is called."""

    def __init__(
        self,
        *,
        rating_a: float,
        phases: int,
        clock: Clock,
        options: ChargerOptions,
        faults: Faults,
    ) -> None:
        self.rating_a = rating_a
        self.phases = phases
        self.clock = clock
        self.options = options
        self.faults = faults
        self.configuration = Configuration(options, phases=phases)
        self.security = Security(options, self.configuration)
        self.profiles = ProfileSet()
        for connector_id, profile in options.behaviour.left_behind:
            self.profiles = self.profiles.with_profile(connector_id, profile)
        self._profiles_at_start: dict[int, ProfileSet] = {}
        """The profiles that there were when the transaction of each connector began."""
        self._locked = False
        """Whether it offers nothing any more, as it was told 0 once."""
        self._unlinked_at_s: float | None = None
        """Since when it has had no connection; None while it has one."""
        self._had_zero = False
        """Whether the last limit was 0."""
        self._has_finished: set[int] = set()
        """The connectors at which a transaction has ended since it was switched on."""
        self._is_unleashed = False
        """Whether it offers its rating, whatever it was told."""
        self.profile_writes = 0
        self.firmware = options.firmware
        self.firmware_status = FirmwareStatus.idle
        """How a change of its firmware goes."""
        self.log: deque[str] = deque(maxlen=1000)
        """What it has written down, oldest first."""
        self.local_list = LocalList(length=options.local_list_length)
        self.outbox = Outbox()
        self.accepted = False
        """Whether the peer has accepted it since it was switched on."""
        self.operative = True
        self.connectors = {
            number: Connector(id=number, meter_wh=options.meter_start_wh)
            for number in range(1, options.connectors + 1)
        }
        self.advanced: Callable[[], None] = lambda: None
        """Called whenever something may have changed."""
        self._advanced_s = clock.seconds()

    def now(self) -> datetime:
        """The wall time as the charger's own clock has it."""
        return self.clock.now() + timedelta(
            seconds=self.options.clock_skew_s + self.faults.clock_skew_s
        )

    @property
    def currents_a(self) -> tuple[float, float, float]:
        """What flows on the charger's L1, L2 and L3, over all connectors."""
        currents = [connector.currents_a for connector in self.connectors.values()]
        one, two, three = (sum(line) for line in zip(*currents, strict=True))
        return one, two, three

    def status(self, connector_id: int) -> ChargePointStatus:
        """The status of a connector, or of the charger itself for 0."""
        if self.faults.broken:
            return ChargePointStatus.faulted
        if connector_id:
            if self.faults.stuck_in_finishing and connector_id in self._has_finished:
                return ChargePointStatus.finishing
            return self.connectors[connector_id].status
        return ChargePointStatus.available if self.operative else ChargePointStatus.unavailable

    def advance(self) -> None:
        """Bring cars and meters to the present, and begin what is due."""
        seconds = self.clock.seconds()
        elapsed_s, self._advanced_s = seconds - self._advanced_s, seconds
        for number, connector in self.connectors.items():
            limit = self.limit(number)
            phases = self.phases
            if limit is not None and limit.number_phases and self.options.switches_phases:
                phases = min(phases, limit.number_phases)
            offered_a = self._offer(limit)
            if offered_a * NOMINAL_VOLTAGE_V * phases < self.options.behaviour.one_line_below_w:
                offered_a, phases = min(self.rating_a, offered_a * phases), 1
            connector.step(seconds=elapsed_s, offered_a=offered_a, phases=phases)
            if offered_a < self.options.behaviour.ends_below_a:
                self.stop_transaction(number, Reason.other)
            if self.accepted and self.options.charges_freely and connector.wants_transaction:
                self.authorize_and_start(number, self.options.id_tag)
        self.advanced()

    def limit(self, connector_id: int, now: datetime | None = None) -> ActiveLimit | None:
        """What profiles allow a connector; None is no limit."""
        if self.faults.ignore_profiles:
            return None
        now = now or self.now()
        transaction = self.running_transaction(connector_id)
        profiles = self.profiles
        if self.options.behaviour.defaults_wait and transaction is not None:
            profiles = profiles.with_defaults_of(self._profiles_at_start[connector_id])
        own = profiles.connector_limit(connector_id, now, transaction, phases=self.phases)
        whole = self.profiles.charger_limit(now, phases=self.phases)
        if whole is None:
            return own
        # Connectors in use share what the charger as a whole may draw, in equal parts.
        sharing = max(1, sum(it.transaction is not None for it in self.connectors.values()))
        share = ActiveLimit(limit_a=whole.limit_a / sharing, number_phases=whole.number_phases)
        return merged(own, share)

    def expected_a(self, connector_id: int, now: datetime) -> float:
        """The most that it will offer at a time, A per line; for 0, all connectors together."""
        if connector_id:
            return self._offer(self.limit(connector_id, now))
        total_a = sum(self.expected_a(number, now) for number in self.connectors)
        whole = self.profiles.charger_limit(now, phases=self.phases)
        return total_a if whole is None else min(total_a, whole.limit_a)

    def see_link(self, *, connected: bool) -> None:
        """Notice whether there is a connection."""
        if connected:
            self._unlinked_at_s = None
        elif self._unlinked_at_s is None:
            self._unlinked_at_s = self.clock.seconds()

    @property
    def _is_alone(self) -> bool:
        """Whether it has noticed that its link is gone."""
        alone_s = self.options.behaviour.offline_after_s
        since_s = self._unlinked_at_s
        return since_s is not None and self.clock.seconds() >= since_s + alone_s

    def _offer(self, limit: ActiveLimit | None) -> float:
        behaviour = self.options.behaviour
        if self.faults.broken:
            return 0.0
        if behaviour.offline_a is not None and self._is_alone:
            key = behaviour.offline_key
            alone_a = self.configuration.number(key) if key else behaviour.offline_a
            return min(self.rating_a, alone_a)
        if self._locked:
            return 0.0
        if (
            self._is_unleashed
            or limit is None
            or (limit.limit_a == 0 and behaviour.zero_is_no_limit)
        ):
            return self.rating_a
        limit_a = min(self.rating_a, limit.limit_a)
        if behaviour.takes_steps_a:
            return max((it for it in behaviour.takes_steps_a if it <= limit_a), default=0.0)
        return limit_a

    def set_profile(self, connector_id: int, profile: Profile) -> None:
        """Install a profile. Raises ProfileRejectedError if the charger would not take it."""
        capabilities = self.options.profile_capabilities
        transaction = self.running_transaction(connector_id)
        check_profile(profile, connector_id, capabilities=capabilities, transaction=transaction)
        highest = self.faults.reject_stack_levels_above
        if highest is not None and profile.stack_level > highest:
            raise ProfileRejectedError("no such stack level, after all")
        if self.faults.drop_later_periods:
            schedule = replace(profile.schedule, periods=profile.schedule.periods[:1])
            profile = replace(profile, schedule=schedule)
        if self.faults.never_expires:
            schedule = replace(profile.schedule, duration_s=None)
            profile = replace(profile, schedule=schedule, valid_to=None)
        zero = profile.schedule.periods[0].limit == 0
        self._is_unleashed = self.faults.full_power_after_zero and self._had_zero and not zero
        if self._loses(profile):
            return
        if self.faults.takes_one_default and profile.purpose is Purpose.TX_DEFAULT:
            self.profiles = self.profiles.cleared(
                connector_id=connector_id, purpose=Purpose.TX_DEFAULT
            )
        changed = self.profiles.with_profile(connector_id, profile)
        if len(changed.installed) > capabilities.maximum_installed:
            raise ProfileRejectedError("no room for another profile")
        self.profiles = changed
        self.advance()

    def _loses(self, profile: Profile) -> bool:
        """Whether it accepts a profile and makes nothing of it."""
        behaviour, period = self.options.behaviour, profile.schedule.periods[0]
        if behaviour.needs_number_phases and period.number_phases is None:
            return True
        had_zero, self._had_zero = self._had_zero, period.limit == 0
        self._locked |= behaviour.locks_at_zero and period.limit == 0
        return behaviour.forgets_after_zero and had_zero and period.limit > 0

    def clear_profiles(
        self,
        *,
        profile_id: int | None = None,
        connector_id: int | None = None,
        purpose: Purpose | None = None,
        stack_level: int | None = None,
    ) -> bool:
        """Remove what matches all criteria given, and tell whether anything did."""
        before = self.profiles
        self.profiles = before.cleared(
            profile_id=profile_id,
            connector_id=connector_id,
            purpose=purpose,
            stack_level=stack_level,
        )
        self.advance()
        return self.profiles != before

    def plug_in(self, car: Car, connector_id: int = 1) -> None:
        """Let a car arrive. Raises ValueError if the connector is taken."""
        self.advance()
        self.connectors[connector_id].plug_in(car)
        self.advanced()
        self.advance()

    def unplug(self, connector_id: int = 1) -> None:
        """Let the car leave, which ends its transaction."""
        self.advance()
        self.stop_transaction(connector_id, Reason.ev_disconnected)
        self.connectors[connector_id].unplug()
        self.advance()

    def authorize_and_start(self, connector_id: int, id_tag: str) -> None:
        """Begin a transaction if the peer knows the tag, or cannot be asked."""
        connector = self.connectors[connector_id]
        connector.authorizing = True

        def answered(answer: Any) -> None:
            connector.authorizing = False
            if _is_accepted(answer):
                self._start_if_possible(connector, id_tag)
            else:
                connector.done = True

        def given_up() -> None:
            connector.authorizing = False
            if self.configuration.flag("AllowOfflineTxForUnknownId"):
                self._start_if_possible(connector, id_tag)

        self.outbox.put(
            Message(
                build=lambda: call.Authorize(id_tag=id_tag), answered=answered, given_up=given_up
            )
        )

    def _start_if_possible(self, connector: Connector, id_tag: str) -> None:
        if connector.car is not None and connector.transaction is None and connector.operative:
            self.start_transaction(connector.id, id_tag)

    def start_transaction(self, connector_id: int, id_tag: str) -> None:
        """Begin a transaction, whether or not the peer can be told now."""
        connector = self.connectors[connector_id]
        transaction = Transaction(
            id_tag=id_tag, started=self.now(), meter_start_wh=int(connector.meter_wh)
        )
        connector.transaction = transaction
        self._profiles_at_start[connector_id] = self.profiles
        payload = call.StartTransaction(
            connector_id=connector_id,
            id_tag=id_tag,
            meter_start=transaction.meter_start_wh,
            timestamp=timestamp(transaction.started),
        )
        answered = partial(self._transaction_started, connector, transaction)
        self.outbox.put(Message(build=lambda: payload, durable=True, answered=answered))
        self.advance()

    def _transaction_started(
        self, connector: Connector, transaction: Transaction, answer: Any
    ) -> None:
        transaction.id = answer.transaction_id
        refused = not _is_accepted(answer)
        if (
            refused
            and connector.transaction is transaction
            and self.configuration.flag("StopTransactionOnInvalidId")
        ):
            self.stop_transaction(connector.id, Reason.de_authorized)

    def stop_transaction(
        self, connector_id: int, reason: Reason, id_tag: str | None = None
    ) -> None:
        """End the transaction of a connector, if there is one."""
        connector = self.connectors[connector_id]
        transaction = connector.end_transaction(reason)
        if transaction is None:
            return
        self._has_finished.add(connector_id)
        self.profiles = self.profiles.without_transaction(connector_id)
        meter_stop, stopped = int(connector.meter_wh), timestamp(self.now())

        def build() -> Any:
            # Without an answer to its start, the peer knows of no transaction to stop.
            if transaction.id is None:
                return None
            return call.StopTransaction(
                meter_stop=meter_stop,
                timestamp=stopped,
                transaction_id=transaction.id,
                reason=reason,
                id_tag=id_tag,
            )

        self.outbox.put(Message(build=build, durable=True))
        self.advance()

    def report_security(self, kind: str) -> None:
        """Tell of something that concerns its security, if it knows how."""
        if self.security.is_known:
            payload = call.SecurityEventNotification(
                type=kind, timestamp=timestamp(self.now()), tech_info=None
            )
            self.outbox.put(Message(build=lambda: payload, durable=True))

    def reboot(self, reason: Reason) -> None:
        """Lose what a reboot loses. Transactions end, for this reason."""
        self.log.append(f"{timestamp(self.now())} restart: {reason}")
        self.accepted = False
        self._locked = self._had_zero = False
        for number in self.connectors:
            self.stop_transaction(number, reason)
        if self.faults.drop_profiles_on_reboot or not self.options.profiles_persist:
            self.profiles = ProfileSet()

    def change_availability(self, connector_id: int, *, operative: bool) -> bool:
        """Put a connector, or all for 0, in or out of service; False if a transaction delays it."""
        if connector_id == 0:
            self.operative = operative
        affected = [it for it in self.connectors.values() if connector_id in (0, it.id)]
        for connector in affected:
            connector.becomes_inoperative = not operative and connector.transaction is not None
            connector.operative = operative or connector.becomes_inoperative
        self.advance()
        return not any(connector.becomes_inoperative for connector in affected)

    def running_transaction(self, connector_id: int) -> RunningTransaction | None:
        """What profiles need to know of a connector's transaction."""
        connector = self.connectors.get(connector_id)
        if connector is None or connector.transaction is None:
            return None
        return connector.transaction.running


def known_connector(station: Station, connector_id: int) -> Connector:
    """Look up a connector; an unknown one raises what becomes the CALLERROR of section 5.16."""
    connector = station.connectors.get(connector_id)
    if connector is None:
        untyped: Any = PropertyConstraintViolationError
        raise untyped(details={"cause": f"There is no connector {connector_id}"})
    return connector


def _is_accepted(answer: Any) -> bool:
    return bool(answer.id_tag_info["status"] == AuthorizationStatus.accepted)
