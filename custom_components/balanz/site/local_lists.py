"""Brings what chargers know of tags by themselves in step with the tags, while they are idle."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial

from ..csms.lenient import integer
from ..csms.local_list import DEFAULT_PER_MESSAGE, ListUpdate, UpdateType, list_updates
from ..csms.server import CentralSystem
from ..csms.station import CommandRejected, Station, StationUnreachable
from .tags import SiteTags

DELAY_S = 10.0
"""So long is waited for further changes: tags often come one after the other."""
PAUSE_S = 0.2
"""Between two messages the line is left free, so that limits are set meanwhile."""
_LIST_LENGTH = "LocalAuthListMaxLength"
_MESSAGE_LENGTH = "SendLocalListMaxLength"
_ENABLED = "LocalAuthListEnabled"

_LOGGER = logging.getLogger(__name__)


class LocalLists:
    """Clears caches and sends local lists, where a charger has them."""

    def __init__(
        self,
        *,
        central: CentralSystem,
        tags: SiteTags,
        is_idle: Callable[[str], bool],
        spawn: Callable[[Coroutine[object, object, None]], asyncio.Task[None]],
    ) -> None:
        """Start with chargers that may know anything; `is_idle` tells by identity."""
        self._central = central
        self._tags = tags
        self._is_idle = is_idle
        self._spawn = spawn
        self._told: dict[str, int] = {}
        """The version of the tags that each charger was told last, or has refused."""
        self._due: set[str] = set()
        self._running: set[str] = set()
        self._timer: asyncio.TimerHandle | None = None

    def tags_changed(self) -> None:
        """Tell all chargers soon."""
        self._due.update(self._central.stations)
        self.stop()
        self._wait()

    def charger_changed(self, identity: str) -> None:
        """Tell a charger soon, if there is anything to tell: it is ready, or may be idle now."""
        if self._is_behind(identity) and identity not in self._due:
            self._due.add(identity)
            self._wait()

    def stop(self) -> None:
        """Tell nobody any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _is_behind(self, identity: str) -> bool:
        return self._told.get(identity, 0) != self._tags.known.version

    def _wait(self) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(DELAY_S, self._tell_all)

    def _tell_all(self) -> None:
        self._timer = None
        # Who is busy or away is due again once that has changed.
        due, self._due = self._due, set()
        for identity in due - self._running:
            station = self._central.stations.get(identity)
            if station is None or not station.ready or not self._is_behind(identity):
                continue
            if station.back_office is not None:
                # Its lists are those of the back office.
                continue
            if self._is_idle(identity):
                self._running.add(identity)
                self._spawn(self._tell(station))

    async def _tell(self, station: Station) -> None:
        version = self._tags.known.version
        try:
            with suppress(CommandRejected):
                await station.request("ClearCache", {})
            with suppress(CommandRejected):
                if not await self._bring_list_up_to_date(station):
                    return
            self._told[station.identity] = version
        except StationUnreachable:
            _LOGGER.debug("%s could not be told of tags", station.identity)
            return
        finally:
            self._running.discard(station.identity)
        # The tags may have changed meanwhile.
        self.charger_changed(station.identity)

    async def _bring_list_up_to_date(self, station: Station) -> bool:
        """Send what the charger's list lacks; False if that was broken off.

        Raises CommandRejected if it has no list, StationUnreachable.
        """
        answer = await station.request("GetLocalListVersion", {})
        held = integer(answer.get("listVersion"))
        if held is None or held < 0:
            return True
        settings = await self._settings(station)
        if settings.get(_ENABLED, "").lower() == "false":
            return True
        history = self._tags.known.history
        updates_since = partial(
            list_updates,
            history=history,
            identity=station.identity,
            rules=self._tags.desk.rules,
            now=datetime.now(UTC),
            per_message=integer(settings.get(_MESSAGE_LENGTH)) or DEFAULT_PER_MESSAGE,
            most=integer(settings.get(_LIST_LENGTH)),
        )
        updates = await asyncio.to_thread(updates_since, held)
        taken = await self._send(station, updates)
        if taken is False and updates[0].type is UpdateType.DIFFERENTIAL:
            updates = await asyncio.to_thread(updates_since, 0)
            taken = await self._send(station, updates)
        return taken is not None

    async def _send(self, station: Station, updates: tuple[ListUpdate, ...]) -> bool | None:
        """Return whether the charger took it all; None if a car came in between."""
        for update in updates:
            await asyncio.sleep(PAUSE_S)
            if not self._is_idle(station.identity):
                return None
            answer = await station.request("SendLocalList", update.payload)
            if answer.get("status") != "Accepted":
                _LOGGER.debug("%s takes no list: %s", station.identity, answer.get("status"))
                return False
        return True

    async def _settings(self, station: Station) -> dict[str, str]:
        """Return what the charger tells of its list, by the name of the key."""
        keys = [_LIST_LENGTH, _MESSAGE_LENGTH, _ENABLED]
        try:
            answer = await station.request("GetConfiguration", {"key": keys})
        except CommandRejected:
            return {}
        told = answer.get("configurationKey")
        return {
            str(one.get("key")): str(one.get("value", "")).strip()
            for one in (told if isinstance(told, list) else ())
            if isinstance(one, dict)
        }
