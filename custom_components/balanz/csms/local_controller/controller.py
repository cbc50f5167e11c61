"""balanz in front of the back office of one charger."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import orjson

from ...storage.upstream_ledger import UpstreamQueue
from ..command_values import MessageTrigger
from ..frame_log import FrameLog
from ..lenient import integer
from ..rpc_errors import CallFailed
from ..rpc_frames import Payload
from ..station import Station
from ..station_errors import StationError
from ..tag_desk import TagDesk
from ..transactions import TransactionBook
from ..v16 import Desk
from .answers import DEFAULT_INTERVAL_S, SHORTEST_INTERVAL_S
from .charger_calls import ChargerCalls
from .delivery import RETRY_S, Delivery, Line, read_verbatim
from .observer import Observer
from .offline_tags import OfflineTags
from .upstream import CALL_TIMEOUT_S, Backoff, Trouble, UpstreamLeg
from .upstream_calls import ProfileDesk, ProfilePassage, UpstreamCalls
from .upstream_settings import UpstreamSettings

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long things are waited for between balanz and a back office."""

    backoff: Backoff = field(default_factory=Backoff)
    call_timeout_s: float = CALL_TIMEOUT_S
    retry_s: float = RETRY_S
    linger_s: float = 300.0
    """How long a charger that has left is connected without anything of it being taken."""
    away_s: float = 1800.0
    """How long it is away then, before it is tried again."""


