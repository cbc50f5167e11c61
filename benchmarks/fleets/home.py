"""A Home Assistant that is full of chargers.

One site, one group and one charger are set up through the forms. The others are copies of these in
Home Assistant's own files, since a thousand forms would take longer than all that is measured.
"""

import asyncio
import contextlib
import json
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from simulator.home_assistant import HassProcess, free_port
from simulator.home_assistant_client import Flow
from simulator.site_setup import SetupFailed, SiteSetup, charger_form

PER_GROUP = 20
WATCHED = 10
"""How many chargers are in the group whose house load rises."""
MAXIMUM_A = 16.0
WATCHED_RATING_A = 80.0
WATCHED_SHARE_A = 60.0
"""What each of them has at first."""
HOUSE_A = 10.0
MARGIN_A = 1.0
ENTITIES = (
    "sensor.status",
    "binary_sensor.charging",
    "sensor.current_l1",
    "sensor.power",
    "sensor.energy",
    "sensor.session_energy",
    "sensor.limit_commanded",
    "sensor.reason",
)
"""The eight kinds of entities that the chargers have: half of them states, half measurements."""

ALLOCATOR = {
    "MALLOC_ARENA_MAX": "2",
    "MALLOC_MMAP_THRESHOLD_": "131072",
    "MALLOC_TRIM_THRESHOLD_": "131072",
}
"""Has glibc give back what was freed.

Left to itself it keeps it for each thread: the larger the registries, the more, each time that one
of them is read or written, though nothing needs it any more. The images in which Home Assistant is
installed bring an allocator that gives it back; without one, these settings come nearest to it.
"""
SETTLED_S = 45.0
"""What Home Assistant still does after its start is over after this long."""

_METER_EVENT = "fleet_meter"
_WATCHED_SENSORS = tuple(f"sensor.watched_current_l{line}" for line in (1, 2, 3))
_MAIN_SENSORS = tuple(f"sensor.grid_current_l{line}" for line in (1, 2, 3))
_SENSOR = """\
      - name: {name} current L{line}
        unique_id: fleet_{key}_current_l{line}
        device_class: current
        state_class: measurement
        unit_of_measurement: A
        state: "{{{{ trigger.event.data.{key} }}}}"
"""
_CONFIGURATION = (
    f"""
loop_probe:
template:
  - triggers:
      - trigger: event
        event_type: {_METER_EVENT}
    sensor:
"""
    + "".join(_SENSOR.format(name="Grid", key="grid", line=line) for line in (1, 2, 3))
    + "".join(_SENSOR.format(name="Watched", key="watched", line=line) for line in (1, 2, 3))
)
_PROBE = Path(__file__).parent / "loop_probe"

type Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What the probe told; all but the memory since it was last asked."""

    at_s: float
    cpu_s: float
    """Of all threads, since the start."""
    memory_mib: float
    loop_delay_p99_ms: float
    """How late the event loop was, over all moments."""
    own_delay_p99_ms: float
    """The same, less what it waited for a processor that others had."""


class FleetHome:
    """A Home Assistant with a site of so many chargers."""

    def __init__(self, hass: HassProcess, count: int, ocpp_port: int) -> None:
        """Take over a Home Assistant that was not started yet."""
        self._hass = hass
        self._count = count
        self.ocpp_port = ocpp_port
        self.empty_memory_mib = 0.0
        """What it takes without a site, its recorder and all else being the same."""

    @property
    def watched(self) -> int:
        """How many chargers are in the watched group."""
        return min(WATCHED, self._count)

    @classmethod
    @contextlib.asynccontextmanager
    async def running(cls, count: int) -> AsyncIterator[FleetHome]:
        """Give one with a folder of its own; it ends with the context."""
        with tempfile.TemporaryDirectory(prefix="balanz-fleet-") as folder:
            config = Path(folder)
            shutil.copytree(
                _PROBE,
                config / "custom_components/loop_probe",
                ignore=shutil.ignore_patterns("__pycache__"),
            )
            hass = HassProcess(
                config, free_port(), extra_configuration=_CONFIGURATION, environment=ALLOCATOR
            )
            home = cls(hass, count, free_port())
            try:
                await home._set_up()
                yield home
            finally:
                await hass.stop()

    async def read(self) -> Reading:
        """Ask the probe."""
        answer = await self._hass.client.request(
            "POST", "/api/services/loop_probe/read?return_response", {}
        )
        return Reading(**answer["service_response"])

    async def report_meters(self, *, grid_a: float, watched_a: float) -> None:
        """Let the meters report what flows on each phase."""
        await self._hass.client.request(
            "POST",
            f"/api/events/{_METER_EVENT}",
            {"grid": round(grid_a, 2), "watched": round(watched_a, 2)},
        )

    async def watched_meter_written_at(self) -> float:
        """Return when the state of the watched group's meter was written last, s since epoch."""
        state = await self._hass.client.state(_WATCHED_SENSORS[0])
        assert state is not None
        return datetime.fromisoformat(state["last_updated"]).timestamp()

    async def restart(self) -> None:
        """Restart in an orderly way, whatever the chargers do."""
        await self._hass.stop()
        await self._hass.start()

    def entities_per_charger(self) -> float:
        """Return how many entities of each charger Home Assistant keeps, as it was stored last."""
        store = json.loads(self._storage("core.entity_registry").read_text(encoding="utf-8"))
        return entities_per_charger(store["data"]["entities"], self._count)

    async def watched_states(self) -> dict[str, str]:
        """Return what is said of the watched group and its first charger, by entity."""
        states = await self._hass.client.request("GET", "/api/states")
        told = ("watched_", "cp_1_")
        return {
            one["entity_id"]: one["state"]
            for one in states
            if one["entity_id"].partition(".")[2].startswith(told)
        }

    def log(self) -> str:
        """Return what Home Assistant has printed."""
        return self._hass.log()

    async def _set_up(self) -> None:
        await self._hass.start()
        await asyncio.sleep(SETTLED_S)
        self.empty_memory_mib = (await self.read()).memory_mib
        await self._fill_in_forms()
        await self._hass.stop()
        self._copy_chargers()
        # Now Home Assistant writes down which entities there are, and what it makes of them: here
        # of all at once, of one charger after the other where they are added through the form.
        await self._hass.start()
        await asyncio.sleep(SETTLED_S)
        await self._hass.stop()
        await self._hass.start()

    async def _fill_in_forms(self) -> None:
        client = self._hass.client
        await self.report_meters(grid_a=HOUSE_A, watched_a=HOUSE_A)
        site = await SiteSetup.add(client, name="Fleet", port=self.ocpp_port, main_fuse_a=1000)
        group = await client.subentry_flow(site.entry_id, "group")
        await group.submit({"name": "Watched", "parent": "root", "rating_a": 1000})
        await group.submit({"next_step_id": "supply_current"})
        sensors = dict(zip(("l1", "l2", "l3"), _WATCHED_SENSORS, strict=True))
        await group.submit(
            {
                **sensors,
                "direction": "import_positive",
                "advanced": {"margin_a": MARGIN_A, "max_age_s": 60},
            }
        )
        _expect_entry(group)
        await site.add_group(name="Feeder", rating_a=PER_GROUP * MAXIMUM_A + 1)
        charger = await client.subentry_flow(site.entry_id, "charger")
        form = charger_form(
            name="CP-1", group_id="root", rating_a=16, phases=3, phase_map="l1_l2_l3"
        )
        await charger.submit({"identity": "CP-1", "security": "open", **form})
        _expect_entry(charger)

    def _copy_chargers(self) -> None:
        path = self._storage("core.config_entries")
        store = json.loads(path.read_text(encoding="utf-8"))
        (entry,) = (one for one in store["data"]["entries"] if one["domain"] == "balanz")
        copy_chargers(entry, count=self._count, watched=self.watched)
        path.write_text(json.dumps(store), encoding="utf-8")

    def _storage(self, key: str) -> Path:
        return self._hass.config / ".storage" / key


def copy_chargers(entry: Json, *, count: int, watched: int) -> None:
    """Fill a stored config entry with so many chargers, the first ones in the watched group."""
    by_title = {one["title"]: one for one in entry["subentries"]}
    watched_group, feeder, charger = (by_title[title] for title in ("Watched", "Feeder", "CP-1"))
    entry["options"] = {"charger_entities": list(ENTITIES)}
    entry["data"]["rating_a"] = 1000 + count * WATCHED_RATING_A
    watched_group["data"]["rating_a"] = HOUSE_A + MARGIN_A + watched * WATCHED_SHARE_A
    feeders = [feeder] + [
        _copy(feeder, number, title=f"Feeder {number}", unique_id=f"group:feeder{number}")
        for number in range(1, (count - watched) // PER_GROUP + 1)
    ]
    chargers = [charger] + [
        _copy(charger, 5000 + number, title=f"CP-{number}", unique_id=f"charger:CP-{number}")
        for number in range(2, count + 1)
    ]
    for number, copied in enumerate(chargers, start=1):
        if number <= watched:
            group, rating_a = watched_group, WATCHED_RATING_A
        else:
            group, rating_a = feeders[(number - watched - 1) // PER_GROUP], MAXIMUM_A
        copied["data"] |= {
            "identity": f"CP-{number}",
            "group": group["unique_id"].removeprefix("group:"),
            "rating_a": rating_a,
            "maximum_a": rating_a,
        }
    entry["subentries"] = [watched_group, *feeders, *chargers]


def entities_per_charger(entities: Iterable[Json], count: int) -> float:
    """Return how many entities of each charger Home Assistant has stored, also disabled ones."""
    of_chargers = [
        one
        for one in entities
        if one["platform"] == "balanz" and "_charger_CP-" in one["unique_id"]
    ]
    return len(of_chargers) / count


def _copy(subentry: Json, number: int, *, title: str, unique_id: str) -> Json:
    copied: Json = json.loads(json.dumps(subentry))
    subentry_id = f"{subentry['subentry_id'][:-6]}{number:06}"
    return copied | {"subentry_id": subentry_id, "title": title, "unique_id": unique_id}


def _expect_entry(flow: Flow) -> None:
    if flow.step["type"] != "create_entry":
        raise SetupFailed(str(flow.step))
