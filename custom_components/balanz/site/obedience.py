"""What is done about chargers that do not keep their limits, step by step, and undone later."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

from ..balancing.commitments import LAG_S
from ..balancing.control import Result
from ..balancing.inputs import Line
from ..balancing.model import ConnectorKey, Site
from ..balancing.obedience import Conduct, Ladder, Rung, Sighting, at_stake, conduct
from ..balancing.resolution import Resolution
from ..csms.command_values import MessageTrigger
from ..csms.server import CentralSystem
from ..csms.station import Station, StationError
from ..storage.ledger import Ledger
from .dispatch import Dispatcher
from .live import LiveConnector
from .recorder import Recorder
from .report_card import ReportCard

OTHER_FORM_AFTER_S = 20.0
"""How long a reminded charger has to be seen to obey, two intervals of its meter, before it is told
its limit in another form."""
MOST_FORMS_AT_STAKE = 1
"""How many forms are given up for others while a group carries too much; time is short then."""
KEEP_CARD_EVERY_S = 60.0
"""How often a report card is recorded at the most, to spare the disk."""

_LOGGER = logging.getLogger(__name__)

_DONE = {
    Rung.REMINDED: "its limit is sent again",
    Rung.PAUSED: "it gets 0 A",
    Rung.STOPPED: "its transaction is stopped",
    Rung.OUT_OF_SERVICE: "its connector is taken out of service",
    Rung.SWITCHED_OFF: "its power is switched off",
}


class Obedience:
    """Watches whether connectors keep their limits, and deals with those that do not."""

    def __init__(
        self,
        *,
        central: CentralSystem,
        live: Mapping[ConnectorKey, LiveConnector],
        ledger: Ledger,
        recorder: Recorder,
        spawn: Callable[[Coroutine[object, object, None]], asyncio.Task[None]],
        dispatcher: Dispatcher,
    ) -> None:
        """Hold nothing against anyone yet."""
        self.on_power: Callable[[str, bool], None] | None = None
        """Called to switch a charger's power off (False) or on again, by its identity."""
        self._central = central
        self._live = live
        self._ledger = ledger
        self._recorder = recorder
        self._spawn = spawn
        self._dispatcher = dispatcher
        self._kept: dict[ConnectorKey, tuple[ReportCard, float]] = {}

    def restore(self, key: ConnectorKey, now: float) -> None:
        """Give a connector what the ledger has of it; what cannot be read is left out."""
        live = self._live[key]
        with suppress(KeyError, TypeError, ValueError):
            record = self._ledger.obedience[key]
            live.card = ReportCard.from_record(record)
            live.ladder = Ladder.restored(record["rung"], now)
        self._kept[key] = (live.card, -KEEP_CARD_EVERY_S)

    def keep_cards(self, now: float, *, every_s: float = KEEP_CARD_EVERY_S) -> None:
        """Record the report cards that have changed, but none again within some seconds."""
        for key, live in self._live.items():
            card, at = self._kept[key]
            if live.card is not card and now - at >= every_s:
                self._keep(key, now)

    def _keep(self, key: ConnectorKey, now: float) -> None:
        live = self._live[key]
        rung = live.ladder.rung
        record = {"rung": None if rung is None else int(rung), **live.card.as_record()}
        self._kept[key] = (live.card, now)
        self._recorder.note(self._ledger.note_obedience(key, record))

    def firmware_changed(self, identity: str) -> None:
        """Forget what a charger did only because of its firmware."""
        for key, live in self._live.items():
            if key.charger == identity:
                live.card = replace(live.card, resolution=Resolution())

    def look(self, site: Site, result: Result, now: float) -> bool:
        """Take the steps that are due; return whether any limit has to be decided anew."""
        changed = False
        for key, live in self._live.items():
            plugged_in, live.seen_plugged_in = live.seen_plugged_in, False
            seen = conduct(live.commitment, now)
            if live.ladder.rung is None and seen is not Conduct.DISOBEYS:
                continue
            stake = at_stake(site, result, live.connector)
            if seen is Conduct.DISOBEYS and self._other_form(key, live, now, at_stake=stake):
                continue
            reading = live.commitment.reading
            after = live.ladder.saw(
                Sighting(
                    conduct=seen,
                    read_at=0.0 if reading is None else reading.at,
                    at_stake=stake,
                    highest=_highest(live),
                    lag_s=live.card.lag.lag_s,
                ),
                now,
            )
            changed |= self._moved(key, live, after.asked_back() if plugged_in else after)
        return changed

    def _other_form(
        self, key: ConnectorKey, live: LiveConnector, now: float, *, at_stake: bool
    ) -> bool:
        """Tell a charger that ignores what it has accepted the same in another form, if it can be.

        That comes before anything harder, and each form is given the time of a step.
        """
        reading, station = live.commitment.reading, self._central.stations.get(key.charger)
        if (
            live.ladder.rung is not Rung.REMINDED
            or station is None
            or reading is None
            or reading.at < live.ladder.since + OTHER_FORM_AFTER_S
            or (at_stake and station.forms_without_effect >= MOST_FORMS_AT_STAKE)
        ):
            return False
        if self._dispatcher.line(key) is not Line.FREE:
            # It is free again within seconds.
            return station.has_another_form
        if not station.try_another_form():
            return False
        self._dispatcher.send_again(key, now)
        live.ladder = replace(live.ladder, since=now)
        return True

    def asked_back(self, key: ConnectorKey) -> bool:
        """Let a connector charge again that has obeyed since: the user wants it.

        Return whether nothing keeps it from charging any more.
        """
        live = self._live[key]
        self._moved(key, live, live.ladder.asked_back())
        return not live.ladder.pauses

    def _moved(self, key: ConnectorKey, live: LiveConnector, after: Ladder) -> bool:
        """Take over a ladder, and do what its rung asks for; return whether it has moved."""
        before, live.ladder = live.ladder, after
        if after.rung is before.rung:
            return False
        name = live.connector.name
        if after.rung is not None and (before.rung is None or after.rung > before.rung):
            # A reminder costs nobody anything, and may be due again and again.
            level = logging.INFO if after.rung is Rung.REMINDED else logging.WARNING
            _LOGGER.log(level, "%s does not keep its limit: %s", name, _DONE[after.rung])
            live.card = live.card.climbed(after.rung, datetime.now(UTC))
            self._climbed(key, after.rung)
        else:
            _LOGGER.info("%s keeps its limit again", name)
            if before.rung is not None and before.rung >= Rung.OUT_OF_SERVICE:
                self._let_back(key, before.rung)
        self._keep(key, asyncio.get_running_loop().time())
        return True

    def _climbed(self, key: ConnectorKey, rung: Rung) -> None:
        """Take a step. The limits of the first two are those that the next control step sends."""
        station = self._central.stations.get(key.charger)
        if rung is Rung.SWITCHED_OFF:
            if self.on_power is not None:
                self.on_power(key.charger, False)
        elif station is not None and rung is Rung.STOPPED:
            self._spawn(_try(station, key, station.remote_stop(key.connector)))
        elif station is not None and rung is Rung.OUT_OF_SERVICE:
            work = station.change_availability(key.connector, operative=False)
            self._spawn(_try(station, key, work))

    def _let_back(self, key: ConnectorKey, rung: Rung) -> None:
        if rung is Rung.SWITCHED_OFF and self.on_power is not None:
            self.on_power(key.charger, True)
        station = self._central.stations.get(key.charger)
        if station is not None:
            work = station.change_availability(key.connector, operative=True)
            self._spawn(_try(station, key, work))


def _highest(live: LiveConnector) -> Rung:
    return Rung.SWITCHED_OFF if live.charger.has_power_switch else Rung.OUT_OF_SERVICE


async def _try(station: Station, key: ConnectorKey, work: Coroutine[object, object, None]) -> None:
    """Ask a charger for something, and after its lag for a reading that tells what came of it."""
    try:
        await work
    except StationError as error:
        # The reading that follows decides whether the next step is due.
        _LOGGER.warning("%s did not take it: %s", key, error)
    await asyncio.sleep(LAG_S)
    with suppress(StationError):
        await station.trigger(MessageTrigger.METER_VALUES, key.connector)
