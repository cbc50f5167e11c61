"""What the chargers say, taken to the rooms that it concerns."""

from collections.abc import Callable
from functools import partial

from ..balancing.model import ConnectorKey
from ..csms.events import (
    CapabilitiesLearnt,
    ConnectorsCounted,
    DiagnosticsStatusChanged,
    FirmwareStatusChanged,
    LineFreed,
    MeterValuesReceived,
    StationConnected,
    StationDescribed,
    StationDisconnected,
    StationEvent,
    StationLearnt,
    StationPending,
    StationReady,
    StationRefused,
    StatusChanged,
    TagShown,
    TransactionRefused,
    TransactionStarted,
    TransactionStopped,
)
from ..csms.security_events import CertificateShown, SecurityEvent
from .live import LiveConnector
from .rooms import Rooms
from .step_timer import COALESCE_S


class StationEvents:
    """Takes in the events of chargers, and calls for a step after each."""

    def __init__(self, rooms: Rooms) -> None:
        """Take in nothing yet."""
        self.on_connectors_counted: Callable[[str, int], None] | None = None
        """Called with a charger that has more connectors than it was set up with, and how many."""
        self._rooms = rooms

    def take(self, event: StationEvent) -> None:
        """Take in what a charger said, or what became of its link."""
        rooms = self._rooms
        match event:
            case StationReady():
                self._each(event.identity, LiveConnector.ready)
                rooms.local_lists.charger_changed(event.identity)
                rooms.door.ready(event.identity)
                rooms.firmware_updates.ready(event.identity)
            case CapabilitiesLearnt():
                told = event.capabilities.as_record()
                rooms.recorder.note(rooms.ledger.note_capabilities(event.identity, told))
            case StationConnected() | StationDisconnected():
                # What is behind a new socket may have restarted, and so have lost its limit.
                linked = isinstance(event, StationConnected)
                self._each(event.identity, partial(LiveConnector.disconnected, linked=linked))
            case (
                StatusChanged()
                | MeterValuesReceived()
                | TransactionStarted()
                | TransactionStopped()
            ):
                self._of_connector(event)
            case SecurityEvent() | CertificateShown():
                rooms.door.take(event)
            case StationPending() | StationRefused():
                rooms.pairing.take(event)
            case ConnectorsCounted():
                self._counted(event)
            case LineFreed():
                self._line_freed(event)
                return
            case StationDescribed():
                if rooms.firmwares.booted(event.identity, event.boot):
                    rooms.obedience.firmware_changed(event.identity)
                    rooms.proofs.firmware_changed(event.identity)
                rooms.firmware_updates.booted(event.identity, event.boot)
            case FirmwareStatusChanged():
                rooms.firmware_updates.told(event)
            case DiagnosticsStatusChanged():
                rooms.uploads.told(event)
            case TransactionRefused():
                self._refused(event)
            case TagShown():
                rooms.tags.shown(event)
            case StationLearnt():
                rooms.firmwares.learnt(event.identity, event.memory)
        timer = rooms.timer
        have_step = timer.glance_within if isinstance(event, MeterValuesReceived) else timer.within
        have_step(max(COALESCE_S, timer.patience_s))

    def _line_freed(self, event: LineFreed) -> None:
        """Let whoever waits for a line get it before anything else."""
        result = self._rooms.control.result
        waiting = () if result is None else result.cuts_waiting
        if any(key.charger == event.identity for key in waiting):
            # The line is kept for a second, which patience would use up.
            self._rooms.timer.within(0.0)
        else:
            self._rooms.timer.glance_soon()

    def _of_connector(
        self,
        event: StatusChanged | MeterValuesReceived | TransactionStarted | TransactionStopped,
    ) -> None:
        """Take in what a charger said of a connector."""
        rooms = self._rooms
        live = rooms.live.get(ConnectorKey(event.identity, event.connector))
        if live is not None:
            rooms.sessions.take(event, live, rooms.timer.now())
            rooms.tags.give_to(live)
            if not isinstance(event, MeterValuesReceived):
                rooms.local_lists.charger_changed(event.identity)
            rooms.proofs.look(event.identity)
        if isinstance(event, TransactionStarted | TransactionStopped):
            rooms.foreign.take(event)
            rooms.upstreams.take(event)

    def _refused(self, event: TransactionRefused) -> None:
        live = self._rooms.live.get(ConnectorKey(event.identity, event.connector))
        if live is not None:
            self._rooms.sessions.refused(live, event.transaction_id)
        self._rooms.refusals.refused(event.identity, event.transaction_id)

    def _counted(self, event: ConnectorsCounted) -> None:
        chargers = self._rooms.layout.settings.chargers
        charger = next((one for one in chargers if one.identity == event.identity), None)
        if charger is None or event.count <= charger.connectors:
            return
        if self.on_connectors_counted is not None:
            self.on_connectors_counted(event.identity, event.count)

    def _each(self, identity: str, change: Callable[[LiveConnector], None]) -> None:
        for key, live in self._rooms.live.items():
            if key.charger == identity:
                change(live)
