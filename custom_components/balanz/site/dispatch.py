"""From a command to the wire, and from the charger's answer to what is known of it."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import starmap

from ..balancing.commands import Command, Kind
from ..balancing.commitments import LAG_S
from ..balancing.inputs import Line
from ..balancing.lease import Lapse
from ..balancing.model import ConnectorKey
from ..balancing.standing import RETRY_S
from ..csms.profile_forms import OTHER_FORM_AFTER_S
from ..csms.profiles import Limit
from ..csms.server import CentralSystem
from ..csms.station import LimitAnswer, Station
from .leaving import LeavingChargers
from .live import LiveConnector
from .recorder import Recorder

HAND_OVER_S = 3.0
"""How long the end of the site waits for answers: Home Assistant does not wait for ever."""

_LOGGER = logging.getLogger(__name__)


class Dispatcher:
    """Sends what a step decided, unless it has to be recorded first."""

    def __init__(
        self,
        *,
        central: CentralSystem,
        live: Mapping[ConnectorKey, LiveConnector],
        recorder: Recorder,
        leaving: LeavingChargers,
        spawn: Callable[[Coroutine[object, object, None]], asyncio.Task[None]],
        on_answer: Callable[[LimitAnswer], None],
    ) -> None:
        """Send nothing yet; `on_answer` is called with each answer, or lack of one."""
        self._central = central
        self._live = live
        self._recorder = recorder
        self._leaving = leaving
        self._spawn = spawn
        self._on_answer = on_answer

    def line(self, key: ConnectorKey) -> Line:
        """Return whether a connector can be sent a command."""
        return _line(self._central.stations.get(key.charger), self._live[key])

    def lines(
        self, keys: Iterable[ConnectorKey]
    ) -> Iterator[tuple[ConnectorKey, LiveConnector, Line]]:
        """Yield the same for many connectors."""
        stations, known = self._central.stations, self._live
        for key in keys:
            live = known[key]
            yield key, live, _line(stations.get(key.charger), live)

    def dispatch(self, command: Command, now: float) -> None:
        """Send a command; a raise whose limit is not on disk yet is recorded instead.

        The step that follows its recording decides again whether it still fits.
        """
        key = command.key
        station = self._central.stations[key.charger]
        if command.kind is not Kind.CUT and station.busy:
            # Another connector's limit has just taken the line. What waits for it may be out of
            # date when it leaves, so it is decided anew once the line is free.
            return
        if command.kind is Kind.RAISE:
            if key in self._leaving.keys or self._recorder.is_recording(key):
                return
            if not self._recorder.covers(key, command.limit_a):
                self._recorder.start_recording(key, command.limit_a)
                return
        live = self._live[key]
        limit = _limit(
            live,
            station,
            command.limit_a,
            live.connector.fallback_a,
            lease_s=live.connector.lease_s,
        )
        live.lines_told = limit.phases if station.takes_watts else None
        live.sending(command.limit_a, now, lapse=_lapse(live, limit, station, now))
        self._spawn(self._send(command, limit, live, station))

    def reserve(self, keys: Iterable[ConnectorKey]) -> None:
        """Keep the lines of connectors free for a cut, once what occupies them has ended."""
        for key in keys:
            live = self._live[key]
            if live.balanced and not live.held:
                self._central.stations[key.charger].reserve_line()

    def send_again(self, key: ConnectorKey, now: float) -> None:
        """Tell a connector its accepted limit once more, if its line is free; it raises nothing."""
        accepted_a = self._live[key].commitment.accepted_a
        if accepted_a is not None and self.line(key) is Line.FREE:
            self.dispatch(Command(key=key, limit_a=accepted_a, kind=Kind.CUT), now)

    def follow_lines(self, now: float) -> None:
        """Tell limits in watts anew where cars turn out to use fewer, or more, lines."""
        for key, live in self._live.items():
            accepted_a = live.commitment.accepted_a
            if (
                live.lines_told is not None
                and accepted_a
                and live.lines_told != live.lines_for(accepted_a)
            ):
                self.send_again(key, now)

    async def hand_over(self) -> None:
        """Leave no charger at a limit that nobody would take back: those get their fallback.

        Whoever takes longer than a moment is left as it is.
        """
        lower_a = {
            key: limit_a
            for key, live in self._live.items()
            if self.line(key) is not Line.OFFLINE
            and (limit_a := _limit_to_leave_a(live)) is not None
        }
        if lower_a:
            with suppress(TimeoutError):
                async with asyncio.timeout(HAND_OVER_S):
                    await asyncio.gather(*starmap(self._leave_at, lower_a.items()))

    async def _leave_at(self, key: ConnectorKey, limit_a: float) -> None:
        live, now = self._live[key], asyncio.get_running_loop().time()
        live.sending(limit_a, now, lapse=Lapse(at=now, to_a=limit_a))
        station = self._central.stations[key.charger]
        limit = _limit(live, station, limit_a, limit_a)
        answer = await station.set_limit(key.connector, limit, urgent=True)
        _LOGGER.debug("%s: left at %s A: %s", key, limit_a, answer)

    async def _send(
        self, command: Command, limit: Limit, live: LiveConnector, station: Station
    ) -> None:
        sent = live.commitment.pending
        answer = await station.set_limit(
            command.key.connector, limit, urgent=command.kind is Kind.CUT
        )
        if live.commitment.pending is not sent:
            # The link went meanwhile, or nobody relies on limits any more: what was on its way is
            # booked already.
            return
        now = asyncio.get_running_loop().time()
        # Another form is tried long before what failed would be tried again.
        failed_at = now + OTHER_FORM_AFTER_S - RETRY_S if station.tries_another_form else now
        live.card = live.card.answered(answer)
        match answer:
            case LimitAnswer.ACCEPTED:
                live.accepted(now)
            case LimitAnswer.REJECTED if station.tries_another_form:
                live.commitment = live.commitment.not_sent(failed_at)
            case LimitAnswer.REJECTED:
                live.commitment = live.commitment.rejected(now)
            case LimitAnswer.TIMED_OUT:
                live.commitment = live.commitment.timed_out(failed_at)
            case LimitAnswer.NOT_SENT:
                live.commitment = live.commitment.not_sent(now)
        if answer is not LimitAnswer.ACCEPTED:
            _LOGGER.debug("%s: limit of %s A %s", command.key, command.limit_a, answer)
        self._on_answer(answer)


def _line(station: Station | None, live: LiveConnector) -> Line:
    if station is None or not station.ready:
        return Line.OFFLINE
    left_alone = live.held or not live.balanced
    if left_alone or station.busy or live.commitment.pending is not None:
        return Line.BUSY
    return Line.FREE


def _limit(
    live: LiveConnector,
    station: Station,
    limit_a: float,
    fallback_a: float,
    lease_s: float | None = None,
) -> Limit:
    """Return a limit for the lines that it may be for."""
    wired, in_watts = live.charger.phases, station.takes_watts
    return Limit(
        limit_a=limit_a,
        fallback_a=fallback_a,
        lease_s=lease_s,
        phases=live.lines_for(limit_a) if in_watts else wired,
        fallback_phases=live.lines_for(fallback_a) if in_watts else wired,
    )


def _limit_to_leave_a(live: LiveConnector) -> float | None:
    """Return what to leave a connector at; None where it is safe as it is, or nothing is known.

    Whichever limit is in force, it is not raised.
    """
    commitment, connector = live.commitment, live.connector
    set_a = commitment.limits_a
    if not set_a or max(set_a) <= connector.fallback_a:
        return None
    if connector.keeps_limit and connector.lapses and commitment.lapse is not None:
        return None
    return min(connector.fallback_a, *set_a)


def _lapse(live: LiveConnector, limit: Limit, station: Station, now: float) -> Lapse | None:
    """Return when a limit that is sent now ends by itself; None if it does not."""
    after_s = station.lapses_after_s(live.connector.key.connector, limit)
    if after_s is None:
        return None
    slower_s = max(live.commitment.lag_s - LAG_S, 0.0)
    return Lapse(at=now + after_s + slower_s, to_a=min(limit.limit_a, limit.fallback_a))
