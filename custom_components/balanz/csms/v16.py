"""What a charger says in OCPP 1.6: messages to events and answers."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from ..storage.tags import MAX_ID_LENGTH
from .authorization import MAX_UNKNOWN_ID_LENGTH, Verdict
from .capabilities import MAX_CONNECTORS
from .clock_skew import ClockSkew
from .events import (
    BootInfo,
    ConnectorStatus,
    DiagnosticsStatusChanged,
    FirmwareStatusChanged,
    MeterValues,
    MeterValuesReceived,
    StationDescribed,
    StationEvent,
    StatusChanged,
    TransactionStarted,
    TransactionStopped,
)
from .lenient import integer, number, require_integer, text, timestamp
from .meter_quirks import MeterQuirks
from .rpc_errors import CallError
from .rpc_frames import ErrorCode, Payload
from .transactions import IMPLICIT, UNTOLD_ID, StartContent, Transaction, TransactionBook
from .v16_measurands import Measurand
from .v16_meter_values import last_register_wh, parse_meter_values
from .v16_security import security_handlers
from .validation import is_known
from .violations import Violations

HEARTBEAT_INTERVAL_S = 300
PENDING_INTERVAL_S = 10
MAX_STATUS_LENGTH = 50
_NO_CONNECTOR = -1
_FIRST_YEAR = 2020
"""Clocks that were never set tell of earlier years."""
_WITHOUT_TRANSACTION = (
    ConnectorStatus.AVAILABLE,
    ConnectorStatus.FINISHING,
    ConnectorStatus.RESERVED,
)
_STATUSES = {status.value.replace("_", ""): status for status in ConnectorStatus}


class StationState(Protocol):
    """What a charger's messages change."""

    identity: str
    boot: BootInfo | None
    statuses: dict[int, ConnectorStatus]
    clock: ClockSkew
    diagnostics_status: str | None
    firmware_status: str | None
    violations: Violations

    @property
    def meter_quirks(self) -> MeterQuirks:
        """What its meter values mean where they do not mean what they say."""
        ...

    def emit(self, event: StationEvent) -> None:
        """Tell the world."""
        ...

    def tell_started(self, transaction: Transaction) -> None:
        """Tell the world of a transaction that runs."""
        ...

    def saw_clock(self, stamped_at: datetime, received_at: datetime) -> None:
        """Learn from a message's timestamp how the charger's clock is set."""
        ...

    def is_overtaken(self, connector: int, stamped_at: datetime, received_at: datetime) -> bool:
        """Return whether a status has come too late to count; it is asked for once more then."""
        ...

    def saw_connector(self, connector: int) -> None:
        """Learn that a connector exists."""
        ...

    def wants_certificate(self, csr_pem: str) -> bool:
        """Learn that the charger wants a certificate; return whether it will get one."""
        ...

    @property
    def connector_count(self) -> int | None:
        """How many connectors the charger has, if that is known."""
        ...


class Desk(Protocol):
    """Where tags are shown."""

    async def authorize(self, identity: str, id_tag: object) -> Verdict:
        """Return what to answer to a card that is shown."""
        ...

    def started(self, transaction: Transaction, id_tag: object) -> Verdict:
        """Return what to answer to a transaction that has started, and note if it is refused."""
        ...


