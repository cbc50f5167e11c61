"""Find out what a charger can do, make it meter often enough, and ask how it is.

Nothing here is needed for a limit to be set, and nothing that a charger refuses stops it.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from enum import Enum, auto
from typing import Any, Protocol

from .capabilities import Capabilities, Key, Setting
from .interview_pace import InterviewPace
from .quirks import Questions, Quirks
from .rpc_frames import Payload
from .station_errors import CommandRejected, StationError, StationUnreachable

_LOGGER = logging.getLogger(__name__)

NEEDED_MEASURANDS = ("Current.Import", "Power.Active.Import", "Energy.Active.Import.Register")
OF_THIS_CHARGER = (Key.CONNECTORS, Key.METER_INTERVAL, Key.MEASURANDS)
"""What one charger may have set otherwise than the next one of its firmware."""
MAX_SETTINGS = 200
MAX_SILENCES = 3
PAUSE_S = 0.2
"""Between questions the line is left free, so that limits are set meanwhile."""


type Ask = Callable[[str, Payload], Awaitable[Payload]]
"""Send a call on the connection that is asked on and return its answer. Raises StationError."""


class Extent(Enum):
    """How much a charger is asked."""

    ALL = auto()
    METER = auto()
    """How it meters and how it is: what it can do is known of its firmware."""
    STATE = auto()
    """How it is."""


class Interviewee(Protocol):
    """A charger that can be asked."""

    identity: str
    quirks: Quirks

    @property
    def connector_count(self) -> int | None:
        """How many connectors it has, if that is known."""
        ...

    def learn(self, capabilities: Capabilities) -> None:
        """Learn what the charger says that it can do."""
        ...

    def count_connectors(self, count: int) -> None:
        """Learn how many connectors there are."""
        ...


async def interview(station: Interviewee, extent: Extent, *, pace: InterviewPace, ask: Ask) -> None:
    """Hold the interview in its turn; it ends early with a charger that does not answer at all."""
    await pace.take()
    try:
        await _Interview(station, ask).hold(extent)
    except StationUnreachable:
        _LOGGER.debug("%s: the interview was broken off", station.identity)


class _Interview:
    def __init__(self, station: Interviewee, ask: Ask) -> None:
        self._station = station
        self._send = ask
        self._silences = 0

    async def hold(self, extent: Extent) -> None:
        quirks = self._station.quirks
        if extent is not Extent.STATE and quirks.questions is not Questions.NONE:
            if extent is Extent.ALL:
                settings = await self._read_settings()
                self._station.learn(Capabilities.from_settings(settings))
            else:
                settings = await self._read(OF_THIS_CHARGER)
            self._station.count_connectors(Capabilities.from_settings(settings).connectors or 0)
            if quirks.tunes_meter:
                await self._tune_meter(settings, interval_s=quirks.meter_interval_s)
        if not quirks.triggers:
            return
        for connector in range(1, (self._station.connector_count or 1) + 1):
            for message in ("StatusNotification", "MeterValues"):
                await self._ask(
                    "TriggerMessage", {"requestedMessage": message, "connectorId": connector}
                )

    async def _read_settings(self) -> dict[Key, Setting]:
        """Return the interesting settings: of all if the charger lists them, else one by one."""
        if self._station.quirks.questions is Questions.ALL:
            settings = _parse_settings(await self._ask("GetConfiguration", {}))
            if settings:
                return settings
        return await self._read_one_by_one(tuple(Key))

    async def _read(self, keys: Iterable[Key]) -> dict[Key, Setting]:
        """Return some settings, in one question if the charger can be asked so."""
        if self._station.quirks.questions is Questions.BY_KEY:
            return await self._read_one_by_one(keys)
        names = [key.value for key in keys]
        return _parse_settings(await self._ask("GetConfiguration", {"key": names}))

    async def _read_one_by_one(self, keys: Iterable[Key]) -> dict[Key, Setting]:
        settings: dict[Key, Setting] = {}
        for key in keys:
            settings |= _parse_settings(await self._ask("GetConfiguration", {"key": [key.value]}))
        return settings

    async def _tune_meter(self, settings: dict[Key, Setting], *, interval_s: int) -> None:
        """Have the meter read often and in full. What already fits is never written again."""
        interval = settings.get(Key.METER_INTERVAL)
        if interval and not interval.readonly and interval.value.strip() != str(interval_s):
            await self._change(Key.METER_INTERVAL, str(interval_s))
        measurands = settings.get(Key.MEASURANDS)
        if measurands and not measurands.readonly:
            present = [name.strip() for name in measurands.value.split(",") if name.strip()]
            # Some chargers name each line, as in Current.Import.L1.
            missing = [
                name
                for name in NEEDED_MEASURANDS
                if not any(f"{it}.".startswith(f"{name}.") for it in present)
            ]
            if missing:
                await self._change(Key.MEASURANDS, ",".join((*present, *missing)))

    async def _change(self, key: Key, value: str) -> None:
        answer = await self._ask("ChangeConfiguration", {"key": key.value, "value": value})
        status = answer.get("status") if answer else None
        _LOGGER.debug("%s: %s=%s: %s", self._station.identity, key, value, status)

    async def _ask(self, action: str, payload: Payload) -> Payload | None:
        """Return an answer, or None without one. Raises StationUnreachable if there is no use."""
        await asyncio.sleep(PAUSE_S)
        try:
            answer = await self._send(action, payload)
        except CommandRejected as error:
            _LOGGER.debug("%s refuses %s: %s", self._station.identity, action, error)
        except StationError:
            self._silences += 1
            if self._silences >= MAX_SILENCES:
                raise
        else:
            self._silences = 0
            return answer
        return None


def _parse_settings(answer: Payload | None) -> dict[Key, Setting]:
    """Read a configuration as far as it can be understood; names may be in any case."""
    names = {key.value.lower(): key for key in Key}
    entries: Any = answer.get("configurationKey") if answer else None
    settings: dict[Key, Setting] = {}
    for entry in entries[:MAX_SETTINGS] if isinstance(entries, list) else []:
        key = names.get(str(entry.get("key")).lower()) if isinstance(entry, dict) else None
        if key is not None and entry.get("value") is not None:
            settings[key] = Setting(
                value=str(entry["value"]), readonly=entry.get("readonly") is True
            )
    return settings
