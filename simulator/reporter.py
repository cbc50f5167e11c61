"""What a charger tells of itself: its statuses when they change, its meter and its heartbeat."""

from typing import Any

from ocpp.v16 import call
from ocpp.v16.datatypes import MeterValue
from ocpp.v16.enums import ChargePointErrorCode, ChargePointStatus, ReadingContext

from .clock import timestamp
from .connector import Connector
from .metering import Meter, Reading
from .outbox import Message
from .station import Station


class Reporter:
    """Builds messages from a station and puts those that are due in its outbox."""

    def __init__(self, station: Station) -> None:
        self._station = station
        self._online = False
        self._reported: dict[int, ChargePointStatus] = {}
        self._sampled_s = self._heartbeat_s = station.clock.seconds()
        station.advanced = self.report

    def connected(self) -> None:
        """The peer has accepted the charger and can be reached; tell it how things are."""
        self._online = True
        self._station.outbox.open()
        self._reported.clear()
        self._station.advance()

    def disconnected(self) -> None:
        """The peer cannot be reached."""
        self._online = False
        self._station.outbox.close()

    def report(self) -> None:
        """Queue what is due."""
        if self._online:
            self._report_statuses()
        if self._station.accepted:
            self._report_samples()
            self._report_heartbeat()

    def status_notification(self, connector_id: int) -> Any:
        """Build a StatusNotification of the present."""
        return call.StatusNotification(
            connector_id=connector_id,
            error_code=(
                ChargePointErrorCode.other_error
                if self._station.faults.broken
                else ChargePointErrorCode.no_error
            ),
            status=self._station.status(connector_id),
            timestamp=timestamp(self._station.now()),
        )

    def meter_values(self, connector_id: int, context: ReadingContext) -> Any:
        """Build a MeterValues message of the present; connector 0 is all of them together."""
        if connector_id == 0:
            connectors = list(self._station.connectors.values())
            return call.MeterValues(
                connector_id=0, meter_value=[self._meter_value(connectors, context)]
            )
        return self._sample(self._station.connectors[connector_id], context).build()

    def _report_statuses(self) -> None:
        if self._station.faults.tells_no_status:
            return
        for number in (0, *self._station.connectors):
            status = self._station.status(number)
            if self._reported.get(number) != status:
                self._reported[number] = status
                notification = self.status_notification(number)
                self._station.outbox.put(_message(notification))

    def _report_samples(self) -> None:
        interval_s = self._station.configuration.number("MeterValueSampleInterval")
        seconds = self._station.clock.seconds()
        if self._station.options.behaviour.meters_when_asked:
            return
        if not interval_s or seconds - self._sampled_s < interval_s:
            return
        self._sampled_s = seconds
        for connector in self._station.connectors.values():
            self._station.outbox.put(self._sample(connector, ReadingContext.sample_periodic))

    def _report_heartbeat(self) -> None:
        interval_s = self._station.configuration.number("HeartbeatInterval")
        seconds = self._station.clock.seconds()
        if interval_s and seconds - self._heartbeat_s >= interval_s:
            self._heartbeat_s = seconds
            self._station.outbox.put(Message(build=call.Heartbeat))

    def _sample(self, connector: Connector, context: ReadingContext) -> Message:
        meter_value = self._meter_value([connector], context)
        transaction = connector.transaction

        def build() -> Any:
            return call.MeterValues(
                connector_id=connector.id,
                meter_value=[meter_value],
                transaction_id=None if transaction is None else transaction.id,
            )

        return Message(build=build, durable=transaction is not None)

    def _meter_value(self, connectors: list[Connector], context: ReadingContext) -> MeterValue:
        station = self._station
        meter = Meter(
            measurands=tuple(station.configuration.text("MeterValuesSampledData").split(",")),
            style=station.faults.meter_style,
            kilo_units=station.faults.kilo_units,
            calls_import_export=station.options.behaviour.calls_import_export,
        )
        one, two, three = (
            sum(line) for line in zip(*(it.currents_a for it in connectors), strict=True)
        )
        factor, phases = station.faults.meter_factor, station.phases
        if station.options.behaviour.spreads_current:
            one = two = three = (one + two + three) / 3
            phases = 3
        reading = Reading(
            timestamp=timestamp(station.now()),
            currents_a=(one * factor, two * factor, three * factor),
            energy_wh=sum(connector.meter_wh for connector in connectors),
            offered_a=sum(connector.offered_a for connector in connectors),
            phases=phases,
        )
        return meter.meter_value(reading, context)


def _message(payload: Any) -> Message:
    return Message(build=lambda: payload)