class InboundMessages:
    """Serves the messages of one accepted charger."""

    def __init__(
        self, station: StationState, transactions: TransactionBook, tag_desk: Desk
    ) -> None:
        self.tag_desk = tag_desk
        """Who decides about tags; may be changed at any time."""
        self._station = station
        self._transactions = transactions
        self._handlers: Mapping[str, Callable[[Payload], Awaitable[Payload]]] = {
            "Authorize": self._authorize,
            "BootNotification": self._boot_notification,
            "DataTransfer": _data_transfer,
            "DiagnosticsStatusNotification": self._diagnostics_status,
            "FirmwareStatusNotification": self._firmware_status,
            "Heartbeat": _heartbeat,
            "LogStatusNotification": self._diagnostics_status,
            "MeterValues": self._meter_values,
            "SignedFirmwareStatusNotification": self._firmware_status,
            "StartTransaction": self._start_transaction,
            "StatusNotification": self._status_notification,
            "StopTransaction": self._stop_transaction,
            **security_handlers(station),
        }

    def handle(self, action: str, payload: Payload) -> Awaitable[Payload]:
        """Return the answer to a message. Raises CallError or WithholdAnswer."""
        handler = self._handlers.get(action)
        if handler is None:
            raise unsupported(action)
        return handler(payload)

    async def _authorize(self, payload: Payload) -> Payload:
        verdict = await self.tag_desk.authorize(self._station.identity, payload.get("idTag"))
        return {"idTagInfo": _tag_info(verdict)}

    async def _boot_notification(self, payload: Payload) -> Payload:
        boot = parse_boot_info(payload)
        self._station.boot = boot
        self._station.emit(StationDescribed(identity=self._station.identity, boot=boot))
        return boot_answer("Accepted", HEARTBEAT_INTERVAL_S)

    async def _status_notification(self, payload: Payload) -> Payload:
        connector = require_integer(payload, "connectorId")
        now = datetime.now(UTC)
        stamped_at = timestamp(payload.get("timestamp"))
        if stamped_at is not None:
            self._station.saw_clock(stamped_at, now)
        status = _STATUSES.get(text(payload.get("status"), 50).lower())
        if status is None or not 0 <= connector <= MAX_CONNECTORS:
            return {}
        self._station.saw_connector(connector)
        if stamped_at is not None and self._station.is_overtaken(connector, stamped_at, now):
            return {}
        self._station.statuses[connector] = status
        self._station.emit(
            StatusChanged(
                identity=self._station.identity,
                connector=connector,
                status=status,
                error_code=text(payload.get("errorCode"), 50),
            )
        )
        return {}

    async def _diagnostics_status(self, payload: Payload) -> Payload:
        status = text(payload.get("status"), MAX_STATUS_LENGTH)
        if status:
            self._station.diagnostics_status = status
            self._station.emit(
                DiagnosticsStatusChanged(
                    identity=self._station.identity,
                    status=status,
                    request_id=integer(payload.get("requestId")),
                )
            )
        return {}

    async def _firmware_status(self, payload: Payload) -> Payload:
        status = text(payload.get("status"), MAX_STATUS_LENGTH)
        if status:
            self._station.firmware_status = status
            self._station.emit(
                FirmwareStatusChanged(
                    identity=self._station.identity,
                    status=status,
                    request_id=integer(payload.get("requestId")),
                )
            )
        return {}

    async def _meter_values(self, payload: Payload) -> Payload:
        now = datetime.now(UTC)
        transaction_id = integer(payload.get("transactionId"))
        connector = self._connector_of(payload, transaction_id)
        samples = [
            values
            for values, stamped_at in parse_meter_values(
                payload.get("meterValue"), now, self._station.meter_quirks, self._note_dropped
            )
            if self._is_fresh(stamped_at, now)
        ]
        if connector is None or not 1 <= connector <= MAX_CONNECTORS:
            return {}
        if transaction_id is not None and samples:
            self._adopt(connector, transaction_id, samples, now)
        for values in samples:
            self._station.emit(
                MeterValuesReceived(
                    identity=self._station.identity, connector=connector, values=values
                )
            )
        return {}

    def _note_dropped(self, measurand: Measurand) -> None:
        self._station.violations.note(f"MeterValues: a value of {measurand} that cannot be")

    def _is_fresh(self, stamped_at: datetime | None, now: datetime) -> bool:
        """Return whether something was measured just now; learn from when it was."""
        if stamped_at is None:
            return True
        self._station.saw_clock(stamped_at, now)
        return self._station.clock.is_fresh(stamped_at, now)

    def _connector_of(self, payload: Payload, transaction_id: int | None) -> int | None:
        """Return the connector that values belong to; the transaction tells it as well."""
        connector = integer(payload.get("connectorId"))
        if connector is not None or transaction_id is None:
            return connector
        transaction = self._transactions.find(self._station.identity, transaction_id)
        return transaction.connector if transaction else None

    def _adopt(
        self, connector: int, transaction_id: int, samples: list[MeterValues], at: datetime
    ) -> None:
        """Take over a transaction that values speak of, unless none can run there."""
        running = self._transactions.open_at(self._station.identity, connector)
        if running is not None and running.told_id == transaction_id:
            return
        if self._station.statuses.get(connector) in _WITHOUT_TRANSACTION:
            return
        registers_wh = (values.energy_wh for values in samples if values.energy_wh is not None)
        adopted = self._transactions.adopt(
            self._station.identity,
            connector,
            transaction_id,
            meter_wh=next(registers_wh, None),
            at=at,
        )
        if adopted is not None:
            self._station.tell_started(adopted)

    async def _start_transaction(self, payload: Payload) -> Payload:
        connector = require_integer(payload, "connectorId")
        if connector == 0 and self._station.connector_count in (None, 1):
            connector = 1
        if not 0 <= connector <= MAX_CONNECTORS:
            # All that cannot be are one, so that no charger can fill the memory with them.
            connector = _NO_CONNECTOR
        meter_start_wh = None
        if payload.get("meterStart") is not None or payload.get("idTag") is None:
            # Without a tag as well, it is no start but a broken message.
            meter_start_wh = float(require_integer(payload, "meterStart"))
        stamped_at = _possible(timestamp(payload.get("timestamp")))
        content = StartContent(
            self._station.identity,
            connector,
            text(payload.get("idTag"), MAX_ID_LENGTH),
            text(payload.get("timestamp"), 50) if stamped_at else "",
            meter_start_wh,
        )
        started = await self._transactions.start(
            content,
            stamped_at or datetime.now(UTC),
            only_connector=self._station.connector_count == 1,
        )
        if started.is_new and 1 <= connector <= MAX_CONNECTORS:
            self._station.saw_connector(connector)
            if started.replaced is not None:
                self._emit_stopped(started.replaced, started.transaction.started_at, None, IMPLICIT)
            if started.runs:
                self._station.tell_started(started.transaction)
        if started.is_new:
            verdict = self.tag_desk.started(started.transaction, payload.get("idTag"))
            tag_info = _tag_info(verdict)
        else:
            tag_info = {"status": started.transaction.refused or "Accepted"}
        return {"transactionId": started.transaction.id, "idTagInfo": tag_info}

    async def _stop_transaction(self, payload: Payload) -> Payload:
        transaction_id = require_integer(payload, "transactionId")
        now = datetime.now(UTC)
        stopped_at = _possible(timestamp(payload.get("timestamp"))) or now
        id_tag = text(payload.get("idTag"), MAX_ID_LENGTH)
        known = self._transactions.find(self._station.identity, transaction_id)
        if transaction_id == UNTOLD_ID and self._station.connector_count == 1:
            told_wh = number(payload.get("meterStop"))
            known = self._transactions.find_untold(
                self._station.identity, id_tag, stopped_at, told_wh
            )
            transaction_id = transaction_id if known is None else known.told_id
        meter_stop_wh = _meter_stop_wh(payload, known, now, self._station.meter_quirks)
        reason = text(payload.get("reason"), 20) or "Local"
        stopped = await self._transactions.stop(
            self._station.identity,
            transaction_id,
            stopped_at=stopped_at,
            meter_stop_wh=meter_stop_wh,
            reason=reason,
            id_tag=id_tag,
        )
        if stopped is not None and 1 <= stopped.connector <= MAX_CONNECTORS:
            self._emit_stopped(stopped, stopped_at, meter_stop_wh, reason)
        return {}

    def _emit_stopped(
        self,
        transaction: Transaction,
        stopped_at: datetime,
        meter_stop_wh: float | None,
        reason: str,
    ) -> None:
        self._station.emit(
            TransactionStopped(
                identity=transaction.identity,
                connector=transaction.connector,
                transaction_id=transaction.id,
                meter_stop_wh=meter_stop_wh,
                stopped_at=stopped_at,
                reason=reason,
            )
        )