class LocalController:
    """Passes one charger on to a back office, and serves it alone while that is away."""

    def __init__(
        self,
        station: Station,
        settings: UpstreamSettings,
        *,
        queue: UpstreamQueue,
        tag_desk: TagDesk,
        transactions: TransactionBook,
        profiles: Callable[[], ProfileDesk | None] = lambda: None,
        on_change: Callable[[], None] = lambda: None,
        patience: Patience | None = None,
    ) -> None:
        """Prepare; `start` is next.

        `profiles` tells who answers for charging profiles now, `on_change` is told that what is
        seen from outside has changed.
        """
        patience = patience or Patience()
        self.on_identified: Callable[[int, int], None] | None = None
        """Told the id of a transaction, and what the back office calls it."""
        self.held_keys: set[str] = set()
        """Keys that the back office wanted to change and must not."""
        self.settings = settings
        self._station = station
        self._queue = queue
        self._on_change = on_change
        self._patience = patience
        self._shown: tuple[object, ...] = ()
        self._lingering: asyncio.Task[None] | None = None
        self._reached_at = self._delivered_at = 0.0
        """When the back office was reached, and when it last took something (monotonic s)."""
        self._tasks: set[asyncio.Task[None]] = set()
        tags = OfflineTags(queue, station.identity, tag_desk, settings.unknown_tags)
        self._upstream_calls = UpstreamCalls(
            station,
            queue=queue,
            tags=tags,
            profiles=profiles,
            on_held=self._held,
        )
        self._leg = UpstreamLeg(
            settings,
            station.identity,
            peer=self._upstream_calls,
            serve=self._speak,
            on_change=self._leg_changed,
            backoff=patience.backoff,
            call_timeout_s=patience.call_timeout_s,
        )
        self._delivery = Delivery(
            queue,
            read=read_verbatim(orjson.loads),
            on_started=self._told_of_start,
            boot=self._boot,
            on_delivered=self._delivered,
            retry_s=patience.retry_s,
        )
        self._observers = [
            Observer(url, settings, station.identity, backoff=patience.backoff)
            for url in settings.observers
        ]
        self._charger_calls = ChargerCalls(
            station.identity,
            queue=queue,
            leg=self._leg,
            delivery=self._delivery,
            tags=tags,
            transactions=transactions,
            on_copy=self._copy,
            keeps_keys=lambda: profiles() is not None,
        )

    @property
    def connected(self) -> bool:
        """Whether the back office can be reached."""
        return self._leg.connected

    @property
    def trouble(self) -> Trouble | None:
        """Why the back office cannot be reached."""
        return self._leg.trouble

    @property
    def failures(self) -> int:
        """How many times in a row it could not be reached."""
        return self._leg.failures

    @property
    def frames(self) -> FrameLog:
        """The last of what it was told and has said."""
        return self._leg.frames

    @property
    def shown_out_at(self) -> float | None:
        """When its connection was last closed for what it had sent (monotonic s)."""
        return self._leg.shown_out_at

    @property
    def waiting(self) -> int:
        """How many messages wait for the back office."""
        return len(self._queue)

    @property
    def behind(self) -> int:
        """The same, without the one that is under way."""
        return max(len(self._queue) - self.connected, 0)

    @property
    def parked(self) -> int:
        """How many starts and stops it has refused for good."""
        return self._queue.parked

    @property
    def thinned(self) -> int:
        """How many messages were given up for lack of room."""
        return self._queue.thinned

    @property
    def clock_differs(self) -> bool:
        """Whether the back office has another time than here."""
        return self._charger_calls.clock_differs

    @property
    def odd_frames(self) -> int:
        """Frames of the back office that had to be mended or ignored."""
        return self._upstream_calls.odd_frames

    @property
    def desk(self) -> Desk:
        """Who decides about the tags of transactions."""
        return self._charger_calls

    def pass_profiles_through(self, passage: ProfilePassage) -> None:
        """Have the profiles noted that go on to the charger, since it answers for them itself."""
        self._upstream_calls.passage = passage

    def start(self, after: asyncio.Task[None] | None = None) -> None:
        """Take the place between the charger and its back office; dial once `after` has ended."""
        self._leg.after = after
        self._station.back_office = self
        if not self._station.connected:
            self._follow()

    async def stop(self) -> None:
        """Leave the charger to balanz alone, and keep on disk what was not delivered."""
        if self._station.back_office is self:
            self._station.back_office = None
        self._queue.keep_all()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._leg.stop()
        for observer in self._observers:
            await observer.stop()

    # What the charger's side tells

    async def serve(
        self, action: str, payload: Payload, own: Callable[[str, Payload], Awaitable[Payload]]
    ) -> Payload:
        """Return the answer to a charger's call. Raises CallError or WithholdAnswer."""
        try:
            return await self._charger_calls.serve(action, payload, own)
        finally:
            self._tell()

    def charger_connected(self, authorization: str | None) -> None:
        """Learn that the charger has connected, and what it has shown to get in."""
        self._queue.remember("authorized", "no" if authorization is None else "yes")
        self._leg.authorization = authorization
        if self._lingering is not None:
            self._lingering.cancel()
            self._lingering = None
        self._leg.start()
        for observer in self._observers:
            observer.start()

    def charger_left(self) -> None:
        """Learn that the charger's connection has ended."""
        for observer in self._observers:
            self._spawn(observer.stop())
        self._follow()

    def _follow(self) -> None:
        """Be connected as long as the charger is, and until all that it said has been delivered."""
        if self._station.connected:
            return
        must_wait = (
            self.settings.password is None
            and self._leg.authorization is None
            and self._queue.facts.get("authorized") == "yes"
        )
        if self._delivery.idle or must_wait:
            self._spawn(self._leave())
            return
        if self._lingering is None or self._lingering.done():
            self._lingering = self._spawn(self._linger())

    async def _linger(self) -> None:
        """Be connected for as long as something is taken, and try again later if nothing is.

        A back office is not to believe for ever that a charger is there.
        """
        loop, patience = asyncio.get_running_loop(), self._patience
        self._leg.start()
        left_s = patience.linger_s
        while True:
            await asyncio.sleep(left_s)
            if self._station.connected or self._delivery.idle:
                return
            taken_at = max(self._reached_at, self._delivered_at)
            left_s = taken_at + patience.linger_s - loop.time()
            if not self._leg.connected:
                # It goes on dialling.
                left_s = patience.linger_s
            elif left_s <= 0.0:
                await self._leave()
                await asyncio.sleep(patience.away_s)
                self._leg.start()
                left_s = patience.linger_s

    async def _leave(self) -> None:
        if not self._station.connected:
            await self._leg.stop()
            self._tell()

    def _copy(self, action: str, payload: Payload, local: Payload) -> None:
        for observer in self._observers:
            observer.copy(action, payload, local)

    # What the back office's side tells

    async def _speak(self, line: Line) -> None:
        """Say what is due on a new connection. Raises ConnectionLost at its end."""
        facts = self._queue.facts
        if facts.get("boot_due") == "yes":
            await self._boot(line)
        elif (
            facts.get("accepted") != "yes"
            and self._station.ready
            # The charger may have booted when there was no back office yet. One that is accepted
            # may refuse to boot again.
            and not await self._boot(line)
        ):
            with suppress(StationError):
                await self._station.trigger(MessageTrigger.BOOT_NOTIFICATION)
        await self._delivery.run(line)

    async def _boot(self, line: Line) -> bool:
        """Tell the back office of the charger's boot until it accepts it; False if none is known.

        Raises ConnectionLost.
        """
        boot = self._queue.facts.get("boot")
        if boot is None:
            return False
        read = read_verbatim(orjson.loads)
        while True:
            wait_s: float = DEFAULT_INTERVAL_S
            try:
                answer = await line.call("BootNotification", read(boot), urgent=True)
            except CallFailed as error:
                if not self._leg.connected:
                    raise
                _LOGGER.debug("%s: the boot was not taken: %s", self._station.identity, error)
            else:
                self._charger_calls.booted(answer)
                if answer.get("status") == "Accepted":
                    return True
                wait_s = max(integer(answer.get("interval")) or 0, SHORTEST_INTERVAL_S)
            await asyncio.sleep(wait_s)

    def _told_of_start(self, own_id: int, answer: Payload) -> None:
        upstream_id = self._queue.ids.get(own_id)
        if upstream_id is not None and self.on_identified is not None:
            self.on_identified(own_id, upstream_id)
        self._charger_calls.told_of_start(own_id, answer)

    def _leg_changed(self) -> None:
        if self._leg.connected:
            self._reached_at = asyncio.get_running_loop().time()
        else:
            self._queue.keep_all()
        self._tell()

    def _delivered(self) -> None:
        self._delivered_at = asyncio.get_running_loop().time()
        self._tell()
        if self._delivery.idle:
            self._follow()

    def _held(self, key: str) -> None:
        self.held_keys.add(key)
        self._on_change()

    def _tell(self) -> None:
        """Tell of a change, if there is one to be seen."""
        shown = (
            self.connected,
            self.trouble,
            self.failures,
            self.behind,
            self.parked,
            self.thinned,
            self.clock_differs,
        )
        if shown != self._shown:
            self._shown = shown
            self._on_change()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
