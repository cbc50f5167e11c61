"""How a charger answers the messages of the Core and Remote Trigger profiles."""

from contextlib import suppress
from typing import Any, Protocol

from ocpp.v16 import call, call_result
from ocpp.v16.datatypes import KeyValue
from ocpp.v16.enums import (
    Action,
    AvailabilityStatus,
    AvailabilityType,
    ClearCacheStatus,
    ConfigurationStatus,
    DataTransferStatus,
    DiagnosticsStatus,
    MessageTrigger,
    ReadingContext,
    Reason,
    RemoteStartStopStatus,
    ResetStatus,
    ResetType,
    TriggerMessageStatus,
    UnlockStatus,
)

from .configuration import Access
from .profiles import ProfileRejectedError, parse_profile
from .reporter import Reporter
from .routes import after, on
from .station import Station, known_connector


class Effects(Protocol):
    """What a command may have the connection do after it has been answered."""

    def send_soon(self, payload: Any) -> None:
        """Send a CALL ahead of the outbox."""

    def boot_soon(self) -> None:
        """Send a BootNotification now."""

    def reconnect_soon(self) -> None:
        """Hang up, and connect anew with what has changed."""

    def reboot_soon(self, reason: Reason) -> None:
        """End transactions, tell the peer if possible, then hang up and start anew."""


class Commands:
    """The handlers, found through their decorators."""

    def __init__(self, station: Station, reporter: Reporter, effects: Effects) -> None:
        self._station = station
        self._reporter = reporter
        self._effects = effects

    @on(Action.get_configuration)
    def get_configuration(self, key: list[str] | None = None) -> Any:
        """Tell the keys asked for, or all."""
        known, unknown = self._station.configuration.read(key or ())
        return call_result.GetConfiguration(
            configuration_key=[
                KeyValue(key=name, readonly=entry.access is Access.READ_ONLY, value=entry.value)
                for name, entry in known.items()
            ],
            unknown_key=unknown or None,
        )

    @on(Action.change_configuration)
    def change_configuration(self, key: str, value: str) -> Any:
        """Write a key."""
        result = self._station.configuration.change(key, value)
        return call_result.ChangeConfiguration(status=ConfigurationStatus(result))

    @after(Action.change_configuration)
    def after_change_configuration(self, key: str, value: str) -> None:
        """Connect anew with a new password."""
        if key == "AuthorizationKey" and self._station.configuration.has(key, value):
            self._station.report_security("ReconfigurationOfSecurityParameters")
            self._effects.reconnect_soon()

    @on(Action.change_availability)
    def change_availability(self, connector_id: int, **wanted: Any) -> Any:
        """Put in or out of service."""
        if connector_id:
            known_connector(self._station, connector_id)
        at_once = self._station.change_availability(
            connector_id, operative=wanted["type"] == AvailabilityType.operative
        )
        status = AvailabilityStatus.accepted if at_once else AvailabilityStatus.scheduled
        return call_result.ChangeAvailability(status=status)

    @on(Action.clear_cache)
    def clear_cache(self) -> Any:
        """Forget tags; there is nothing to forget."""
        return call_result.ClearCache(status=ClearCacheStatus.accepted)

    @on(Action.data_transfer)
    def data_transfer(self, **_: Any) -> Any:
        """Know no vendor."""
        return call_result.DataTransfer(status=DataTransferStatus.unknown_vendor_id)

    @on(Action.remote_start_transaction)
    def remote_start_transaction(
        self,
        id_tag: str,
        connector_id: int | None = None,
        charging_profile: dict[str, Any] | None = None,
    ) -> Any:
        """Begin a transaction where a car waits."""
        waiting = [
            connector.id
            for connector in self._station.connectors.values()
            if connector.car is not None
            and connector.transaction is None
            and connector.operative
            and connector_id in (None, connector.id)
        ]
        if not waiting or not self._station.accepted:
            return call_result.RemoteStartTransaction(status=RemoteStartStopStatus.rejected)
        if self._station.configuration.flag("AuthorizeRemoteTxRequests"):
            self._station.authorize_and_start(waiting[0], id_tag)
        else:
            self._station.start_transaction(waiting[0], id_tag)
            if charging_profile is not None:
                self._set_first_profile(waiting[0], charging_profile)
        return call_result.RemoteStartTransaction(status=RemoteStartStopStatus.accepted)

    def _set_first_profile(self, connector_id: int, payload: dict[str, Any]) -> None:
        # The answer is about the transaction; there is none for a profile that comes with it.
        with suppress(ProfileRejectedError):
            self._station.set_profile(connector_id, parse_profile(payload))

    @on(Action.remote_stop_transaction)
    def remote_stop_transaction(self, transaction_id: int) -> Any:
        """End a transaction."""
        for connector in self._station.connectors.values():
            if connector.transaction is not None and connector.transaction.id == transaction_id:
                if not self._station.faults.ignore_remote_stop:
                    self._station.stop_transaction(connector.id, Reason.remote)
                return call_result.RemoteStopTransaction(status=RemoteStartStopStatus.accepted)
        return call_result.RemoteStopTransaction(status=RemoteStartStopStatus.rejected)

    @on(Action.unlock_connector)
    def unlock_connector(self, connector_id: int) -> Any:
        """Unlock the cable, which ends the transaction."""
        if connector_id not in self._station.connectors:
            return call_result.UnlockConnector(status=UnlockStatus.not_supported)
        self._station.stop_transaction(connector_id, Reason.unlock_command)
        return call_result.UnlockConnector(status=UnlockStatus.unlocked)

    @on(Action.reset)
    def reset(self, **_: Any) -> Any:
        """Agree to reboot."""
        return call_result.Reset(status=ResetStatus.accepted)

    @after(Action.reset)
    def after_reset(self, **wanted: Any) -> None:
        """Reboot."""
        hard = wanted["type"] == ResetType.hard
        self._effects.reboot_soon(Reason.hard_reset if hard else Reason.soft_reset)

    @on(Action.trigger_message)
    def trigger_message(self, connector_id: int | None = None, **_: Any) -> Any:
        """Agree to send a message, of a connector that exists."""
        known = connector_id in (None, 0, *self._station.connectors)
        status = TriggerMessageStatus
        return call_result.TriggerMessage(status=status.accepted if known else status.rejected)

    @after(Action.trigger_message)
    def after_trigger_message(
        self, requested_message: str, connector_id: int | None = None
    ) -> None:
        """Send what was asked for; without a connector, of all."""
        trigger = MessageTrigger
        numbers = list(self._station.connectors) if connector_id is None else [connector_id]
        if not set(numbers) <= {0, *self._station.connectors}:
            return
        self._station.advance()
        if requested_message == trigger.boot_notification:
            self._effects.boot_soon()
        elif requested_message == trigger.heartbeat:
            self._effects.send_soon(call.Heartbeat())
        elif requested_message == trigger.diagnostics_status_notification:
            self._effects.send_soon(
                call.DiagnosticsStatusNotification(status=DiagnosticsStatus.idle)
            )
        elif requested_message == trigger.firmware_status_notification:
            status = self._station.firmware_status
            self._effects.send_soon(call.FirmwareStatusNotification(status=status))
        elif requested_message == trigger.status_notification:
            for number in [0, *numbers] if connector_id is None else numbers:
                self._effects.send_soon(self._reporter.status_notification(number))
        else:
            for number in numbers:
                self._effects.send_soon(self._reporter.meter_values(number, ReadingContext.trigger))