def _meter_stop_wh(
    payload: Payload, transaction: Transaction | None, now: datetime, quirks: MeterQuirks
) -> float | None:
    """Return the register at the end: as it is told, else by the data that come along."""
    told_wh = number(payload.get("meterStop"))
    start_wh = None if transaction is None else transaction.content.meter_start_wh
    if told_wh is not None and told_wh >= (start_wh or 0.0):
        return told_wh
    measured_wh = last_register_wh(payload.get("transactionData"), now, quirks)
    return told_wh if measured_wh is None else measured_wh


def _possible(moment: datetime | None) -> datetime | None:
    """Return a moment unless no clock that was ever set can have told it."""
    if moment is None or moment.year < _FIRST_YEAR:
        return None
    return moment if moment <= datetime.now(UTC) + timedelta(days=1) else None


def unsupported(action: str) -> CallError:
    """Return the right refusal of a message that is not served."""
    if is_known(action):
        return CallError(ErrorCode.NOT_SUPPORTED, "not sent by a charger")
    return CallError(ErrorCode.NOT_IMPLEMENTED, "unknown action")


def started_event(transaction: Transaction) -> TransactionStarted:
    """Return the event of a running transaction."""
    return TransactionStarted(
        identity=transaction.identity,
        connector=transaction.connector,
        transaction_id=transaction.id,
        id_tag=transaction.content.id_tag,
        meter_start_wh=transaction.content.meter_start_wh,
        started_at=transaction.started_at,
        refused=bool(transaction.refused),
    )


def parse_boot_info(payload: Payload) -> BootInfo:
    """Read a BootNotification; what is missing stays empty."""
    serial = payload.get("chargePointSerialNumber") or payload.get("chargeBoxSerialNumber")
    return BootInfo(
        vendor=text(payload.get("chargePointVendor"), 50),
        model=text(payload.get("chargePointModel"), 50),
        serial=text(serial, 50),
        firmware=text(payload.get("firmwareVersion"), 50),
        meter_type=text(payload.get("meterType"), 25),
    )


def boot_answer(status: str, interval_s: int) -> Payload:
    """Return the answer to a BootNotification."""
    return {"status": status, "currentTime": utc_text(datetime.now(UTC)), "interval": interval_s}


def utc_text(moment: datetime) -> str:
    """Return a moment as OCPP wants it, without the fractions that trouble some chargers."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _tag_info(verdict: Verdict) -> dict[str, Any]:
    """Return what a charger is told of a tag (OCPP 1.6 section 7.29)."""
    info = {"status": verdict.status.value}
    if verdict.expires_at is not None:
        info["expiryDate"] = utc_text(verdict.expires_at)
    if verdict.parent is not None and len(verdict.parent) <= MAX_UNKNOWN_ID_LENGTH:
        info["parentIdTag"] = verdict.parent
    return info


async def _heartbeat(_payload: Payload) -> Payload:
    return {"currentTime": utc_text(datetime.now(UTC))}


async def _data_transfer(_payload: Payload) -> Payload:
    return {"status": "UnknownVendorId"}
