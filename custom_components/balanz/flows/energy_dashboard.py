"""What the Energy dashboard knows of the grid connection, for a site's form to start with."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from homeassistant.components.sensor import DOMAIN as SENSOR_DOMAIN
from homeassistant.components.sensor import SensorDeviceClass
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er

from ..balancing.phases import ALL_PHASES, Phase
from ..const import CONF_DIRECTION
from ..supply import TOTAL_SENSOR, Direction, SupplyKind, sensor_names

ENERGY = "energy"
_PHASE = re.compile(r"(?:\b|_)(?:(?:phase[ _]?)?l([123])|phase[ _]?([123abc]))(?:\b|_)")
_EXPORT = re.compile(r"export|return|production|produced|injection|feed|deliver")
_IMPORT = re.compile(r"import|consum|usage|drawn")


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownSupply:
    """Sensors that measure the grid connection."""

    kind: SupplyKind
    suggested: Mapping[str, str]
    """The fields of the kind's form, by name."""


@dataclass(frozen=True, slots=True)
class _Meter:
    """A sensor of the device that measures the grid connection."""

    entity_id: str
    device_class: str | None
    words: str

    @property
    def phase(self) -> Phase | None:
        """The one phase that it measures, as far as its names tell."""
        found = _PHASE.search(self.words)
        if found is None:
            return None
        mark = found[1] or found[2]
        return ALL_PHASES[("123" if mark.isdigit() else "abc").index(mark)]

    @property
    def way(self) -> str | None:
        """Whether it measures import or export alone, as far as its names tell."""
        if _EXPORT.search(self.words):
            return "export"
        return "import" if _IMPORT.search(self.words) else None


async def async_known_supply(hass: HomeAssistant, phases: tuple[Phase, ...]) -> KnownSupply | None:
    """Return the sensors of the grid connection, or None where the dashboard names none.

    Sensors that tell the phases apart are looked for on the device that the dashboard's own sensors
    belong to. More than one grid connection names none: nobody knows which is this one.
    """
    if ENERGY not in hass.config.components:
        return None
    # It needs packages that are installed only for those who have the dashboard.
    from homeassistant.components.energy.data import async_get_manager  # noqa: PLC0415

    preferences = (await async_get_manager(hass)).data
    sources = [] if preferences is None else preferences["energy_sources"]
    grids: list[Mapping[str, Any]] = [one for one in sources if one["type"] == "grid"]
    if len(grids) != 1:
        return None
    [grid] = grids
    meters = list(_meters(hass, grid))
    kinds = [SupplyKind.CURRENT, SupplyKind.POWER, SupplyKind.IMPORT_EXPORT]
    if grid.get("stat_energy_to"):
        # Few current sensors tell export from import.
        kinds = [*kinds[1:], SupplyKind.CURRENT]
    for kind in kinds:
        found = _by_phase(kind, phases, meters)
        if found is not None:
            return KnownSupply(kind=kind, suggested=found)
    return _total(hass, phases, grid)


def _meters(hass: HomeAssistant, grid: Mapping[str, Any]) -> Iterator[_Meter]:
    """Yield the sensors of the devices that the dashboard's sensors belong to."""
    registry = er.async_get(hass)
    own = (grid.get(name) for name in ("stat_energy_from", "stat_energy_to", "stat_rate"))
    devices = {
        entry.device_id
        for statistic in (*own, *grid.get("power_config", {}).values())
        if statistic is not None and (entry := registry.async_get(statistic)) is not None
    }
    for device_id in sorted(filter(None, devices)):
        for entry in er.async_entries_for_device(registry, device_id):
            if entry.domain == SENSOR_DOMAIN and hass.states.get(entry.entity_id) is not None:
                words = f"{entry.entity_id} {entry.original_name or ''}".casefold()
                device_class = entry.device_class or entry.original_device_class
                yield _Meter(entry.entity_id, device_class, words)


def _by_phase(
    kind: SupplyKind, phases: tuple[Phase, ...], meters: Iterable[_Meter]
) -> dict[str, str] | None:
    """Return the one sensor for each field of a kind, or None if any is missing or in doubt."""
    wanted = SensorDeviceClass.CURRENT if kind is SupplyKind.CURRENT else SensorDeviceClass.POWER
    found: dict[str, str] = {}
    for meter in meters:
        if meter.device_class != wanted or meter.phase is None:
            continue
        name = str(meter.phase).lower()
        if kind is SupplyKind.IMPORT_EXPORT:
            name = f"{meter.way}_{name}"
        elif kind is SupplyKind.POWER and meter.way is not None:
            continue
        if name in found:
            return None
        found[name] = meter.entity_id
    names = sensor_names(kind, phases)
    return {name: found[name] for name in names} if set(names) <= set(found) else None


def _total(
    hass: HomeAssistant, phases: tuple[Phase, ...], grid: Mapping[str, Any]
) -> KnownSupply | None:
    """Return the sensor of the whole connection; with one phase, its power is that of the phase."""
    config = grid.get("power_config", {})
    inverted = config.get("stat_rate_inverted")
    entity_id = inverted or config.get("stat_rate") or grid.get("stat_rate")
    if entity_id is None or hass.states.get(entity_id) is None:
        return None
    single = len(phases) == 1
    direction = Direction.EXPORT_POSITIVE if inverted else Direction.IMPORT_POSITIVE
    return KnownSupply(
        kind=SupplyKind.POWER if single else SupplyKind.TOTAL,
        suggested={
            phases[0].lower() if single else TOTAL_SENSOR: entity_id,
            CONF_DIRECTION: direction,
        },
    )
